//! Everything but the main job: what is printed, and that a flag beats an input, which beats the environment.

use super::stage::{CONFIGURATION, Site};

/// The refreshes that a dry run plans, and whether it plans prefetches.
fn planned(site: &Site, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
    let finished = site.bare_run(arguments).envs(environment).finish();
    finished.ends_with(0);
    (finished.out.contains("    prefetch: "), finished.out)
}

#[test]
fn help_and_version_go_to_standard_output() {
    let site = Site::empty();
    let help = site.bare_run(&["--help"]).finish();
    help.ends_with(0).says(&["Usage: cdn-purge", "--dry-run", "mock-server", "A flag overrides an input"]);
    assert!(help.err.is_empty());
    let version = site.bare_run(&["--version"]).finish();
    version.ends_with(0);
    assert_eq!(version.out, concat!("cdn-purge ", env!("CARGO_PKG_VERSION"), "\n"));
    for command in [
        "run",
        "plan",
        "refresh",
        "prefetch",
        "records",
        "quota",
        "traffic",
        "bandwidth",
        "logs",
        "domains",
        "wait",
        "explain",
        "check",
        "init",
        "providers",
        "schema",
        "completions",
        "man",
        "mock-server",
        "demo",
    ] {
        site.bare_run(&[command, "--help"]).finish().ends_with(0).says(&["Usage: cdn-purge"]);
    }
}

#[test]
fn providers_tells_limits_options_and_the_names_of_keys() {
    let finished = Site::empty().bare_run(&["providers"]).finish();
    finished.ends_with(0).says(&["alibaba-cdn", "10000", "l2-preload", "ALIBABA_CLOUD_ACCESS_KEY_ID"]);
    let rates = |line: &&str| line.starts_with("  refresh ") || line.trim_start().starts_with("operation ");
    let first_table = finished.out.lines().skip_while(|line| !line.starts_with("alibaba-cdn: ")).filter(rates).take(6);
    let widths: Vec<usize> = first_table.map(|line| line.chars().count()).collect();
    assert!(
        widths.len() == 6 && widths.iter().all(|width| *width == widths[0]),
        "columns are not below each other: {widths:?}"
    );
}

#[test]
fn schema_is_the_schema_of_the_repository() {
    let finished = Site::empty().bare_run(&["schema"]).finish();
    finished.ends_with(0);
    let printed: serde_json::Value = serde_json::from_str(&finished.out).unwrap();
    let committed: serde_json::Value = serde_json::from_str(include_str!("../../../schema.json")).unwrap();
    assert_eq!(printed, committed);
}

#[test]
fn check_tells_how_a_configuration_is_understood() {
    let site = Site::new();
    site.write(".github/cdn-purge.yml", CONFIGURATION);
    let finished = site.bare_run(&["check"]).finish();
    finished.ends_with(0).says(&["`cdn-purge.yml` is valid", "pages: public/**", "refresh (url), then prefetch"]);
    finished.says(&["ignoring `.github/cdn-purge.yml`"]);
}

#[test]
fn explain_tells_which_rule_made_what_of_a_file_or_why_none_did() {
    let finished = Site::new().bare_run(&["explain", "public/about/new.html", "./README.md"]).finish();
    finished.ends_with(0).says(&[
        "rule `pages` matches it by `public/**`",
        "refresh + prefetch → https://www.example.com/about/new.html",
        "README.md",
        "rule `pages` doesn't match it",
    ]);
}

#[test]
fn the_two_commits_are_explained_before_there_is_a_configuration() {
    let site = Site::new();
    std::fs::remove_file(site.repository().join("cdn-purge.yml")).unwrap();
    site.bare_run(&["explain", "--range"]).finish().ends_with(0).says(&["the first parent of `HEAD`"]);
    // A file that is there counts, and so do its mistakes.
    site.write("cdn-purge.yml", "version: 1\nwait: maybe\n");
    site.bare_run(&["explain", "--range"]).finish().ends_with(2).says(&["`wait` is `maybe`", "`rules` is missing"]);
}

#[test]
fn an_input_is_read_under_both_spellings_and_an_empty_one_is_none() {
    let site = Site::new();
    for name in ["INPUT_DRY-RUN", "INPUT_DRY_RUN"] {
        site.bare_run(&[]).env(name, "true").finish().ends_with(0).says(&["nothing was sent"]);
    }
    let (prefetches, _) =
        planned(&site, &["plan"], &[("INPUT_PREFETCH", ""), ("INPUT_BASE", ""), ("INPUT_CONFIG", " ")]);
    assert!(prefetches);
    let both = site.bare_run(&[]).envs(&[("INPUT_DRY-RUN", "true"), ("INPUT_DRY_RUN", "false")]).finish();
    both.complains(2, &["input `dry-run` is given twice", "remove one of the two"]);
}

#[test]
fn a_flag_beats_an_input_that_beats_the_variable_that_beats_the_file() {
    let site = Site::new();
    site.write("cdn-purge.yml", format!("{CONFIGURATION}max-urls: 0\n"));
    let file = &["plan"][..];
    site.bare_run(file).finish().ends_with(5);
    let variable = ("CDN_PURGE_MAX_URLS", "100");
    planned(&site, file, &[variable]);
    let input = ("INPUT_MAX-URLS", "1");
    site.bare_run(file).envs(&[variable, input]).finish().complains(5, &["`max-urls` is 1", "set `max-urls`"]);
    planned(&site, &["plan", "--max-urls", "6"], &[variable, input]);
    // An empty input doesn't hide the variable.
    planned(&site, file, &[variable, ("INPUT_MAX-URLS", "")]);
}

