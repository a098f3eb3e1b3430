//! Checks and normalizes URLs, and gives the other URLs of the same page.
//!
//! A page may be cached under several URLs: with and without its index file's name, and once per query string.

use std::borrow::Cow;
use std::ops::Range;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::encoding::Encoded;
use crate::model::{RefreshKind, Subject};

/// The characters that need encoding in a URL. No control characters: nobody means them, so [`check`] refuses them.
const NEEDS_ENCODING: &AsciiSet = &AsciiSet::EMPTY
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The same for a path as browsers send it, and for one as written: see [`super::encoding`].
const BROWSER_PATH: &AsciiSet = &NEEDS_ENCODING.remove(b'[').remove(b']').remove(b'|');
const RAW_PATH: &AsciiSet = &BROWSER_PATH.remove(b'^');

/// URL Standard (<https://url.spec.whatwg.org/#query-percent-encode-set>): in a query all of these stay.
const BROWSER_QUERY: &AsciiSet = &RAW_PATH.remove(b'\\').remove(b'`').remove(b'{').remove(b'}');

/// Checks that a URL can be requested: absolute, http or https, a host as clients spell it, and nothing in it that a client
/// would drop or resolve before it sends it.
///
/// # Errors
/// A lowercase fragment that names what is wrong with it: `white space`, `no host`.
pub fn check(url: &str) -> Result<(), String> {
    Checker::default().check(url)
}

/// What to do about the host of a URL; `None` if nothing is wrong with it.
pub fn host_remedy(url: &str) -> Option<String> {
    let (authority, _) = authority(url)?;
    check_authority(&url[authority]).err().map(|(_, help)| help)
}

/// [`check`] for many URLs, most of which are at the same host.
#[derive(Debug, Default)]
pub struct Checker {
    /// Scheme and authority of the last URL in which they were right: to parse them is most of the work.
    head: String,
}

impl Checker {
    /// [`check`].
    ///
    /// # Errors
    /// As [`check`].
    pub fn check(&mut self, url: &str) -> Result<(), String> {
        if authority(url).is_some_and(|(_, path)| path_of(&url[path..]).contains('\\')) {
            return Err("a `\\`, which clients read as `/` in a path; as itself it is `%5C`".into());
        }
        self.check_expression(url)
    }

    /// [`check`] for a URL of this kind: a tag's has a fragment, and nothing else.
    ///
    /// # Errors
    /// As [`check`].
    pub fn check_kind(&mut self, kind: RefreshKind, url: &str) -> Result<(), String> {
        match kind {
            RefreshKind::Tag => {
                Subject::tag(url).and_then(|tag| self.check(&format!("https://{}/", tag.host.unwrap_or_default())))
            }
            RefreshKind::Regex => self.check_expression(url),
            RefreshKind::Host | RefreshKind::Everything if !is_root(url) || url.contains('?') => {
                let root = host(url).map(|host| format!(": write `https://{host}/`"));
                Err(format!("a path, where the kind `{}` takes a host alone{}", kind.name(), root.unwrap_or_default()))
            }
            RefreshKind::Prefix if url.contains('?') => Err("a query, which a prefix doesn't have".into()),
            _ => self.check(url),
        }
    }

    /// [`check`] without the rules that don't apply to a regular expression.
    fn check_expression(&mut self, url: &str) -> Result<(), String> {
        let Some((authority, path)) = authority(url) else {
            return Err("no `https://` or `http://` at its start".into());
        };
        if self.head != url[..path] {
            check_authority(&url[authority]).map_err(|(message, _)| message)?;
            self.head = url[..path].to_owned();
        }
        check_characters(url, path)
    }
}

/// Checks the characters of a URL whose path begins at `path`, and that path's segments.
fn check_characters(url: &str, path: usize) -> Result<(), String> {
    // Nearly all URLs have only characters that need no closer look.
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    for character in if is_plain { "" } else { url }.chars() {
        match character {
            '#' => return Err("a fragment, which no server ever sees".into()),
            _ if character.is_control() => {
                return Err(format!("the control character `{}`", character.escape_unicode()));
            }
            _ if character.is_whitespace() => return Err("white space".into()),
            _ => {}
        }
    }
    let longest = "%2e%2e".len();
    let is = |segment: &str, dots: &str| segment.len() <= longest && percent_decode_str(segment).eq(dots.bytes());
    let resolved = |segment: &&str| is(segment, ".") || is(segment, "..");
    match path_of(&url[path..]).split('/').find(resolved) {
        Some(segment) => Err(format!("the segment `{segment}`, which every client resolves away")),
        None => Ok(()),
    }
}

