//! Writes the first configuration of a site.

use std::fmt::Write as _;

use super::candidates::{Build, Candidate, Kind, WordPress, others};
use super::generators::Generator;
use super::hosts::SiteUrl;
use super::paths::{above, name};
use super::repository::{Choices, Decision, Repository};
use crate::provider::Spec;

/// A first configuration.
#[derive(Debug)]
pub struct Draft {
    /// The text of the file.
    pub text: String,
    /// What was recognised, a sentence each.
    pub recognised: Vec<String>,
    /// What a person must look at before it is of use, a sentence each.
    pub open: Vec<String>,
    /// The provider that it is for.
    pub provider: &'static Spec,
    /// The hosts that it names.
    pub hosts: Vec<String>,
    /// The built directory that is compared with a manifest.
    pub directory: Option<String>,
    /// The commands that build the site, and the folder in which they run; `None` where nothing is built, or nobody knows how.
    pub build: Option<(String, String)>,
}

/// Types of files that servers give as they are; others at the root of a repository are about the repository.
const SERVED: &[&str] = &[
    "html",
    "htm",
    "css",
    "js",
    "mjs",
    "json",
    "xml",
    "txt",
    "pdf",
    "ico",
    "svg",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "webp",
    "avif",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "eot",
    "mp3",
    "mp4",
    "webm",
    "ogg",
    "wasm",
    "webmanifest",
    "zip",
    "csv",
    "vtt",
    "map",
    "glb",
];

/// Those of them that no page of WordPress uses.
const NO_ASSETS: &[&str] = &["html", "htm", "json", "xml", "txt", "map"];

/// Files at the root of a repository that no visitor wants, where they have a type of [`SERVED`].
const NOT_SERVED: &[&str] = &[
    "**/.*",
    "{.github,.gitlab,.vscode,.idea,.husky,.circleci,.devcontainer,node_modules}/**",
    "{package,package-lock,composer,tsconfig,jsconfig,vercel,firebase,renovate,lerna,cdn-purge.schema}.json",
    "{README,LICENSE,CONTRIBUTING,CHANGELOG,requirements,Gemfile}*",
    "**/*.config.{js,mjs}",
    "{gulpfile,Gruntfile}*.js",
];

/// Writes a configuration for the site.
pub fn draft(repository: &Repository, decision: &Decision, choices: &Choices) -> Draft {
    let Decision { candidate, provider, urls } = decision;
    let mut draft = Draft {
        text: String::from(
            "# Which changed files become which URLs at the CDN. `cdn-purge init` wrote it from what it found in the repository:\n\
             # read it, and correct it. `cdn-purge check` validates it, `cdn-purge explain PATH` shows the URLs of a file.\n",
        ),
        recognised: Vec::new(),
        open: Vec::new(),
        provider,
        hosts: Vec::new(),
        directory: None,
        build: None,
    };
    for (url, _) in urls {
        if !draft.hosts.contains(&url.host) {
            draft.hosts.push(url.host.clone());
        }
    }
    if let Some(schema) = &choices.schema {
        let _ = writeln!(draft.text, "# yaml-language-server: $schema={schema}");
    }
    let _ = write!(
        draft.text,
        "version: 1\n\n# Where the URLs live. `cdn-purge providers` lists the other providers, and what else a target takes.\n\
         targets:\n  site:\n    provider: {}\n",
        provider.name
    );
    let roots: Vec<SiteUrl> = urls.iter().map(|(url, _)| url.clone()).collect();
    draft.rules(repository, candidate, &roots);
    for (url, path) in urls.iter().filter(|(_, path)| !path.is_empty()) {
        draft.recognised.push(format!("it is served at `{}`, says `{path}`", url.root()));
    }
    if choices.provider.is_none() {
        draft.recognised.push(format!("{}, as a pipeline or a file of it shows", provider.title));
    }
    for other in others(&repository.files, candidate) {
        draft.open.push(format!(
            "`{other}/` has an `index.html` too, and is no part of this: pass `--site-dir {other}` if it is the site"
        ));
    }
    draft
}

