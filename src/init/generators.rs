//! The static site generators as data: the files they are known by, where their pages go, and what they copy as it is.
//!
//! Sources: each generator's own documentation of its folders and settings, read 2026-11-25 and 2026-11-30.

/// A program that makes a site of sources.
#[derive(Debug)]
pub(super) struct Generator {
    /// For people.
    pub(super) name: &'static str,
    /// Files that are its configuration and nobody else's; `*` matches any ending. Below the site's folder.
    pub(super) markers: &'static [&'static str],
    /// Files that others have too, and words one of which is in its own.
    pub(super) shared_markers: &'static [(&'static str, &'static [&'static str])],
    /// A word that its configuration, or `package.json`, must hold, as it makes no files of pages otherwise; empty if there is none.
    pub(super) needed: &'static str,
    /// Where it writes the site, by default: looked for in the repository, from the likeliest.
    pub(super) outputs: &'static [&'static str],
    /// The setting that names another place; empty if there is none.
    pub(super) output_key: &'static str,
    /// Folders whose files become files of the site under the same name.
    pub(super) copied: &'static [&'static str],
    /// The folder of its output in which every name has a hash of the content; empty if there is none.
    pub(super) fingerprinted: &'static str,
    /// Whether pages are files with names of their own (`about.html`), which many servers serve without the ending, too.
    pub(super) names_pages: bool,
    /// Whether an `index.html` in the folder of its configuration is a source.
    pub(super) reads_index: bool,
    /// The preset of `site` for its sources, and settings with which its rules would be wrong.
    pub(super) preset: Option<(&'static str, &'static [&'static str])>,
    /// The commands that build the site, in its folder.
    pub(super) build: &'static str,
}

impl Generator {
    const fn new(
        name: &'static str,
        markers: &'static [&'static str],
        outputs: &'static [&'static str],
        build: &'static str,
    ) -> Self {
        Self {
            name,
            markers,
            shared_markers: &[],
            needed: "",
            outputs,
            output_key: "",
            copied: &[],
            fingerprinted: "",
            names_pages: false,
            reads_index: false,
            preset: None,
            build,
        }
    }

    const fn shared(self, shared_markers: &'static [(&'static str, &'static [&'static str])]) -> Self {
        Self { shared_markers, ..self }
    }

    const fn needing(self, needed: &'static str) -> Self {
        Self { needed, ..self }
    }

    const fn output_in(self, output_key: &'static str) -> Self {
        Self { output_key, ..self }
    }

    const fn copying(self, copied: &'static [&'static str]) -> Self {
        Self { copied, ..self }
    }

    const fn fingerprinting(self, fingerprinted: &'static str) -> Self {
        Self { fingerprinted, ..self }
    }

    const fn naming_pages(self) -> Self {
        Self { names_pages: true, ..self }
    }

    const fn reading_index(self) -> Self {
        Self { reads_index: true, ..self }
    }

    const fn preset(self, name: &'static str, unlike: &'static [&'static str]) -> Self {
        Self { preset: Some((name, unlike)), ..self }
    }
}

const NODE: &str = "npm ci && npm run build";

