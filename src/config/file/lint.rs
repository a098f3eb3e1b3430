//! Warnings about a configuration that can be read, and that can't work as it is written: other tools' glob syntax, URLs that nobody
//! serves, and targets that no rule uses.

use std::ops::Range;

use super::read::Item;
use super::source::Findings;
use super::target::Targets;
use super::tree::Node;
use crate::config::parse_value::quoted;
use crate::mapping::Rule;

/// Extensions of sources, of which a site generator or a compiler makes files with another one.
const SOURCES: &[&str] = &[
    "md", "mdx", "markdown", "rst", "adoc", "org", "scss", "sass", "less", "styl", "ts", "tsx", "jsx", "vue", "svelte",
    "astro", "njk", "liquid", "hbs", "ejs", "pug", "haml", "erb", "jinja", "twig",
];

/// Folders that a build writes, and whose name no URL has.
const BUILD_FOLDERS: &[&str] = &["public", "dist", "build", "out", "_site", ".output"];

/// Warns of other tools' syntax in the patterns of a rule.
pub(super) fn patterns(items: &[Item<'_>], findings: &mut Findings<'_>) {
    for item in items {
        if let Some((found, help)) = foreign_syntax(item.text) {
            findings.warn(&item.node.span, foreign_title(found), help);
        }
    }
}

/// The title of a warning about other tools' syntax.
pub(in crate::config) fn foreign_title(found: &str) -> String {
    format!("`{found}` is other tools' syntax: here it matches these characters themselves")
}

/// Alternatives in parentheses, as in a shell or in a regular expression: the text, and what to write instead.
pub(in crate::config) fn foreign_syntax(pattern: &str) -> Option<(&str, String)> {
    for (open, _) in pattern.match_indices('(') {
        let inside = &pattern[open + 1..];
        let inside = &inside[..inside.find(')')?];
        if !inside.contains('|') {
            continue;
        }
        let before = &pattern[..open];
        // The `!` at the start of a pattern excludes, unless parentheses follow, as in a shell.
        let operator = before.chars().next_back().filter(|letter| "!@?*+".contains(*letter));
        let begin = open - operator.map_or(0, char::len_utf8);
        let end = open + inside.len() + 2;
        let list = inside.replace('|', ",");
        let (before, after) = (&pattern[..begin], &pattern[end..]);
        let help = match operator {
            Some('!') => {
                format!("write `{before}*{after}`, and `!{before}{{{list}}}{after}` as a pattern of its own")
            }
            Some('?') => format!("write `{before}{{,{list}}}{after}`"),
            Some('*' | '+') => {
                format!("write each repetition that you need as an alternative: `{before}{{{list}}}{after}`")
            }
            _ => format!("write `{before}{{{list}}}{after}`"),
        };
        return Some((&pattern[begin..end], help));
    }
    None
}

/// Warns of URL templates of a rule that keep the name of a source, or of the folder that a build writes.
pub(super) fn urls(items: &[Item<'_>], patterns: &[String], findings: &mut Findings<'_>) {
    let including = || patterns.iter().filter(|pattern| !pattern.starts_with('!'));
    let source = including()
        .find_map(|pattern| source_extension(pattern))
        .filter(|_| including().all(|pattern| is_of_source(pattern)));
    let first_folder = |pattern: &str| pattern.split_once('/').map(|(folder, _)| folder.to_owned());
    let folder = including().next().and_then(|pattern| first_folder(pattern)).filter(|folder| {
        BUILD_FOLDERS.contains(&folder.as_str())
            && including().all(|pattern| first_folder(pattern).as_ref() == Some(folder))
    });
    for item in items {
        let keeps_name = ["{path}", "{tail}", "{name}", ".{ext}"].iter().any(|end| item.text.ends_with(end));
        if let Some(source) = source.filter(|_| keeps_name) {
            let title = format!("these URLs end in `.{source}`, the name of the source: a build serves another one");
            let help = "write the URL of the page, as `https://www.example.com/{1}/{stem}/`; or let `site` write the rules of your generator";
            findings.warn(&item.node.span, title, help);
        } else if let Some(folder) = folder.as_deref().filter(|_| path_after_host(item.text) == Some("{path}")) {
            let title = format!("these URLs begin with `/{folder}/`, the folder of the build: servers leave it out");
            let help = format!(
                "write `{{tail}}` in place of `{{path}}`; if `/{folder}/` is a part of your URLs, write `/{folder}/{{tail}}`"
            );
            findings.warn(&item.node.span, title, help);
        }
    }
}

/// The rest of a template after its host.
fn path_after_host(template: &str) -> Option<&str> {
    template.split_once("://")?.1.split_once('/').map(|(_, path)| path)
}

fn is_of_source(pattern: &str) -> bool {
    source_extension(pattern).is_some()
}

/// The extension of a source that every match of a pattern has: `md` for `*.md` and `*.{md,mdx}`.
fn source_extension(pattern: &str) -> Option<&'static str> {
    let (_, end) = pattern.rsplit_once('.')?;
    let end = end.strip_prefix('{').and_then(|end| end.strip_suffix('}')).unwrap_or(end);
    let mut all = end.split(',').map(|end| SOURCES.iter().copied().find(|source| *source == end));
    let first = all.next()??;
    all.all(|found| found.is_some()).then_some(first)
}

/// Warns of targets that no rule uses.
pub(super) fn targets(written: &Node, targets: &Targets, rules: &[Rule], findings: &mut Findings<'_>) {
    let super::tree::NodeValue::Map(entries) = &written.value else { return };
    for (key, _) in entries {
        let is_target = targets.iter().any(|(name, _)| **name == *key.text);
        if is_target && !rules.iter().any(|rule| rule.targets.iter().any(|name| **name == *key.text)) {
            let title = format!("no rule uses the target {}, so nothing is refreshed there", quoted(&key.text));
            findings.warn(&key.span, title, "add its name to the `targets` of a rule, or remove it");
        }
    }
}

/// The places of patterns in the text of a rule.
pub(super) fn spans(items: &[Item<'_>]) -> Vec<Range<usize>> {
    items.iter().map(|item| item.node.span.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_tools_alternatives_are_found_with_what_to_write() {
        for (pattern, expected) in [
            ("src/(a|b)/**", Some(("(a|b)", "write `src/{a,b}/**`"))),
            ("src/@(a|b).js", Some(("@(a|b)", "write `src/{a,b}.js`"))),
            ("src/?(a|b).js", Some(("?(a|b)", "write `src/{,a,b}.js`"))),
            (
                "public/!(drafts|old)/**",
                Some(("!(drafts|old)", "write `public/*/**`, and `!public/{drafts,old}/**` as a pattern of its own")),
            ),
            ("app/(shop)/page.tsx", None),
            ("photo/(.)view/**", None),
            ("copy (1).html", None),
            ("a(b|c", None),
        ] {
            let found = foreign_syntax(pattern);
            assert_eq!(found.as_ref().map(|(text, help)| (*text, help.as_str())), expected, "{pattern}");
        }
    }

    #[test]
    fn the_extension_of_a_source_is_one_that_every_match_has() {
        for (pattern, expected) in [
            ("content/**/*.md", Some("md")),
            ("*.{md,mdx}", Some("md")),
            ("*.{md,html}", None),
            ("public/**", None),
            ("a.b/c", None),
            ("**/*.html", None),
        ] {
            assert_eq!(source_extension(pattern), expected, "{pattern}");
        }
    }
}