impl Draft {
    /// Writes the source of the changes and the rules, and what was recognised.
    fn rules(&mut self, repository: &Repository, candidate: &Candidate, urls: &[SiteUrl]) {
        let folder = &candidate.folder;
        match &candidate.kind {
            Kind::Finished(generator) => {
                self.finished(repository, folder, urls);
                let place = if folder.is_empty() { "the repository's root".to_owned() } else { format!("`{folder}`") };
                self.recognised.push(match generator {
                    Some((generator, marker)) => {
                        format!("a finished site in {place}, made by {} (`{marker}`)", generator.name)
                    }
                    None => format!("a finished site in {place}"),
                });
            }
            Kind::Built(build) => {
                let commands = build_commands(build.generator.build, folder, &repository.files);
                self.build = Some((commands, folder.trim_end_matches('/').to_owned()));
                let how = match (build.generator.preset, urls) {
                    (Some((preset, _)), [url]) if !build.is_ignored && !build.is_in_pipeline && build.is_default => {
                        self.sources(preset, build.generator, folder, url);
                        "which nothing in the repository builds or ignores, so the URLs follow from its sources"
                    }
                    _ => {
                        let generator = build.generator;
                        let fingerprinted = if build.mixes_names { "" } else { generator.fingerprinted };
                        self.built(&build.output, fingerprinted, generator.names_pages, urls);
                        self.remarks(build);
                        "which isn't committed"
                    }
                };
                let Build { generator, marker, output, .. } = build;
                self.recognised.push(format!("{} builds the site (`{marker}`) into `{output}`, {how}", generator.name));
            }
            Kind::WordPress(part) => {
                self.wordpress(*part, folder, urls);
                self.recognised.push(candidate.evidence());
            }
            Kind::Unknown(output) => {
                self.built(output, "", false, urls);
                self.recognised.push(format!("a site that is built into `{output}`, which isn't committed"));
            }
        }
    }

    fn remarks(&mut self, build: &Build) {
        let Build { generator, output, .. } = build;
        if generator.name == "Nuxt" {
            self.open.push(format!(
                "Nuxt can render pages on a server: such a page isn't in `{output}`, and may change without a build"
            ));
        }
        if build.mixes_names {
            self.open.push(format!(
                "files without a hash are copied into `{output}/{}`, so every file there is refreshed when it changes: move them \
                 elsewhere, and give the rest a rule with `immutable: true`",
                generator.fingerprinted
            ));
        }
        if generator.fingerprinted == "_next/static/" {
            self.open
                .push("set `generateBuildId` in the configuration of Next.js, or each build changes every page".into());
        }
    }

    /// A site that is committed as it is served.
    fn finished(&mut self, repository: &Repository, folder: &str, urls: &[SiteUrl]) {
        let in_it = || repository.files.iter().filter(|file| file.starts_with(folder));
        let mut files = vec![format!("{folder}**")];
        if folder.is_empty() {
            let mut served: Vec<&str> = SERVED.to_vec();
            // Some sites are Markdown that a script shows.
            if in_it().any(|file| matches!(file.as_str(), "_sidebar.md" | "_coverpage.md" | "_navbar.md")) {
                served.push("md");
            }
            files = vec![format!("**/*.{{{}}}", served.join(","))];
            let is_wanted = |not: &&&str| !(served.contains(&"md") && not.starts_with("{README"));
            files.extend(NOT_SERVED.iter().filter(is_wanted).map(|not| format!("!{not}")));
            self.text.push_str("\nrules:\n  # The repository is the site, so each file has its own URL. Files of other types are about the repository. A page\n");
            self.text.push_str(
                "  # that is the index of its folder has two more URLs: /docs/index.html is /docs/ and /docs too.\n",
            );
        } else {
            files.extend(
                ["CNAME", ".nojekyll"]
                    .iter()
                    .map(|name| format!("{folder}{name}"))
                    .filter(|file| repository.files.contains(file))
                    .map(|file| format!("!{file}")),
            );
            self.text.push_str("\nrules:\n  # The site is committed as it is served, so each file has its own URL. A page that is the index of its folder\n");
            self.text.push_str("  # has two more: /docs/index.html is /docs/ and /docs too.\n");
        }
        let tail = if folder.is_empty() { "{path}" } else { "{tail}" };
        self.rule("pages", &files, urls, tail);
        self.text.push_str(INDEX);
        let is_named_page =
            |file: &String| file.ends_with(".html") && !["index.html", "404.html"].contains(&name(file));
        if in_it().any(is_named_page) {
            self.pages_without_ending(folder, if folder.is_empty() { &NOT_SERVED[..2] } else { &[] }, urls);
        }
    }

