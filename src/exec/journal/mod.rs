//! The journal: what was sent, written down before it is sent. An interrupted run continues from it and doubles nothing.
//!
//! **The same command once more is right.** A run is unfinished until everything is done *and published*; the same command
//! finishes an unfinished run while that still counts. It counts for two hours after its last request or its end, and until
//! another commit is deployed at its targets; later its URLs may be stale again, so all of them are sent. In a table:
//!
//! | the journal's run | same plan | what the command does |
//! | --- | --- | --- |
//! | there is none, or it sent nothing | | starts |
//! | killed, interrupted, failed or timed out | yes | continues: sends only what isn't done, nothing twice |
//! | everything done, not published | yes | publishes: sends nothing |
//! | everything done, published | yes | starts over |
//! | only what `wait` doesn't ask for is open, published | yes | continues if it waits for that, else starts over |
//! | unfinished, two hours old or overtaken by another commit | yes | starts over, and says so |
//! | over: everything is done or failed for good | no | starts |
//! | unfinished | no | refuses, and names what differs |
//!
//! `cdn-purge wait` continues an unfinished run of the same plan for as long as the provider keeps its records (three days),
//! and never starts over.
//!
//! One record a line: eight hex digits of CRC-32, a space, a JSON object. Any prefix replays to a valid state; the first line
//! that isn't whole ends the journal, and what follows it is cut off, unless something was sent after it: then the file is
//! damaged, and refused. Replaying twice is replaying once.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::slice;

use jiff::{SignedDuration, Timestamp};

use crate::error::Error;
use crate::model::TaskIndex;
use entry::{differs, joined, may_be_one};
use lines::{is_plausible, is_torn_opening, line, next, parse, refuse_damage};
use replay::Replay;
use storage::LockedFile;

mod entry;
mod lines;
mod replay;
mod storage;

pub use entry::{Entry, Identity, NO_ACCOUNT, Purpose, ranges};
pub(super) use lines::TASKS_PER_RECORD;
pub use replay::{Past, PastBatch, PastLane, SentTime, TaskIds};
pub use storage::Storage;

/// The journal's format.
const VERSION: u32 = 1;
/// A journal larger than this isn't ours: that of 100,000 URLs takes some 20 MiB.
const LARGEST: u64 = 64 << 20;
/// The providers keep their records for 3 days; an older journal can't be followed any more.
/// (DescribeRefreshTasks, alibabacloud_cdn20180510 9.2.0, 2026-11-22)
const OLDEST_HOURS: i64 = 72;
/// How long after its last request or its end an unfinished run is continued by the same command.
const CONTINUED_HOURS: i64 = 2;
/// How far two clocks that agree may be apart: `Date` has whole seconds, and an answer takes its time.
const ROUNDING: SignedDuration = SignedDuration::from_mins(1);

/// The journal of a run.
#[derive(Debug)]
pub struct Journal {
    storage: Option<Box<dyn Storage>>,
    path: PathBuf,
    opened: Option<Timestamp>,
}

impl Journal {
    /// A journal that keeps nothing, for simulations.
    pub fn none() -> Self {
        Self { storage: None, path: PathBuf::new(), opened: None }
    }

