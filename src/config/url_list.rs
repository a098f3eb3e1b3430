//! Parses and checks lists of URLs; reports every invalid one with its line.

use std::borrow::Cow;
use std::collections::HashSet;

use super::list_file;
use super::settings::Target;
use super::url_options::UrlOptions;
use crate::error::{Diagnostic, Error, Place};
use crate::mapping::{Encoded, url};
use crate::model::RefreshKind;

/// URLs from one place.
#[derive(Debug, PartialEq, Eq)]
pub struct UrlList {
    /// What their tasks remember: `url-file` or `arguments`.
    pub rule: &'static str,
    /// How people call the place.
    pub place: String,
    /// Each once, in order.
    pub urls: Vec<String>,
}

/// The checks of a URL before anything is sent.
#[derive(Clone, Copy, Debug)]
struct Checks<'a> {
    kind: RefreshKind,
    encoded: &'a [Encoded],
    targets: &'a [Target],
    /// When given, the only hosts. Lower case.
    allow_hosts: Option<&'a [String]>,
}

/// Reads the URLs of the command line, then those of the file, or of standard input for `-`: one per line; blank lines
/// and lines that begin with `#` are passed over, so are a byte order mark and carriage returns. What needs encoding is
/// encoded, what is encoded stays. A URL that is listed twice in one source is kept once.
///
/// # Errors
/// [`Error::Inputs`]: the file can't be read, holds no URL, or every URL that can't be sent to one of the
/// targets.
pub fn read(listing: &UrlOptions, targets: &[Target], allow_hosts: Option<&[String]>) -> Result<Vec<UrlList>, Error> {
    let checks = Checks { kind: listing.kind, encoded: &listing.encoded, targets, allow_hosts };
    let mut problems = Vec::new();
    let mut found = Vec::new();
    if !listing.arguments.is_empty() {
        let texts = (1..).zip(&listing.arguments).map(|(number, text)| (number, text.as_bytes()));
        let urls = checks.all(texts, &mut problems, |number| (format!("argument {number}: "), None));
        found.push(UrlList { rule: "arguments", place: "the command line".into(), urls });
    }
    if let Some(path) = &listing.file {
        let name = list_file::name(path);
        let bytes = list_file::read(path)?;
        let urls = checks.lines(&name, &bytes, &mut problems);
        if urls.is_empty() && problems.is_empty() {
            return Err(Error::usage(
                format!("`{name}` contains no URL"),
                "an empty list never means everything; write one URL per line",
            ));
        }
        found.push(UrlList { rule: "url-file", place: format!("`{name}`"), urls });
    }
    if problems.is_empty() { Ok(found) } else { Err(Error::Inputs(problems)) }
}

