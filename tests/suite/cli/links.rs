//! Submodules and symbolic links: what a push to them refreshes, and that none is left out silently.

use super::stage::{Finished, Site};

/// A site whose last commits each move the submodule `public/theme`, whose files are pages; the last one changes another page too.
fn with_submodule() -> Site {
    let site = Site::new();
    let theme = site.sibling("theme");
    std::fs::create_dir(&theme).unwrap();
    site.git_in(&theme, &["init", "--quiet", "--initial-branch=main"]);
    for text in ["one", "two", "three"] {
        std::fs::write(theme.join("a.html"), text).unwrap();
        site.git_in(&theme, &["add", "--all"]);
        site.git_in(&theme, &["commit", "--quiet", "--message", text]);
    }
    site.git(&["submodule", "--quiet", "add", theme.to_str().unwrap(), "public/theme"]);
    for revision in ["main~2", "main~1"] {
        site.git(&["-C", "public/theme", "checkout", "--quiet", revision]);
        site.commit(revision);
    }
    site
}

/// A clone of the site without its submodules, as `actions/checkout` makes it.
fn without_submodule() -> Site {
    let (origin, site) = (with_submodule(), Site::empty());
    site.git_in(&site.sibling(""), &["clone", "--quiet", origin.repository().to_str().unwrap(), "site"]);
    site
}

fn plan(site: &Site, arguments: &[&str]) -> Finished {
    site.bare_run(&[&["plan"], arguments].concat()).finish()
}

/// All that a plan says that ends well.
fn planned(site: &Site, arguments: &[&str]) -> String {
    let finished = plan(site, arguments);
    finished.ends_with(0);
    finished.out + &finished.err
}

#[test]
fn a_moved_submodule_refreshes_the_files_that_changed_in_it() {
    let site = with_submodule();
    let moved = planned(&site, &[]);
    assert!(moved.contains("https://www.example.com/theme/a.html"), "{moved}");
    let ignored = planned(&site, &["--submodules", "ignore"]);
    assert!(ignored.contains("`submodules` is `ignore`") && !ignored.contains("theme/a.html"), "{ignored}");
}

#[test]
fn a_submodule_that_is_not_checked_out_is_never_a_quiet_nothing() {
    let site = without_submodule();
    let words = ["the submodule `public/theme` changed and isn't checked out", "rule `pages` may have URLs"];
    let remedy = "run `git submodule update --init` before this step";
    plan(&site, &[]).complains(3, &[words[0], words[1], remedy]);
    plan(&site, &["--submodules", "require", "--base", "HEAD~3"]).complains(3, &[words[0], words[1], remedy]);
    // With something else to do, it is a warning.
    let with_more = planned(&site, &["--base", "HEAD~3"]);
    for words in [words[0], words[1], remedy, "https://www.example.com/index.html"] {
        assert!(with_more.contains(words), "{words} in {with_more}");
    }
    // Whoever refreshes a directory needs no names of files, and whoever excludes them none either.
    let configuration = std::fs::read_to_string(site.repository().join("cdn-purge.yml")).unwrap();
    let pages = "urls: \"https://www.example.com/{tail}\"\n    prefetch: true";
    let with = |rule: &str| site.write("cdn-purge.yml", configuration.replace(pages, rule));
    with("directories: \"https://www.example.com/look/\"");
    let of_directory = planned(&site, &[]);
    assert!(of_directory.contains("https://www.example.com/look/"), "{of_directory}");
    site.write("cdn-purge.yml", configuration.replace("\"public/**\"", "[\"public/**\", \"!public/theme/**\"]"));
    let excluded = planned(&site, &[]);
    assert!(!excluded.contains("isn't checked out"), "{excluded}");
}

#[cfg(unix)]
#[test]
fn an_alias_is_refreshed_with_what_it_leads_to_and_when_it_moves() {
    let site = Site::new();
    let link = |target: &str| {
        let place = site.repository().join("public/latest");
        drop(std::fs::remove_file(&place));
        std::os::unix::fs::symlink(target, place).unwrap();
    };
    site.write("public/1.1/index.html", "1");
    site.write("public/1.2/index.html", "2");
    site.write("public/1.2/guide/index.html", "2");
    link("1.1");
    site.commit("1.1");
    link("1.2");
    site.commit("1.2 is the latest now");
    let found = planned(&site, &[]);
    for page in ["latest/index.html", "latest/guide/index.html"] {
        assert!(found.contains(&format!("https://www.example.com/{page}")), "{page} in {found}");
    }
    site.write("public/1.2/guide/index.html", "3");
    site.commit("A change behind the alias");
    let found = planned(&site, &[]);
    for page in ["1.2/guide/index.html", "latest/guide/index.html"] {
        assert!(found.contains(&format!("https://www.example.com/{page}")), "{page} in {found}");
    }
    assert!(!found.contains("latest/index.html"), "{found}");
    link("/etc");
    site.commit("Lead out");
    let found = planned(&site, &[]);
    assert!(found.contains("the symbolic link `public/latest` leads to an absolute path"), "{found}");
}
