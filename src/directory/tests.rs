//! Manifests and comparisons as a whole, by their laws and with every bad input.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use proptest::prelude::*;

use super::manifest::State;
use super::*;
use crate::environment::Environment;
use crate::model::{ChangeKind, RepoPath};

fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

fn header() -> Header {
    Header {
        program: "cdn-purge 0.1.0".into(),
        algorithm: "sha256".into(),
        created: now(),
        site: Site { repository: Some("acme/site".into()), directory: "dist".into() },
        commit: Some("1".repeat(40)),
        run: Some(Run { ci: "github".into(), number: 481, attempt: 1, order: 9000 }),
        previous: None,
        build: "0".repeat(64),
        hosts: vec!["www.example.com".into()],
        targets: BTreeMap::from([("site".into(), "alibaba-cdn".into())]),
        rules: "[]".into(),
    }
}

fn content(text: &str) -> (Digest, u64) {
    (Digest::sha256(text.as_bytes()), text.len() as u64)
}

fn entry(path: &str, text: &str, state: State) -> Entry {
    Entry { path: path.as_bytes().into(), content: Some(content(text)), stamp: Some(7), state }
}

fn built(path: &str, text: &str) -> BuiltFile {
    let (digest, size) = content(text);
    BuiltFile { path: path.as_bytes().into(), size, digest, stamp: None }
}

/// A comparison in a line for each change.
fn lines(comparison: &Comparison) -> Vec<String> {
    let line = |change: &crate::model::Change| match &change.kind {
        ChangeKind::Added => format!("A {}", change.path),
        ChangeKind::Modified => format!("M {}", change.path),
        ChangeKind::Deleted => format!("D {}", change.path),
        ChangeKind::Renamed { from } => format!("R {from} {}", change.path),
    };
    comparison.changes.iter().map(line).collect()
}

#[test]
fn files_are_added_changed_removed_and_renamed() {
    let before = [
        entry("a", "1", State::Fresh),
        entry("b", "2", State::Fresh),
        entry("empty", "", State::Fresh),
        entry("old/page", "page", State::Fresh),
        entry("same", "3", State::Fresh),
    ];
    let after =
        [built("b", "other"), built("c", "4"), built("leer", ""), built("new/page", "page"), built("same", "3")];
    let comparison = compare(&before, &after, "dist");
    assert_eq!(
        lines(&comparison),
        ["D dist/a", "M dist/b", "A dist/c", "D dist/empty", "A dist/leer", "R dist/old/page dist/new/page"]
    );
    assert_eq!(comparison.counts.words(), "5 files, 1 changed, 2 added, 2 removed, 1 renamed");
}

#[test]
fn what_was_not_refreshed_is_a_change_whatever_it_is_now() {
    let unknown = Entry { content: None, ..entry("new", "", State::Unrefreshed) };
    let gone = Entry { content: None, ..entry("passing", "", State::Unrefreshed) };
    let before = [
        entry("back", "1", State::Unrefreshed),
        unknown,
        gone,
        entry("warm", "2", State::Unprefetched),
        entry("warm-and-other", "3", State::Unprefetched),
    ];
    let after = [built("back", "1"), built("new", "5"), built("warm", "2"), built("warm-and-other", "4")];
    let comparison = compare(&before, &after, "dist");
    assert_eq!(lines(&comparison), ["M dist/back", "A dist/new", "D dist/passing", "M dist/warm-and-other"]);
    assert_eq!(comparison.repeated, [RepoPath::new("dist/back")]);
    assert_eq!(comparison.unprefetched, [RepoPath::new("dist/warm")]);
}

/// Few names and few contents, so that they meet.
fn some_files() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map("[ab]{1,2}(/[ab])?", "[xy]{0,2}", 0..12)
}

fn entries(files: &BTreeMap<String, String>) -> Vec<Entry> {
    files.iter().map(|(path, text)| entry(path, text, State::Fresh)).collect()
}

fn build(files: &BTreeMap<String, String>) -> Vec<BuiltFile> {
    files.iter().map(|(path, text)| built(path, text)).collect()
}

