//! Rules that can never work: each is a warning with its place, and on CI an annotation.

use super::stage::Site;

const TARGETS: &str = "version: 1\ntargets:\n  site: {provider: alibaba-cdn}\n";

/// A site in git, whose last commit changes a source.
fn site(configuration: &str, files: &[(&str, &str)]) -> Site {
    let site = Site::empty();
    site.git(&["init", "--quiet", "--initial-branch=main"]);
    site.write("cdn-purge.yml", configuration);
    for (file, content) in files {
        site.write(file, content);
    }
    site.commit("Begin");
    site.write("src/main.js", "changed\n");
    site.commit("Change a source");
    site
}

#[test]
fn other_tools_syntax_in_an_option_is_one_warning() {
    let site = site("", &[("public/a/x.html", "")]);
    std::fs::remove_file(site.repository().join("cdn-purge.yml")).unwrap();
    let run = site.bare_run(&["check", "--provider", "alibaba-cdn", "--files", "public/(a|b)/**"]);
    let finished = run.args(&["--urls", "https://www.example.com/{tail}"]).finish();
    finished.ends_with(0).says(&["warning: `--files`: `(a|b)` is other tools' syntax", "write `public/{a,b}/**`"]);
    assert_eq!(finished.err.matches("warning").count(), 1, "{}", finished.err);
}

#[test]
fn a_change_that_rules_only_warn_of_is_no_green_step() {
    let site = Site::empty();
    site.git(&["init", "--quiet", "--initial-branch=main"]);
    let configuration = "version: 1\ntargets: {site: {provider: alibaba-cdn}}\nsite: {generator: hugo, url: 'https://www.example.com/'}\n";
    site.write("cdn-purge.yml", configuration);
    site.write("layouts/a.html", "1");
    site.write("content/a.md", "1");
    site.commit("a");
    site.write("layouts/a.html", "2");
    site.commit("Change what all pages share");
    let said =
        ["nothing is refreshed: the rule `hugo-shared` only warns", "every page may have changed", "`on-empty: ok`"];
    for command in ["plan", "run"] {
        site.bare_run(&[command]).finish().complains(2, &said);
    }
    site.bare_run(&["plan", "--on-empty", "ok"]).finish().ends_with(0);
    site.write("content/a.md", "2");
    site.write("layouts/a.html", "3");
    site.commit("Change a page too");
    site.bare_run(&["plan"]).finish().ends_with(0).says(&["https://www.example.com/a/", "every page may have changed"]);
}

#[test]
fn a_rule_for_a_folder_that_git_ignores_is_a_warning_with_place_and_line() {
    let rules = "rules:\n  - name: shell\n    files: dist/index.html\n    urls: https://www.example.com/{tail}\n";
    let site = site(&format!("{TARGETS}{rules}"), &[(".gitignore", "node_modules\ndist\n"), ("src/main.js", "")]);
    let expected = "warning: `dist/index.html` can't match: `dist/` is ignored by `.gitignore`, line 2, so git never sees its files\n \
                    --> ";
    for command in ["check", "plan"] {
        let finished = site.bare_run(&[command]).finish();
        finished.ends_with(0);
        assert!(finished.err.contains(expected), "{command}: {}", finished.err);
        assert!(finished.err.contains("cdn-purge.yml:6:12"), "{command}: {}", finished.err);
        assert!(finished.err.contains("`changes: directory` and `directory: dist`"), "{command}: {}", finished.err);
    }
}