/// The host of a subject that isn't a pattern, as it is spelled and without its port.
pub fn host_of_subject(subject: &Subject) -> Option<&str> {
    subject.host.as_deref().map(host_of).or_else(|| host(&subject.value))
}

/// [`check`] for a URL of this kind: a tag's has a fragment, and nothing else.
///
/// # Errors
/// As [`check`].
pub fn check_kind(kind: RefreshKind, url: &str) -> Result<(), String> {
    Checker::default().check_kind(kind, url)
}

/// Finds text that was meant as more than one URL: its place, the problem and the remedy. Clients and caches would take it for
/// one URL, the provider would report it as done, and nothing would be refreshed. Not for regular expressions.
pub fn more_than_one(text: &str) -> Option<(Range<usize>, &'static str, &'static str)> {
    let is_scheme = |start: &usize| {
        let begins = |scheme: &str| {
            text.as_bytes()[*start..]
                .get(..scheme.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(scheme.as_bytes()))
        };
        begins("https://") || begins("http://")
    };
    // A URL may contain another in its path or as a value of its query, but not after a separator of list items.
    let is_after_separator = |start: &usize| {
        let before = &text[..*start];
        let is_listed = before.trim_end().len() < before.len() || before.ends_with([',', ';']);
        is_listed && !before.split_once('?').is_some_and(|(_, query)| query.contains("://"))
    };
    // What is longer is refused for its length.
    let starts = text.match_indices(['h', 'H']).map(|(start, _)| start).filter(|&start| start > 0);
    if let Some(start) =
        starts.take_while(|&start| start < 16_384).find(|start| is_scheme(start) && is_after_separator(start))
    {
        return Some((start..text.len(), "a second URL after the first", "write each URL by itself"));
    }
    if text.ends_with([',', ';']) {
        let help = "remove it; as a part of the URL, write `%2C` for a `,` and `%3B` for a `;`";
        return Some((text.len() - 1..text.len(), "a separator of list items at its end", help));
    }
    let path = authority(text).map_or(text.len(), |(_, path)| path);
    let end = path + path_of(&text[path..]).len();
    let last = text[path..end].rfind('/').map_or(path, |slash| path + slash);
    text[last..end].find('*').map(|star| {
        let help = "a directory is refreshed by its own name, with a `/` at its end and no `*`, a pattern by the kind `regex`; \
                    write `%2A` for a plain `*`";
        (last + star..last + star + 1, "a `*` at the end, which is a plain character", help)
    })
}

/// The host as it is spelled, without a port; `None` if the URL has none.
pub fn host(url: &str) -> Option<&str> {
    let (range, _) = authority(url)?;
    let host = host_of(url[range].rsplit('@').next()?);
    (!host.is_empty()).then_some(host)
}

/// The one host at which everything is that a regular expression matches, without the escapes of its dots; `None` where it
/// may match at other hosts too: `https://a.test/x|https://b.test/`, or `https://a.test/?.b.test/`, whose slash may be absent.
pub fn host_of_pattern(expression: &str) -> Option<String> {
    let (range, from) = authority(expression)?;
    let path = expression[from..].strip_prefix('/')?;
    let is_one = !path.starts_with(['?', '*', '{']) && !has_alternatives(path);
    is_one.then(|| host_of(&expression[range]).replace('\\', ""))
}

/// Whether a URL is the root of its host: no path, whatever the query.
pub fn is_root(url: &str) -> bool {
    authority(url).is_some_and(|(_, path)| path_of(&url[path..]).bytes().all(|byte| byte == b'/'))
}

/// Whether a refresh of this kind drops everything a host has: the directory at its root, or a regular expression that
/// doesn't begin with the name of a directory or file.
pub fn is_whole_host(kind: RefreshKind, url: &str) -> bool {
    match kind {
        // A tag may be on every page of a host, and is still refreshed by its name.
        RefreshKind::Url | RefreshKind::AnyQuery | RefreshKind::Tag => false,
        RefreshKind::Directory | RefreshKind::Prefix => is_root(url),
        RefreshKind::Host | RefreshKind::Everything => true,
        RefreshKind::Regex => authority(url).is_some_and(|(_, path)| !begins_with_a_name(&url[path..])),
    }
}

