//! The static site generators as data: the files they are known by, where their pages go, and what they copy as it is.
//!
//! Sources: each generator's own documentation of its folders, read 2026-11-25.

/// A program that makes a site of sources.
#[derive(Debug)]
pub(super) struct Generator {
    /// For people.
    pub(super) name: &'static str,
    /// Files that are its configuration and nobody else's; `*` matches any ending. Below the site's folder.
    pub(super) markers: &'static [&'static str],
    /// Files that others have too, and words one of which is in its own.
    pub(super) shared_markers: &'static [(&'static str, &'static [&'static str])],
    /// Where it writes the site, by default: looked for in the repository, from the likeliest.
    pub(super) outputs: &'static [&'static str],
    /// Folders whose files become files of the site under the same name.
    pub(super) copied: &'static [&'static str],
    /// The folder of its output in which every name has a hash of the content; empty if there is none.
    pub(super) fingerprinted: &'static str,
}

const fn generator(
    name: &'static str,
    markers: &'static [&'static str],
    outputs: &'static [&'static str],
) -> Generator {
    Generator { name, markers, shared_markers: &[], outputs, copied: &[], fingerprinted: "" }
}

impl Generator {
    const fn shared(self, shared_markers: &'static [(&'static str, &'static [&'static str])]) -> Self {
        Self { shared_markers, ..self }
    }

    const fn copying(self, copied: &'static [&'static str]) -> Self {
        Self { copied, ..self }
    }

    const fn fingerprinting(self, fingerprinted: &'static str) -> Self {
        Self { fingerprinted, ..self }
    }
}

/// Those with the clearest marks first: a site of one may hold a `package.json` or a `config.toml` of another kind.
pub(super) static GENERATORS: &[Generator] = &[
    generator("Docusaurus", &["docusaurus.config.*"], &["build"]).copying(&["static"]),
    generator("VitePress", &[".vitepress/config.*"], &[".vitepress/dist"])
        .copying(&["public"])
        .fingerprinting("assets/"),
    generator("VuePress", &[".vuepress/config.*"], &[".vuepress/dist"]).copying(&[".vuepress/public"]),
    generator("Astro", &["astro.config.*"], &["dist"]).copying(&["public"]).fingerprinting("_astro/"),
    generator("Gatsby", &["gatsby-config.*"], &["public"]).copying(&["static"]),
    generator("Nuxt", &["nuxt.config.*"], &[".output/public", "dist"]).copying(&["public"]),
    generator("Next.js", &["next.config.*"], &["out"]).copying(&["public"]),
    generator("Eleventy", &[".eleventy.js", "eleventy.config.*"], &["_site"])
        .shared(&[("package.json", &["\"@11ty/eleventy\""])]),
    generator("Hexo", &["_config.hexo.yml"], &["public"]).shared(&[("package.json", &["\"hexo\""])]),
    generator("MkDocs", &["mkdocs.yml", "mkdocs.yaml"], &["site"]),
    generator("mdBook", &["book.toml"], &["book"]),
    generator("Zola", &[], &["public"]).shared(&[("config.toml", &["base_url"])]).copying(&["static"]),
    generator(
        "Hugo",
        &["hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config/_default/hugo.*", "config/_default/config.*"],
        &["public"],
    )
    .shared(&[
        ("config.toml", &["baseURL", "baseurl"]),
        ("config.yaml", &["baseURL", "baseurl"]),
        ("config.yml", &["baseURL", "baseurl"]),
    ])
    .copying(&["static"]),
    generator("Jekyll", &[], &["_site"]).shared(&[
        ("Gemfile", &["jekyll", "github-pages"]),
        ("_config.yml", &["theme:", "remote_theme:", "baseurl:", "permalink:", "markdown:", "plugins:", "jekyll"]),
    ]),
    generator("Sphinx", &[], &["_build/html", "build/html"])
        .shared(&[("conf.py", &["extensions", "html_theme", "sphinx"])]),
    generator("Vite", &["vite.config.*"], &["dist"]).copying(&["public"]).fingerprinting("assets/"),
    generator("Create React App", &[], &["build"])
        .shared(&[("package.json", &["\"react-scripts\""])])
        .copying(&["public"]),
];

/// Folders that hold a finished site where no generator is known.
pub(super) const FOLDERS: &[&str] =
    &["public", "dist", "docs", "site", "www", "htdocs", "build", "out", "_site", "html", "web", "static", "src"];

/// Those of them that a build writes, where git ignores them.
pub(super) const BUILD_FOLDERS: &[&str] = &["dist", "public", "_site", "build", "out", "site"];
