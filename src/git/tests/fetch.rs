//! Commits that a clone lacks, fetched from a forge that git itself serves, and everything that can keep them away.

use std::collections::BTreeMap;
use std::path::Path;

use http::{Response, StatusCode};
use secrecy::SecretString;

use crate::config::Changes;
use crate::environment::Environment;

use super::checkout::{Checkout, Files, environment_of, lines, refusal};
use super::forge::{Forge, REMOTE_URL, basic};
use super::pairs::parted;

/// A site with many files and a commit for each of `commits` changes.
fn site(commits: usize) -> Checkout {
    let mut files = Files::new();
    for page in 0..200 {
        files.insert(format!("public/{}/{page}.html", page % 20).into_bytes(), ("100644", vec![b'x'; 200 + page]));
    }
    let mut history = vec![files.clone()];
    for commit in 0..commits {
        let page = commit % 200;
        let content = format!("{commit} {}", "y".repeat(300)).into_bytes();
        files.insert(format!("public/{}/{page}.html", page % 20).into_bytes(), ("100644", content));
        history.push(files.clone());
    }
    Checkout::with(&history)
}

/// A clone that believes to have come from the forge.
fn cloned(origin: &Checkout, arguments: &[&str]) -> Checkout {
    let clone = origin.clone(arguments);
    clone.git(&["remote", "set-url", "origin", REMOTE_URL]);
    clone
}

fn given(base: &str) -> Changes {
    Changes::Git { base: Some(base.to_owned()), head: None }
}

/// Every file of a folder with its content, and every folder.
fn contents(folder: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let is_folder = path.is_dir();
            found.insert(path.display().to_string(), (!is_folder).then(|| std::fs::read(&path).unwrap()));
            open.extend(is_folder.then_some(path));
        }
    }
    found
}

#[test]
fn a_missing_base_is_fetched_without_contents_and_the_clone_stays_as_it_was() {
    let origin = site(60);
    let base = origin.id("HEAD~50");
    {
        let clone = cloned(&origin, &["--depth=1"]);
        let before = contents(&clone.path);
        let forge = Forge::of(&origin);
        let found = forge.search(&clone, &given(&base), &Environment::new()).unwrap();
        assert_eq!(lines(&found.files), lines(&origin.between(&base, "HEAD").unwrap().files));
        assert_eq!(found.range.base.as_deref(), Some(&*base));
        assert_eq!(contents(&clone.path), before);
        assert_eq!(std::fs::read_dir(forge.temporary.path()).unwrap().count(), 0, "nothing is left behind");
        let requests = forge.requests.borrow();
        let expected = [
            format!("GET {REMOTE_URL}/info/refs?service=git-upload-pack -"),
            format!("POST {REMOTE_URL}/git-upload-pack -"),
        ];
        assert_eq!(requests[..], expected);
        let note = format!(
            "fetched the commit `{base}` from `{REMOTE_URL}`: {} bytes in 2 requests so far",
            forge.bytes.get()
        );
        assert_eq!(forge.notes.borrow()[..], [note]);
        assert!(forge.bytes.get() < 8_000, "{} bytes: less than the contents of fifty pages", forge.bytes.get());
    }
}

#[test]
fn a_server_that_cannot_filter_sends_contents_too() {
    let origin = site(20);
    let clone = cloned(&origin, &["--depth=1"]);
    let forge = Forge::of(&origin);
    origin.git(&["config", "uploadpack.allowFilter", "false"]);
    let base = origin.id("HEAD~15");
    let found = forge.search(&clone, &given(&base), &Environment::new()).unwrap();
    assert_eq!(lines(&found.files), lines(&origin.between(&base, "HEAD").unwrap().files));
    assert!(forge.notes.borrow()[0].contains("can't leave out file contents"), "{:?}", forge.notes.borrow());
}

#[test]
fn a_parent_that_is_cut_off_and_a_push_before_it_are_fetched_alone() {
    let origin = site(10);
    let clone = cloned(&origin, &["--depth=1"]);
    let forge = Forge::of(&origin);
    let changes = Changes::Git { base: None, head: None };
    let found = forge.search(&clone, &changes, &Environment::new()).unwrap();
    assert_eq!(found.range.base, Some(origin.id("HEAD~1")));
    assert_eq!(lines(&found.files), ["M public/9/9.html"]);
    let event = serde_json::json!({
        "ref": "refs/heads/main", "before": origin.id("HEAD~3"), "after": origin.id("HEAD"),
        "repository": { "default_branch": "main" },
    });
    let file = clone.outside().join("event.json");
    std::fs::write(&file, event.to_string()).unwrap();
    let environment = environment_of(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_EVENT_PATH", file.to_str().unwrap()),
    ]);
    let found = forge.search(&clone, &changes, &environment).unwrap();
    assert_eq!(lines(&found.files), ["M public/7/7.html", "M public/8/8.html", "M public/9/9.html"]);
}

