//! `plan --worktree`: what isn't committed yet.

use super::stage::{CONFIGURATION, Site};

#[test]
fn a_plan_of_the_working_directory_has_what_isnt_committed_and_nothing_that_git_ignores() {
    let site = Site::new();
    site.write(".gitignore", "public/cache\n");
    site.commit("Ignore the cache");
    let index = site.git(&["rev-parse", ":public/index.html"]);
    site.write("public/index.html", "<h1>edited</h1>\n");
    site.write("public/new/page.html", "new\n");
    site.write("public/staged.html", "staged\n");
    site.git(&["add", "public/staged.html"]);
    site.write("public/cache/x.html", "ignored\n");
    std::fs::remove_file(site.repository().join("public/about/new.html")).unwrap();
    let before = std::fs::read(site.repository().join(".git/index")).unwrap();
    let report = site.sibling("report.json");
    let planned = site.bare_run(&["plan", "--worktree", "--report-file", report.to_str().unwrap()]).finish();
    planned.ends_with(0).says(&["..worktree: 4 changed files (base: `HEAD`, since the working directory is compared)"]);
    let document = planned.report();
    let rows = document["urls"].as_array().unwrap();
    let mut urls: Vec<&str> = rows
        .iter()
        .filter(|row| row["operation"] == "refresh")
        .map(|row| row["url"].as_str().unwrap().trim_start_matches("https://www.example.com/"))
        .collect();
    urls.sort_unstable();
    assert_eq!(urls, ["about/new.html", "index.html", "new/page.html", "staged.html"]);
    assert_eq!(document["head"], "worktree");
    assert_eq!(std::fs::read(site.repository().join(".git/index")).unwrap(), before, "the index is never written");
    assert_eq!(site.git(&["rev-parse", ":public/index.html"]), index);
    // Without the option the plan is about commits.
    site.bare_run(&["plan"]).finish().says(&["no rule selects the changed file"]);
}

#[test]
fn directories_take_the_place_of_what_isnt_committed_with_the_files_of_the_base() {
    let site = Site::new();
    let configuration = CONFIGURATION.replace("    prefetch: true\n", "    complete: true\n");
    site.write("cdn-purge.yml", configuration);
    (0..9).for_each(|number| site.write(format!("public/blog/{number}.html"), "1"));
    site.commit("Begin the blog");
    (1..9).for_each(|number| site.write(format!("public/blog/{number}.html"), "2"));
    let planned = site.bare_run(&["plan", "--worktree", "--collapse", "auto", "--max-urls", "5"]).finish();
    planned.ends_with(0).says(&[
        "1 directory takes the place of 8 URLs",
        "`https://www.example.com/blog/` covers 8 URLs, and 1 unchanged file: `public/blog/0.html`",
    ]);
}

#[test]
fn a_base_of_the_working_directory_may_be_given() {
    let site = Site::new();
    site.write("public/later.html", "later\n");
    let planned = site.bare_run(&["plan", "--worktree", "--base", "HEAD~1"]).finish();
    planned.ends_with(0).says(&[
        "(base: `base` as given)",
        "https://www.example.com/later.html",
        "https://www.example.com/index.html",
        "https://www.example.com/gone.html",
    ]);
}

#[test]
fn a_clean_working_directory_has_nothing_to_do() {
    let planned = Site::new().bare_run(&["plan", "--worktree"]).finish();
    planned.ends_with(0).says(&["0 changed files", "nothing to do"]);
}

#[test]
fn front_matter_is_read_from_the_working_directory_and_from_the_commit() {
    let site = Site::empty();
    site.git(&["init", "--quiet", "--initial-branch=main"]);
    let rules = "rules:\n  - files: 'posts/*.md'\n    urls: https://www.example.com/{front.slug}/\n";
    site.write("cdn-purge.yml", format!("version: 1\ntargets:\n  site: {{provider: alibaba-cdn}}\n{rules}"));
    site.write("posts/a.md", "---\nslug: old\n---\n");
    site.commit("Begin");
    site.write("posts/a.md", "---\nslug: new\n---\n");
    let planned = site.bare_run(&["plan", "--worktree"]).finish();
    planned.ends_with(0).says(&["https://www.example.com/old/", "https://www.example.com/new/"]);
}

#[test]
fn only_a_plan_of_commits_can_be_one_of_the_working_directory() {
    let site = Site::new();
    let refused = site.bare_run(&["run", "--worktree"]).finish();
    refused.complains(2, &["`--worktree` is for a plan", "run `cdn-purge plan --worktree`"]);
    let refused = site.bare_run(&["plan", "--worktree", "--changes", "all"]).finish();
    refused.complains(2, &["`--worktree` can't be combined with", "drop one of the two"]);
}
