//! The first five minutes in a repository as the common generators make it: `init`, `check`, a change, `plan`.

use super::stage::{Site, at_once};

/// What made it, its files with their contents, and for a changed file what the plan must refresh.
struct Sample {
    found: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// Of a site that is built: a file of the build.
    changed: &'static str,
    refreshed: &'static [&'static str],
}

const SAMPLES: &[Sample] = &[
    Sample {
        found: "Hugo builds the site (`hugo.toml`) into `public`",
        files: &[
            ("hugo.toml", "baseURL = 'https://www.shop.test/'\nlanguageCode = 'en-us'\ntitle = 'Shop'\n"),
            ("archetypes/default.md", "+++\ntitle = '{{ .File.ContentBaseName }}'\n+++\n"),
            ("content/posts/a.md", "+++\n+++\nhello\n"),
            ("static/favicon.ico", "icon"),
        ],
        changed: "public/favicon.ico",
        refreshed: &["https://www.shop.test/favicon.ico"],
    },
    Sample {
        found: "Jekyll builds the site (`Gemfile`) into `_site`",
        files: &[
            ("Gemfile", "source \"https://rubygems.org\"\ngem \"jekyll\", \"~> 4.4.1\"\ngem \"minima\", \"~> 2.5\"\n"),
            (
                "_config.yml",
                "title: Shop\nbaseurl: \"\" # the subpath of your site, e.g. /blog\nurl: \"https://www.shop.test\" # the base hostname\ntheme: minima\nplugins:\n  - jekyll-feed\n",
            ),
            ("_posts/2026-01-01-welcome.markdown", "---\nlayout: post\n---\n"),
            ("index.markdown", "---\nlayout: home\n---\n"),
        ],
        changed: "_site/2026/01/01/welcome.html",
        refreshed: &["https://www.shop.test/2026/01/01/welcome", "https://www.shop.test/2026/01/01/welcome.html"],
    },
    Sample {
        found: "Astro builds the site (`astro.config.mjs`) into `dist`",
        files: &[
            (
                "astro.config.mjs",
                "// @ts-check\nimport { defineConfig } from 'astro/config';\n\nexport default defineConfig({\n  site: 'https://www.shop.test',\n  base: '/blog',\n});\n",
            ),
            (
                "package.json",
                "{\n  \"name\": \"shop\",\n  \"scripts\": {\"build\": \"astro build\"},\n  \"dependencies\": {\"astro\": \"^5.0.0\"}\n}\n",
            ),
            ("public/favicon.svg", "<svg/>"),
            ("src/pages/index.astro", "<h1>Shop</h1>"),
        ],
        changed: "dist/favicon.svg",
        refreshed: &["https://www.shop.test/blog/favicon.svg"],
    },
    Sample {
        found: "a finished site in `out/`, made by Next.js (`next.config.ts`)",
        files: &[
            ("next.config.ts", "const nextConfig = {\n  output: 'export',\n};\nexport default nextConfig;\n"),
            ("CNAME", "www.shop.test\n"),
            ("app/page.tsx", "export default function Home() { return null }"),
            ("out/index.html", "<h1>Shop</h1>"),
            ("out/about.html", "<h1>About</h1>"),
            ("out/about.txt", "0:[]"),
        ],
        changed: "out/about.html",
        refreshed: &["https://www.shop.test/about", "https://www.shop.test/about.html"],
    },
    Sample {
        found: "Docusaurus builds the site (`docusaurus.config.ts`) into `build`",
        files: &[
            (
                "docusaurus.config.ts",
                "const config: Config = {\n  title: 'Shop',\n  url: 'https://www.shop.test',\n  baseUrl: '/docs/',\n};\nexport default config;\n",
            ),
            ("docs/intro.md", "# Intro\n"),
            ("static/img/logo.svg", "<svg/>"),
        ],
        changed: "build/intro/index.html",
        refreshed: &[
            "https://www.shop.test/docs/intro",
            "https://www.shop.test/docs/intro/",
            "https://www.shop.test/docs/intro/index.html",
        ],
    },
    Sample {
        found: "VitePress builds the site (`docs/.vitepress/config.mts`) into `docs/.vitepress/dist`",
        files: &[
            (
                "docs/.vitepress/config.mts",
                "import { defineConfig } from 'vitepress'\n\nexport default defineConfig({\n  title: \"Shop\",\n  sitemap: {\n    hostname: 'https://www.shop.test'\n  },\n})\n",
            ),
            ("docs/index.md", "---\nlayout: home\n---\n"),
            ("docs/public/logo.svg", "<svg/>"),
        ],
        changed: "docs/.vitepress/dist/logo.svg",
        refreshed: &["https://www.shop.test/logo.svg"],
    },
    Sample {
        found: "MkDocs builds the site (`mkdocs.yml`) into `site`",
        files: &[
            ("mkdocs.yml", "site_name: Shop\nsite_url: https://www.shop.test/docs/\ntheme:\n  name: material\n"),
            ("docs/index.md", "# Shop\n"),
        ],
        changed: "site/index.html",
        refreshed: &[
            "https://www.shop.test/docs",
            "https://www.shop.test/docs/",
            "https://www.shop.test/docs/index.html",
        ],
    },
    Sample {
        found: "a finished site in `public/`",
        files: &[
            ("public/index.html", "<h1>Shop</h1>"),
            ("public/docs/index.html", "<h1>Docs</h1>"),
            ("public/CNAME", "www.shop.test\n"),
        ],
        changed: "public/docs/index.html",
        refreshed: &[
            "https://www.shop.test/docs",
            "https://www.shop.test/docs/",
            "https://www.shop.test/docs/index.html",
        ],
    },
];