/// Next to a rule that selects what changed, so that the run goes on.
#[test]
fn a_built_folder_is_one_warning_ignored_or_not_and_however_many_patterns_name_it() {
    let rules = "rules:
  - files: ['src/**']
    urls: https://www.example.com/{tail}
  - name: built
    files: ['dist/(a|b)/**', dist/index.html, 'dist/*.css', 'dist/{a,b}/**']
    urls: https://www.example.com/{tail}
";
    let help = "compare the built files with the last deployment's: `changes: directory` and `directory: dist`";
    for (ignored, title) in [
        (
            "node_modules\ndist\n",
            "can't match: `dist/` is ignored by `.gitignore`, line 2, so git never sees its files",
        ),
        ("node_modules\n", "can't match: `dist/` isn't in git, so no commit changes its files"),
    ] {
        let site = site(&format!("{TARGETS}{rules}"), &[(".gitignore", ignored), ("src/main.js", "")]);
        site.write("dist/index.html", "built");
        let finished = site.bare_run(&["plan"]).finish();
        finished.ends_with(0).says(&[title, "cdn-purge.yml:8:30", help]);
        assert!(
            finished.err.contains("warning: `dist/index.html` and 2 other patterns can't match"),
            "{}",
            finished.err
        );
        // And one about the syntax of the first pattern.
        finished.says(&["`(a|b)` is other tools' syntax"]);
        assert_eq!(finished.err.matches("warning").count(), 2, "{}", finished.err);
    }
}

#[test]
fn on_github_a_rule_that_matches_nothing_is_an_annotation_in_the_configuration() {
    let rules = "rules:\n  - files: ['publc/**', 'public/**']\n    urls: https://www.example.com/{tail}\n";
    let site = site(&format!("{TARGETS}{rules}"), &[("public/index.html", ""), ("src/main.js", "")]);
    let run = site.bare_run(&["plan", "--base", "HEAD~1"]).env("GITHUB_ACTIONS", "true");
    let run = run.env("GITHUB_OUTPUT", site.sibling("output")).env("GITHUB_STEP_SUMMARY", site.sibling("summary"));
    let finished = run.finish();
    finished.ends_with(0);
    let annotation = finished.out.lines().find(|line| line.starts_with("::warning")).expect("an annotation");
    assert!(annotation.contains("file=cdn-purge.yml,line=5"), "{annotation}");
    assert!(annotation.contains("`publc/**` matches no tracked file"), "{annotation}");
    assert!(annotation.ends_with("did you mean `public/**`?"), "{annotation}");
}

#[test]
fn a_pattern_that_matches_nothing_is_a_warning_where_submodules_are_ignored_too() {
    let rules = "rules:\n  - files: ['**/*.htm', 'public/**']\n    urls: https://www.example.com/{tail}\n";
    let site = site(&format!("{TARGETS}{rules}"), &[("public/index.html", ""), ("src/main.js", "")]);
    let finished = site.bare_run(&["plan", "--submodules", "ignore"]).finish();
    finished.ends_with(0).says(&["warning: `**/*.htm` matches no tracked file"]);
}

#[test]
fn patterns_that_match_a_file_or_the_last_one_of_which_was_deleted_are_no_warning() {
    let rules = "rules:\n  - files: ['public/**', 'old/*.html', '**/*.js']\n    urls: https://www.example.com/{tail}\n";
    let site =
        site(&format!("{TARGETS}{rules}"), &[("public/index.html", ""), ("old/a.html", "gone"), ("src/main.js", "")]);
    site.git(&["rm", "--quiet", "old/a.html"]);
    site.commit("Delete the last page");
    let finished = site.bare_run(&["plan"]).finish();
    finished.ends_with(0);
    assert!(!finished.err.contains("warning"), "{}", finished.err);
}

