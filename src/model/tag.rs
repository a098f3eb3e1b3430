//! A cache tag at a host as an address: `https://HOST/#TAG`.
//!
//! A fragment never travels in a request, so such an address can't be confused with a page, and everything that is known
//! of addresses (their host, where they may go) holds for it too.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays as it is in a fragment: RFC 3986, 2.3.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What pages were marked with by their origin, at one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The host as it is spelled, with its port if it has one.
    pub host: String,
    /// The tag as the origin sends it.
    pub name: String,
}

impl Tag {
    /// Reads `https://HOST/#TAG`, whose tag is percent-encoded where it needs it.
    ///
    /// # Errors
    /// A lowercase fragment that says what is wrong with it.
    pub fn read(address: &str) -> Result<Self, String> {
        let rest = address.strip_prefix("https://").ok_or("no `https://` at the start of a tag's address")?;
        let (host, tag) = rest.split_once("/#").ok_or("no tag: it is written `https://www.example.com/#TAG`")?;
        if host.is_empty() || host.contains(['/', '?', '#', '@']) {
            return Err("a tag stands right behind its host: `https://www.example.com/#TAG`".into());
        }
        let bytes: Vec<u8> = percent_decode_str(tag).collect();
        let name = String::from_utf8(bytes).map_err(|_| "a tag that isn't UTF-8")?;
        let unfit = |c: char| c == ',' || c.is_whitespace() || c.is_control();
        match name.chars().find(|c| unfit(*c)) {
            _ if name.is_empty() => Err("an empty tag".into()),
            Some(c) => Err(format!("`{}` in a tag, which can't hold it", c.escape_debug())),
            None => Ok(Self { host: host.to_owned(), name }),
        }
    }

    /// As an address.
    pub fn address(&self) -> String {
        format!("https://{}/#{}", self.host, utf8_percent_encode(&self.name, PLAIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_and_its_address_are_each_others_inverse() {
        for (address, name) in [
            ("https://www.example.com/#product-1", "product-1"),
            ("https://www.example.com:8443/#a%2Fb%3D%C3%A4", "a/b=ä"),
        ] {
            let tag = Tag::read(address).unwrap();
            assert_eq!((tag.name.as_str(), tag.address().as_str()), (name, address));
        }
    }

    #[test]
    fn what_is_no_tag_says_why() {
        for (address, why) in [
            ("http://www.example.com/#a", "no `https://`"),
            ("https://www.example.com/a", "no tag"),
            ("https://www.example.com/a/#b", "right behind its host"),
            ("https:///#b", "right behind its host"),
            ("https://www.example.com/#", "empty"),
            ("https://www.example.com/#a,b", "`,` in a tag"),
            ("https://www.example.com/#a%2Cb", "`,` in a tag"),
            ("https://www.example.com/#a%0Ab", "`\\n` in a tag"),
            ("https://www.example.com/#a%20b", "` ` in a tag"),
            ("https://www.example.com/#%FF", "UTF-8"),
        ] {
            let problem = Tag::read(address).unwrap_err();
            assert!(problem.contains(why), "{address}: {problem}");
        }
    }
}
