//! A record of the journal as a line, and back; which line is the rest of one whose write was cut off.

use std::io::{self, BufRead, Read};

use super::entry::Entry;
use crate::model::TaskIndex;

/// The longest line that a run writes is far shorter: a batch of 1,000 tasks with an id each.
const LONGEST: u64 = 1 << 20;
/// More tasks than a plan has, more than a call takes and a record holds, and more batches or attempts than a run makes.
const TASKS: u32 = 1 << 22;
pub(in crate::exec) const TASKS_PER_RECORD: u64 = 1 << 14;
const COUNT: u32 = 1 << 30;

/// A record as it is written.
pub(super) fn line(record: &Entry) -> io::Result<Vec<u8>> {
    let json = serde_json::to_string(record)?;
    Ok(format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes())).into_bytes())
}

/// A write that was cut off has nothing after it that was sent: everything before a `Sent` record was on the disk before it
/// was. What is broken elsewhere isn't cut, for the next run would send again what comes after it.
pub(super) fn refuse_damage(mut rest: impl BufRead, number: usize) -> io::Result<()> {
    let mut line = Vec::new();
    while next(&mut rest, &mut line)? > 0 {
        if matches!(parse(&line), Some(Entry::Sent { .. })) {
            let message = format!("its line {number} is damaged, and more was sent after it");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
    Ok(())
}

/// Reads the next line, or as much of it as a line of ours could have; gives its length, and 0 at the end.
pub(super) fn next(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    reader.take(LONGEST).read_until(b'\n', line)
}

/// Whether a run can have written a record: one that somebody else made up could ask for all memory.
pub(super) fn is_plausible(record: &Entry) -> bool {
    match record {
        Entry::Sent { batch, attempt, tasks, .. } => are_plausible(tasks) && *batch < COUNT && *attempt < COUNT,
        Entry::Earlier { tasks, .. } | Entry::Repaired { tasks, .. } => are_plausible(tasks),
        Entry::Ended { task, .. } => *task < TASKS,
        _ => true,
    }
}

fn are_plausible(tasks: &[[TaskIndex; 2]]) -> bool {
    let size: u64 = tasks.iter().map(|[first, last]| u64::from(last.saturating_sub(*first)) + 1).sum();
    size <= TASKS_PER_RECORD && tasks.iter().all(|[first, last]| first <= last && *last < TASKS)
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