    /// Opens the journal of a plan: a new one, or the one that an earlier run of the same plan left, with its content.
    ///
    /// The module's table says which is which.
    ///
    /// # Errors
    /// [`Error::Journal`]: it can't be written, another run has it open, it belongs to something else (the field that
    /// differs is named), or it isn't a journal.
    pub fn open(path: &Path, identity: &Identity, purpose: Purpose, now: Timestamp) -> Result<(Self, Past), Error> {
        let failed = |what: &str, error: &io::Error| unusable(path, what, error);
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(|error| failed("made", &error))?;
        }
        // A pipe or a device would be read without an end.
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(failed("opened", &io::Error::other("it is no regular file")));
        }
        let file = options().open(path).map_err(|error| failed("opened", &error))?;
        let file = LockedFile::lock(file, path).map_err(|error| match error {
            TryLockError::WouldBlock => Error::Journal {
                message: format!("another run has the journal `{}` open", path.display()),
                help: "wait until it ends, or name another file with `journal`".into(),
            },
            TryLockError::Error(error) => failed("locked", &error),
        })?;
        Self::over(Box::new(file), path, identity, purpose, now)
    }

    /// The same, kept elsewhere than in a file: `path` is its name in messages.
    ///
    /// # Errors
    /// Those of [`Journal::open`].
    pub fn over(
        mut storage: Box<dyn Storage>,
        path: &Path,
        identity: &Identity,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<(Self, Past), Error> {
        let failed = |what: &str, error: &io::Error| unusable(path, what, error);
        if storage.length().map_err(|error| failed("read", &error))? > LARGEST {
            return Err(not_ours(path, format!("it is larger than {} MiB", LARGEST >> 20)));
        }
        let read = read(&mut *storage).map_err(|error| failed("read", &error))?;
        if let Some(number) = read.implausible {
            return Err(not_ours(path, format!("no run writes what its line {number} says")));
        }
        storage.cut(read.whole).map_err(|error| failed("cut", &error))?;
        let opened = if let Some(Entry::Opened { at, .. }) = read.first { at } else { now };
        let mut journal = Self { storage: Some(storage), path: path.to_owned(), opened: Some(opened) };
        let (continued, past) = journal.resume(read, identity, purpose, now)?;
        let written = match continued {
            Some(record) => journal.write(&record),
            // Who only continues leaves what there is to whoever it belongs to.
            None if purpose == Purpose::Finish => {
                journal.opened = Some(now);
                return Ok((journal, Past::default()));
            }
            None => {
                journal.opened = Some(now);
                journal.restart(identity, now, &past)
            }
        };
        written.map_err(|error| failed("written", &error))?;
        Ok((journal, past))
    }

    /// Writes a record.
    ///
    /// # Errors
    /// The write failed: nothing may be sent any more.
    pub fn write(&mut self, record: &Entry) -> io::Result<()> {
        self.write_all(slice::from_ref(record))
    }

    /// Writes records in one piece.
    ///
    /// # Errors
    /// The write failed: nothing may be sent any more.
    pub fn write_all(&mut self, records: &[Entry]) -> io::Result<()> {
        let Some(storage) = &mut self.storage else { return Ok(()) };
        let lines: Vec<Vec<u8>> = records.iter().map(line).collect::<io::Result<_>>()?;
        storage.write(&lines.concat())
    }

    /// Notes that outputs and reports are written: the run is finished.
    ///
    /// # Errors
    /// The write or the sync failed: the same command will publish once more.
    pub fn published(&mut self) -> io::Result<()> {
        self.write_synced(&[Entry::Published])
    }

    /// Writes records; they are on the disk when this returns.
    ///
    /// # Errors
    /// The write or the sync failed: nothing may be sent any more.
    pub fn write_synced(&mut self, records: &[Entry]) -> io::Result<()> {
        self.write_all(records)?;
        self.storage.as_mut().map_or(Ok(()), |storage| storage.sync())
    }

    /// The error of a write that failed.
    pub fn unwritable(&self, error: &io::Error) -> Error {
        unusable(&self.path, "written", error)
    }

    /// The error of a run that can't have the directories which the journal's run put in place of URLs.
    pub fn of_other_directories(&self) -> Error {
        self.foreign("its run refreshed directories in place of URLs, which these rules don't allow".into())
    }

    /// When the run began that it is about, on its machine's clock; `None` for [`Journal::none`].
    pub fn opened(&self) -> Option<Timestamp> {
        self.opened
    }

    /// Where it is; empty for [`Journal::none`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The record with which the run that the records hold is continued, if it is; and what is to be known of it.
    fn resume(
        &self,
        read: Records,
        identity: &Identity,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<(Option<Entry>, Past), Error> {
        let (version, theirs, at) = match &read.first {
            None if read.whole == 0 => return Ok((None, Past::default())),
            Some(Entry::Opened { version, identity, at }) => (*version, identity, *at),
            _ => return Err(self.foreign("it doesn't begin as a journal does".into())),
        };
        if version != VERSION {
            return Err(self.foreign(format!("its format is {version}, this program's is {VERSION}")));
        }
        let mut past = read.past;
        let theirs = match past.accounts.is_empty() {
            true => theirs.clone(),
            false => Identity { lanes: past.accounts.clone(), ..theirs.clone() },
        };
        let age = age(&past, at, now).as_hours();
        let is_finish = purpose == Purpose::Finish;
        let is_left = past.as_asked && past.is_published && !is_finish && !past.is_taken_up(purpose);
        let is_over = (past.complete && past.is_published) || age >= OLDEST_HOURS;
        match differs(&theirs, identity) {
            Some(why) if !is_over && past.holds_something() && (is_finish || !past.is_over()) => Err(self.foreign(why)),
            Some(_) => Ok((None, Past::default())),
            None if is_over || is_left => Ok((None, past.started_over())),
            None if !is_finish && (age >= CONTINUED_HOURS || self.is_overtaken(identity, at)) => {
                let outdated = past.holds_something().then_some(at);
                Ok((None, Past { outdated, ..past.started_over() }))
            }
            None => {
                let joined = joined(&theirs.lanes, &identity.lanes);
                let lanes = if joined == theirs.lanes { Vec::new() } else { joined };
                past.begun = past.holds_something().then_some(at);
                past.continue_as(&lanes);
                Ok((Some(Entry::Continued { at: now, lanes }), past))
            }
        }
    }

    /// Whether a journal in the same folder says that another commit was deployed at one of the targets after this one was
    /// started: what was done then is stale, since the caches may have filled with that commit's content since.
    fn is_overtaken(&self, identity: &Identity, begun: Timestamp) -> bool {
        let (Some(head), Some(folder)) = (&identity.head, self.path.parent()) else { return false };
        let others = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
        others.filter(|path| *path != self.path).any(|path| match opening(&path) {
            Some(Entry::Opened { identity: theirs, at, .. }) => {
                at > begun
                    && theirs.head.is_some_and(|theirs| theirs != *head)
                    && theirs.lanes.iter().any(|theirs| identity.lanes.iter().any(|ours| may_be_one(theirs, ours)))
            }
            _ => false,
        })
    }

    fn foreign(&self, why: String) -> Error {
        Error::Journal {
            message: format!("the journal `{}` can't be resumed: {why}", self.path.display()),
            help: "finish its run by `cdn-purge wait` with the commits and options that it had; or name another file with \
                   `journal`, or delete this one if its run no longer matters"
                .into(),
        }
    }

    fn restart(&mut self, identity: &Identity, now: Timestamp, past: &Past) -> io::Result<()> {
        let Some(storage) = &mut self.storage else { return Ok(()) };
        storage.cut(0)?;
        let mut lines = line(&Entry::Opened { version: VERSION, identity: identity.clone(), at: now })?;
        for (&lane, past) in &past.lanes {
            for (task_id, tasks) in past.earlier.iter() {
                let tasks: Vec<TaskIndex> = tasks.iter().copied().collect();
                let none = tasks.is_empty().then_some(&tasks[..]);
                for tasks in tasks.chunks(TASKS_PER_RECORD as usize).chain(none) {
                    lines.extend(line(&Entry::Earlier { lane, task_id: task_id.to_owned(), tasks: ranges(tasks) })?);
                }
            }
        }
        storage.write(&lines)?;
        storage.sync_new()
    }
}

fn unusable(path: &Path, what: &str, error: &io::Error) -> Error {
    Error::Journal {
        message: format!("the journal `{}` can't be {what}: {error}", path.display()),
        help: "name a writable file with `journal`; without a journal an interrupted run could send twice".into(),
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The first record of a journal.
fn opening(path: &Path) -> Option<Entry> {
    let file = std::fs::metadata(path).ok()?.is_file().then(|| File::open(path).ok())??;
    let mut line = Vec::new();
    next(&mut BufReader::new(file), &mut line).ok()?;
    parse(&line)
}

/// What a journal holds.
#[derive(Default)]
struct Records {
    /// Its first record.
    first: Option<Entry>,
    /// What all of them say.
    past: Past,
    /// How many bytes the whole records take.
    whole: u64,
    /// The line of a record that no run can have written.
    implausible: Option<usize>,
}

/// How long ago a run sent something last, or ended. That is in the provider's time, and now is by this machine's clock, which
/// may be as wrong as that run's was, or not.
fn age(past: &Past, begun: Timestamp, now: Timestamp) -> SignedDuration {
    let by_clock = now.duration_since(past.last.unwrap_or(begun));
    let corrected = by_clock.checked_add(past.ahead).unwrap_or(by_clock);
    let possible = [by_clock, corrected].into_iter().filter(|age| *age > -ROUNDING);
    possible.min().unwrap_or(by_clock)
}

/// The journal is somebody else's work.
fn not_ours(path: &Path, why: String) -> Error {
    Error::Journal {
        message: format!("the journal `{}` can't be resumed: {why}", path.display()),
        help: "delete it, or name another file with `journal`; find out who wrote it if it comes from a cache".into(),
    }
}

/// Reads the whole records, one at a time.
fn read(storage: &mut dyn Storage) -> io::Result<Records> {
    let size = storage.length()?;
    let mut reader = storage.content()?;
    let (mut records, mut replay, mut line) = (Records::default(), Replay::default(), Vec::new());
    for number in 1.. {
        let length = next(&mut reader, &mut line)? as u64;
        match parse(&line) {
            Some(record) if is_plausible(&record) => {
                replay.take(&record);
                records.first.get_or_insert(record);
            }
            Some(_) => {
                records.implausible = Some(number);
                break;
            }
            // A first line that is no record at all is somebody else's file: it isn't cut.
            None if records.whole == 0 && length > 0 && !is_torn_opening(&line) => {
                return Ok(Records { whole: size, ..Records::default() });
            }
            None => {
                refuse_damage(reader, number)?;
                break;
            }
        }
        records.whole += length;
    }
    records.past = replay.past;
    Ok(records)
}

#[cfg(test)]
mod tests;