#[test]
fn other_tools_syntax_sources_build_folders_and_idle_targets_are_warnings() {
    let configuration = "version: 1
targets:
  site: {provider: alibaba-cdn}
  spare: {provider: alibaba-cdn}
rules:
  - files: 'src/(a|b)/**'
    urls: https://www.example.com/{tail}
    targets: site
  - name: posts
    files: 'content/*-*.md'
    urls: https://www.example.com/{1}/{path}
    targets: site
  - name: pages
    files: 'public/**'
    urls: https://www.example.com/{path}
    targets: site
";
    let files = [("public/a.html", ""), ("content/a: b-b-c.md", ""), ("content/a-b-c.md", ""), ("src/main.js", "")];
    let about = |files: &[(&str, &str)]| site(configuration, files).bare_run(&["check"]).finish();
    let said = "on `content/a: b-b-c.md`, `{1}` of `content/*-*.md` is `a: b-b`, up to the last `-`\n";
    let finished = about(&files[..2]);
    assert!(finished.err.contains(said), "{}", finished.err);
    let finished = about(&[files[0], files[2], files[3]]);
    finished.ends_with(0);
    for expected in [
        "warning[E340]: no rule uses the target `spare`, so nothing is refreshed there",
        "warning: `(a|b)` is other tools' syntax: here it matches these characters themselves",
        "help: write `src/{a,b}/**`",
        "warning[E338]: these URLs end in `.md`, the name of the source: a build serves another one",
        "warning[E339]: these URLs begin with `/public/`, the folder of the build: servers leave it out",
        "warning: on `content/a-b-c.md`, `{1}` of `content/*-*.md` is `a-b`, up to the last `-`",
    ] {
        assert!(finished.err.contains(expected), "{expected}\n{}", finished.err);
    }
    assert_eq!(
        finished.err.matches("\nwarning").count() + usize::from(finished.err.starts_with("warning")),
        5,
        "each once: {}",
        finished.err
    );
}

#[test]
fn a_pattern_outside_of_the_built_directory_cant_match() {
    let rules = "changes: directory\ndirectory: dist\nrules:\n  - files: ['dist/**', 'src/**']\n    urls: https://www.example.com/{tail}\n";
    let site = site(&format!("{TARGETS}{rules}"), &[("src/main.js", "")]);
    site.write("dist/index.html", "built");
    for arguments in [&["check"][..], &["plan", "--without-manifest", "all"]] {
        let finished = site.bare_run(arguments).finish();
        finished.ends_with(0);
        let expected = "warning[E362]: `src/**` can't match: the files that count are those in `dist`";
        assert!(finished.err.contains(expected), "{}", finished.err);
        assert_eq!(finished.err.matches("warning[").count(), 1, "{}", finished.err);
    }
}

#[test]
fn a_pattern_that_matches_no_file_of_the_build_is_a_warning() {
    let rules = "changes: directory\ndirectory: dist\nrules:\n  - files: ['dist/*.htm', 'dist/**']\n    urls: https://www.example.com/{tail}\n";
    let site = site(&format!("{TARGETS}{rules}"), &[("src/main.js", "")]);
    site.write("dist/index.html", "built");
    let finished = site.bare_run(&["plan", "--without-manifest", "all"]).finish();
    finished.ends_with(0);
    assert!(finished.err.contains("warning: `dist/*.htm` matches no file of the build"), "{}", finished.err);
    assert!(finished.err.contains("did you mean `dist/*.html`?"), "{}", finished.err);
}

#[test]
fn on_empty_says_what_a_run_without_urls_means() {
    let rules = "rules:\n  - files: 'public/**'\n    urls: https://www.example.com/{tail}\n";
    let site = site(&format!("{TARGETS}{rules}"), &[("public/index.html", ""), ("src/main.js", "")]);
    let said = "no rule selects the changed file, so nothing is refreshed: `cdn-purge explain src/main.js` shows why";
    for (arguments, code, word) in [
        (&["plan"][..], 0, Some("warning: ")),
        (&["plan", "--on-empty", "fail"], 1, Some("error: ")),
        (&["plan", "--on-empty", "ok"], 0, None),
        // Nothing changed at all.
        (&["plan", "--base", "HEAD"], 0, None),
    ] {
        let finished = site.bare_run(arguments).finish();
        finished.ends_with(code);
        match word {
            Some(word) => assert!(finished.err.contains(&format!("{word}{said}")), "{}", finished.err),
            None => assert!(!finished.err.contains("warning") && !finished.err.contains(said), "{}", finished.err),
        }
    }
    let unchanged = site.bare_run(&["plan", "--base", "HEAD", "--on-empty", "fail"]).finish();
    unchanged.ends_with(1);
    assert!(unchanged.err.contains("error: no file changed, so nothing is refreshed"), "{}", unchanged.err);
}
