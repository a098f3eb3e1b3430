//! Numbers for the times and inodes of files, by which an unchanged file is recognized without reading it.

use std::fs::Metadata;

use jiff::Timestamp;

#[cfg(unix)]
use super::digest::Digest;

/// Changes of so short a time before the walk may leave the times of a file as they were, in milliseconds. A kernel stamps
/// files by a clock that ticks up to every 10 ms.
#[cfg(unix)]
const RACY: i64 = 1000;

/// A number for the times and the inode of a file: equal as long as nobody touches it. None for a file that was changed just
/// now: a second change could leave its times the same.
#[cfg(unix)]
pub(super) fn stamp(about: &Metadata, now: Timestamp) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let newest = about.mtime().max(about.ctime());
    // Whole seconds, and one more: a time between two of them counts as the later one.
    if (newest + 1).saturating_mul(1000) > now.as_millisecond().saturating_sub(RACY) {
        return None;
    }
    let fields = [about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()];
    let mut bytes = Vec::with_capacity(48);
    fields.iter().for_each(|field| bytes.extend_from_slice(&field.to_be_bytes()));
    [about.ino(), about.dev()].iter().for_each(|field| bytes.extend_from_slice(&field.to_be_bytes()));
    match Digest::sha256(&bytes) {
        Digest::Sha256(digest) => digest.first_chunk().map(|first| u64::from_be_bytes(*first)),
        _ => None,
    }
}

#[cfg(not(unix))]
pub(super) fn stamp(_: &Metadata, _: Timestamp) -> Option<u64> {
    None
}
