//! Whether the edge of a CDN serves what was deployed: a ladder of evidence, from the bytes themselves down to the age of a copy.
//!
//! Pure functions of what was fetched and of what is known of the file. Fresh is only what equals the deployed file; what differs
//! from both the new file and the old one is undecided, because a page may be built from the file, or be newer than this commit.

use std::time::Duration;

use crate::model::Verdict;
use crate::provider::edge::Page;

pub mod file;

pub use file::FileVersion;

/// How much clocks and whole seconds may be off, before an age proves that a copy is older than the refresh.
const CLOCKS: Duration = Duration::from_secs(5);

/// The evidence of a page that is neither the file nor what it was before.
pub const NEITHER: &str = "neither the bytes of the file nor those before: a page that is built, or a newer deployment";

/// What a URL should serve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// What it should be now.
    pub wanted: Wanted,
    /// What it was before; several where the file may have been served in several forms.
    pub former: Vec<FileVersion>,
}

impl Expected {
    /// This file in place of that one. After a commit that only changed the line ends, one of the forms in which a checkout may
    /// write the new file is the old file: bytes that may be either prove neither.
    pub fn replaced(mut wanted: Vec<FileVersion>, mut former: Vec<FileVersion>) -> Self {
        if wanted.first() != former.first() {
            let both: Vec<_> = wanted.iter().skip(1).filter(|form| former.contains(form)).cloned().collect();
            wanted.retain(|form| !both.contains(form));
            former.retain(|form| !both.contains(form));
        }
        Self { wanted: Wanted::File(wanted), former }
    }

    /// Whether it may be right that there is nothing.
    pub fn may_be_gone(&self) -> bool {
        matches!(self.wanted, Wanted::Gone | Wanted::PerhapsGone(_))
    }
}

/// What a URL should serve now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This file, in one of these forms. The first is the file itself.
    File(Vec<FileVersion>),
    /// Nothing: the file was deleted.
    Gone,
    /// Perhaps nothing, and why nobody knows: a file of the page was deleted, and the page may have others, or other URLs.
    PerhapsGone(String),
    /// Nobody knows, and why: several files make the page, or the URL was given.
    Unknown(String),
}

impl Default for Wanted {
    fn default() -> Self {
        Self::Unknown("no file is known for it".to_owned())
    }
}

/// Judges what came, `since` the refresh was sent; `None`: when it was sent isn't known.
pub fn judge(page: &Page, expected: &Expected, since: Option<Duration>) -> (Verdict, String) {
    let kept = since.and_then(|since| kept_before(page, since));
    let is_kept = is_hit(page) == Some(true) && !since.is_some_and(|since| is_newer(page, since));
    match page.status {
        200 => judge_body(page, expected, kept),
        _ if page.is_gone() => match (&expected.wanted, kept) {
            (Wanted::Gone, _) => (Verdict::Fresh, format!("{}, as its file is gone", page.status_word())),
            (Wanted::File(_), Some(kept)) => (Verdict::Stale, format!("a cached {}: {kept}", page.status_word())),
            (Wanted::File(_), None) if is_kept => {
                (Verdict::Stale, format!("a cached {}, though its file exists", page.status_word()))
            }
            (Wanted::File(_), None) => (Verdict::Undecided, format!("{}, though its file exists", page.status_word())),
            (Wanted::PerhapsGone(why), _) => (Verdict::Undecided, format!("{}, and {why}", page.status_word())),
            (Wanted::Unknown(_), _) => (Verdict::Undecided, page.status_word()),
        },
        _ if page.is_failure() => (Verdict::Unreachable, page.status_word()),
        _ => (Verdict::Undecided, page.status_word()),
    }
}

/// What an edge served before a refresh.
#[derive(Clone, Debug)]
pub struct Before {
    /// Whether that was stale by now.
    pub is_old: bool,
    sha256: [u8; 32],
}

impl Before {
    /// This page.
    pub fn of(page: &Page, expected: &Expected) -> Self {
        Self { is_old: judge(page, expected, None).0 == Verdict::Stale, sha256: page.body.sha256 }
    }

    /// What it says of a page that nobody can judge by itself. The same bytes in place of a file that changed don't prove that they
    /// are old: a page need not show a change, and the edge may have had the new one before its refresh.
    pub fn evidence(&self, page: &Page, expected: &Expected) -> Option<String> {
        let is_same = page.status == 200 && page.is_whole && page.body.sha256 == self.sha256;
        let is_of_file = matches!(expected.wanted, Wanted::File(_));
        let words = "the same bytes as before the refresh: the old page, or one that doesn't show the change";
        (is_same && is_of_file).then(|| words.to_owned())
    }
}

