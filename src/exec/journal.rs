//! What was sent, written down before it is sent: an interrupted run goes on from here and doubles nothing.
//!
//! One record a line: eight hex digits of CRC-32, a space, a JSON object. Any prefix replays to a valid state; the first line
//! that isn't whole ends the journal, and what follows it is cut off, unless something was sent after it: then the file is
//! damaged, and refused. Replaying twice is replaying once.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Wait;
use crate::error::Error;
use crate::model::{BatchNumber, LaneIndex, Operation, Outcome, PurgeMode, TaskIndex};

use lines::{is_torn_opening, line, parse, refuse_damage};
pub use past::{Past, PastBatch, PastLane, replay};

mod lines;
mod past;

/// The journal's format.
const VERSION: u32 = 1;
/// A journal larger than this isn't ours.
const LARGEST: u64 = 256 << 20;
/// The same of its first line.
const LARGEST_OPENING: u64 = 1 << 20;
/// The providers keep their records for 3 days; an older journal can't be followed any more.
/// (DescribeRefreshTasks, alibabacloud_cdn20180510 9.2.0, 2026-11-22)
const OLDEST_HOURS: i64 = 72;
/// So long a run that is about no two commits is gone on with unasked: one of addresses that were given, or of all files. What it
/// names may have changed since, so who starts it again later means all of it.
const GIVEN_HOURS: i64 = 2;

/// What a journal belongs to; all that it holds of this must be equal for it to be resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The plan's digest.
    pub plan: String,
    /// The commit whose files it is about; `None` for addresses that were given. What was done for another commit is stale
    /// again, also where the addresses are the same.
    pub head: Option<String>,
    /// For each lane `target provider endpoint key`, the key hashed.
    pub lanes: Vec<String>,
    /// The commit that was live before. It may differ: the same plan is carried out from wherever it is needed.
    #[serde(skip)]
    pub base: Option<String>,
}

impl Identity {
    /// The name of its journal, where nobody names one.
    pub fn file_name(&self) -> String {
        let head = self.head.as_ref().map_or_else(String::new, |head| format!("-{}", short(head)));
        format!("cdn-purge-{}{head}.journal", &self.plan[..16])
    }
}

/// What a run wants of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To carry a plan out, and to wait for so much of it.
    Run(Wait),
    /// To go on from an earlier run, and to begin nothing.
    Finish,
}

/// One record of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "record")]
pub enum Entry {
    /// The first one.
    Opened {
        /// The format.
        version: u32,
        /// What it belongs to.
        identity: Identity,
        /// When.
        at: Timestamp,
    },
    /// A batch is about to be sent.
    Sent {
        /// The lane.
        lane: LaneIndex,
        /// The batch.
        batch: BatchNumber,
        /// What it asks for.
        operation: Operation,
        /// Delete instead of revalidate.
        mode: PurgeMode,
        /// From 1.
        attempt: u32,
        /// The tasks, as ranges `[first, last]`.
        tasks: Vec<[TaskIndex; 2]>,
        /// When, on the clock that signs.
        at: Timestamp,
    },
    /// The provider took it.
    Taken {
        /// The lane.
        lane: LaneIndex,
        /// The batch.
        batch: BatchNumber,
        /// Its task ids.
        task_ids: Vec<String>,
    },
    /// It certainly wasn't executed, so it may be sent again.
    NotTaken {
        /// The lane.
        lane: LaneIndex,
        /// The batch.
        batch: BatchNumber,
        /// What proves it, in our own words.
        why: String,
    },
    /// A task ended.
    Ended {
        /// The lane.
        lane: LaneIndex,
        /// The task.
        task: TaskIndex,
        /// How, without the reason.
        outcome: Outcome,
        /// The provider's task id.
        task_id: Option<String>,
    },
    /// The run came to its end.
    Closed {
        /// Whether every task is done; if not, the next run goes on from here.
        complete: bool,
        /// Whether what isn't done was, as `wait` asks, not waited for: then only a run that does goes on from here.
        #[serde(default)]
        as_asked: bool,
        /// Whether every task is done or failed, but for prefetches whose refresh failed.
        #[serde(default)]
        settled: bool,
    },
}

/// The journal of a run.
#[derive(Debug)]
pub struct Journal {
    file: Option<File>,
    path: PathBuf,
}