/// Those with the clearest marks first: a site of one may hold a `package.json` or a `config.toml` of another kind.
pub(super) static GENERATORS: &[Generator] = &[
    Generator::new("Docusaurus", &["docusaurus.config.*"], &["build"], NODE)
        .copying(&["static"])
        .fingerprinting("assets/")
        .preset("docusaurus", &["routeBasePath", "trailingSlash", "i18n", "numberPrefixParser", "path:"]),
    Generator::new("VitePress", &[".vitepress/config.*"], &[".vitepress/dist"], "npm ci && npx vitepress build")
        .output_in("outDir")
        .copying(&["public"])
        .fingerprinting("assets/")
        .naming_pages()
        .preset("vitepress", &["cleanUrls", "srcDir", "rewrites", "locales"]),
    Generator::new("VuePress", &[".vuepress/config.*"], &[".vuepress/dist"], NODE)
        .output_in("dest")
        .copying(&[".vuepress/public"])
        .naming_pages(),
    Generator::new("Astro", &["astro.config.*"], &["dist"], NODE)
        .output_in("outDir")
        .copying(&["public"])
        .fingerprinting("_astro/"),
    Generator::new("Gatsby", &["gatsby-config.*"], &["public"], NODE).copying(&["static"]),
    Generator::new("Nuxt", &["nuxt.config.*"], &[".output/public", "dist"], "npm ci && npx nuxt generate")
        .copying(&["public"]),
    Generator::new("Next.js", &["next.config.*"], &["out"], NODE)
        .needing("export")
        .output_in("distDir")
        .copying(&["public"])
        .fingerprinting("_next/static/")
        .naming_pages(),
    Generator::new("SvelteKit", &["svelte.config.*"], &["build"], NODE)
        .needing("adapter-static")
        .copying(&["static"])
        .fingerprinting("_app/immutable/")
        .naming_pages(),
    Generator::new("Eleventy", &[".eleventy.js", "eleventy.config.*"], &["_site"], "npm ci && npx @11ty/eleventy")
        .shared(&[("package.json", &["\"@11ty/eleventy\""])])
        .output_in("output")
        .reading_index()
        .preset("eleventy", &["input:", "addCollection", "addPassthroughCopy", "pathPrefix"]),
    Generator::new("Hexo", &["_config.hexo.yml"], &["public"], "npm ci && npx hexo generate")
        .shared(&[("package.json", &["\"hexo\""])])
        .output_in("public_dir")
        .preset("hexo", &["permalink:", "source_dir:", "i18n_dir:", "tag_dir:", "category_dir:", "archive_dir:"]),
    Generator::new("MkDocs", &["mkdocs.yml", "mkdocs.yaml"], &["site"], "pip install mkdocs && mkdocs build")
        .output_in("site_dir")
        .preset("mkdocs", &["use_directory_urls", "docs_dir", "i18n", "blog"]),
    Generator::new("mdBook", &["book.toml"], &["book"], "mdbook build").output_in("build-dir").naming_pages(),
    Generator::new("Zola", &[], &["public"], "zola build")
        .shared(&[("config.toml", &["base_url"])])
        .output_in("output_dir")
        .copying(&["static"]),
    Generator::new(
        "Hugo",
        &["hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config/_default/hugo.*", "config/_default/config.*"],
        &["public"],
        "hugo --minify",
    )
    .shared(&[
        ("config.toml", &["baseURL", "baseurl"]),
        ("config.yaml", &["baseURL", "baseurl"]),
        ("config.yml", &["baseURL", "baseurl"]),
    ])
    .output_in("publishDir")
    .copying(&["static"])
    .preset(
        "hugo",
        &["permalinks", "uglyURLs", "uglyurls", "languages", "contentDir", "staticDir", "disablePathToLower", "module"],
    ),
    Generator::new("Jekyll", &[], &["_site"], "bundle install && bundle exec jekyll build")
        .shared(&[
            ("Gemfile", &["jekyll", "github-pages"]),
            ("_config.yml", &["theme:", "remote_theme:", "baseurl:", "permalink:", "markdown:", "plugins:", "jekyll"]),
        ])
        .output_in("destination")
        .naming_pages()
        .reading_index()
        .preset(
            "jekyll",
            &["permalink:", "source:", "collections:", "collections_dir:", "jekyll-paginate", "jekyll-archives"],
        ),
    Generator::new(
        "Pelican",
        &["pelicanconf.py"],
        &["output"],
        "pip install pelican markdown && pelican content -s publishconf.py",
    )
    .output_in("OUTPUT_PATH")
    .naming_pages(),
    Generator::new("Antora", &["antora-playbook.yml"], &["build/site"], "npx antora antora-playbook.yml")
        .naming_pages(),
    Generator::new("Quarto", &["_quarto.yml"], &["_site"], "quarto render").output_in("output-dir").naming_pages(),
    Generator::new(
        "Sphinx",
        &[],
        &["_build/html", "build/html"],
        "pip install sphinx && sphinx-build -b html . _build/html",
    )
    .shared(&[("conf.py", &["extensions", "html_theme", "sphinx"])])
    .naming_pages()
    .preset(
        "sphinx",
        &["dirhtml", "html_copy_source", "html_sourcelink_suffix", "html_file_suffix", "html_extra_path"],
    ),
    Generator::new("Vite", &["vite.config.*"], &["dist"], NODE)
        .output_in("outDir")
        .copying(&["public"])
        .fingerprinting("assets/")
        .reading_index(),
    Generator::new("Vue CLI", &["vue.config.*"], &["dist"], NODE).output_in("outputDir").copying(&["public"]),
    Generator::new("Create React App", &[], &["build"], NODE)
        .shared(&[("package.json", &["\"react-scripts\""])])
        .copying(&["public"])
        .fingerprinting("static/"),
];

/// Folders that hold a finished site where no generator is known.
pub(super) const FOLDERS: &[&str] =
    &["public", "dist", "docs", "site", "www", "htdocs", "public_html", "build", "out", "_site", "html"];

/// Those of them that a build writes, where git ignores them.
pub(super) const BUILD_FOLDERS: &[&str] = &["dist", "public", "_site", "build", "out", "site"];

/// Folders whose files are no site of this repository's own.
pub(super) const FOREIGN: &[&str] = &[
    "node_modules",
    "vendor",
    "_vendor",
    "themes",
    "examples",
    "example",
    "exampleSite",
    "test",
    "tests",
    "testdata",
    "fixtures",
    "__tests__",
    "templates",
    "starters",
];
