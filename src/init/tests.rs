use proptest::prelude::*;

use super::*;
use crate::config::{self, CommandKind, Flags, Settings};
use crate::environment::Environment;
use crate::mapping::{self, Mapped, Overrides};
use crate::model::{Change, ChangeKind, EntryKind, RepoPath};
use crate::providers::PROVIDERS;

fn site(files: &[(&str, &str)]) -> Site {
    let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
    let texts: BTreeMap<&str, &str> = files.iter().copied().collect();
    let contents = wanted(&names).map(|name| (name.to_owned(), texts[name].to_owned())).collect();
    recognise(&names, &contents, PROVIDERS)
}

fn written(files: &[(&str, &str)]) -> Draft {
    draft(&site(files), &Choices::default(), PROVIDERS)
}

/// The configuration as a run understands it.
fn read(draft: &Draft) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("cdn-purge.yml");
    std::fs::write(&config, &draft.text).unwrap();
    let mut flags = Flags::new();
    flags.add("config", config.to_str().unwrap());
    config::read(CommandKind::Check, &flags, &Environment::new())
        .unwrap_or_else(|error| panic!("{:#?}\n{}", error.diagnostics(), draft.text))
}

fn mapped(draft: &Draft, files: &[&str]) -> Mapped {
    let change = |file: &&str| Change {
        path: RepoPath::new(file.as_bytes()),
        kind: ChangeKind::Modified,
        entry: EntryKind::File,
    };
    let changes: Vec<Change> = files.iter().map(change).collect();
    mapping::map(&changes, &read(draft).rules, Overrides::default())
}

fn urls(draft: &Draft, file: &str) -> Vec<String> {
    mapped(draft, &[file]).tasks.iter().map(|task| task.subject.to_string()).collect()
}

/// Generators as a repository shows them: files, what is said of it, and a source with what its change must refresh.
type Fixture =
    (&'static [(&'static str, &'static str)], &'static str, &'static [(&'static str, &'static [&'static str])]);

const ALL: &[&str] = &["https://www.shop.test/"];

