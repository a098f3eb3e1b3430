//! The subject of an operation: a URL, or a directory, prefix, tag or the like that covers several.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Serialize, Serializer};

use super::operation::RefreshKind;

/// What stays as it is in a fragment: RFC 3986, 2.3.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a task is about, as it is planned, submitted and reported.
///
/// Its text, which [`fmt::Display`] gives, is the URL, the URL's beginning or the pattern. A cache tag's text is
/// `https://HOST/#TAG`: a fragment never travels in a request, so it can't be confused with a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// A URL, a pattern or a cache tag, exactly as it is submitted.
    pub value: String,
    /// The host of a cache tag, as it is spelled, with its port if it has one; `None` for everything else.
    pub host: Option<String>,
}

impl Subject {
    /// A URL, or a pattern of URLs.
    pub fn url(url: impl Into<String>) -> Self {
        Self { value: url.into(), host: None }
    }

    /// The subject of a refresh by its text, see [`Subject`]. A text that is no cache tag, where one is wanted, becomes a
    /// subject without host, which the plan refuses with the reason.
    pub fn of(kind: RefreshKind, text: &str) -> Self {
        match kind {
            RefreshKind::Tag => Self::tag(text).unwrap_or_else(|_| Self::url(text)),
            _ => Self::url(text),
        }
    }

    /// The text that [`fmt::Display`] gives.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.host {
            Some(host) => Cow::Owned(format!("https://{host}/#{}", utf8_percent_encode(&self.value, PLAIN))),
            None => Cow::Borrowed(&self.value),
        }
    }

    /// Reads a cache tag from `https://HOST/#TAG`, whose tag is percent-encoded where it needs it.
    ///
    /// # Errors
    /// A lowercase fragment that says what is wrong with it.
    pub fn tag(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("https://").ok_or("no `https://` at the start of a tag's URL")?;
        let (host, tag) = rest.split_once("/#").ok_or("no tag: it is written `https://www.example.com/#TAG`")?;
        if host.is_empty() || host.contains(['/', '?', '#', '@']) {
            return Err("a tag follows right after its host: `https://www.example.com/#TAG`".into());
        }
        let bytes: Vec<u8> = percent_decode_str(tag).collect();
        let value = String::from_utf8(bytes).map_err(|_| "a tag that isn't UTF-8")?;
        let unfit = |c: char| c == ',' || c.is_whitespace() || c.is_control();
        match value.chars().find(|c| unfit(*c)) {
            _ if value.is_empty() => Err("an empty tag".into()),
            Some(c) => Err(format!("`{}` in a tag, which can't hold it", c.escape_debug())),
            None => Ok(Self { value, host: Some(host.to_owned()) }),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_and_its_text_are_each_others_inverse() {
        for (text, name) in [
            ("https://www.example.com/#product-1", "product-1"),
            ("https://www.example.com:8443/#a%2Fb%3D%C3%A4", "a/b=ä"),
        ] {
            let tag = Subject::tag(text).unwrap();
            assert_eq!((tag.value.as_str(), tag.to_string().as_str()), (name, text));
        }
    }

    #[test]
    fn what_is_no_tag_says_why() {
        for (text, why) in [
            ("http://www.example.com/#a", "no `https://`"),
            ("https://www.example.com/a", "no tag"),
            ("https://www.example.com/a/#b", "right after its host"),
            ("https:///#b", "right after its host"),
            ("https://www.example.com/#", "empty"),
            ("https://www.example.com/#a,b", "`,` in a tag"),
            ("https://www.example.com/#a%2Cb", "`,` in a tag"),
            ("https://www.example.com/#a%0Ab", "`\\n` in a tag"),
            ("https://www.example.com/#a%20b", "` ` in a tag"),
            ("https://www.example.com/#%FF", "UTF-8"),
        ] {
            let problem = Subject::tag(text).unwrap_err();
            assert!(problem.contains(why), "{text}: {problem}");
        }
    }
}
