//! A fetch of a URL as a visitor makes it, through the CDN: the trait [`Edge`], and what a fetch gives.
//!
//! The body is read to its end, hashed and thrown away: contents of pages never reach a log or a report.

use async_trait::async_trait;
use md5::{Digest as _, Md5};
use sha2::Sha256;

/// The user agent of such a fetch, by which firewalls and log readers recognize it.
pub const USER_AGENT: &str = concat!("cdn-purge/", env!("CARGO_PKG_VERSION"), " (fetch through the CDN)");

/// The CDN as visitors reach it.
#[async_trait(?Send)]
pub trait Edge {
    /// GETs a URL, once: no redirect is followed, and no credentials or cookies are sent. Any HTTP status is an answer.
    ///
    /// # Errors
    /// There is no answer, or the URL isn't fetched at all.
    async fn get(&self, fetch: Fetch<'_>) -> Result<Page, NoAnswer>;
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// The reason, as a sentence fragment.
    pub why: String,
    /// Whether another try may have an answer: not where the URL may not be fetched at all.
    pub may_pass: bool,
}

impl NoAnswer {
    /// The URL isn't fetched, now or later.
    pub fn refused(why: String) -> Self {
        Self { why, may_pass: false }
    }

    /// The other side gave no answer, or not all of it.
    pub fn unreachable(why: String) -> Self {
        Self { why, may_pass: true }
    }
}

/// What to fetch, and how much of it to read.
#[derive(Clone, Copy, Debug)]
pub struct Fetch<'a> {
    /// The URL.
    pub url: &'a str,
    /// The value of `Accept-Encoding`.
    pub encoding: &'a str,
    /// So many bytes of the body are read; the rest is left.
    pub most: u64,
    /// So many bytes of the body are kept, to search a text in them.
    pub keep: usize,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// The header fields.
    pub headers: ::http::HeaderMap,
    /// The body as it was sent: no content coding is undone.
    pub body: Fingerprint,
    /// Whether the body was read to its end.
    pub is_whole: bool,
    /// Its beginning, as much as was to be kept.
    pub start: Vec<u8>,
    /// Its last eight bytes: of a gzip stream, the checksum and the length of what was compressed.
    pub end: [u8; 8],
    /// Whether it begins as a gzip stream does.
    pub is_gzip: bool,
}

impl Page {
    /// The first value of a header field; empty if it is absent or isn't text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
    }

    /// The checksum and the length of what a gzip body holds, as its trailer says. Nothing is unpacked, so that a small body
    /// can't become a large one.
    pub fn gzip_trailer(&self) -> Option<(u32, u32)> {
        let [a, b, c, d, e, f, g, h] = self.end;
        let is_stream = self.is_whole && self.is_gzip && self.body.bytes >= GZIP_LEAST;
        is_stream.then(|| (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])))
    }

    /// Whether it says that there is nothing.
    pub fn is_gone(&self) -> bool {
        matches!(self.status, 404 | 410)
    }

    /// Whether the server failed, or has no time: another try may have an answer.
    pub fn is_failure(&self) -> bool {
        self.status >= 500 || self.status == 429
    }

    /// Where a redirect leads: without the query, which may hold a secret.
    pub fn location(&self) -> Option<&str> {
        let location = self.header("location");
        let is_redirect = (300..400).contains(&self.status) && !location.is_empty();
        is_redirect.then(|| location.split(['?', '#']).next().unwrap_or_default())
    }

    /// The status in words: `HTTP 301 to https://www.example.com/login`.
    pub fn status_word(&self) -> String {
        match self.location() {
            Some(to) => {
                let to: String = to.chars().take(200).collect();
                format!("HTTP {} to `{to}`, which isn't followed", self.status)
            }
            None => format!("HTTP {}", self.status),
        }
    }
}

/// The least bytes of a gzip stream: RFC 1952 has ten at its beginning and eight at its end.
const GZIP_LEAST: u64 = 18;

/// What bytes are recognized by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// How many there are.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
    /// MD5, which object stores give as an entity tag.
    pub md5: [u8; 16],
    /// CRC-32, which a gzip stream ends with.
    pub crc32: u32,
}