const FIXTURES: &[Fixture] = &[
    (
        &[
            ("hugo.toml", "baseURL = 'https://www.shop.test/'"),
            ("content/posts/a.md", ""),
            ("static/a b.css", ""),
            ("data/prices.json", ""),
            ("public/index.html", ""),
        ],
        "a finished site in `public/`, made by Hugo (`hugo.toml`)",
        &[(
            "public/posts/index.html",
            &["https://www.shop.test/posts/index.html", "https://www.shop.test/posts/", "https://www.shop.test/posts"],
        )],
    ),
    (
        &[("hugo.toml", "baseURL = 'https://www.shop.test/'"), ("content/posts/a.md", ""), ("static/a b.css", "")],
        "Hugo builds the site (`hugo.toml`) into `public`",
        &[
            (
                "public/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("public/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[("config.toml", "baseURL = 'https://www.shop.test/'\n"), ("archetypes/default.md", "")],
        "Hugo builds the site (`config.toml`) into `public`",
        &[
            (
                "public/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("public/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[("config.toml", "base_url = 'https://www.shop.test'\n"), ("templates/page.html", ""), ("static/x.js", "")],
        "Zola builds the site (`config.toml`) into `public`",
        &[
            (
                "public/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("public/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[
            ("_config.yml", "url: https://www.shop.test\ntheme: minima\n"),
            ("_posts/2026-01-01-a.md", ""),
            ("index.md", ""),
        ],
        "Jekyll builds the site (`_config.yml`) into `_site`",
        &[
            (
                "_site/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("_site/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[
            ("_config.yml", "url: https://www.shop.test\nbaseurl: \"/blog\" # below the shop\n"),
            ("Gemfile", "gem \"jekyll\", \"~> 4.4\"\n"),
            ("_site/index.html", ""),
            ("_site/about/index.html", ""),
            ("_site/2026/01/01/a.html", ""),
        ],
        "a finished site in `_site/`, made by Jekyll (`Gemfile`)",
        &[
            (
                "_site/2026/01/01/a.html",
                &["https://www.shop.test/blog/2026/01/01/a.html", "https://www.shop.test/blog/2026/01/01/a"],
            ),
            ("_site/feed.xml", &["https://www.shop.test/blog/feed.xml"]),
        ],
    ),
    (
        &[
            ("_config.yml", "url: https://www.shop.test\ntheme: x\n"),
            ("package.json", "{\"dependencies\": {\n\"hexo\": \"7\"}}"),
        ],
        "Hexo builds the site (`package.json`) into `public`",
        &[
            (
                "public/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("public/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[("eleventy.config.js", ""), ("CNAME", "www.shop.test\n"), ("posts/a.md", "")],
        "Eleventy builds the site (`eleventy.config.js`) into `_site`",
        &[
            (
                "_site/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("_site/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[
            ("web/astro.config.mjs", "  site: 'https://www.shop.test',"),
            ("web/public/x.svg", ""),
            ("web/src/pages/a.astro", ""),
        ],
        "Astro builds the site (`web/astro.config.mjs`) into `web/dist`",
        &[
            (
                "web/dist/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("web/dist/x.js.map", &[]),
            ("README.md", &[]),
            ("web/dist/_astro/x.1a2b.js", &[]),
        ],
    ),
    (
        &[
            ("next.config.js", "output: 'export'"),
            ("CNAME", "www.shop.test"),
            ("public/x.svg", ""),
            ("app/page.tsx", ""),
        ],
        "Next.js builds the site (`next.config.js`) into `out`",
        &[
            (
                "out/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("out/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[
            ("next.config.mjs", "export default {\n  output: 'export',\n  basePath: '/docs',\n};"),
            ("CNAME", "www.shop.test"),
            ("out/index.html", ""),
            ("out/about.html", ""),
            ("out/404.html", ""),
            ("out/_next/static/chunks/app.js", ""),
        ],
        "a finished site in `out/`, made by Next.js (`next.config.mjs`)",
        &[
            ("out/about.html", &["https://www.shop.test/docs/about.html", "https://www.shop.test/docs/about"]),
            ("out/guide/a.html", &["https://www.shop.test/docs/guide/a.html", "https://www.shop.test/docs/guide/a"]),
            ("out/404.html", &["https://www.shop.test/docs/404.html"]),
            ("out/_next/static/chunks/app.js", &["https://www.shop.test/docs/_next/static/chunks/app.js"]),
            ("app/page.tsx", &[]),
        ],
    ),
    (
        &[("nuxt.config.ts", ""), ("CNAME", "www.shop.test"), ("pages/index.vue", "")],
        "Nuxt builds the site (`nuxt.config.ts`) into `.output/public`",
        &[
            (
                ".output/public/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            (".output/public/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[("gatsby-config.ts", "siteUrl: `https://www.shop.test`,"), ("static/x.png", ""), ("src/pages/a.tsx", "")],
        "Gatsby builds the site (`gatsby-config.ts`) into `public`",
        &[
            (
                "public/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("public/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[
            ("website/docusaurus.config.js", "  url: 'https://www.shop.test',"),
            ("website/static/x.png", ""),
            ("docs/a.md", ""),
        ],
        "Docusaurus builds the site (`website/docusaurus.config.js`) into `website/build`",
        &[
            (
                "website/build/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("website/build/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[
            ("docusaurus.config.ts", "const config = {\n  url: 'https://www.shop.test',\n  baseUrl: '/project/',\n};"),
            ("static/img/x.png", ""),
            ("docs/intro.md", ""),
        ],
        "Docusaurus builds the site (`docusaurus.config.ts`) into `build`",
        &[
            (
                "build/a b/index.html",
                &[
                    "https://www.shop.test/project/a%20b/index.html",
                    "https://www.shop.test/project/a%20b/",
                    "https://www.shop.test/project/a%20b",
                ],
            ),
            ("build/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[("docs/.vitepress/config.mts", ""), ("CNAME", "www.shop.test"), ("docs/public/x.png", ""), ("docs/a.md", "")],
        "VitePress builds the site (`docs/.vitepress/config.mts`) into `docs/.vitepress/dist`",
        &[
            (
                "docs/.vitepress/dist/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("docs/.vitepress/dist/x.js.map", &[]),
            ("README.md", &[]),
            ("docs/.vitepress/dist/assets/x.1a2b.js", &[]),
        ],
    ),
    (
        &[
            ("docs/.vitepress/config.mts", "export default defineConfig({\n  base: '/guide/',\n})"),
            ("CNAME", "www.shop.test"),
            ("docs/.vitepress/dist/index.html", ""),
            ("docs/.vitepress/dist/start.html", ""),
            ("docs/start.md", ""),
        ],
        "a finished site in `docs/.vitepress/dist/`, made by VitePress",
        &[
            (
                "docs/.vitepress/dist/start.html",
                &["https://www.shop.test/guide/start.html", "https://www.shop.test/guide/start"],
            ),
            (
                "docs/.vitepress/dist/index.html",
                &[
                    "https://www.shop.test/guide/index.html",
                    "https://www.shop.test/guide/",
                    "https://www.shop.test/guide",
                ],
            ),
        ],
    ),
    (
        &[("docs/.vuepress/config.js", ""), ("CNAME", "www.shop.test"), ("docs/a.md", "")],
        "VuePress builds the site (`docs/.vuepress/config.js`) into `docs/.vuepress/dist`",
        &[
            (
                "docs/.vuepress/dist/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("docs/.vuepress/dist/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[("mkdocs.yml", "site_url: https://www.shop.test/guide\n"), ("docs/index.md", "")],
        "MkDocs builds the site (`mkdocs.yml`) into `site`",
        &[
            (
                "site/a b/index.html",
                &[
                    "https://www.shop.test/guide/a%20b/index.html",
                    "https://www.shop.test/guide/a%20b/",
                    "https://www.shop.test/guide/a%20b",
                ],
            ),
            ("site/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[("docs/conf.py", "extensions = []"), ("CNAME", "www.shop.test"), ("docs/index.rst", "")],
        "Sphinx builds the site (`docs/conf.py`) into `docs/_build/html`",
        &[
            (
                "docs/_build/html/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("docs/_build/html/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[("book.toml", "[book]\n"), ("CNAME", "www.shop.test"), ("src/SUMMARY.md", "")],
        "mdBook builds the site (`book.toml`) into `book`",
        &[
            (
                "book/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("book/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[("vite.config.ts", ""), ("index.html", ""), ("CNAME", "www.shop.test"), ("src/main.ts", "")],
        "Vite builds the site (`vite.config.ts`) into `dist`",
        &[
            (
                "dist/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("dist/x.js.map", &[]),
            ("README.md", &[]),
            ("dist/assets/x.1a2b.js", &[]),
        ],
    ),
    (
        &[
            ("package.json", "{\"homepage\": \"https://www.shop.test/\",\n\"react-scripts\": \"5\"}"),
            ("public/index.html", ""),
            ("src/App.js", ""),
        ],
        "Create React App builds the site (`package.json`) into `build`",
        &[
            (
                "build/a b/index.html",
                &[
                    "https://www.shop.test/a%20b/index.html",
                    "https://www.shop.test/a%20b/",
                    "https://www.shop.test/a%20b",
                ],
            ),
            ("build/x.js.map", &[]),
            ("README.md", &[]),
        ],
    ),
    (
        &[("public/index.html", ""), ("public/css/a.css", ""), ("CNAME", "www.shop.test")],
        "a finished site in `public/`",
        &[
            (
                "public/a/index.html",
                &["https://www.shop.test/a/index.html", "https://www.shop.test/a/", "https://www.shop.test/a"],
            ),
            ("public/index.html", &["https://www.shop.test/index.html", "https://www.shop.test/"]),
            ("public/css/a.css", &["https://www.shop.test/css/a.css"]),
        ],
    ),
    (
        &[("dist/index.html", ""), ("dist/a/b.html", ""), ("infra/cdn.tf", "domain_name = \"www.shop.test\" # cdn")],
        "a finished site in `dist/`",
        &[("dist/a/b.html", &["https://www.shop.test/a/b.html", "https://www.shop.test/a/b"]), ("infra/cdn.tf", &[])],
    ),
    (
        &[("index.html", ""), ("CNAME", "www.shop.test\n"), ("css/a.css", "")],
        "a finished site in the repository's root",
        &[("css/a.css", &["https://www.shop.test/css/a.css"]), (".github/workflows/x.yml", &[])],
    ),
    (
        &[(".gitignore", "node_modules\n/dist/\n"), ("CNAME", "www.shop.test\n"), ("build.sh", "")],
        "a site that is built into `dist`, which git ignores",
        &[("dist/a.css", &["https://www.shop.test/a.css"]), ("build.sh", &[])],
    ),
    (
        &[
            (".gitignore", "*.log\nbuild/html\n"),
            ("docs/.gitignore", "_build\n"),
            ("docs/conf.py", "extensions = []"),
            ("CNAME", "www.shop.test"),
        ],
        "Sphinx builds the site (`docs/conf.py`) into `docs/_build/html`",
        &[("docs/_build/html/a.html", &["https://www.shop.test/a.html"])],
    ),
    (
        &[(".gitignore", "/build/html/\n"), ("conf.py", "extensions = []"), ("CNAME", "www.shop.test")],
        "Sphinx builds the site (`conf.py`) into `build/html`",
        &[("build/html/a.html", &["https://www.shop.test/a.html"])],
    ),
    (&[("CNAME", "www.shop.test\n"), ("main.go", "")], "nothing that makes a site", &[("main.go", ALL)]),
];

#[test]
fn every_generator_is_recognised_and_its_draft_maps_what_it_must() {
    for (files, said, sources) in FIXTURES {
        let draft = written(files);
        assert!(draft.recognised[0].starts_with(said), "{:?}\n{}", draft.recognised, draft.text);
        assert_eq!(draft.hosts, ["www.shop.test"], "{said}");
        for (source, expected) in *sources {
            assert_eq!(urls(&draft, source), *expected, "{said}: {source}\n{}", draft.text);
        }
    }
}

#[test]
fn no_generator_of_the_table_is_without_a_fixture() {
    for generator in GENERATORS {
        let starts = format!("{} builds", generator.name);
        assert!(FIXTURES.iter().any(|(_, said, _)| said.starts_with(&starts)), "{}", generator.name);
    }
}

#[test]
fn without_a_host_the_draft_can_be_used_and_says_what_it_lacks() {
    let draft = written(&[("hugo.toml", "baseURL = 'https://example.org/'")]);
    read(&draft);
    assert!(draft.open[0].contains("is a placeholder"), "{:?}", draft.open);
}

#[test]
fn what_a_person_gives_beats_what_the_repository_says() {
    let site = site(&[("dist/index.html", ""), ("CNAME", "old.shop.test")]);
    let sites = ["a.shop.test", "b.shop.test/docs"].map(|host| SiteUrl::parse(host).unwrap()).to_vec();
    let choices = Choices { urls: sites, provider: PROVIDERS.last().copied(), schema: Some("./x.json".into()) };
    let draft = draft(&site, &choices, PROVIDERS);
    assert_eq!(urls(&draft, "dist/a"), ["https://a.shop.test/a", "https://b.shop.test/docs/a"]);
    assert!(draft.text.contains("\n# yaml-language-server: $schema=./x.json\n"));
    assert_eq!(read(&draft).targets[0].provider.name, PROVIDERS.last().unwrap().name);
}

#[test]
fn the_provider_is_the_one_whose_keys_a_pipeline_names() {
    for spec in PROVIDERS {
        for names in spec.credentials {
            let pipeline = format!("env:\n  {}: x\n", names.required().next().unwrap());
            let draft = written(&[(".github/workflows/deploy.yml", &pipeline), ("index.html", "")]);
            // Products of one vendor have the same variables for their credentials: the first of them is meant.
            let shares = |other: &&&crate::provider::Spec| {
                other.credentials.iter().any(|own| own.required().eq(names.required()))
            };
            let expected = PROVIDERS.iter().find(shares).unwrap();
            assert_eq!(draft.provider.name, expected.name, "{}", spec.name);
        }
    }
}

#[test]
fn the_provider_is_the_one_whose_files_or_resources_a_repository_has() {
    for spec in PROVIDERS {
        for sign in spec.signs {
            let terraform = format!("resource \"{sign}\" \"site\" {{}}\n");
            let (path, text) = if sign.contains('.') { (*sign, "") } else { ("infra/main.tf", terraform.as_str()) };
            assert_eq!(written(&[(path, text), ("index.html", "")]).provider.name, spec.name, "{sign}");
        }
    }
    let pipeline = ".github/workflows/deploy.yml";
    let both = [("wrangler.toml", ""), (pipeline, "HUAWEICLOUD_SDK_AK"), ("index.html", "")];
    assert_eq!(written(&both).provider.name, "huawei-cdn", "credentials in a pipeline say more");
}

#[test]
fn a_folder_whose_name_no_pattern_begins_with_is_passed_over() {
    for folder in [" site", "a\nb", "\tsite", "a*b"] {
        read(&written(&[(&format!("{folder}/hugo.toml"), ""), (&format!("{folder}/static/x"), "")]));
    }
}

proptest! {
    /// Whatever files a repository holds and whatever they say, what is written can be used.
    #[test]
    fn every_draft_passes_check(
        names in prop::collection::vec(prop_oneof![
            "[a-z .{}'\"\\\\*!?#-]{1,8}/(hugo.toml|mkdocs.yml|astro.config.mjs|conf.py|static/x|public/index.html|CNAME)",
            "(hugo.toml|config.toml|_config.yml|package.json|CNAME|main.tf|index.html|docs/index.html|static/x)",
        ], 0..6),
        text in "(baseURL|url|site|domain_name) ?[:=] ?['\"]?(https://)?[a-zA-Z0-9.{}\"'/é-]{0,20}['\"]?( cdn)?\n",
    ) {
        let files: BTreeMap<&str, &str> = names.iter().map(|name| (name.as_str(), text.as_str())).collect();
        let files: Vec<(&str, &str)> = files.into_iter().collect();
        read(&written(&files));
    }
}