fn judge_body(page: &Page, expected: &Expected, kept: Option<String>) -> (Verdict, String) {
    let wanted = match &expected.wanted {
        Wanted::File(versions) => &versions[..],
        Wanted::Gone | Wanted::PerhapsGone(_) | Wanted::Unknown(_) => &[],
    };
    let (is_wanted, is_former) = (find(page, wanted), find(page, &expected.former));
    match (is_wanted, is_former) {
        // The stronger evidence counts. What is equally weak for both proves neither, and bytes that are both are the wanted ones.
        (Some(how), former) if how == Evidence::Bytes || former < Some(how) => {
            let held_nothing = if is_hit(page) == Some(false) { "; this edge held no copy" } else { "" };
            return (Verdict::Fresh, format!("{} of the file{held_nothing}", how.words()));
        }
        (wanted, Some(how)) if wanted < Some(how) && expected.may_be_gone() => {
            return (Verdict::Stale, format!("{} of the deleted file are still served", how.words()));
        }
        (wanted, Some(how)) if wanted < Some(how) => {
            return (Verdict::Stale, format!("{} of the file before", how.words()));
        }
        _ => {}
    }
    if let Some(kept) = kept {
        return (Verdict::Stale, kept);
    }
    let why = match &expected.wanted {
        _ if !page.is_whole => format!("its body is longer than {} bytes", page.body.bytes.saturating_sub(1)),
        Wanted::Gone => "it still answers, and not with the bytes that its file had".to_owned(),
        Wanted::File(_) if is_coded(page) => {
            let coding: String = page.header("content-encoding").chars().take(40).collect();
            format!("its body is compressed (`{coding}`), which isn't unpacked")
        }
        Wanted::File(_) => NEITHER.to_owned(),
        Wanted::PerhapsGone(why) | Wanted::Unknown(why) => why.clone(),
    };
    (Verdict::Undecided, why)
}

/// How bytes were recognized, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// By the MD5 that the answer's header fields carry.
    Digest,
    /// By the checksum and the length that a gzip stream ends with.
    Checksum,
    /// By SHA-256 and length.
    Bytes,
}

impl Evidence {
    fn words(self) -> &'static str {
        match self {
            Self::Bytes => "the bytes",
            Self::Checksum => "the gzip checksum and length",
            Self::Digest => "the MD5 (`Content-MD5` or `ETag`)",
        }
    }
}

/// How a page is recognized as one of these versions of a file, if it is.
fn find(page: &Page, versions: &[FileVersion]) -> Option<Evidence> {
    let has = |is: &dyn Fn(&FileVersion) -> bool| versions.iter().any(is);
    if page.is_whole && !is_coded(page) && has(&|version| version.is(&page.body)) {
        return Some(Evidence::Bytes);
    }
    if page.header("content-encoding").eq_ignore_ascii_case("gzip")
        && let Some((crc32, length)) = page.gzip_trailer()
        && has(&|version| version.is_compressed_as(crc32, length, page.body.bytes))
    {
        return Some(Evidence::Checksum);
    }
    // An edge that minifies or compresses keeps the store's digest; one of the bytes that came would be known already.
    let is_plain_other =
        page.is_whole && !is_coded(page) && versions.iter().any(|version| version.bytes == page.body.bytes);
    let digests = [page.header("content-md5"), entity_tag(page.header("etag"))];
    let is_digest = |version: &FileVersion| digests.iter().any(|digest| version.has_md5(digest));
    (!is_plain_other && has(&is_digest)).then_some(Evidence::Digest)
}

/// An entity tag without its quotes and its mark of weakness.
fn entity_tag(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

fn is_coded(page: &Page) -> bool {
    let coding = page.header("content-encoding");
    !coding.is_empty() && !coding.eq_ignore_ascii_case("identity")
}

/// Whether the nearest cache says that it held a copy; `None`: it doesn't say. `Cache-Status` is RFC 9211; vendors have an
/// `X-Cache` or a `…-cache-status` of their own. Of a list the last is the nearest.
fn is_hit(page: &Page) -> Option<bool> {
    let is_it = |name: &str| name == "x-cache" || name.ends_with("cache-status");
    let fields = page.headers.iter().filter(|(name, _)| is_it(name.as_str()));
    fields
        .filter_map(|(_, value)| {
            let last = value.to_str().ok()?.rsplit(',').next()?.trim().to_ascii_lowercase();
            let has = |word: &str| last.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == word);
            match (has("hit"), has("miss") || has("expired") || has("fwd")) {
                (true, false) => Some(true),
                (false, true) => Some(false),
                _ => None,
            }
        })
        .last()
}

/// Why a copy is certainly older than the refresh: it was stored, by its age, before the refresh was sent.
fn kept_before(page: &Page, since: Duration) -> Option<String> {
    let age = Duration::from_secs(page.header("age").parse().ok()?);
    let before = age.checked_sub(since + CLOCKS)?.as_secs();
    (before > 0).then(|| format!("the copy is older than the refresh, by {before} s or more"))
}

/// Whether a copy was certainly made after the refresh was sent, perhaps by our own fetch: then it is what the origin said.
fn is_newer(page: &Page, since: Duration) -> bool {
    // An age of whole seconds is rounded down.
    page.header("age").parse().is_ok_and(|age: u64| age < since.as_secs())
}

/// Whether a second encoding may be stored apart: pictures, sounds, films, fonts and archives are compressed already.
pub fn has_encodings(page: &Page) -> bool {
    let kind = page.header("content-type").split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_compressed = ["image/", "audio/", "video/", "font/woff", "application/zip", "application/gzip"];
    kind == "image/svg+xml" || !is_compressed.iter().any(|begin| kind.starts_with(begin))
}

#[cfg(test)]
mod tests;