impl Checks<'_> {
    /// The URLs of a file; `name` is how problems call it.
    fn lines(self, name: &str, bytes: &[u8], problems: &mut Vec<Diagnostic>) -> Vec<String> {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            problems.push(Diagnostic {
                title: format!("`{name}` is text in UTF-16"),
                place: Some(Place { file: name.to_owned(), line: 1, column: 1 }),
                snippet: String::new(),
                help: Some(
                    "write it as UTF-8: in PowerShell with `| Out-File -Encoding utf8 FILE`; nothing was sent"
                        .to_owned(),
                ),
            });
            return Vec::new();
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let lines = (1..).zip(bytes.split(|&byte| byte == b'\n'));
        let is_said = |line: &[u8]| !matches!(line.trim_ascii().first(), None | Some(b'#'));
        self.all(lines.filter(|(_, line)| is_said(line)), problems, |line| {
            (String::new(), Some(Place { file: name.to_owned(), line, column: 1 }))
        })
    }

    fn all<'t>(
        self,
        texts: impl Iterator<Item = (usize, &'t [u8])>,
        problems: &mut Vec<Diagnostic>,
        place_of: impl Fn(usize) -> (String, Option<Place>),
    ) -> Vec<String> {
        let mut seen = HashSet::new();
        let mut urls = Vec::new();
        for (number, bytes) in texts {
            let (label, place) = place_of(number);
            let forms = match std::str::from_utf8(bytes) {
                Ok(text) => self.forms(text.trim()).map_err(|(why, help)| {
                    let shown: String = text.trim().chars().take(200).collect();
                    let title = format!("{label}`{shown}` is not a valid URL: {why}");
                    (title, help)
                }),
                Err(_) => {
                    let title = format!("{label}the line isn't UTF-8");
                    Err((title, "write URLs as UTF-8".into()))
                }
            };
            match forms {
                Ok(forms) => urls.extend(forms.into_iter().filter(|url| seen.insert(url.clone()))),
                Err((title, help)) => {
                    let help = format!("{help}; nothing was sent");
                    problems.push(Diagnostic { place, ..Diagnostic::new(title, help) });
                }
            }
        }
        urls
    }

    /// A URL in each form in which it is to be sent; else what is wrong with it, and what to do.
    fn forms(self, text: &str) -> Result<Vec<String>, (String, Cow<'static, str>)> {
        if matches!(self.kind, RefreshKind::Regex | RefreshKind::Tag) {
            return Ok(vec![self.one(text, text.to_owned())?]);
        }
        self.encoded.iter().map(|&encoded| self.one(text, url::spell_given(text, encoded))).collect()
    }

    fn one(self, text: &str, url: String) -> Result<String, (String, Cow<'static, str>)> {
        const WHOLE: &str = "write a complete URL, as `https://www.example.com/a/b.html`";
        let is_pattern = self.kind == RefreshKind::Regex;
        if is_pattern {
            if let Some(character) = text.chars().find(|character| character.is_control()) {
                let why = format!("the control character `{}`", character.escape_unicode());
                return Err((why, "write one pattern in a line".into()));
            }
        } else {
            if let Some((_, why, help)) = url::more_than_one(text) {
                return Err((why.into(), help.into()));
            }
            let help =
                if self.kind == RefreshKind::Tag { "write a tag as `https://www.example.com/#TAG`" } else { WHOLE };
            url::check_kind(self.kind, &url).map_err(|why| {
                // What is wrong with a host has a remedy of its own.
                let own = url::host_remedy(&url).filter(|_| self.kind != RefreshKind::Tag);
                (why, own.map_or(help.into(), Cow::Owned))
            })?;
        }
        let characters = url.chars().count();
        if let Some(spec) =
            self.targets.iter().map(|target| target.provider).find(|spec| characters > spec.url_characters)
        {
            let why = format!("it has {characters} characters, and {} takes {}", spec.title, spec.url_characters);
            return Err((why, "refresh its directory instead".into()));
        }
        if self.kind == RefreshKind::Directory {
            if url.contains('?') {
                return Err((
                    "a directory has no query".into(),
                    "write the directory alone, or drop `--kind directory`".into(),
                ));
            }
            if !url.ends_with('/') {
                return Err(("a directory ends in `/`".into(), "add the `/`, or drop `--kind directory`".into()));
            }
        }
        if let Some(allowed) = self.allow_hosts {
            let host = if is_pattern { url::host_of_pattern(&url) } else { url::host(&url).map(str::to_owned) };
            let host = host.map(|host| host.to_ascii_lowercase());
            if host.is_none_or(|host| !allowed.contains(&host)) {
                return Err(("`allow-hosts` doesn't name its host".into(), "add the host to `allow-hosts`".into()));
            }
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fixtures::PLAIN;
    use super::*;
    use crate::model::PurgeMode;
    use crate::provider::Options;

    fn target() -> Target {
        Target { name: Arc::from("main"), provider: &PLAIN, options: Options::new(), credentials: Default::default() }
    }

    #[test]
    fn a_url_is_sent_in_each_form_that_is_wished_and_once_where_they_are_the_same() {
        let urls = |encoded, kind| {
            let checks = Checks { kind, encoded, targets: &[target()], allow_hosts: None };
            checks.lines("list", "https://a.test/é b\nhttps://a.test/c".as_bytes(), &mut Vec::new())
        };
        let (encoded, raw, plain) = ("https://a.test/%C3%A9%20b", "https://a.test/é%20b", "https://a.test/c");
        assert_eq!(urls(&[Encoded::Encoded], RefreshKind::Url), [encoded, plain]);
        assert_eq!(urls(&[Encoded::Raw], RefreshKind::Url), [raw, plain]);
        assert_eq!(urls(&[Encoded::Encoded, Encoded::Raw], RefreshKind::Url), [encoded, raw, plain]);
    }

    fn parse(kind: RefreshKind, allow_hosts: Option<&[String]>, bytes: &[u8]) -> Result<Vec<String>, Vec<String>> {
        let targets = [target()];
        let mut problems = Vec::new();
        let urls = Checks { kind, encoded: &[Encoded::Encoded], targets: &targets, allow_hosts }.lines(
            "list",
            bytes,
            &mut problems,
        );
        let pair = |problem: &Diagnostic| {
            format!("{}: {} | {}", problem.place.as_ref().unwrap().line, problem.title, problem.help.as_ref().unwrap())
        };
        if problems.is_empty() { Ok(urls) } else { Err(problems.iter().map(pair).collect()) }
    }

    fn urls(text: &str) -> Vec<String> {
        parse(RefreshKind::Url, None, text.as_bytes()).unwrap()
    }

    #[test]
    fn comments_blank_lines_marks_and_repetitions_are_passed_over() {
        let text =
            "\u{feff}# pages\r\n\r\nhttps://a.test/x\r\n  https://a.test/y  \n#https://a.test/z\nhttps://a.test/x";
        assert_eq!(urls(text), ["https://a.test/x", "https://a.test/y"]);
        assert_eq!(urls("https://a.test/x\nHTTPS://A.test/x\nhttps://a.test/X").len(), 2);
    }

    #[test]
    fn what_needs_it_is_encoded_and_what_is_encoded_stays() {
        assert_eq!(urls("https://a.test/a b/%20/é?q=%C3%A9"), ["https://a.test/a%20b/%20/%C3%A9?q=%C3%A9"]);
    }

    #[test]
    fn every_bad_line_is_named_with_what_is_wrong() {
        let long = format!("https://a.test/{}", "x".repeat(1_010));
        let list = format!(
            "www.a.test/x\nhttps://a.test/ok\nhttps://a.test/\u{7}\nftp://a.test/x\n{long}\nhttps://b.test/x\nhttps://a.test/a/../b\n"
        );
        let problems = parse(RefreshKind::Url, Some(&["a.test".to_owned()]), list.as_bytes()).unwrap_err();
        let numbers: Vec<&str> = problems.iter().map(|problem| problem.split(':').next().unwrap()).collect();
        assert_eq!(numbers, ["1", "3", "4", "5", "6", "7"]);
        for (problem, said) in problems.iter().zip([
            "no `https://`",
            "the control character",
            "no `https://`",
            "1025 characters, and Plain CDN takes 1024",
            "`allow-hosts` doesn't name its host",
            "the segment `..`",
        ]) {
            assert!(problem.contains(said) && problem.ends_with("nothing was sent"), "{problem}");
        }
        let problems = parse(RefreshKind::Url, None, b"https://a.test/ok\n\xff\n").unwrap_err();
        assert_eq!(problems, ["2: the line isn't UTF-8 | write URLs as UTF-8; nothing was sent"]);
    }

    #[test]
    fn a_line_with_two_urls_and_a_star_as_other_tools_read_it_are_no_url() {
        for text in [
            "https://a.test/a,https://a.test/b",
            "https://a.test/a, HTTPS://a.test/b",
            "https://a.test/a https://a.test/b",
            "https://a.test/a?v=1;http://a.test/b",
            "https://a.test/*",
            "https://a.test/a/b*?v=1",
        ] {
            let problems = parse(RefreshKind::Url, None, text.as_bytes()).unwrap_err();
            assert!(problems.len() == 1, "{text}: {problems:?}");
        }
        assert!(
            parse(RefreshKind::Directory, None, b"https://a.test/a/*").unwrap_err()[0].contains("a `*` at the end")
        );
        let whole =
            ["https://a.test/a,b", "https://a.test/*/a", "https://a.test/p/https://b.test/", "https://a.test/x?q=*"];
        assert_eq!(urls(&whole.join("\n")), whole);
        let listed = "https://a.test/x?u=https://b.test/,https://c.test/";
        assert_eq!(urls(listed), [listed]);
        assert_eq!(parse(RefreshKind::Regex, None, b"https://a.test/x/.*").unwrap(), ["https://a.test/x/.*"]);
    }

    #[test]
    fn a_directory_ends_in_a_slash_and_a_pattern_stays_as_it_is() {
        let problems =
            parse(RefreshKind::Directory, None, b"https://a.test/a/\nhttps://a.test/b\nhttps://a.test/c?d=/")
                .unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("2: `https://a.test/b`") && problems[1].contains("3: "), "{problems:?}");
        let pattern = r"https://a\.test/[a-z]+/.*\.js";
        assert_eq!(parse(RefreshKind::Regex, None, pattern.as_bytes()).unwrap(), [pattern]);
        assert!(parse(RefreshKind::Regex, Some(&["a.test".to_owned()]), b"https://a.test/x|https://b.test/").is_err());
    }

    #[test]
    fn a_tag_is_written_behind_its_host() {
        let tag = "https://a.test/#product%201";
        assert!(parse(RefreshKind::Tag, None, tag.as_bytes()).is_err(), "a tag holds no space");
        assert_eq!(parse(RefreshKind::Tag, None, b"https://a.test/#product-1").unwrap(), ["https://a.test/#product-1"]);
        let problems =
            parse(RefreshKind::Tag, Some(&["a.test".to_owned()]), b"https://a.test/x\nhttps://b.test/#x").unwrap_err();
        assert!(problems[0].contains("no tag") && problems[0].contains("#TAG"), "{problems:?}");
        assert!(problems[1].contains("`allow-hosts`"), "{problems:?}");
    }

    #[test]
    fn an_empty_list_is_an_error_and_never_everything() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list");
        for empty in ["", "\n\n# nothing\n", "\u{feff}"] {
            std::fs::write(&file, empty).unwrap();
            let listing = UrlOptions {
                arguments: vec![],
                file: Some(file.clone()),
                kind: RefreshKind::Url,
                encoded: vec![Encoded::Encoded],
                mode: PurgeMode::Default,
                allow_everything: false,
            };
            let message = read(&listing, &[target()], None).unwrap_err().to_string();
            assert!(message.contains("contains no URL"), "{message}");
        }
    }

    #[test]
    fn arguments_and_a_file_are_read_alike_and_their_problems_told_together() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list");
        std::fs::write(&file, "https://a.test/1\nb.test\n").unwrap();
        let mut listing = UrlOptions {
            arguments: vec!["https://a.test/a b".into(), "x".into()],
            file: Some(file.clone()),
            kind: RefreshKind::Url,
            encoded: vec![Encoded::Encoded, Encoded::Raw],
            mode: PurgeMode::Default,
            allow_everything: false,
        };
        let error = read(&listing, &[target()], None).unwrap_err();
        let titles: Vec<String> = error.diagnostics().into_iter().map(|problem| problem.title).collect();
        assert_eq!(titles.len(), 2);
        assert!(titles[0].starts_with("argument 2: `x`") && titles[1].starts_with("`b.test`"), "{titles:?}");
        listing.arguments.pop();
        std::fs::write(&file, "https://a.test/1\n").unwrap();
        let urls: Vec<Vec<String>> =
            read(&listing, &[target()], None).unwrap().into_iter().map(|listed| listed.urls).collect();
        assert_eq!(urls, [["https://a.test/a%20b"], ["https://a.test/1"]]);
    }

    /// Spellings of one URL are one, and what no client asks for is refused.
    #[test]
    fn odd_lines_are_read_as_clients_read_them_or_refused() {
        let list = [
            "https://my.test",
            "https://my.test/",
            "https://www.test:443/x",
            "https://www.test/x",
            "HTTPS://WWW.Test/x",
            "https://www.test:/x",
            "https://www.test:00443/x",
            "http://www.test:80/x",
            "http://www.test:443/x",
            "https://www.test:8443/x",
            "https://www.test?y=1",
            "https://www.test/x?y=*",
            "https://www.test/b?",
            "https://[::1]:443/x",
        ];
        let read = [
            "https://my.test/",
            "https://www.test/x",
            "http://www.test/x",
            "http://www.test:443/x",
            "https://www.test:8443/x",
            "https://www.test/?y=1",
            "https://www.test/x?y=*",
            "https://www.test/b?",
            "https://[::1]/x",
        ];
        assert_eq!(urls(&list.join("\n")), read);
        for (line, problem) in [
            ("https://*.test/a", "a `*` in the host"),
            ("https://www.test./a", "a `.` at the end of the host"),
            ("https://www.test/a,", "a separator of list items at its end"),
            ("https://www.test/a;", "a separator of list items at its end"),
            ("<https://www.test/a>", "no `https://`"),
            ("\"https://www.test/a\"", "no `https://`"),
            ("https://me@www.test/a", "a user name or password"),
            ("https://www.test/a#b", "a fragment"),
            ("https://www.test/a\thttps://www.test/b", "a second URL"),
            ("https://www.test/a\t200", "the control character"),
            ("https://www.test/a\rhttps://www.test/b", "a second URL"),
            ("https://www.test/a\0", "the control character"),
            ("https://www.test:x/a", "can't be a host"),
            ("https://www.test/a/../b", "the segment `..`"),
            ("https://", "no host"),
        ] {
            let problems = parse(RefreshKind::Url, None, format!("https://a.test/\n{line}\n").as_bytes()).unwrap_err();
            assert!(
                problems.len() == 1 && problems[0].starts_with("2: ") && problems[0].contains(problem),
                "{line}: {problems:?}"
            );
        }
        for utf_16 in [b"\xff\xfeh\0\n\0", b"\xfe\xff\0h\0\n"] {
            let problems = parse(RefreshKind::Url, None, utf_16).unwrap_err();
            assert!(problems.len() == 1 && problems[0].contains("is text in UTF-16"), "{problems:?}");
        }
    }

    #[test]
    fn a_hundred_thousand_lines_are_read() {
        let text: String = (0..100_000).map(|n| format!("https://a.test/{n}\n")).collect();
        assert_eq!(urls(&text).len(), 100_000);
    }
}