#[test]
fn names_of_branches_and_tags_are_looked_up_on_the_server() {
    let origin = site(10);
    origin.git(&["branch", "deployed", "HEAD~4"]);
    origin.git(&["tag", "--annotate", "--message=x", "v1", "HEAD~2"]);
    {
        let clone = cloned(&origin, &["--depth=1", "--single-branch", "--no-tags", "--branch=main"]);
        let forge = Forge::of(&origin);
        for (name, files) in [("deployed", 4), ("origin/deployed", 4), ("refs/heads/deployed", 4), ("v1", 2)] {
            let found = forge.search(&clone, &given(name), &Environment::new()).unwrap();
            assert_eq!(found.files.len(), files, "{name}");
        }
        let refused = refusal(forge.search(&clone, &given("nothing-of-that"), &Environment::new()));
        assert!(refused.contains("unknown revision `nothing-of-that`"), "{refused}");
        // Git's operators need the history that isn't here.
        assert!(refusal(forge.search(&clone, &given("main~5"), &Environment::new())).contains("unknown revision"));
    }
}

#[test]
fn a_branch_that_has_another_commit_by_now_is_named_and_only_that_of_the_job_is_looked_up() {
    let origin = site(3);
    let clone = cloned(&origin, &["--branch=main"]);
    let head = clone.id("HEAD");
    let github = |reference| [("GITHUB_ACTIONS", "true"), ("GITHUB_REF", reference), ("GITHUB_SHA", &*head)];
    let gitlab = [("GITLAB_CI", "true"), ("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_SHA", &*head)];
    let forge = Forge::of(&origin);
    assert_eq!(forge.newer_head(&clone, &head, &github("refs/heads/main")), None);
    origin.import("main", Some("main"), &[Files::new()]);
    let newer = Some(("main".to_owned(), origin.id("main")));
    assert_ne!(origin.id("main"), head);
    for job in [github("refs/heads/main"), gitlab] {
        forge.requests.take();
        assert_eq!(forge.newer_head(&clone, &head, &job), newer);
        assert_eq!(forge.requests.take().len(), 2);
    }
    assert_eq!(forge.newer_head(&clone, &head, &github("refs/heads/deleted")), None);
    forge.requests.take();
    // A pull request, a commit that isn't the job's, and no job at all.
    assert_eq!(forge.newer_head(&clone, &head, &github("refs/pull/7/merge")), None);
    assert_eq!(forge.newer_head(&clone, &clone.id("HEAD~1"), &github("refs/heads/main")), None);
    assert_eq!(forge.newer_head(&clone, &head, &[]), None);
    let off = Forge { is_on: false, ..Forge::of(&origin) };
    assert_eq!(off.newer_head(&clone, &head, &github("refs/heads/main")), None);
    assert_eq!((forge.requests.take().len(), off.requests.take().len()), (0, 0));
    assert_eq!(Forge::empty().newer_head(&clone, &head, &github("refs/heads/main")), None);
}

#[test]
fn a_clone_without_directories_gets_them() {
    let origin = site(10);
    let clone = cloned(&origin, &["--filter=tree:0", "--no-checkout"]);
    let forge = Forge::of(&origin);
    let base = origin.id("HEAD~5");
    let found = forge.search(&clone, &given(&base), &Environment::new()).unwrap();
    assert_eq!(lines(&found.files), lines(&origin.between(&base, "HEAD").unwrap().files));
}

