//! Percent-encodes the value of a placeholder for its place in a URL, once, as the bytes that git stores.
//!
//! In a path, the characters that RFC 3986 allows there stay as they are, since that is what browsers ask for and caches
//! keep: letters, digits, `-._~`, `!$&'()*+,;=`, `:`, `@`, and `/` between segments. In a query only letters, digits and
//! `-._~` stay. Everything else is `%XX`, `%` itself included: a file's name can't become a query, a fragment or a host.
//! An [`Encoded`] other than the default leaves more as it is, in paths.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// RFC 3986, 2.3: the unreserved characters stay.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// RFC 3986, 3.3: `pchar` and `/` stay.
const PATH: &AsciiSet = &QUERY
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// URL Standard (<https://url.spec.whatwg.org/#path-percent-encode-set>, read in July 2026): of the characters that RFC 3986
/// forbids in a path, `[`, `]` and `|` aren't in the path percent-encode set, so a browser sends them as a page writes them. `\\`
/// isn't in it either, but is read as `/`.
pub(super) const BROWSER_PATH: &AsciiSet = &PATH.remove(b'[').remove(b']').remove(b'|');

/// As before November 2024, when the standard added `^` to that set: browsers of that time and other clients send it.
pub(super) const RAW_PATH: &AsciiSet = &BROWSER_PATH.remove(b'^');

/// A form in which a URL is submitted: which of the characters that clients send in different ways are percent-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// All that RFC 3986 doesn't allow (the default).
    Encoded,
    /// As browsers do, by the URL Standard: all but `[`, `]` and `|`.
    Browser,
    /// As written: all but `[`, `]`, `|`, `^` and characters outside ASCII.
    Raw,
}

/// The place of a value in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Before the first `?`.
    Path,
    /// After it.
    Query,
    /// Into a regular expression: as in a path, with its special characters escaped.
    Expression,
}

/// Appends `bytes` to a URL. With [`Encoded::Raw`], characters outside ASCII stay as they are, except space and control characters.
pub(super) fn append(url: &mut String, bytes: &[u8], part: Part, encoded: Encoded) {
    if encoded != Encoded::Raw {
        return append_encoded(url, bytes, part, encoded);
    }
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_ascii() || character.is_control() || character.is_whitespace() {
                append_encoded(url, character.encode_utf8(&mut [0; 4]).as_bytes(), part, encoded);
            } else {
                url.push(character);
            }
        }
        append_encoded(url, chunk.invalid(), part, encoded);
    }
}

fn append_encoded(url: &mut String, bytes: &[u8], part: Part, encoded: Encoded) {
    let path = match encoded {
        Encoded::Encoded => PATH,
        Encoded::Browser => BROWSER_PATH,
        Encoded::Raw => RAW_PATH,
    };
    match part {
        Part::Path => url.extend(percent_encode(bytes, path)),
        Part::Query => url.extend(percent_encode(bytes, QUERY)),
        Part::Expression => {
            for character in percent_encode(bytes, path).flat_map(str::chars) {
                if "$()*+.[]|^".contains(character) {
                    url.push('\\');
                }
                url.push(character);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    fn encoded(bytes: &[u8], part: Part, encoded: Encoded) -> String {
        let mut url = String::new();
        append(&mut url, bytes, part, encoded);
        url
    }

    #[test]
    fn a_path_keeps_what_a_path_may_hold_and_encodes_the_rest() {
        let name = "a b/c%20d#e?f+g&h=i'j\"k[l]m\\n~é.html".as_bytes();
        assert_eq!(
            encoded(name, Part::Path, Encoded::Encoded),
            "a%20b/c%2520d%23e%3Ff+g&h=i'j%22k%5Bl%5Dm%5Cn~%C3%A9.html"
        );
    }

    #[test]
    fn a_query_encodes_what_separates_its_fields() {
        assert_eq!(encoded(b"a/b&c=d+e f", Part::Query, Encoded::Encoded), "a%2Fb%26c%3Dd%2Be%20f");
    }

    #[test]
    fn an_expression_takes_a_name_literally() {
        assert_eq!(encoded(b"c++/(a).x", Part::Expression, Encoded::Encoded), r"c\+\+/\(a\)\.x");
        assert_eq!(encoded(b"[a]|^", Part::Expression, Encoded::Raw), r"\[a\]\|\^");
    }

    #[test]
    fn raw_keeps_letters_outside_ascii_and_encodes_what_can_not_be_seen() {
        assert_eq!(encoded("文 档\u{3000}\u{2028}".as_bytes(), Part::Path, Encoded::Raw), "文%20档%E3%80%80%E2%80%A8");
        assert_eq!(encoded(b"caf\xe9.html", Part::Path, Encoded::Raw), "caf%E9.html");
    }

    #[test]
    fn a_browsers_form_is_what_the_url_standard_makes_of_a_path() {
        let name = "[a]|^`{}\"<> é!$&'()*+,;=:@~-._";
        let standard = ::url::Url::parse(&format!("https://a.test/{name}")).unwrap();
        // The library has the set of before November 2024.
        assert_eq!(encoded(name.as_bytes(), Part::Path, Encoded::Browser), standard.path()[1..].replace('^', "%5E"));
        assert_eq!(encoded(b"[a]|^.js", Part::Path, Encoded::Raw), "[a]|^.js");
        assert_eq!(encoded(b"[a]|^.js", Part::Query, Encoded::Raw), "%5Ba%5D%7C%5E.js");
    }

    proptest! {
        #[test]
        fn encoding_decodes_to_the_bytes(bytes: Vec<u8>, form in 0..3_usize) {
            for part in [Part::Path, Part::Query] {
                let url = encoded(&bytes, part, [Encoded::Encoded, Encoded::Browser, Encoded::Raw][form]);
                prop_assert_eq!(percent_decode_str(&url).collect::<Vec<_>>(), bytes.clone());
            }
        }

        #[test]
        fn nothing_encoded_twice_or_not_at_all_is_left_to_a_reader(bytes: Vec<u8>) {
            let url = encoded(&bytes, Part::Path, Encoded::Encoded);
            let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>[]\\^`{|}".contains(&byte);
            prop_assert!(url.bytes().all(is_plain));
        }
    }
}