    /// The files that WordPress serves as they are. Its pages have no files.
    fn wordpress(&mut self, part: WordPress, folder: &str, urls: &[SiteUrl]) {
        let (folder, tail) = match part {
            WordPress::Content => ("wp-content/", "{path}"),
            WordPress::Theme if folder.is_empty() => ("", "{path}"),
            WordPress::Theme => (folder, "{tail}"),
        };
        let types: Vec<&str> = SERVED.iter().copied().filter(|kind| !NO_ASSETS.contains(kind)).collect();
        let mut files = vec![format!("{folder}**/*.{{{}}}", types.join(","))];
        if folder.is_empty() {
            files.extend([&NOT_SERVED[..2], &NOT_SERVED[4..]].concat().iter().map(|not| format!("!{not}")));
        }
        self.text.push_str(
            "\nrules:\n  # Styles, scripts, images and fonts: each has its own URL. A PHP file has none: a change of one changes pages, and\n  \
             # refreshes none of them.\n",
        );
        self.rule("assets", &files, urls, tail);
        self.text.push_str("    # queries: [\"ver=1.0\"]       # WordPress adds `?ver=` to styles and scripts\n");
        self.open.push(
            "a change of a PHP file changes pages, and refreshes none: purge these after the deployment, with `cdn-purge refresh URL…` or a \
             plugin of WordPress"
                .into(),
        );
        self.open.push(
            "WordPress asks for styles and scripts with `?ver=VERSION`: raise the version with each change, or have the CDN ignore the query"
                .into(),
        );
    }

    /// A site that a generator builds of these sources: the rules of a preset.
    fn sources(&mut self, preset: &str, generator: &Generator, folder: &str, url: &SiteUrl) {
        let _ = write!(
            self.text,
            "\n# The rules for the sources of {}, with its default settings; `cdn-purge check` prints them.\nsite:\n  generator: {preset}\n  \
             url: {}\n",
            generator.name,
            url.root()
        );
        if !folder.is_empty() {
            let _ = writeln!(self.text, "  folder: {}", quoted(folder.trim_end_matches('/')));
        }
        self.text.push_str("  # A layout or a setting changes every page. Without the next line such a change is only a warning; with it, IT PURGES\n");
        self.text.push_str("  # THE WHOLE SITE.\n  # allow-everything: true\n");
        self.open.push(
            "a change of a layout or a setting changes every page, and refreshes none: it is a warning. Refresh the site by hand then, or \
             compare the built files instead (docs/built-sites.md)"
                .into(),
        );
    }

    /// A site that is compared with the last build.
    fn built(&mut self, output: &str, fingerprinted: &str, names_pages: bool, urls: &[SiteUrl]) {
        let _ = write!(
            self.text,
            "\n# The site is built in the CI: its files are compared with a manifest of the last deployment.\n\
             changes: directory\ndirectory: {}\n\nrules:\n",
            quoted(output)
        );
        self.text.push_str("  # Each file of the build has its own URL. A page that is the index of its folder has two more: /docs/index.html is\n");
        self.text.push_str("  # /docs/ and /docs too.\n");
        let mut pages = vec![format!("{output}/**"), format!("!{output}/**/*.map")];
        if !fingerprinted.is_empty() {
            pages.push(format!("!{output}/{fingerprinted}**"));
        }
        self.rule("pages", &pages, urls, "{tail}");
        self.text.push_str(INDEX);
        if names_pages {
            self.pages_without_ending(&format!("{output}/"), &[], urls);
        }
        if !fingerprinted.is_empty() {
            self.text.push_str(
                "\n  # Names with a hash of the content: never purged, and a change under the same name is an error.\n",
            );
            let files = [format!("{output}/{fingerprinted}**")];
            self.rule("fingerprinted", &files, urls, &format!("{fingerprinted}{{tail}}"));
            self.text.push_str("    immutable: true\n");
        }
        self.directory = Some(output.to_owned());
        self.open.push(KEEP.into());
    }

