//! Submodules and symbolic links: what a push to them refreshes, and that none is left out silently.

use super::stage::{Finished, Site, at_once};

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

/// The files below `public` as a line: `path=content`, and symbolic links, `path->target`; nothing else is left there.
#[cfg(unix)]
fn lay(site: &Site, files: &str) {
    let public = site.repository().join("public");
    drop(std::fs::remove_dir_all(&public));
    std::fs::create_dir(&public).unwrap();
    for word in files.split_whitespace() {
        if let Some((path, target)) = word.split_once("->") {
            let link = public.join(path);
            std::fs::create_dir_all(link.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(target, link).unwrap();
        } else {
            let (path, content) = word.split_once('=').unwrap();
            site.write(format!("public/{path}"), content);
        }
    }
}

/// The paths of the URLs that a plan refreshes, in order.
fn refreshed(site: &Site, arguments: &[&str]) -> (Vec<String>, Finished) {
    let report = site.sibling("report.json");
    let finished = plan(site, &[&["--report-file", report.to_str().unwrap()], arguments].concat());
    finished.ends_with(0);
    let outcomes = finished.outcomes();
    let urls = outcomes.keys().filter_map(|row| row.strip_prefix("refresh https://www.example.com/"));
    (urls.map(str::to_owned).collect(), finished)
}

/// Each shape of symbolic links before and after a push: the pages that it must refresh, and the words of its warning.
#[cfg(unix)]
#[test]
fn each_shape_of_symbolic_links_refreshes_the_urls_that_serve_something_else() {
    let out = "leads out of the repository";
    let rows: &[(&str, &str, &str, &str, &[&str])] = &[
        ("a link to a file that changes", "f=1 l->f", "f=2 l->f", "f l", &[]),
        ("a link to another file", "f=1 g=2 l->f", "f=1 g=2 l->g", "l", &[]),
        ("a link to a folder with a change", "d/a=1 d/b=1 l->d", "d/a=2 d/b=1 l->d", "d/a l/a", &[]),
        (
            "a link to another folder",
            "1/a=1 1/b=1 2/a=2 2/c=1 l->1",
            "1/a=1 1/b=1 2/a=2 2/c=1 l->2",
            "l/a l/b l/c",
            &[],
        ),
        ("a new link to a folder", "d/a=1", "d/a=1 l->d", "l/a", &[]),
        ("a link to a folder that is gone", "d/a=1 l->d", "d/a=1", "l/a", &[]),
        ("a link out of the repository", "f=1", "f=1 l->../../f", "l", &[out]),
        ("a link to an absolute path", "f=1", "f=1 l->/etc/passwd", "l", &["leads to an absolute path"]),
        ("a link that is turned out of the repository", "d/a=1 l->d", "d/a=1 l->../..", "l l/a", &[out]),
        ("a link to nothing", "f=1", "f=1 l->nowhere", "l", &[]),
        ("a link whose file is gone", "f=1 g=1 l->f", "g=1 l->f", "f l", &[]),
        ("a link whose folder is gone", "d/a=1 g=1 l->d", "g=1 l->d", "d/a l/a", &[]),
        ("a chain of links", "d/a=1 m->d l->m", "d/a=2 m->d l->m", "d/a l/a m/a", &[]),
        ("a chain whose middle is turned", "1/a=1 2/a=2 m->1 l->m", "1/a=1 2/a=2 m->2 l->m", "l/a m/a", &[]),
        (
            "two links that lead to each other",
            "f=1",
            "f=1 l->m m->l",
            "l m",
            &["`public/l` leads in a circle", "`public/m` leads in a circle"],
        ),
        ("a link to the folder that it is in", "d/a=1 d/l->.", "d/a=2 d/l->.", "d/a", &["which contains it"]),
        ("a link to a file that became a file", "f=1 l->f", "f=1 l=2", "l", &[]),
        ("a file that became a link to a file", "f=1 l=2", "f=1 l->f", "l", &[]),
        ("a link to a folder that became a folder", "d/a=1 d/b=1 l->d", "d/a=1 d/b=1 l/a=2 l/c=1", "l/a l/b l/c", &[]),
        ("a folder that became a link to a folder", "d/a=1 d/b=1 l/a=2 l/c=1", "d/a=1 d/b=1 l->d", "l/a l/b l/c", &[]),
        ("a link to a folder that became a file", "d/a=1 l->d", "d/a=1 l=1", "l l/a", &[]),
        ("a file that became a link to a folder", "d/a=1 l=1", "d/a=1 l->d", "l l/a", &[]),
    ];
    at_once(rows, |(shape, before, after, expected, warnings)| {
        let site = Site::new();
        for files in [before, after] {
            lay(&site, files);
            site.commit(shape);
        }
        let (urls, finished) = refreshed(&site, &[]);
        assert_eq!(urls.join(" "), *expected, "{shape}\n{}", finished.err);
        finished.says(warnings);
        assert_eq!(finished.err.matches("warning").count(), warnings.len(), "{shape}\n{}", finished.err);
    });
}

/// Each way in which a submodule's files come, change and go: the pages that it must refresh.
#[test]
fn each_change_of_a_submodule_refreshes_the_urls_of_its_files() {
    type Step<'s> = &'s [&'s str];
    let rows: &[(&str, &[Step<'_>], &str)] = &[
        ("moved to another commit", &[&["-C", "public/theme", "checkout", "--quiet", "main"]], "theme/a.html"),
        ("taken back", &[&["-C", "public/theme", "checkout", "--quiet", "main~2"]], "theme/a.html"),
        ("removed", &[&["rm", "--quiet", "public/theme"]], "theme/a.html"),
        ("moved to another path", &[&["mv", "public/theme", "public/look"]], "look/a.html theme/a.html"),
        ("added", &[&["submodule", "--quiet", "add", "THEME", "public/new"]], "new/a.html"),
        ("added out of the rules' reach", &[&["submodule", "--quiet", "add", "THEME", "tools"]], ""),
        (
            "with a submodule of its own",
            &[
                &["-C", "public/theme", "submodule", "--quiet", "add", "THEME", "inner"],
                &["-C", "public/theme", "commit", "--quiet", "--message=x"],
            ],
            "theme/.gitmodules theme/inner/a.html",
        ),
        (
            "replaced by a folder of files",
            &[
                &["rm", "--quiet", "public/theme"],
                &["-c", "alias.lay=!mkdir public/theme; echo own > public/theme/b.html", "lay"],
            ],
            "theme/a.html theme/b.html",
        ),
    ];
    at_once(rows, |(change, steps, expected)| {
        let site = with_submodule();
        let theme = site.sibling("theme");
        for step in *steps {
            let step: Vec<&str> =
                step.iter().map(|word| if *word == "THEME" { theme.to_str().unwrap() } else { *word }).collect();
            site.git(&step);
        }
        site.commit(change);
        let (urls, finished) = refreshed(&site, &["--on-empty", "ok"]);
        assert_eq!(urls.join(" "), *expected, "{change}\n{}", finished.err);
        assert!(!finished.err.contains("warning"), "{change}\n{}", finished.err);
    });
}
