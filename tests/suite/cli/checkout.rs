//! Repositories in which the changes can't be determined: each is named with its remedy, and nothing is sent.

use super::stage::{Finished, Site};
use super::vendor::Trap;

/// Runs against an endpoint that must not be called.
fn run(site: &Site, arguments: &[&str]) -> Finished {
    run_with(site, arguments, &[])
}

fn run_with(site: &Site, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
    let trap = Trap::new();
    let finished = site.run(trap.address(), arguments).envs(environment).finish();
    trap.is_untouched();
    assert!(finished.report.is_none(), "there is nothing to report");
    finished
}

#[test]
fn a_folder_without_a_repository_is_said() {
    let site = Site::empty();
    site.write("cdn-purge.yml", super::stage::CONFIGURATION);
    run(&site, &["run"]).complains(3, &["no git repository at or above", "site", "start inside a git checkout"]);
}

#[test]
fn a_folder_that_is_not_there_is_said() {
    let site = Site::new();
    run(&site, &["run", "--config", "cdn-purge.yml", "--repository", "nowhere"])
        .complains(3, &["`nowhere` can't be opened", "give the directory of the checkout"]);
}

#[test]
fn a_bare_repository_is_said() {
    let site = Site::empty();
    site.git(&["init", "--quiet", "--bare"]);
    site.write("cdn-purge.yml", super::stage::CONFIGURATION);
    run(&site, &["run"]).complains(3, &["is a bare repository", "git clone"]);
}

#[test]
fn a_branch_without_a_commit_is_said() {
    let site = Site::empty();
    site.git(&["init", "--quiet"]);
    site.write("cdn-purge.yml", super::stage::CONFIGURATION);
    run(&site, &["run"]).complains(3, &["has no commit at `HEAD` yet", "commit something first"]);
}

#[test]
fn an_unknown_revision_is_said_with_the_option_that_named_it() {
    let site = Site::new();
    let help = "give a commit, a tag or a branch that `git rev-parse` finds there";
    run(&site, &["run", "--base", "nosuch"]).complains(3, &["unknown revision `nosuch` in `base`", help]);
    run(&site, &["run", "--head", "nosuch"]).complains(3, &["unknown revision `nosuch` in `head`", help]);
    let zeros = "0".repeat(40);
    run(&site, &["run", "--base", &zeros]).complains(3, &["`base` is all zeros", "`changes: all`"]);
    let tree = site.git(&["rev-parse", "HEAD^{tree}"]);
    run(&site, &["run", "--base", &tree]).complains(3, &["in `base` is a tree, not a commit", "give a commit"]);
}

#[test]
fn a_configuration_that_a_stranger_may_have_written_sends_nothing() {
    let site = Site::new();
    let project = site.git(&["rev-parse", "HEAD"]);
    site.write("public/index.html", "<h1>a stranger's</h1>\n");
    site.commit("Propose a change");
    let proposed = site.git(&["rev-parse", "HEAD"]);
    let event = site.sibling("event.json");
    let request = serde_json::json!({"pull_request": {"base": {"sha": project}, "head": {"sha": proposed}}});
    std::fs::write(&event, request.to_string()).unwrap();
    let [output, summary] = ["output", "summary"].map(|name| site.sibling(name));
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "pull_request_target"),
        ("GITHUB_EVENT_PATH", event.to_str().unwrap()),
        ("GITHUB_SHA", &project),
        ("GITHUB_OUTPUT", output.to_str().unwrap()),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ];
    let finished = run_with(&site, &["run"], &github);
    finished.ends_with(3).says(&["isn't trusted to decide what is sent", &proposed, "$RUNNER_TEMP"]);
    // What sends nothing is for everyone, and so are rules that are in the workflow.
    let dry = site.bare_run(&["run", "--dry-run"]).envs(&github).finish();
    dry.ends_with(0).says(&["https://www.example.com/index.html"]);
    let files = ["--provider", "alibaba-cdn", "--files", "nothing", "--urls", "https://www.example.com/{tail}"];
    let finished = site.bare_run(&["run"]).args(&files).envs(&github).finish();
    finished.ends_with(0);
}

#[test]
fn a_shallow_clone_without_the_base_is_told_how_deep_it_must_be() {
    let site = Site::new();
    let before = site.git(&["rev-parse", "HEAD~1"]);
    let source = format!("file://{}", site.repository().display());
    let clone = site.sibling("clone");
    site.git_in(&site.sibling(""), &["clone", "--quiet", "--depth", "1", &source, clone.to_str().unwrap()]);
    let folder = clone.to_str().unwrap();
    let config = clone.join("cdn-purge.yml");
    let arguments = ["run", "--repository", folder, "--config", config.to_str().unwrap(), "--fetch=false"];

    run(&site, &arguments).complains(3, &["the parent commit", "isn't in this clone", "git fetch --unshallow"]);
    run(&site, &[&arguments[..], &["--base", &before]].concat())
        .complains(3, &["in this shallow clone", "git fetch --unshallow"]);

    let after = site.git(&["rev-parse", "HEAD"]);
    let event = site.sibling("event.json");
    let push = serde_json::json!({"ref": "refs/heads/main", "before": before, "after": after,
        "repository": {"default_branch": "main"}});
    std::fs::write(&event, push.to_string()).unwrap();
    let output = site.sibling("output");
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_EVENT_PATH", event.to_str().unwrap()),
        ("GITHUB_OUTPUT", output.to_str().unwrap()),
    ];
    let finished = run_with(&site, &arguments, &github);
    finished.ends_with(3).says(&["isn't in this clone", "set `fetch-depth: 0` on the `actions/checkout` step"]);
    assert_eq!(std::fs::read_to_string(output).unwrap(), "status=failed\n");
}

#[test]
fn a_base_that_a_shallow_clone_lacks_is_read_from_where_it_was_cloned() {
    let site = Site::new();
    let before = site.git(&["rev-parse", "HEAD~1"]);
    let clone = site.sibling("clone");
    let source = format!("file://{}", site.repository().display());
    site.git_in(&site.sibling(""), &["clone", "--quiet", "--depth", "1", &source, clone.to_str().unwrap()]);
    let trap = Trap::new();
    let arguments = ["plan", "--repository", clone.to_str().unwrap(), "--config", "cdn-purge.yml", "--base", &before];
    let finished = site.run(trap.address(), &arguments).finish();
    finished.ends_with(0).says(&[&format!("read the commit `{before}` from `")]);
    let explained = site.bare_run(&[&["explain", "--range"], &arguments[1..]].concat()).finish();
    explained.ends_with(0).says(&[&format!("base     {before}"), "changes  "]);
    trap.is_untouched();
}