#[test]
fn a_first_configuration_is_written_for_each_common_generator_and_maps_what_it_emits() {
    at_once(SAMPLES, |sample| {
        let site = Site::empty();
        site.git(&["init", "--quiet", "--initial-branch=main"]);
        for (file, content) in sample.files {
            site.write(file, content);
        }
        if sample.found.contains(" builds ") {
            site.write(".gitignore", "public\n_site\ndist\nbuild\nsite\n.cdn-purge\n");
        }
        site.commit("Begin");
        let written = site.bare_run(&["init", "--provider", "alibaba-cdn"]).finish();
        written.ends_with(0).says(&[sample.found, "`https://www.shop.test/", "cdn-purge check", "cdn-purge plan"]);
        let checked = site.bare_run(&["check"]).finish();
        checked.ends_with(0);
        assert!(!checked.err.contains("warning"), "{}", checked.err);
        site.commit("Refresh the CDN");
        site.write(sample.changed, "something else\n");
        let report = site.sibling("report.json");
        let mut plan = vec!["plan", "--report-file", report.to_str().unwrap()];
        if sample.found.contains(" builds ") {
            let first = site.bare_run(&["plan"]).finish();
            first.ends_with(3).says(&["there is no manifest", "`adopt` purges nothing"]);
            plan.extend(["--without-manifest", "all"]);
        } else {
            site.commit("Change");
        }
        let planned = site.bare_run(&plan).finish();
        planned.ends_with(0);
        let rows = planned.report()["urls"].as_array().unwrap();
        let mut refreshed: Vec<&str> = rows.iter().map(|row| row["url"].as_str().unwrap()).collect();
        refreshed.sort_unstable();
        assert_eq!(refreshed, sample.refreshed, "{}", sample.found);
        next_commands_end_well(&site, &(written.out + &written.err), sample.changed);
    });
}

/// Follows what `init` lists under `next`, once the site is built or changed.
fn next_commands_end_well(site: &Site, said: &str, file: &str) {
    let steps = said.split("\nnext\n").nth(1).expect("next steps").split("\n\n").next().unwrap();
    let commands: Vec<&str> = steps.lines().map(|line| line.trim().split("    ").next().unwrap()).collect();
    assert!(commands.len() >= 4, "{steps}");
    for command in commands {
        let Some(arguments) = command.strip_prefix("cdn-purge ") else { continue };
        let arguments: Vec<&str> = arguments.split(' ').map(|word| if word == "PATH" { file } else { word }).collect();
        site.bare_run(&arguments).finish().ends_with(0);
    }
}

#[test]
fn on_gitlab_the_words_and_the_job_are_those_of_gitlab() {
    let site = Site::empty();
    site.git(&["init", "--quiet", "--initial-branch=main"]);
    site.write("mkdocs.yml", "site_name: Shop\nsite_url: https://docs.shop.test/\n");
    site.write("docs/index.md", "# Shop\n");
    site.write(".gitignore", "site\n");
    site.write(".gitlab-ci.yml", "pages:\n  script:\n    - mkdocs build\n");
    site.commit("Begin");
    site.bare_run(&["init", "--provider", "huawei-cdn"]).finish().ends_with(0).says(&[
        "as masked CI/CD variables `HUAWEICLOUD_SDK_AK` and `HUAWEICLOUD_SDK_SK`",
        "and add to `.gitlab-ci.yml`, after your deployment:",
        "# The job that builds must keep `site` for this one, under `artifacts: paths`.",
        "# CDN_PURGE_WITHOUT_MANIFEST: all   # for the first run alone",
    ]);
}

