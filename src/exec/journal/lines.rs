//! A record of the journal as a line, and back; which line is the rest of one whose write was cut off.

use std::io::{self, BufRead};

use super::entry::Entry;

/// A record as it is written.
pub(super) fn line(record: &Entry) -> io::Result<Vec<u8>> {
    let json = serde_json::to_string(record)?;
    Ok(format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes())).into_bytes())
}

/// A write that was cut off has nothing after it that was sent: everything before a `Sent` record was on the disk before it
/// was. What is broken elsewhere isn't cut, for the next run would send again what comes after it.
pub(super) fn refuse_damage(rest: impl BufRead, number: usize) -> io::Result<()> {
    for line in rest.split(b'\n') {
        let mut line = line?;
        line.push(b'\n');
        if matches!(parse(&line), Some(Entry::Sent { .. })) {
            let message = format!("its line {number} is damaged, and more was sent after it");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
    Ok(())
}

/// The record of a whole line; `None` if it isn't one.
pub(super) fn parse(line: &[u8]) -> Option<Entry> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, json) = (line.get(..8)?, line.get(8..)?.strip_prefix(b" ")?);
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    (sum == crc32fast::hash(json)).then(|| serde_json::from_slice(json).ok())?
}

/// Whether a first line can be what is left of an `Opened` record whose write was cut off.
pub(super) fn is_torn_opening(line: &[u8]) -> bool {
    let opening = br#"{"record":"opened""#;
    let json = line.get(9..).unwrap_or_default();
    line.iter().take(8).all(u8::is_ascii_hexdigit) && json.iter().zip(opening).all(|(left, right)| left == right)
}