#[test]
fn what_the_server_has_not_is_said_in_its_words() {
    let origin = site(3);
    let clone = cloned(&origin, &["--depth=1"]);
    let gone = "1".repeat(40);
    {
        let forge = Forge::of(&origin);
        let refused = refusal(forge.search(&clone, &given(&gone), &Environment::new()));
        for part in [&gone, REMOTE_URL, "the server says: upload-pack: not our ref", "was never pushed"] {
            assert!(refused.contains(part), "{part} in {refused}");
        }
        assert_eq!(std::fs::read_dir(forge.temporary.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_server_with_an_older_protocol_is_refused_with_the_depth_to_set() {
    let origin = site(3);
    let clone = cloned(&origin, &["--depth=1"]);
    let forge = Forge { version: 0, ..Forge::of(&origin) };
    let refused = refusal(forge.search(&clone, &given(&origin.id("HEAD~2")), &Environment::new()));
    for part in ["doesn't speak version 2 of git's protocol", "fetch-depth"] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
    assert_eq!(forge.requests.borrow().len(), 1);
}

#[test]
fn without_fetch_or_a_remote_the_refusal_is_that_of_the_clone() {
    let origin = site(3);
    let base = origin.id("HEAD~2");
    let clone = cloned(&origin, &["--depth=1"]);
    let off = Forge { is_on: false, ..Forge::of(&origin) };
    let refused = refusal(off.search(&clone, &given(&base), &Environment::new()));
    assert_eq!(refused, refusal(clone.between(&base, "HEAD")));
    assert!(off.requests.borrow().is_empty());
    clone.git(&["remote", "remove", "origin"]);
    let alone = Forge::of(&origin);
    assert_eq!(refusal(alone.search(&clone, &given(&base), &Environment::new())), refused);
    assert!(alone.requests.borrow().is_empty());
}

#[test]
fn each_credential_is_tried_until_one_opens_and_all_are_masked_first() {
    let origin = site(3);
    let clone = cloned(&origin, &["--depth=1"]);
    let left = basic("x-access-token", "left-by-checkout");
    clone.git(&["config", "http.https://forge.example/.extraheader", &format!("AUTHORIZATION: {left}")]);
    let token = Some(SecretString::from("given-token"));
    let forge = Forge { password: Some("left-by-checkout"), token, ..Forge::of(&origin) };
    let base = origin.id("HEAD~2");
    forge.search(&clone, &given(&base), &Environment::new()).unwrap();
    let used: Vec<String> = forge
        .requests
        .borrow()
        .iter()
        .map(|one| one.split_once(' ').unwrap().1.split_once(' ').unwrap().1.to_owned())
        .collect();
    assert_eq!(used, [basic("x-access-token", "given-token"), left.clone(), left.clone()]);
    let masked = forge.masked.borrow();
    for secret in ["given-token", "left-by-checkout", left.strip_prefix("Basic ").unwrap()] {
        assert!(masked.iter().any(|one| one == secret), "{secret}");
    }
    assert!(forge.notes.borrow().iter().all(|note| masked.iter().all(|secret| !note.contains(secret))));
}

#[test]
fn a_wrong_token_is_an_error_that_says_which_and_never_what() {
    let origin = site(3);
    let clone = cloned(&origin, &["--depth=1"]);
    let token = Some(SecretString::from("wrong-token"));
    let forge = Forge { password: Some("right-token"), token, ..Forge::of(&origin) };
    let refused = refusal(forge.search(&clone, &given(&origin.id("HEAD~2")), &Environment::new()));
    for part in ["HTTP 401: Bad credentials", "with the option `token`", "contents: read"] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
    assert!(!refused.contains("wrong-token"));
    let anonymous = Forge { password: Some("right-token"), ..Forge::of(&origin) };
    let refused = refusal(anonymous.search(&clone, &given(&origin.id("HEAD~2")), &Environment::new()));
    assert!(refused.contains("wants credentials") && refused.contains("give a `token`"), "{refused}");
}

fn sent_on(to: &'static str) -> super::forge::Forge {
    let answers = Box::new(move |request: &http::Request<bytes::Bytes>| {
        let is_old = request.uri().path().starts_with("/team/site.git");
        let response = Response::builder().status(StatusCode::MOVED_PERMANENTLY).header("location", to);
        is_old.then(|| response.body(Vec::new()).unwrap())
    });
    Forge { answers, token: Some(SecretString::from("token")), ..Forge::empty() }
}

#[test]
fn a_renamed_repository_is_followed_on_the_same_server_and_nowhere_else() {
    let origin = site(3);
    let clone = cloned(&origin, &["--depth=1"]);
    let changes = given(&origin.id("HEAD~2"));
    let same = sent_on("/team/new.git/info/refs?service=git-upload-pack");
    let same = Forge { answers: same.answers, ..Forge::of(&origin) };
    assert_eq!(same.search(&clone, &changes, &Environment::new()).unwrap().files.len(), 2);
    assert!(same.requests.borrow()[2].starts_with("POST https://forge.example/team/new.git/git-upload-pack"));
    for elsewhere in [
        "https://evil.example/team/site.git/info/refs?service=git-upload-pack",
        "http://forge.example/team/site.git/info/refs",
        "//evil.example/x/info/refs",
        "https://forge.example:8443/x/info/refs",
        "https://forge.example/login",
    ] {
        let forge = sent_on(elsewhere);
        let refused = refusal(forge.search(&clone, &changes, &Environment::new()));
        assert!(refused.contains("redirects"), "{refused}");
        assert_eq!(forge.requests.borrow().len(), 1, "{elsewhere}");
    }
    let round = sent_on("/team/site.git/info/refs");
    assert!(refusal(round.search(&clone, &changes, &Environment::new())).contains("more than 3 times"));
}

#[test]
fn a_page_of_a_proxy_is_no_answer_and_what_is_cut_off_is_none_either() {
    let origin = site(3);
    let clone = cloned(&origin, &["--depth=1"]);
    let changes = given(&origin.id("HEAD~2"));
    let page =
        || Some(Response::builder().header("content-type", "text/html").body(b"<html>login</html>".to_vec()).unwrap());
    let forge = Forge { answers: Box::new(move |_| page()), ..Forge::of(&origin) };
    let refused = refusal(forge.search(&clone, &changes, &Environment::new()));
    assert!(refused.contains("can't be fetched"), "{refused}");
    let late = move |request: &http::Request<bytes::Bytes>| if request.method() == "POST" { page() } else { None };
    let forge = Forge { answers: Box::new(late), ..Forge::of(&origin) };
    let refused = refusal(forge.search(&clone, &changes, &Environment::new()));
    assert!(refused.contains("responds with `text/html`"), "{refused}");
    let result = |body: &'static [u8]| {
        Response::builder().header("content-type", "application/x-git-upload-pack-result").body(body.to_vec()).unwrap()
    };
    for (body, words) in [
        (&b""[..], "sent no objects"),
        (b"000dpackfile\n", "sent no objects"),
        (b"000dpackfile\n0009\x01PACK", "broke off"),
        (b"000dpackfile\n000f\x01not a pack0000", "pack can't"),
        (b"000dpackfile\n0011\x01PACK\0\0\0\x02\0\0\0\x000000", "pack can't"),
    ] {
        let answers =
            Box::new(move |request: &http::Request<bytes::Bytes>| (request.method() == "POST").then(|| result(body)));
        let forge = Forge { answers, ..Forge::of(&origin) };
        let refused = refusal(forge.search(&clone, &changes, &Environment::new()));
        assert!(refused.contains(words), "{words} in {refused}");
    }
}

#[test]
fn a_folder_is_read_where_it_is() {
    let origin = site(5);
    let clone = origin.clone(&["--depth=1"]);
    let before = contents(&origin.path);
    let forge = Forge::empty();
    let base = origin.id("HEAD~4");
    let found = forge.search(&clone, &given(&base), &Environment::new()).unwrap();
    assert_eq!(lines(&found.files), lines(&origin.between(&base, "HEAD").unwrap().files));
    assert_eq!(forge.notes.borrow()[..], [format!("read the commit `{base}` from `{}`", origin.path.display())]);
    assert_eq!(contents(&origin.path), before);
    origin.git(&["branch", "deployed", "HEAD~3"]);
    assert_eq!(forge.search(&clone, &given("deployed"), &Environment::new()).unwrap().files.len(), 3);
    clone.git(&["remote", "set-url", "origin", "/nonexistent"]);
    let refused = refusal(forge.search(&clone, &given(&base), &Environment::new()));
    assert!(refused.contains("there is no repository"), "{refused}");
    assert!(forge.requests.borrow().is_empty());
}

/// The settings may be a stranger's, and another project's repository may lie on the same machine.
#[test]
fn where_the_ci_names_its_directory_a_folder_outside_of_it_is_not_read() {
    let origin = site(5);
    origin.git(&["branch", "deployed", "HEAD~3"]);
    let clone = origin.clone(&["--depth=1"]);
    let workspace = clone.path.to_str().unwrap();
    let environment = environment_of(&[("GITHUB_ACTIONS", "true"), ("GITHUB_WORKSPACE", workspace)]);
    let forge = Forge::empty();
    for base in ["deployed", &origin.id("HEAD~4")] {
        let refused = refusal(forge.search(&clone, &given(base), &environment));
        assert!(refused.contains("outside of the directory that the CI made"), "{refused}");
    }
    clone.git(&["clone", "--quiet", "--bare", origin.path.to_str().unwrap(), "inside.git"]);
    clone.git(&["remote", "set-url", "origin", "inside.git"]);
    assert_eq!(forge.search(&clone, &given("deployed"), &environment).unwrap().files.len(), 3);
}

/// A topic branch of four commits, left from `main` 100 commits ago.
fn long_parted() -> Checkout {
    let origin = site(300);
    let file = |text: &str| ("100644", text.as_bytes().to_vec());
    let commits: Vec<Files> =
        (0..4).map(|number| Files::from([(b"only".to_vec(), file(&number.to_string()))])).collect();
    let parted = origin.id("HEAD~100");
    origin.import("topic", Some(&parted), &commits);
    origin
}

fn against_main(clone: &Checkout) -> (Changes, Environment) {
    let environment = environment_of(&[
        ("JENKINS_URL", "https://ci.example"),
        ("BUILD_NUMBER", "1"),
        ("CHANGE_ID", "7"),
        ("CHANGE_TARGET", "main"),
    ]);
    let _ = clone;
    (Changes::Git { base: None, head: None }, environment)
}

#[test]
fn a_merge_base_in_a_shallow_clone_is_found_by_fetching_history_until_it_is_sure() {
    let origin = long_parted();
    for arguments in [
        &["--depth=1", "--branch=topic"][..],
        &["--depth=3", "--branch=topic", "--no-single-branch"],
        &["--single-branch", "--branch=topic"],
    ] {
        let clone = cloned(&origin, arguments);
        let before = contents(&clone.path);
        let forge = Forge::of(&origin);
        let (changes, environment) = against_main(&clone);
        let found = forge.search(&clone, &changes, &environment).unwrap();
        assert_eq!(found.range.base, Some(origin.git(&["merge-base", "main", "topic"])), "{arguments:?}");
        assert!(found.range.reason.starts_with("the merge base with `main`"), "{}", found.range.reason);
        assert!(forge.notes.borrow()[0].contains("commits of history for the merge base with `main`"));
        assert_eq!(contents(&clone.path), before);
    }
}

#[test]
fn a_merge_base_that_the_shallow_clone_proves_needs_no_network() {
    let origin = parted();
    let clone = cloned(&origin, &["--depth=4", "--branch=topic", "--no-single-branch"]);
    let forge = Forge::of(&origin);
    let (changes, environment) = against_main(&clone);
    let found = forge.search(&clone, &changes, &environment).unwrap();
    assert_eq!(found.range.base, Some(origin.git(&["merge-base", "main", "topic"])));
    assert!(forge.requests.borrow().is_empty());
}

#[test]
fn a_server_that_cannot_send_commits_alone_is_not_asked_for_a_merge_base() {
    let origin = long_parted();
    let clone = cloned(&origin, &["--depth=1", "--branch=topic"]);
    let forge = Forge::of(&origin);
    origin.git(&["config", "uploadpack.allowFilter", "false"]);
    let (changes, environment) = against_main(&clone);
    let refused = refusal(forge.search(&clone, &changes, &environment));
    for part in ["the merge base with `main`", "can't send commits alone", "shallow: false"] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
}

/// A shallow checkout of something else than the event's commit: a later commit of the same branch (`ref: main`), and the branch
/// of built files.
#[test]
fn the_history_that_shows_whether_a_checkout_belongs_to_its_event_is_fetched() {
    let origin = site(40);
    origin.import("built", None, &[Files::from([(b"index.html".to_vec(), ("100644", b"x".to_vec()))])]);
    let sha = origin.id("main~3");
    let event = serde_json::json!({ "ref": "refs/heads/main", "before": origin.id("main~9"), "after": sha });
    let search = |forge: &Forge, branch: &str| {
        let clone = cloned(&origin, &["--depth=1", &format!("--branch={branch}")]);
        let file = clone.outside().join("event.json");
        std::fs::write(&file, event.to_string()).unwrap();
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "push"),
            ("GITHUB_EVENT_PATH", file.to_str().unwrap()),
            ("GITHUB_SHA", &sha),
        ];
        forge.search(&clone, &Changes::Git { base: None, head: None }, &environment_of(&variables))
    };
    let forge = Forge::of(&origin);
    let found = search(&forge, "main").unwrap();
    assert_eq!(found.range.base, Some(origin.id("main~9")));
    assert_eq!(lines(&found.files), lines(&origin.between("main~9", "main").unwrap().files));
    assert!(forge.notes.borrow()[0].starts_with("fetched 64 commits of history for the way from"));
    let refused = refusal(search(&Forge::of(&origin), "built"));
    assert!(refused.contains("is checked out; this run is about") && refused.contains("another branch"), "{refused}");
    let refused = refusal(search(&Forge { is_on: false, ..Forge::of(&origin) }, "built"));
    assert!(refused.contains("isn't known: this shallow clone doesn't show it"), "{refused}");
    let refused = refusal(search(&Forge { password: Some("secret"), ..Forge::of(&origin) }, "main"));
    assert!(refused.contains("isn't known: the way from") && refused.contains("can't be fetched from"), "{refused}");
}