#[test]
fn a_theme_of_wordpress_is_refreshed_at_the_urls_of_its_folder() {
    let site = Site::empty();
    site.git(&["init", "--quiet", "--initial-branch=main"]);
    for file in ["functions.php", "index.php", "header.php", "assets/app.js"] {
        site.write(file, "1");
    }
    site.write("style.css", "/*\nTheme Name: Shop\n*/\n");
    site.commit("Begin");
    let init = ["init", "--provider", "alibaba-cdn", "--host"];
    let asked = site.bare_run(&init).arg("www.shop.test").finish();
    let remedy = "pass `--host https://www.example.com/wp-content/themes/NAME/`, with your host and the theme's folder";
    asked.complains(2, &["a theme of WordPress is served below `/wp-content/themes/`", remedy]);
    let written = site.bare_run(&init).arg("https://www.shop.test/wp-content/themes/shop").finish();
    written
        .ends_with(0)
        .says(&["the repository's root is a theme of WordPress", "a change of a PHP file changes pages"]);
    site.commit("Refresh the CDN");
    site.write("style.css", "/*\nTheme Name: Shop\n*/\nbody {}\n");
    site.write("header.php", "2");
    site.commit("Change");
    let planned = site.bare_run(&["plan"]).finish();
    planned
        .ends_with(0)
        .says(&["https://www.shop.test/wp-content/themes/shop/style.css", "header.php: no rule matches it"]);
    next_commands_end_well(&site, &(written.out + &written.err), "assets/app.js");
}

#[test]
fn what_the_repository_doesnt_show_is_an_error_that_names_the_options() {
    let site = Site::empty();
    site.git(&["init", "--quiet", "--initial-branch=main"]);
    site.write("public/index.html", "");
    site.write("docs/index.html", "");
    site.commit("Begin");
    let refused = site.bare_run(&["init"]).finish();
    refused.complains(
        2,
        &[
            "the repository has 2 directories that may be the site",
            "the provider isn't known: the repository has no sign of one",
            "the host isn't known: no file of the repository names it",
            "pass `--site-dir public` (public/ has an `index.html`) or `--site-dir docs` (docs/ has an `index.html`)",
            "pass `--host www.example.com`, with your host",
        ],
    );
    assert!(!site.repository().join("cdn-purge.yml").exists());
    let chosen = ["init", "--site-dir", "docs", "--provider", "alibaba-cdn", "--host", "www.shop.test"];
    site.bare_run(&chosen).finish().ends_with(0).says(&[
        "`public/` has an `index.html` too, and is no part of this",
        "let `cdn-purge init --force --provider alibaba-cdn --site-dir docs --host www.shop.test --github`, or `--gitlab`, write",
    ]);
    let unusable = site.bare_run(&["init", "--force", "--site-dir", "../x"]).finish();
    unusable.complains(2, &["`--site-dir` is `../x`", "write its path from the repository's root"]);
}

#[test]
fn a_workflow_is_written_and_an_existing_one_is_left_as_it_is() {
    let site = Site::empty();
    site.git(&["init", "--quiet", "--initial-branch=trunk"]);
    site.write("hugo.toml", "baseURL = 'https://www.shop.test/'\n");
    site.write(".gitignore", "public\n");
    site.commit("Begin");
    let written = site.bare_run(&["init", "--provider", "alibaba-cdn", "--github", "--gitlab"]).finish();
    written.ends_with(0).says(&["wrote `.github/workflows/deploy-and-refresh.yml`", "wrote `.gitlab-ci.yml`"]);
    let read = |file: &str| std::fs::read_to_string(site.repository().join(file)).unwrap();
    let github = read(".github/workflows/deploy-and-refresh.yml");
    assert!(github.contains("branches: [trunk]") && github.contains("uses: org/cdn-purge-action@v1"), "{github}");
    assert!(read(".gitlab-ci.yml").contains("CDN_PURGE_ALLOW_HOSTS: \"www.shop.test\""));
    site.write(
        ".github/workflows/deploy-and-refresh.yml",
        "on: push\njobs:\n  a:\n    steps:\n      - run: rclone sync public x:\n",
    );
    site.commit("Deploy");
    let again = site.bare_run(&["init", "--force", "--provider", "alibaba-cdn", "--github"]).finish();
    again
        .ends_with(0)
        .says(&["and add to `.github/workflows/deploy-and-refresh.yml`, around the deployment in line 5"]);
    assert!(read(".github/workflows/deploy-and-refresh.yml").starts_with("on: push"));
}