impl Journal {
    /// A journal that keeps nothing, for simulations.
    pub fn none() -> Self {
        Self { file: None, path: PathBuf::new() }
    }

    /// Opens the journal of a plan: a new one, or the one that an earlier run of the same plan left, with what it tells.
    ///
    /// A journal that nobody can need any more is begun anew, whatever it belongs to: its run came to its end with everything
    /// done, nothing of it was taken, or it is older than the providers' records. So is one whose run left no more than it was
    /// asked not to wait for, unless this one takes that up; one of another plan that did or failed all it had; one about no two
    /// commits whose run began too long ago, unless this one is there to finish it, or that one never came to an end and sent
    /// something lately; and one since which another commit was deployed, unless this one is there to finish it.
    ///
    /// # Errors
    /// [`Error::Journal`]: it can't be written, another run has it open, it belongs to something else (the field that
    /// differs is named), or it isn't a journal.
    pub fn open(path: &Path, identity: &Identity, purpose: Purpose, now: Timestamp) -> Result<(Self, Past), Error> {
        let failed = |what: &str, error: &io::Error| Error::Journal {
            message: format!("the journal `{}` can't be {what}: {error}", path.display()),
            help: "name a writable file with `journal`; without a journal an interrupted run could send twice".into(),
        };
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(|error| failed("made", &error))?;
        }
        // A pipe or a device would be read without an end.
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(failed("opened", &io::Error::other("it is no regular file")));
        }
        let file = options().open(path).map_err(|error| failed("opened", &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Journal {
                    message: format!("another run has the journal `{}` open", path.display()),
                    help: "wait until it ends, or name another file with `journal`".into(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed("locked", &error)),
        }
        // From here on it lets go of the lock, whatever comes.
        let mut journal = Self { file: Some(file), path: path.to_owned() };
        let mut file = journal.file.as_ref().expect("it was opened above");
        let (records, whole) = read(file).map_err(|error| failed("read", &error))?;
        // One that is only read stays as old as it is.
        let is_torn = file.metadata().map_err(|error| failed("read", &error))?.len() > whole;
        let cut = if is_torn { file.set_len(whole) } else { Ok(()) };
        cut.and_then(|()| file.seek(SeekFrom::End(0))).map_err(|error| failed("cut", &error))?;
        let past = journal.resume(&records, whole, identity, purpose, now)?;
        // Who only goes on leaves what there is to whoever it belongs to.
        if purpose != Purpose::Finish && past.as_ref().is_none_or(|past| past.outdated.is_some()) {
            journal.restart(identity, now).map_err(|error| failed("written", &error))?;
        }
        Ok((journal, past.unwrap_or_default()))
    }

    /// Writes a record; a `Sent` one is on the disk when this returns.
    ///
    /// # Errors
    /// The write or the sync failed: nothing may be sent any more.
    pub fn write(&mut self, record: &Entry) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(&line(record)?)?;
        match record {
            Entry::Sent { .. } | Entry::Closed { .. } => file.sync_data(),
            _ => Ok(()),
        }
    }

    /// Writes records; they are on the disk when this returns.
    ///
    /// # Errors
    /// The write or the sync failed: nothing may be sent any more.
    pub fn write_all_synced(&mut self, records: &[Entry]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let lines: Vec<Vec<u8>> = records.iter().map(line).collect::<io::Result<_>>()?;
        file.write_all(&lines.concat())?;
        file.sync_data()
    }

    /// Where it is; empty for [`Journal::none`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the records tell, if they are those of this plan and still worth something.
    fn resume(
        &self,
        records: &[Entry],
        whole: u64,
        identity: &Identity,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<Past>, Error> {
        let (version, theirs, at) = match records.first() {
            None if whole == 0 => return Ok(None),
            Some(Entry::Opened { version, identity, at }) => (*version, identity, *at),
            _ => return Err(self.foreign("it doesn't begin as a journal does".into())),
        };
        if version != VERSION {
            return Err(self.foreign(format!("its format is {version}, this program's is {VERSION}")));
        }
        let past = replay(records);
        if past.complete || now.duration_since(at).as_hours() >= OLDEST_HOURS {
            return Ok(None);
        }
        let is_over = past.as_asked && purpose != Purpose::Finish;
        let is_recent = |at: Timestamp| now.duration_since(at).as_hours() < GIVEN_HOURS;
        let is_fresh = is_recent(at) || (!past.ended && past.last.is_some_and(is_recent));
        match differs(theirs, identity) {
            None if is_over && !past.is_taken_up(purpose) => Ok(None),
            None if identity.base.is_none() && purpose != Purpose::Finish && !is_fresh => {
                Ok(past.holds_something().then(|| Past { outdated: Some(at), ..Past::default() }))
            }
            None if purpose != Purpose::Finish && self.is_rolled_back(identity, at) => Ok(None),
            None => Ok(Some(Past { begun: past.holds_something().then_some(at), ..past })),
            Some(why) if past.holds_something() && !is_over && !(past.settled && purpose != Purpose::Finish) => {
                Err(self.foreign(why))
            }
            Some(_) => Ok(None),
        }
    }

    /// Whether a journal beside this one tells that another commit was deployed there after this one was begun: what was done then
    /// for our head is stale, since the caches may have filled with that one's content since.
    fn is_rolled_back(&self, identity: &Identity, begun: Timestamp) -> bool {
        let (Some(head), Some(folder)) = (&identity.head, self.path.parent()) else { return false };
        let beside = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut later = beside.filter(|file| {
            let written = file.metadata().and_then(|found| found.modified()).ok();
            let written = written.and_then(|written| Timestamp::try_from(written).ok());
            file.path() != self.path && written.is_some_and(|written| written > begun)
        });
        later.any(|file| match opening(&file.path()) {
            Some(Entry::Opened { identity: theirs, .. }) => {
                theirs.head.is_some_and(|theirs| theirs != *head)
                    && theirs.lanes.iter().any(|lane| identity.lanes.contains(lane))
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

    fn restart(&mut self, identity: &Identity, now: Timestamp) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&line(&Entry::Opened { version: VERSION, identity: identity.clone(), at: now })?)?;
        file.sync_all()?;
        sync_directory(&self.path)
    }
}

/// Lets the next run have the file at once. Closing it alone doesn't: a child process that is just being started holds the
/// same open file until it has become its program, and the lock with it.
impl Drop for Journal {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Nothing is lost when this fails: the lock goes with the last holder of the file.
            let _ = file.unlock();
        }
    }
}

