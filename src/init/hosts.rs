//! Finds a site's URLs at its CDN in common configuration files.

use url::{Host, Url};

/// Where a site is served: a host, and a path that ends in `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SiteUrl {
    /// In lower case.
    pub host: String,
    /// From `/` to `/`.
    pub path: String,
}

impl SiteUrl {
    /// Reads a host name or the URL of a site's root; `None` for anything that can't be a CDN's public host.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("https://{text}")) }.ok()?;
        let Some(Host::Domain(host)) = url.host() else { return None };
        let is_plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.query().is_none();
        let is_host = host.split('.').count() > 1
            && host.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            });
        let path = url.path();
        let path = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
        // A brace would be read as a placeholder.
        let is_path = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte));
        (is_plain && is_host && is_path).then(|| Self { host: host.to_owned(), path })
    }

    /// The URL of its root, ending in `/`.
    pub fn root(&self) -> String {
        format!("https://{}{}", self.host, self.path)
    }
}

/// Keys whose value is the site's own URL, in the configuration of a generator or a package.
const URL_KEYS: &[&str] = &["baseurl", "base_url", "site_url", "siteurl", "url", "site", "homepage", "hostname"];

/// Keys whose value is a domain at a CDN, in Terraform.
const DOMAIN_KEYS: &[&str] = &["domain_name", "domain", "aliases", "name"];

/// Keys whose value is the path that a generator puts the whole site below, where it names the URL without it.
const BASE_KEYS: &[&str] = &["base", "baseurl", "basepath", "pathprefix"];

/// Such a key is at most so deep in a generator's configuration; deeper down it is one of a menu or a language.
const BASE_INDENT: usize = 4;

/// Hosts of examples, and services that purge for themselves.
const NOT_OURS: &[&str] = &[
    "example.com",
    "example.org",
    "example.net",
    "github.com",
    "github.io",
    "gitlab.com",
    "gitlab.io",
    "pages.dev",
    "netlify.app",
    "vercel.app",
    "netlify.com",
    "npmjs.com",
    "localhost",
    "your-domain.com",
    "mysite.com",
    "your-docusaurus-site.com",
];

/// The URLs that a file names, each once, in its order.
pub(super) fn find(path: &str, text: &str) -> Vec<SiteUrl> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut found: Vec<SiteUrl> = Vec::new();
    let mut add = |url: Option<SiteUrl>| {
        if let Some(url) = url.filter(|url| is_ours(&url.host) && !found.contains(url)) {
            found.push(url);
        }
    };
    if name == "CNAME" {
        text.lines().for_each(|line| add(SiteUrl::parse(line)));
        return found;
    }
    let is_terraform = name.ends_with(".tf");
    let is_about_cdn = is_terraform && text.contains("cdn");
    let is_workflow = path.contains(".github/workflows/") || name == ".gitlab-ci.yml";
    for line in text.lines().filter(|line| !is_comment(line)) {
        let Some((key, value)) = key_and_value(line) else { continue };
        let is_wanted = if is_terraform {
            is_about_cdn && DOMAIN_KEYS.contains(&key.as_str())
        } else if is_workflow {
            key == "url"
        } else {
            URL_KEYS.contains(&key.as_str())
        };
        if is_wanted {
            words(value).filter(|word| is_terraform || word.contains("://")).for_each(|word| add(SiteUrl::parse(word)));
        }
    }
    found
}

/// The path that a generator's configuration puts the site below, from `/` to `/`; `None` where it doesn't say one, or computes it.
pub(super) fn base(text: &str) -> Option<String> {
    let shallow = |line: &&str| !is_comment(line) && line.len() - line.trim_start().len() <= BASE_INDENT;
    let (_, value) =
        text.lines().filter(shallow).filter_map(key_and_value).find(|(key, _)| BASE_KEYS.contains(&key.as_str()))?;
    let value = value.split(" #").next()?.split(" //").next()?;
    let mut words = words(value);
    let word = words.next().filter(|word| words.next().is_none() && word.starts_with('/'))?;
    // Read as the path of some host, it is checked as every path is.
    SiteUrl::parse(&format!("https://www.example.com{word}")).map(|url| url.path).filter(|path| path != "/")
}

