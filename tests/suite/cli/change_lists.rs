//! `changes: list`: a deploy tool's own list decides what is refreshed.

use super::stage::{Finished, Site, urls};
use super::vendor::{Trap, Vendor};

const RULE: [&str; 6] = ["--provider", "alibaba-cdn", "--files", "dist/**", "--urls", "https://www.example.com/{tail}"];

/// A dry run with this list on standard input.
fn plan(site: &Site, format: &str, list: &str) -> Finished {
    let arguments =
        ["run", "--dry-run", "--changes", "list", "--list", "-", "--list-format", format, "--directory", "dist"];
    site.bare_run(&arguments).args(&RULE).input(list).finish()
}

#[test]
fn each_tools_list_is_refreshed_without_a_repository() {
    let site = Site::empty();
    for (format, list) in [
        ("names", "a.html\nb c.html\nold.html\n"),
        ("git", "M\ta.html\nA\tb c.html\nD\told.html\n"),
        ("rclone-combined", "* a.html\n+ b c.html\n- old.html\n= same.html\n"),
        ("rsync-itemize", ">fcst...... a.html\n>f+++++++++ b c.html\n*deleting   old.html\n.f..t...... same.html\n"),
    ] {
        let finished = plan(&site, format, list);
        finished.ends_with(0).says(&[&urls(&["a.html"])[0], "b%20c.html", "old.html", "3 changed files"]);
        assert!(!finished.out.contains("same.html"), "{}", finished.out);
    }
    let renamed = plan(&site, "git", "R100\told.html\tnew.html\n");
    renamed.ends_with(0).says(&["https://www.example.com/old.html", "https://www.example.com/new.html"]);
}

#[test]
fn a_list_in_the_configuration_is_sent_and_reported() {
    let vendor = Vendor::start(&[]);
    let site = Site::new();
    let configuration = super::stage::CONFIGURATION.replace(
        "targets:",
        "changes: list\nlist: changes.txt\nlist-format: rclone-combined\ndirectory: public\ntargets:",
    );
    site.write("cdn-purge.yml", &configuration);
    site.write("changes.txt", "* index.html\n- gone.html\n= about/new.html\n");
    let finished = site.run(vendor.address(), &["run"]).finish();
    finished.is_all_done().says(&["2 changed files and 1 unchanged in the list `", "changes.txt`"]);
    vendor.accepted(&["gone.html", "index.html"], &["index.html"]);
    assert_eq!(finished.report()["changed_files"], 2);
}

#[test]
fn an_empty_list_sends_nothing_and_says_so_aloud() {
    let site = Site::empty();
    let finished = plan(&site, "git", "");
    finished.ends_with(0).says(&["the list `standard input` is empty, so nothing is refreshed"]);
    plan(&site, "rclone-combined", "= a\n").ends_with(0).says(&["0 changed files and 1 unchanged"]);
    plan(&site, "rclone-combined", "")
        .complains(2, &["`standard input` is empty", "rclone compared the right directories"]);
}

#[test]
fn a_list_that_cannot_be_used_is_an_error_with_its_lines_and_nothing_is_sent() {
    let trap = Trap::new();
    let site = Site::empty();
    site.write("list", "= a\n! b.html\n* c\nrubbish\n");
    let list = ["run", "--changes", "list"];
    let run = |more: &[&str]| site.run(trap.address(), &[&list[..], more].concat()).args(&RULE).finish();
    let finished = run(&["--list", "list", "--list-format", "rclone-combined"]);
    finished.complains(2, &["rclone couldn't compare `b.html`", "see rclone's own log"]);
    finished.says(&["list:2:1", "`rubbish` isn't a line of", "list:4:1"]);
    run(&["--list", "nowhere", "--list-format", "git"])
        .complains(2, &["nowhere` can't be read", "is there before this step"]);
    let aws = plan(&site, "names", "upload: dist/a.html to s3://bucket/a.html\n");
    aws.complains(2, &["`standard input` looks like the output of `aws s3 sync`", "rclone check"]);
    run(&[])
        .complains(2, &["`--changes` is `list`, and no list is given", "and no format is given", "set `list-format`"]);
    run(&["--list", "list", "--list-format", "aws"]).complains(2, &["`--list-format` is `aws`", "`rsync-itemize`"]);
    let more = ["--list", "list", "--list-format", "git", "--base", "HEAD~1", "--manifest", "none", "--save-base", "x"];
    run(&more).ends_with(2).says(&[
        "`--base` can't be combined with `changes: list`",
        "`--save-base` can't",
        "`--manifest` needs `changes: directory`",
    ]);
    let other = site.run(trap.address(), &["run", "--list", "list"]).args(&RULE).finish();
    other.complains(2, &["`--list` needs `changes: list`", "set `changes` to `list`"]);
    let out = site
        .run(trap.address(), &["run", "--changes", "list", "--list", "../list", "--list-format", "git"])
        .args(&RULE)
        .finish();
    out.complains(2, &["`--list` leads out of the repository", "without `..`"]);
    trap.is_untouched();
}

#[test]
fn rules_that_need_front_matter_are_refused_where_files_do_not_come_from_git() {
    let site = Site::empty();
    site.write("dist/a.md", "---\nslug: hello\n---\n");
    site.write("list", "M\tdist/a.md\n");
    let rule = ["--provider", "alibaba-cdn", "--files", "dist/**", "--urls", "https://www.example.com/{front.slug}/"];
    for source in [
        &["--changes", "list", "--list", "list", "--list-format", "git"][..],
        &["--changes", "directory", "--directory", "dist", "--manifest", "none"],
    ] {
        let finished = site.bare_run(&["plan"]).args(source).args(&rule).finish();
        finished.complains(2, &["which is read for files in git only", "leave `changes` out"]);
    }
}