/// A URL as a person wrote it, percent-encoded where needed; encoded characters stay. Not for regular
/// expressions. Scheme and host become lower case, as clients spell them: a provider may compare letter by letter. A `\` in the
/// path stays, for [`check`] to refuse: it may be meant as a `/`.
pub fn encode_given(url: &str) -> String {
    spell_given(url, Encoded::Encoded)
}

/// The same in another form.
pub fn spell_given(url: &str, encoded: Encoded) -> String {
    let (in_path, in_query) = match encoded {
        Encoded::Encoded => (NEEDS_ENCODING, NEEDS_ENCODING),
        Encoded::Browser => (BROWSER_PATH, BROWSER_QUERY),
        Encoded::Raw => (RAW_PATH, BROWSER_QUERY),
    };
    let path = authority(url).map_or(0, |(_, path)| path);
    let query = path + path_of(&url[path..]).len();
    let mut spelled = head_of_clients(url, path);
    for (start, character) in url[path..].char_indices() {
        let start = path + start;
        let text = &url[start..start + character.len_utf8()];
        match character {
            '%' if !is_escape(&url.as_bytes()[start..]) => spelled.push_str("%25"),
            '\\' if start < query => spelled.push('\\'),
            _ if encoded == Encoded::Raw && !character.is_ascii() => spelled.push(character),
            _ if !character.is_ascii() => spelled.extend(utf8_percent_encode(text, CONTROLS)),
            _ => spelled.extend(utf8_percent_encode(text, if start < query { in_path } else { in_query })),
        }
    }
    spelled
}

/// A percent-encoded URL with the characters of its path plain that browsers don't encode: `[`, `]` and `|`.
pub fn as_browsers_do(url: &str) -> Cow<'_, str> {
    const PLAIN: [(&str, &str); 3] = [("%5B", "["), ("%5D", "]"), ("%7C", "|")];
    if !url.contains('%') {
        return Cow::Borrowed(url);
    }
    let path = &url[..url.find('?').unwrap_or(url.len())];
    if !PLAIN.iter().any(|(escape, _)| path.contains(escape)) {
        return Cow::Borrowed(url);
    }
    let plain = PLAIN.iter().fold(path.to_owned(), |path, (escape, plain)| path.replace(escape, plain));
    Cow::Owned(plain + &url[path.len()..])
}

/// The same URL with scheme, host and root as clients spell them: a provider may compare letter by letter.
pub(super) fn with_head_of_clients(url: String) -> String {
    let path = authority(&url).map_or(0, |(_, path)| path);
    let (head, rest) = url.split_at(path);
    let has_port = head.rfind(':').is_some_and(|colon| !head[colon..].starts_with("://"));
    if rest.starts_with('/') && !has_port && !head.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return url;
    }
    let head = head_of_clients(&url, path);
    if url.starts_with(&head) { url } else { head + &url[path..] }
}

/// Scheme and authority of a URL whose path begins at `path`, as clients spell them: in lower case, without the port that the
/// scheme has anyway, and with the `/` of a root that the URL leaves out.
fn head_of_clients(url: &str, path: usize) -> String {
    let mut head = url[..path].to_ascii_lowercase();
    let default = if head.starts_with("https:") { 443 } else { 80 };
    let port = head.rfind(':').filter(|&colon| !head[colon..].contains([']', '/']));
    if let Some(colon) =
        port.filter(|&colon| matches!(&head[colon + 1..], port if port.is_empty() || port.parse() == Ok(default)))
    {
        head.truncate(colon);
    }
    if !head.is_empty() && !url[path..].starts_with('/') {
        head.push('/');
    }
    head
}