proptest! {
    #[test]
    fn a_comparison_names_exactly_the_paths_that_differ(before in some_files(), after in some_files()) {
        let comparison = compare(&entries(&before), &build(&after), "d");
        let mut named = HashSet::new();
        for change in &comparison.changes {
            prop_assert!(named.insert(change.path.to_string()));
            if let ChangeKind::Renamed { from } = &change.kind {
                prop_assert!(named.insert(from.to_string()));
                let text = |files: &BTreeMap<String, String>, path: &RepoPath| files.get(&path.to_string()[2..]).cloned();
                prop_assert_eq!(text(&before, from), text(&after, &change.path));
                prop_assert!(!after.contains_key(&from.to_string()[2..]) && !before.contains_key(&change.path.to_string()[2..]));
            }
        }
        let paths: HashSet<_> = before.keys().chain(after.keys()).collect();
        let differing = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
        prop_assert_eq!(named, differing.map(|path| format!("d/{path}")).collect::<HashSet<_>>());
        prop_assert!(comparison.changes.is_sorted_by(|one, other| one.path < other.path));
    }

    /// However often a run fails in part: what isn't done is a change of the next run, and nothing else is.
    #[test]
    fn after_a_run_the_manifest_repeats_exactly_what_is_not_done(
        before in some_files(), after in some_files(), next in some_files(), undone in prop::collection::hash_set("[ab]{1,2}(/[ab])?", 0..6),
    ) {
        let comparison = compare(&entries(&before), &build(&after), "d");
        let is_changed = |path: &str| before.get(path) != after.get(path);
        let undone: HashSet<&[u8]> = undone.iter().filter(|path| is_changed(path)).map(|path| path.as_bytes()).collect();
        let manifest = Entry::after(&entries(&before), &build(&after), &undone, &HashSet::new());
        prop_assert!(manifest.is_sorted_by(|one, other| one.path < other.path));
        let again = compare(&manifest, &build(&after), "d");
        let mut named: HashSet<String> = HashSet::new();
        for change in &again.changes {
            named.insert(change.path.to_string());
            if let ChangeKind::Renamed { from } = &change.kind {
                named.insert(from.to_string());
            }
        }
        prop_assert_eq!(&named, &undone.iter().map(|path| format!("d/{}", String::from_utf8_lossy(path))).collect());
        if undone.is_empty() {
            prop_assert_eq!(again.counts.files, comparison.counts.files);
        }
        // Also where the next build takes it back.
        let later = compare(&manifest, &build(&next), "d");
        for path in undone {
            let path = format!("d/{}", String::from_utf8_lossy(path));
            let is_named = later.changes.iter().any(|change| {
                change.path.to_string() == path
                    || matches!(&change.kind, ChangeKind::Renamed { from } if from.to_string() == path)
            });
            prop_assert!(is_named, "{path} is lost");
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written(
        paths in prop::collection::btree_set(prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\\'), Just(b' '), 1_u8..255], 1..9), 0..9),
        states in prop::collection::vec(0..4_usize, 9), stamp in any::<Option<u64>>(),
    ) {
        let entries: Vec<Entry> = paths.into_iter().zip(states).map(|(path, state)| {
            let state = [State::Fresh, State::Unprefetched, State::Unrefreshed, State::Unrefreshed][state];
            Entry { content: Some(content(&format!("{path:?}"))), path: path.into(), stamp, state }
        }).collect();
        let stored = Manifest::write(Path::new("m"), &header(), &entries).unwrap();
        let read = Manifest::parse(Path::new("m"), &stored.bytes).unwrap();
        prop_assert_eq!(read, Manifest { header: header(), entries, id: stored.id });
    }
}

#[test]
fn a_manifest_that_was_cut_or_changed_anywhere_is_refused_by_name() {
    let entries = [entry("a", "1", State::Fresh), entry("b", "2", State::Unrefreshed)];
    let stored = Manifest::write(Path::new("m"), &header(), &entries).unwrap();
    let refused = |bytes: &[u8]| {
        let message = Manifest::parse(Path::new("kept/m"), bytes).unwrap_err().to_string();
        assert!(message.starts_with("the manifest `kept/m`"), "{message}");
        message
    };
    for end in 0..stored.bytes.len() {
        refused(&stored.bytes[..end]);
    }
    for place in 0..stored.bytes.len() {
        let mut bytes = stored.bytes.clone();
        bytes[place] ^= 1;
        refused(&bytes);
    }
    refused(&[&stored.bytes[..], b"\n"].concat());
    let of_later = String::from_utf8_lossy(&stored.bytes).replace("manifest 1\n", "manifest 2\n");
    assert!(refused(of_later.as_bytes()).contains("has the format 2, which a newer version of this program wrote"));
    assert!(refused(b"<!DOCTYPE html>").contains("doesn't begin as a manifest does"));
}

/// A manifest with other lines and the digest that fits them.
fn forged(from: &str, to: &str) -> String {
    let stored = Manifest::write(Path::new("m"), &header(), &[entry("a", "1", State::Fresh)]).unwrap();
    let text = String::from_utf8(stored.bytes).unwrap();
    let body = text[..text.rfind("sha256 ").unwrap()].replacen(from, to, 1);
    format!("{body}sha256 {}\n", Digest::sha256(body.as_bytes()))
}

#[test]
fn lines_that_mean_nothing_are_refused_also_with_a_fitting_digest() {
    let line = |text: &str| Manifest::parse(Path::new("m"), text.as_bytes());
    assert!(line(&forged("= ", "= ")).is_ok());
    for (from, to, why) in [
        ("= ", "? ", "line 3 isn't about a file"),
        ("= 6b", "= -", "line 3"),
        (" 1 0", " x 0", "line 3"),
        (" a\n", " \n", "line 3"),
        (" a\n", " a\\x\n", "line 3"),
        (" a\n", " b\n= - 0 - c\n", "line 4"),
        ("{\"program\"", "{\"programme\"", "second line"),
        ("\"sha256\"", "\"md5\"", "aren't SHA-256"),
    ] {
        let message = line(&forged(from, to)).unwrap_err().to_string();
        assert!(message.contains(why), "{from:?} → {to:?}: {message}");
    }
    let twice = {
        let text = forged("a", "a");
        let row = text.lines().nth(2).unwrap().to_owned();
        forged(&row, &format!("{row}\n{row}"))
    };
    assert!(line(&twice).unwrap_err().to_string().contains("order of paths"));
    // What a later version adds is no concern of this one.
    assert!(line(&forged("{\"program\"", "{\"mood\":\"good\",\"program\"")).is_ok());
}

#[test]
fn what_is_too_large_to_be_a_manifest_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    assert_eq!(Manifest::read(&path).unwrap(), None);
    fs::File::create(&path).unwrap().set_len(33 << 20).unwrap();
    assert!(Manifest::read(&path).unwrap_err().to_string().contains("larger than 32 MiB"));
    assert!(Manifest::read(folder.path()).unwrap_err().to_string().contains("no regular file"));
}

#[test]
fn another_site_and_a_newer_run_are_refused_by_name() {
    let manifest = Manifest { header: header(), entries: Vec::new(), id: String::new() };
    let site = |repository: Option<&str>, directory: &str| Site {
        repository: repository.map(str::to_owned),
        directory: directory.to_owned(),
    };
    let check = |site: Site| manifest.check_site(Path::new("m"), &site).map_err(|error| error.to_string());
    assert_eq!(check(site(Some("acme/site"), "dist")), Ok(()));
    assert_eq!(check(site(None, "dist")), Ok(()));
    assert!(check(site(Some("acme/shop"), "dist")).unwrap_err().contains("`acme/site`, and this run's is `acme/shop`"));
    assert!(check(site(Some("acme/site"), "public")).unwrap_err().contains("its directory is `dist`"));
    let run = |order, attempt| Some(Run { ci: "github".into(), number: 480, attempt, order });
    let check = |run: Option<Run>| manifest.check_run(Path::new("m"), run.as_ref()).map_err(|error| error.to_string());
    assert!(check(run(8999, 2)).unwrap_err().contains("a newer deployment is live: the manifest `m` is of run 481"));
    for run in [run(9000, 1), run(9000, 2), run(9001, 1), None] {
        assert_eq!(check(run), Ok(()));
    }
    // Another CI's numbers say nothing.
    assert_eq!(check(Some(Run { ci: "gitlab".into(), number: 1, attempt: 1, order: 1 })), Ok(()));
}

#[test]
fn a_run_is_known_by_the_variables_of_its_ci() {
    let environment = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Environment>()
    };
    let github = environment(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_RUN_ID", "17012345678"),
        ("GITHUB_RUN_NUMBER", "481"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_REPOSITORY", "acme/site"),
    ]);
    assert_eq!(Run::of(&github).unwrap().to_string(), "run 481, attempt 2");
    assert_eq!(Site::of("dist", &github).repository.as_deref(), Some("acme/site"));
    let gitlab = environment(&[
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_ID", "9000"),
        ("CI_PIPELINE_IID", "12"),
        ("CI_JOB_ID", "77"),
    ]);
    assert_eq!(Run::of(&gitlab).unwrap().to_string(), "pipeline 12");
    assert_eq!(Run::of(&environment(&[("GITHUB_RUN_ID", "1")])), None);
    assert_eq!(Run::of(&environment(&[("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "x")])), None);
}

/// A repository with a built directory `dist` of these files.
fn site(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("dist")).unwrap();
    for (path, text) in files {
        let path = folder.path().join("dist").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn read_site(folder: &Path) -> Result<Vec<String>, String> {
    let built = read(folder, "dist", now()).map_err(|error| error.to_string())?;
    Ok(built.files.iter().map(|file| format!("{} {}", RepoPath::new(file.path.clone()), file.size)).collect())
}

#[test]
fn a_directory_is_read_by_the_bytes_of_its_names() {
    let folder = site(&[("index.html", "<h1>"), ("a/b c.html", ""), ("a-b", "1"), (".well-known/x", "22")]);
    assert_eq!(read_site(folder.path()).unwrap(), [".well-known/x 2", "a-b 1", "a/b c.html 0", "index.html 4"]);
    for (name, why) in [
        ("missing", "can't be read: it isn't there"),
        (".", "outside of the repository"),
        ("dist/a-b", "it is no directory"),
    ] {
        let error = read(folder.path(), name, now()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf_8_is_a_name() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = site(&[]);
    fs::write(folder.path().join("dist").join(std::ffi::OsStr::from_bytes(b"caf\xe9.html")), "x").unwrap();
    assert_eq!(read_site(folder.path()).unwrap(), ["\"caf\\351.html\" 1"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_of_the_directory_only() {
    use std::os::unix::fs::symlink;
    let folder = site(&[("v2/index.html", "two"), ("page.html", "1")]);
    let dist = folder.path().join("dist");
    symlink("v2", dist.join("latest")).unwrap();
    symlink("page.html", dist.join("alias.html")).unwrap();
    assert_eq!(
        read_site(folder.path()).unwrap(),
        ["alias.html 1", "latest/index.html 3", "page.html 1", "v2/index.html 3"]
    );
    fs::write(folder.path().join("secret"), "s").unwrap();
    for (target, why) in [
        ("../secret", "a link that leads out of the directory"),
        ("/etc", "a link that leads out of the directory"),
        ("nowhere", "a link that leads nowhere"),
        ("..", "a link that leads out of the directory"),
        (".", "a link to a directory that it lies in"),
    ] {
        let link = dist.join("link");
        symlink(target, &link).unwrap();
        let error = read_site(folder.path()).unwrap_err();
        assert!(error.contains(why) && error.contains("`link`"), "{target}: {error}");
        fs::remove_file(&link).unwrap();
    }
    // A circle of two.
    symlink("../latest", dist.join("v2/back")).unwrap();
    assert!(read_site(folder.path()).unwrap_err().contains("a link to a directory that it lies in"));
    // The directory itself.
    fs::rename(&dist, folder.path().join("real")).unwrap();
    symlink("/etc", &dist).unwrap();
    assert!(read_site(folder.path()).unwrap_err().contains("lies outside of the repository"));
}

#[cfg(unix)]
#[test]
fn a_socket_in_the_directory_is_named_and_not_waited_for() {
    let folder = site(&[("a", "1")]);
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("dist/s")).unwrap();
    assert!(read_site(folder.path()).unwrap_err().contains("holds what can't be compared: `s` (a socket)"));
}

#[cfg(unix)]
#[test]
fn a_file_of_known_times_keeps_its_digest_unless_it_was_touched() {
    let folder = site(&[("a", "1"), ("b", "2")]);
    // Later than any racy time.
    let later = now().max(Timestamp::now()) + jiff::SignedDuration::from_secs(60);
    let first = read(folder.path(), "dist", later).unwrap();
    assert!(first.files.iter().all(|file| file.stamp.is_some()));
    let entries = Entry::after(&[], &first.files, &HashSet::new(), &HashSet::new());
    let mut manifest = Manifest { header: header(), entries, id: String::new() };
    // A digest that only the manifest can have given.
    manifest.entries[0].content = Some((Digest::sha256(b"marked"), 1));
    let again = find(folder.path(), "dist").unwrap().read(Some(&manifest), later).unwrap();
    assert_eq!((again.trusted, again.files[0].digest), (2, Digest::sha256(b"marked")));
    fs::write(folder.path().join("dist/a"), "3").unwrap();
    let touched = find(folder.path(), "dist").unwrap().read(Some(&manifest), later).unwrap();
    assert_eq!((touched.trusted, touched.files[0].digest), (1, Digest::sha256(b"3")));
    // A file that was written just now may be written again within the same tick of the clock.
    let at_once = read(folder.path(), "dist", Timestamp::now()).unwrap();
    assert!(at_once.files.iter().all(|file| file.stamp.is_none()));
}

#[test]
fn equal_builds_have_equal_names() {
    let name = |files: &[(&str, &str)]| read(site(files).path(), "dist", now()).unwrap().build;
    let one = name(&[("a", "1"), ("b", "2")]);
    assert_eq!(one, name(&[("b", "2"), ("a", "1")]));
    assert_ne!(one, name(&[("a", "2"), ("b", "1")]));
    assert_ne!(one, name(&[("a", "1")]));
}

#[test]
fn a_listing_of_rclone_is_compared_by_the_digests_it_has() {
    let folder = site(&[("index.html", "new"), ("same.css", "same"), ("unknown.js", "x"), ("added", "1")]);
    let md5 = |text: &str| Digest::of(DigestKind::Md5, &mut text.as_bytes(), &mut Vec::new()).unwrap().0;
    let listing = format!(
        r#"[
{{"Path":"css","Name":"css","Size":-1,"IsDir":true}},
{{"Path":"index.html","Name":"index.html","Size":3,"MimeType":"text/html","ModTime":"2026-11-30T10:00:00Z","IsDir":false,"Hashes":{{"md5":"{}"}}}},
{{"Path":"same.css","Name":"same.css","Size":4,"IsDir":false,"Hashes":{{"md5":"{}"}}}},
{{"Path":"unknown.js","Name":"unknown.js","Size":1,"IsDir":false}},
{{"Path":"gone.html","Name":"gone.html","Size":9,"IsDir":false,"Hashes":{{"md5":"{}"}}}}
]"#,
        md5("old"),
        md5("same"),
        md5("gone html")
    );
    let path = folder.path().join("before.json");
    fs::write(&path, listing).unwrap();
    let listed = read_listing(&path, "").unwrap();
    let built = find(folder.path(), "dist").unwrap().read_for_listing(&listed, now()).unwrap();
    let comparison = compare_listing(&listed, &built.files, "dist");
    assert_eq!(lines(&comparison), ["A dist/added", "D dist/gone.html", "M dist/index.html", "M dist/unknown.js"]);
}

#[test]
fn most_files_differing_at_the_same_commit_is_a_note_with_a_remedy() {
    let counts = |changed| Counts { files: 412, before: 412, changed, ..Counts::default() };
    let files = [built("_next/static/x.js", "1"), built("index.html", "2")];
    let commit = "1".repeat(40);
    let note = |changed, commit: Option<&str>| reproducible::note(&counts(changed), &header(), commit, now(), &files);
    let text = note(300, Some(&commit)).unwrap();
    assert!(text.starts_with("300 of 412 files differ, though the commit is the same"), "{text}");
    assert!(text.contains("generateBuildId"), "{text}");
    assert_eq!(note(200, Some(&commit)), None);
    assert_eq!(note(300, Some(&"2".repeat(40))), None);
    assert!(note(300, None).unwrap().contains("0 minutes old"));
}

#[test]
fn two_builds_differ_where_their_bytes_first_do() {
    let one = site(&[("a.html", "<p>built 2026-11-29</p>"), ("b", "same"), ("old", "moved"), ("c", "1")]);
    let other = site(&[("a.html", "<p>built 2026-11-30\u{1b}[31m"), ("b", "same"), ("new", "moved"), ("c", "12")]);
    let builds = [one.path().join("dist"), other.path().join("dist")];
    let lines = lines_of(&difference(&builds[0], &builds[1], now()).unwrap());
    assert_eq!(lines[0], "the second build: 4 files, 2 changed, 1 renamed");
    assert_eq!(lines[1], "a.html, from byte 17");
    assert_eq!(lines[2], "  - <p>built 2026-11-29</p>");
    assert_eq!(lines[3], "  + <p>built 2026-11-30\\u{1b}[31m");
    assert_eq!(lines[4..7], ["c, from byte 1", "  - 1", "  + 12"]);
    assert_eq!(lines[7], "new: was old");
    assert!(lines[8].contains("Next.js `generateBuildId`"), "{lines:?}");
    assert!(difference(&builds[0], &one.path().join("missing"), now()).is_err());
}