impl Fingerprint {
    /// That of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut body = BodyReader::new(0);
        body.update(bytes);
        body.fingerprint()
    }
}

/// Reads a body piece by piece, and keeps next to nothing of it.
pub struct BodyReader {
    bytes: u64,
    sha256: Sha256,
    md5: Md5,
    crc32: crc32fast::Hasher,
    keep: usize,
    start: Vec<u8>,
    end: [u8; 8],
    magic: [u8; 2],
}

impl BodyReader {
    /// Nothing was read; the first `keep` bytes will be kept.
    pub fn new(keep: usize) -> Self {
        Self {
            bytes: 0,
            sha256: Sha256::new(),
            md5: Md5::new(),
            crc32: crc32fast::Hasher::new(),
            keep,
            start: Vec::new(),
            end: [0; 8],
            magic: [0; 2],
        }
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        for (place, byte) in (self.bytes..2).zip(piece) {
            self.magic[place as usize] = *byte;
        }
        self.bytes += piece.len() as u64;
        self.sha256.update(piece);
        self.md5.update(piece);
        self.crc32.update(piece);
        self.start.extend(piece.iter().take(self.keep - self.start.len()));
        let last = &piece[piece.len().saturating_sub(8)..];
        self.end.copy_within(last.len().., 0);
        self.end[8 - last.len()..].copy_from_slice(last);
    }

    fn fingerprint(self) -> Fingerprint {
        Fingerprint {
            bytes: self.bytes,
            sha256: self.sha256.finalize().into(),
            md5: self.md5.finalize().into(),
            crc32: self.crc32.finalize(),
        }
    }

    /// The page whose body this was.
    pub fn page(mut self, status: u16, headers: ::http::HeaderMap, is_whole: bool) -> Page {
        let (start, end, is_gzip) = (std::mem::take(&mut self.start), self.end, self.magic == [0x1f, 0x8b]);
        Page { status, headers, body: self.fingerprint(), is_whole, start, end, is_gzip }
    }
}

/// A gzip stream of one block that isn't compressed.
#[cfg(test)]
pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("the bodies of tests are short");
    let block = [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), body].concat();
    let end = [crc32fast::hash(body).to_le_bytes(), u32::from(length).to_le_bytes()].concat();
    [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &block, &end].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(status: u16, headers: &[(&'static str, &'static str)], body: &[&[u8]]) -> Page {
        let mut reader = BodyReader::new(4);
        body.iter().for_each(|piece| reader.update(piece));
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        reader.page(status, headers.collect(), true)
    }

    #[test]
    fn a_body_is_the_same_however_it_is_cut() {
        let text = b"The quick brown fox jumps over the lazy dog";
        for cut in 0..text.len() {
            let (left, right) = text.split_at(cut);
            let page = page(200, &[], &[left, right]);
            assert_eq!(page.body, Fingerprint::of(text));
            assert_eq!((&page.start[..], &page.end), (&b"The "[..], b"lazy dog"));
        }
        let known = Fingerprint::of(text);
        assert_eq!((known.crc32, known.bytes), (0x414f_a339, 43));
        assert_eq!(known.sha256[..6], [0xd7, 0xa8, 0xfb, 0xb3, 0x07, 0xd7]);
        assert_eq!(known.md5[..3], [0x9e, 0x10, 0x7d]);
    }

    #[test]
    fn the_trailer_of_gzip_tells_what_was_compressed() {
        // `printf hello | gzip -n`
        let gzip: &[u8] = &[
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0,
        ];
        let hello = Fingerprint::of(b"hello");
        assert_eq!(page(200, &[], &[&gzip[..1], &gzip[1..]]).gzip_trailer(), Some((hello.crc32, 5)));
        assert_eq!(page(200, &[], &[b"<!doctype html>, and no gzip at all"]).gzip_trailer(), None);
        assert_eq!(page(200, &[], &[&gzip[..12]]).gzip_trailer(), None);
    }

    #[test]
    fn a_redirect_is_named_without_its_query() {
        let page = page(302, &[("location", "https://login.example.com/start?state=secret")], &[]);
        assert_eq!(page.status_word(), "HTTP 302 to `https://login.example.com/start`, which isn't followed");
    }
}