/// The one word of a setting of a generator's configuration, wherever it is; `None` where it isn't set, or isn't one word.
pub(super) fn word_of(text: &str, key: &str) -> Option<String> {
    let wanted = key.to_ascii_lowercase();
    let lines = text.lines().filter(|line| !is_comment(line));
    let (_, value) = lines.filter_map(key_and_value).find(|(found, _)| *found == wanted && !key.is_empty())?;
    let value = value.split(" #").next()?.split(" //").next()?;
    let mut words = words(value);
    words.next().filter(|_| words.next().is_none()).map(str::to_owned)
}

fn is_ours(host: &str) -> bool {
    !NOT_OURS.iter().any(|other| host == *other || host.strip_suffix(other).is_some_and(|rest| rest.ends_with('.')))
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') || line.starts_with("//") || line.starts_with('*')
}

/// `key: value`, `key = value`, `"key": value`, `key: 'value',`; the key in lower case.
fn key_and_value(line: &str) -> Option<(String, &str)> {
    let line = line.trim_start_matches([' ', '\t', '{']).trim_start_matches("- ");
    let end = line.find([':', '='])?;
    let key = line[..end].trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    let is_key = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    (is_key && !key.is_empty()).then(|| (key, &line[end + 1..]))
}

/// The texts of a value: between quotes and brackets, without what follows.
fn words(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(|letter: char| letter.is_whitespace() || "\"'`,;[](){}<>".contains(letter))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls_in(path: &str, text: &str) -> Vec<String> {
        find(path, text).iter().map(SiteUrl::root).collect()
    }

    #[test]
    fn the_sites_own_url_is_found_in_every_spelling() {
        for (path, text) in [
            ("CNAME", "www.shop.test\n"),
            ("static/CNAME", "  www.shop.test"),
            ("hugo.toml", "baseURL = \"https://www.shop.test/\""),
            ("_config.yml", "title: x\nurl: https://www.shop.test # live"),
            ("mkdocs.yml", "site_url: 'https://www.shop.test'"),
            ("astro.config.mjs", "export default defineConfig({\n  site: 'https://www.shop.test',\n});"),
            ("docusaurus.config.js", "  url: \"https://www.shop.test\","),
            ("package.json", "  \"homepage\": \"https://www.shop.test/\","),
            (".github/workflows/deploy.yml", "    environment:\n      url: https://www.shop.test"),
            ("infra/cdn.tf", "resource \"x_cdn_domain\" \"site\" {\n  domain_name = \"www.shop.test\"\n}"),
        ] {
            assert_eq!(urls_in(path, text), ["https://www.shop.test/"], "{path}");
        }
    }

    #[test]
    fn a_path_of_the_site_is_kept_and_several_hosts_are_told_once() {
        assert_eq!(urls_in("hugo.toml", "baseURL = 'https://shop.test/docs'"), ["https://shop.test/docs/"]);
        let terraform = "# cdn\naliases = [\"a.shop.test\", \"b.shop.test\", \"a.shop.test\"]\n";
        assert_eq!(urls_in("main.tf", terraform), ["https://a.shop.test/", "https://b.shop.test/"]);
    }

    #[test]
    fn the_path_below_which_a_site_lies_is_found_where_it_is_spelled_out() {
        for (text, expected) in [
            ("url: https://www.shop.test\nbaseurl: \"/blog\" # the subpath\n", Some("/blog/")),
            ("export default defineConfig({\n  base: '/docs/', // below\n})", Some("/docs/")),
            ("const config = {\n  baseUrl: '/project/',\n};", Some("/project/")),
            ("  basePath: '/docs',", Some("/docs/")),
            ("  base: '/',", None),
            ("  base: process.env.PREVIEW ? '/a/' : '/b/',", None),
            ("  themeConfig: {\n    sidebar: {\n      '/guide/': {\n        base: '/guide/',", None),
            ("baseURL = 'https://www.shop.test/docs/'", None),
            ("  // base: '/docs/',", None),
        ] {
            assert_eq!(base(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn examples_other_services_and_other_things_are_none() {
        for (path, text) in [
            ("hugo.toml", "baseURL = 'https://example.org/'"),
            ("CNAME", "me.github.io"),
            ("_config.yml", "# url: https://www.shop.test\nurl: \"\"\ntwitter: https://twitter.test"),
            ("main.tf", "name = \"shop.test\""),
            ("astro.config.mjs", "site: `https://${host}/`,\nurl: 'https://localhost:4321'"),
            ("mkdocs.yml", "site_url: https://{{ host }}/\nurl: https://1.2.3.4/"),
            ("package.json", "\"url\": \"git+https://github.com/me/shop.git\""),
        ] {
            assert_eq!(urls_in(path, text), [""; 0], "{path}");
        }
    }
}