#[test]
fn the_demo_tells_six_steps_and_leaves_its_report_alone() {
    let site = Site::empty();
    let finished = site.bare_run(&["demo"]).finish();
    finished.ends_with(0).says(&["1/6 ", "2/6 ", "3/6 ", "4/6 ", "URLs done", "not mapped to a URL: "]);
    let [.., last, proof] = finished.out.lines().collect::<Vec<_>>()[..] else { panic!("{}", finished.out) };
    // Two pages are gone: the renamed one, and the deleted one.
    let proved = "6/6 Proved by bytes: the cache serves 29 of 31 verified URLs as deployed, and held old copies of 27 of them before the \
                  purge; 2 more are gone, like their files";
    assert_eq!(proof, proved);
    let left: Vec<_> =
        std::fs::read_dir(site.sibling("temporary")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(last.starts_with("5/6 ") && last.ends_with(left[0].to_str().unwrap()), "{last}");
    assert_eq!(left.len(), 1, "its repository is gone");
    assert!(std::fs::read_to_string(&left[0]).unwrap().contains("http://www.example.com/archive/"));
}

#[test]
fn init_writes_a_configuration_that_check_takes_and_overwrites_nothing() {
    let site = Site::empty();
    site.git(&["init", "--quiet", "--initial-branch=main"]);
    site.write("hugo.toml", "baseURL = 'https://www.shop.test/'\n");
    site.write("static/logo.svg", "<svg/>\n");
    site.write("content/a.md", "a\n");
    site.write(".gitignore", "public\n");
    site.commit("A site");
    let read = |name: &str| std::fs::read_to_string(site.repository().join(name)).unwrap();
    let printed = site.bare_run(&["init", "--provider", "alibaba-cdn", "--output", "-"]).finish();
    let shown = ["Hugo builds the site (`hugo.toml`)", "ALIBABA_CLOUD_ACCESS_KEY_ID", "allow-hosts: www.shop.test"];
    printed.ends_with(0).says(&shown);
    assert!(printed.out.starts_with("# Which changed files") && !printed.out.contains("$schema"), "{}", printed.out);
    let finished = site.bare_run(&["init", "--provider", "alibaba-cdn"]).finish();
    finished.ends_with(0).says(&[
        "wrote `",
        "cdn-purge.yml`",
        "it is served at `https://www.shop.test/`, says `hugo.toml`",
    ]);
    site.bare_run(&["check"]).finish().ends_with(0).says(&[
        "is valid",
        "files of the built directory `public`",
        "pages: public/**",
    ]);
    let schema: serde_json::Value = serde_json::from_str(&read("cdn-purge.schema.json")).unwrap();
    assert_eq!(schema["properties"]["version"]["const"], 1);
    site.bare_run(&["init"]).finish().ends_with(2).says(&["there is a configuration already", "--force"]);
    site.bare_run(&["init", "--force", "--provider", "alibaba-cdn", "--host", "b.shop.test"]).finish().ends_with(0);
    assert!(read("cdn-purge.yml").contains("https://b.shop.test/{tail}"));
}

#[test]
fn a_newcomer_is_told_of_init() {
    Site::empty()
        .bare_run(&["plan"])
        .finish()
        .ends_with(2)
        .says(&["no configuration in", "`cdn-purge init` writes a first one"]);
}

#[test]
fn completions_and_the_manual_page_go_to_standard_output() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let finished = Site::empty().bare_run(&["completions", shell]).finish();
        finished.ends_with(0);
        assert!(finished.out.contains("dry-run") && finished.err.is_empty(), "{shell}");
    }
    Site::empty().bare_run(&["completions", "zssh"]).finish().ends_with(2).says(&["did you mean `zsh`?"]);
    let manual = Site::empty().bare_run(&["man"]).finish();
    manual.ends_with(0);
    assert!(manual.out.contains("\n.TH CDN-PURGE 1"), "{}", manual.out);
}

#[test]
fn colors_are_off_in_a_pipe_unless_somebody_wants_them() {
    let site = Site::new();
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let finished = site.bare_run(arguments).args(&["--base", "HEAD~1"]).envs(variables).finish();
        finished.ends_with(0);
        finished.out.contains("\x1b[1mcdn-purge\x1b[0m: ")
    };
    assert!(!run(&["plan"], &[]));
    assert!(run(&["plan", "--color", "always"], &[]) && run(&["plan"], &[("CLICOLOR_FORCE", "1")]));
    assert!(run(&["plan", "--color", "always"], &[("NO_COLOR", "1")]), "a flag overrides a variable");
    assert!(!run(&["plan"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!run(&["plan", "--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    for command in [&["check"][..], &["explain", "public/index.html"]] {
        let printed = |color: &str| site.bare_run(command).args(&["--color", color]).finish().out;
        assert!(printed("always").contains("\x1b[34mhttps://") && !printed("never").contains('\x1b'), "{command:?}");
    }
}