/// Tasks as ranges.
pub fn ranges(tasks: &[TaskIndex]) -> Vec<[TaskIndex; 2]> {
    let mut ranges: Vec<[TaskIndex; 2]> = Vec::new();
    for &task in tasks {
        match ranges.last_mut() {
            Some([_, last]) if last.checked_add(1) == Some(task) => *last = task,
            _ => ranges.push([task, task]),
        }
    }
    ranges
}

/// The first digits of a commit.
fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// What makes a journal another run's.
fn differs(theirs: &Identity, ours: &Identity) -> Option<String> {
    if let (Some(theirs), Some(ours)) = (&theirs.head, &ours.head)
        && theirs != ours
    {
        return Some(format!("it is about the commit `{}`, this run is about `{}`", short(theirs), short(ours)));
    }
    if theirs.plan != ours.plan || theirs.head != ours.head {
        return Some("it belongs to another plan (other commits, configuration or version)".into());
    }
    let (theirs, ours) = theirs.lanes.iter().zip(&ours.lanes).find(|(theirs, ours)| theirs != ours)?;
    Some(format!("it was made for `{theirs}`, this run is for `{ours}`"))
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
    BufReader::new(file.take(LARGEST_OPENING)).read_until(b'\n', &mut line).ok()?;
    parse(&line)
}

/// The whole records, and how many bytes they take.
fn read(file: &File) -> io::Result<(Vec<Entry>, u64)> {
    if file.metadata()?.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is far larger than a journal gets"));
    }
    let mut reader = BufReader::new(file);
    let (mut records, mut whole, mut line) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)? as u64;
        match parse(&line) {
            Some(record) => records.push(record),
            // A first line that is no record at all is somebody else's file: it isn't cut.
            None if whole == 0 && length > 0 && !is_torn_opening(&line) => {
                return Ok((Vec::new(), file.metadata()?.len()));
            }
            None => {
                refuse_damage(reader, records.len() + 1)?;
                return Ok((records, whole));
            }
        }
        whole += length;
    }
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