    fn pages_without_ending(&mut self, folder: &str, not: &[&str], urls: &[SiteUrl]) {
        self.text.push_str("\n  # Many servers give /about.html out as /about too, and links leave the ending out. Where yours doesn't, drop this rule.\n");
        let mut files: Vec<String> = ["**/*.html", "!**/index.html", "!**/404.html"]
            .map(|page| page.replacen("**", &format!("{folder}**"), 1))
            .to_vec();
        files.extend(not.iter().map(|not| format!("!{not}")));
        self.rule("pages-without-ending", &files, urls, "{1}/{stem}");
    }

    fn rule(&mut self, name: &str, files: &[String], urls: &[SiteUrl], tail: &str) {
        let list = |items: Vec<String>| match items.as_slice() {
            [one] => one.clone(),
            several if several.iter().map(String::len).sum::<usize>() < 90 => format!("[{}]", several.join(", ")),
            several => several.iter().map(|item| format!("\n      - {item}")).collect(),
        };
        let files = list(files.iter().map(|file| quoted(file)).collect());
        let urls = list(urls.iter().map(|url| quoted(&format!("{}{tail}", url.root()))).collect());
        let text = format!("  - name: {name}\n    files: {files}\n    urls: {urls}\n");
        self.text.push_str(&text.replace(": \n", ":\n"));
    }
}

/// The commands that build a site in its folder, with the package manager whose lock file is there. pnpm and yarn also find the one of a
/// workspace at the root.
fn build_commands(build: &str, folder: &str, files: &[String]) -> String {
    let is_in = |folder: &str, name: &str| files.iter().any(|file| file.strip_prefix(folder) == Some(name));
    let has = |name: &str| is_in(folder, name) || is_in("", name);
    // npm works in the nearest folder with a package, at or above its own.
    // Source: <https://docs.npmjs.com/cli/v11/configuring-npm/folders#more-information> (2026-12-01).
    let upwards = std::iter::successors(Some(folder.to_owned()), |inner| (!inner.is_empty()).then(|| above(inner)));
    let package = upwards.into_iter().find(|folder| is_in(folder, "package.json"));
    let package = package.as_deref().unwrap_or(folder);
    if let Some((_, rest)) = build.strip_prefix("pip install ").and_then(|build| build.split_once(" && "))
        && is_in(folder, "requirements.txt")
    {
        return format!("pip install -r requirements.txt && {rest}");
    }
    let [install, run, execute] = if has("pnpm-lock.yaml") {
        ["corepack enable && pnpm install --frozen-lockfile", "pnpm run ", "pnpm exec "]
    } else if has("yarn.lock") {
        ["corepack enable && yarn install", "yarn run ", "yarn run "]
    } else if is_in(package, "package-lock.json") || is_in(package, "npm-shrinkwrap.json") {
        return build.to_owned();
    } else {
        // `npm ci` needs a lock file.
        ["npm install", "npm run ", "npx "]
    };
    build.replace("npm ci", install).replace("npm run ", run).replace("npx ", execute)
}

/// The keys that go with the pages of a site.
const INDEX: &str = "    index: index.html\n    # prefetch: true            # fetch each into the caches again, as soon as it is refreshed\n";

/// What a person has to do for a site that isn't committed.
const KEEP: &str = "`.cdn-purge/manifest.txt` has to be kept between the runs, in the CI's cache or as an artifact, and `.cdn-purge` belongs \
                    into `.gitignore`; without it a run stops and lists the choices, as the first one does \
                    (docs/built-sites.md)";

/// A text as a YAML scalar, whatever it holds.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
