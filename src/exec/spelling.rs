//! An address as a provider's records may spell it becomes one key, so that a row is known as ours whatever its spelling.
//!
//! No vendor says whether its records keep an address as it was submitted. One that is taken for a stranger would be sent a
//! second time, so a row is compared by this key where no address is spelled exactly alike.

use percent_encoding::percent_decode_str;

use crate::model::{Kind, Operation};
use crate::provider::Record;

/// Without scheme, default port and last slash, decoded, and with the host in lower case.
pub(super) fn key(url: &str) -> String {
    let url = url.trim();
    let (rest, port) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (rest, ":80"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (rest, ":443"),
        _ => (url, ":443"),
    };
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
    let path = percent_decode_str(path).decode_utf8_lossy();
    format!("{host}{}", path.trim_end_matches('/'))
}

/// The addresses of a row that stands for several, joined as they were submitted or by commas.
pub(super) fn several(joined: &str) -> impl Iterator<Item = &str> {
    let lines = joined.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(|line| {
        let starts = line.match_indices(",http").map(|(at, _)| at);
        let mut ends: Vec<usize> = starts.collect();
        ends.push(line.len());
        let mut from = 0;
        ends.into_iter().map(move |end| {
            let part = &line[from..end];
            from = end + 1;
            part.trim()
        })
    })
}

/// Whether a row can be of this operation, by the word that the provider has for it. A word that isn't known can be any.
pub(super) fn fits(operation: Operation, record: &Record) -> bool {
    let word: String = record.kind.chars().filter(char::is_ascii_alphabetic).collect();
    let word = word.to_ascii_lowercase();
    if word.is_empty() {
        return true;
    }
    match operation {
        Operation::Prefetch => record.prefetch,
        Operation::Refresh(_) if record.prefetch => false,
        Operation::Refresh(Kind::Directory) => !matches!(&*word, "file" | "url" | "regex" | "ignoreparams"),
        Operation::Refresh(Kind::Regex) => !matches!(&*word, "file" | "url" | "directory" | "path" | "ignoreparams"),
        Operation::Refresh(Kind::File | Kind::IgnoreParams) => !matches!(&*word, "directory" | "path" | "regex"),
        // Which word a provider has for it isn't documented.
        Operation::Refresh(Kind::Tag) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_in_many_spellings_has_one_key() {
        let key_of = key("https://www.example.com/a%20b/%E4%BD%A0/");
        for spelling in [
            "https://WWW.example.com/a b/你/",
            "https://www.example.com:443/a%20b/%e4%bd%a0",
            "http://www.example.com/a%20b/%E4%BD%A0/",
            "www.example.com/a b/你",
            " https://www.example.com/a%20b/你/\r",
        ] {
            assert_eq!(key(spelling), key_of, "{spelling}");
        }
        assert_ne!(key("https://www.example.com/a"), key("https://www.example.com/A"));
        assert_ne!(key("https://www.example.com/a"), key("https://example.com/a"));
        assert_eq!(key("https://www.example.com/"), "www.example.com");
    }

    #[test]
    fn joined_addresses_come_apart_and_a_comma_inside_one_stays() {
        let joined = "https://a.example/1,2\r\nhttps://a.example/3,https://a.example/4\n";
        let parts: Vec<&str> = several(joined).collect();
        assert_eq!(parts, ["https://a.example/1,2", "https://a.example/3", "https://a.example/4"]);
    }
}