/// The directory's URLs if this one's last segment is an index file: `/dir/` and `/dir`; at the root only `/`.
pub(super) fn of_index(url: &str, index: &[String]) -> Vec<String> {
    let Some((_, from)) = authority(url).filter(|_| !index.is_empty()) else { return Vec::new() };
    let path = path_of(&url[from..]);
    let query = &url[from + path.len()..];
    let Some(slash) = path.rfind('/') else { return Vec::new() };
    let name: Vec<u8> = percent_decode_str(&path[slash + 1..]).collect();
    if !index.iter().any(|known| known.as_bytes() == name) {
        return Vec::new();
    }
    let directory = &url[..from + slash];
    let mut urls = vec![format!("{directory}/{query}")];
    if !path[..slash].bytes().all(|byte| byte == b'/') {
        urls.push(format!("{directory}{query}"));
    }
    urls
}

/// The same URL with another query string.
pub(super) fn with_query(url: &str, query: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{query}")
}

/// The same URL with a path that ends in `/`.
pub(super) fn as_directory(mut url: String) -> String {
    let from = authority(&url).map_or(0, |(_, path)| path);
    let end = from + path_of(&url[from..]).len();
    if !url[..end].ends_with('/') {
        url.insert(end, '/');
    }
    url
}

/// The place of the authority, and the start of the path; `None` without `http` or `https`.
pub fn authority(url: &str) -> Option<(Range<usize>, usize)> {
    let start = ["https://", "http://"]
        .iter()
        .find(|scheme| url.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)))?
        .len();
    let end = url.as_bytes()[start..].iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let end = end.map_or(url.len(), |length| start + length);
    Some((start..end, end))
}

/// Checks the authority, between `//` and the path. Fails with the problem and the remedy.
pub(super) fn check_authority(authority: &str) -> Result<(), (String, String)> {
    if authority.is_empty() {
        return Err(("no host".into(), "write one such as `https://www.example.com/`".into()));
    }
    if authority.contains('@') {
        return Err(("a user name or password".into(), "a cached URL has none: remove it".into()));
    }
    let spelled = host_of(authority);
    let host = match ::url::Url::parse(&format!("https://{authority}/")) {
        Ok(url) => url.host_str().unwrap_or_default().to_owned(),
        Err(error) => {
            let help = "a host is a domain name, with a port if need be: `www.example.com:8443`".into();
            return Err((format!("`{authority}` can't be a host: {error}"), help));
        }
    };
    if host.contains('*') {
        Err(("a `*` in the host, which no request has".into(), "write one URL for each host".into()))
    } else if let Some(without) = host.strip_suffix('.') {
        Err(("a `.` at the end of the host, which caches take for another one".into(), format!("write `{without}`")))
    } else if host.eq_ignore_ascii_case(spelled) {
        Ok(())
    } else {
        Err((format!("clients read the host `{spelled}` as `{host}`"), format!("write `{host}`")))
    }
}

/// Whether bytes begin with `%` and two hexadecimal digits.
pub(super) fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// An authority without its port.
fn host_of(authority: &str) -> &str {
    let port = authority.rfind(':').filter(|&colon| !authority[colon..].contains(']'));
    &authority[..port.unwrap_or(authority.len())]
}

/// The directory that a URL is in, with its `/`. Slashes of its query don't count.
pub fn directory(url: &str) -> &str {
    let path = path_of(url);
    &path[..path.rfind('/').map_or(path.len(), |slash| slash + 1)]
}

/// The path after the host, without query and fragment; of a whole URL, what is before its query.
fn path_of(rest: &str) -> &str {
    &rest[..rest.as_bytes().iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(rest.len())]
}

/// Whether a regular expression of a path begins with a character that can only be itself, whatever follows.
fn begins_with_a_name(expression: &str) -> bool {
    let name = expression.trim_start_matches('/');
    let mut characters = name.chars();
    let plain = match characters.next() {
        Some('\\') => characters.next().is_some_and(|escaped| !escaped.is_ascii_alphanumeric()),
        Some(first) => first.is_alphanumeric() || "-_~%".contains(first),
        None => false,
    };
    plain && !characters.next().is_some_and(|next| "?*{".contains(next)) && !has_alternatives(name)
}

/// Whether a regular expression has, or may have, a `|` outside parentheses and brackets. Quoted text and comments, in which
/// these mean nothing, aren't followed.
fn has_alternatives(expression: &str) -> bool {
    if expression.contains('|') && (expression.contains("\\Q") || expression.contains("(?#")) {
        return true;
    }
    let (mut depth, mut in_class, mut characters) = (0_usize, false, expression.chars());
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            ']' => in_class = false,
            _ if in_class => {}
            '[' => in_class = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests;
