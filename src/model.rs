//! The nouns every layer speaks: values only, no I/O.
//!
//! `Change` (a file that differs between two commits) becomes `Task`s (one address, one operation, one target); the plan
//! orders them; the execution ends each in exactly one `Outcome` and tells its story as `Event`s.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod event;
mod subject;

pub use event::{Event, EventKind, EventSink, Moment, Resumed, Signal, StopCause};
pub use subject::Subject;

/// A path inside the repository: the bytes git stores, `/`-separated, relative, never empty. Not necessarily UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Box<[u8]>);

impl RepoPath {
    /// Wraps the bytes git gave for a path.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into_boxed_slice())
    }

    /// The bytes as git stores them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Without loss: the path itself where it is UTF-8, else in git's own quoted form (`"caf\351.html"`). A UTF-8 path that
/// opens with a quote is quoted too, so that the two forms can't be confused. Control characters are left to the sanitizer.
impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.0) {
            Ok(text) if !text.starts_with('"') => f.write_str(text),
            _ => {
                f.write_str("\"")?;
                for &byte in &*self.0 {
                    match byte {
                        b'"' => f.write_str("\\\"")?,
                        b'\\' => f.write_str("\\\\")?,
                        0x20..=0x7e => write!(f, "{}", char::from(byte))?,
                        _ => write!(f, "\\{byte:03o}")?,
                    }
                }
                f.write_str("\"")
            }
        }
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepoPath({:?})", self.to_string())
    }
}

impl Serialize for RepoPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What happened to a path between base and head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Not in base.
    Added,
    /// In both, with other content, mode or type.
    Modified,
    /// Not in head.
    Deleted,
    /// Exactly the same content stood at `from` in base, and `from` is gone in head.
    Renamed {
        /// The path in base.
        from: RepoPath,
    },
}

/// What kind of entry stands at a path (in head; in base for a deletion).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file, executable or not.
    File,
    /// A symbolic link: served under its own path, so its change is a change of that path.
    Symlink,
    /// A submodule: its files live in another repository, so nothing is mapped and the reason is recorded.
    Submodule,
}

/// One path that differs between base and head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path in head (in base for a deletion).
    pub path: RepoPath,
    /// What happened to it.
    pub kind: ChangeKind,
    /// What stands there.
    pub entry: EntryKind,
}

/// How a refresh selects what to drop from the caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshKind {
    /// One URL.
    Url,
    /// Everything below a URL that ends in `/`.
    Directory,
    /// Every URL that begins with this one.
    Prefix,
    /// Every URL that a regular expression matches.
    Regex,
    /// One URL with all its query strings.
    AnyQuery,
    /// Every page of one host that its origin marked with a cache tag.
    Tag,
    /// Everything of one host.
    Host,
    /// Everything of the target: a zone, a distribution, a service.
    Everything,
}

impl RefreshKind {
    /// All kinds, in the order in which they are listed.
    pub const ALL: [Self; 8] = [
        Self::Url,
        Self::Directory,
        Self::Prefix,
        Self::Regex,
        Self::AnyQuery,
        Self::Tag,
        Self::Host,
        Self::Everything,
    ];

    /// The word in configuration, flags and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Directory => "directory",
            Self::Prefix => "prefix",
            Self::Regex => "regex",
            Self::AnyQuery => "any-query",
            Self::Tag => "tag",
            Self::Host => "host",
            Self::Everything => "everything",
        }
    }
}

/// What a provider is to do with a URL, or with what stands for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Drop it from the caches.
    Refresh(RefreshKind),
    /// Fetch it into the caches.
    Prefetch,
}

impl Operation {
    /// All operations, refreshes first.
    pub const ALL: [Self; 9] = {
        let mut all = [Self::Prefetch; 9];
        let mut place = 0;
        while place < RefreshKind::ALL.len() {
            all[place] = Self::Refresh(RefreshKind::ALL[place]);
            place += 1;
        }
        all
    };

    /// `refresh` or `prefetch`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refresh(_) => "refresh",
            Self::Prefetch => "prefetch",
        }
    }

    /// What is counted against a provider's daily quota, in the plural: `URL refreshes`, `directory refreshes` ….
    pub fn unit(self) -> &'static str {
        match self {
            Self::Refresh(RefreshKind::Url) => "URL refreshes",
            Self::Refresh(RefreshKind::Directory) => "directory refreshes",
            Self::Refresh(RefreshKind::Prefix) => "prefix refreshes",
            Self::Refresh(RefreshKind::Regex) => "regex refreshes",
            Self::Refresh(RefreshKind::AnyQuery) => "any-query refreshes",
            Self::Refresh(RefreshKind::Tag) => "tag refreshes",
            Self::Refresh(RefreshKind::Host) => "host refreshes",
            Self::Refresh(RefreshKind::Everything) => "refreshes of everything",
            Self::Prefetch => "URL prefetches",
        }
    }
}

/// How a refresh treats what it drops, where a provider knows the difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PurgeMode {
    /// The provider's own default.
    #[default]
    Default,
    /// Mark it stale: it may be served while it is fetched again.
    Soft,
    /// Delete it.
    Hard,
}

impl PurgeMode {
    /// The words in configuration and flags, for each mode but the default.
    pub const WORDS: [&str; 2] = ["soft", "hard"];

    /// The mode of this word; the default for any other.
    pub fn of(word: &str) -> Self {
        match word {
            "soft" => Self::Soft,
            "hard" => Self::Hard,
            _ => Self::Default,
        }
    }

    /// The word; empty for the default.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "",
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

/// The name of a target in the configuration.
pub type TargetName = Arc<str>;

/// Why an address is in the plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reason {
    /// The rule's name: its `name:`, else its place in the list (`rules[0]`); `url-file` or `arguments` for given addresses.
    pub rule: Arc<str>,
    /// The changed file; absent for addresses that were given.
    pub file: Option<Arc<RepoPath>>,
}

/// One operation on one address at one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Where the address lives.
    pub target: TargetName,
    /// What to do with it.
    pub operation: Operation,
    /// How a refresh treats what it drops.
    pub mode: PurgeMode,
    /// The URL, or what stands for several.
    pub subject: Subject,
    /// Every rule and file that asked for it; never empty.
    pub because: Vec<Reason>,
}

/// A changed file that no address came from, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The file.
    pub file: RepoPath,
    /// A sentence fragment: `no rule matches it`, `a submodule; its files live in another repository`.
    pub why: String,
}

/// How a task ended. Every task ends in exactly one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "reason")]
pub enum Outcome {
    /// The provider reports it as complete.
    Done,
    /// The provider refused this address or reports its task as failed.
    Failed(String),
    /// The provider never took it, or certainly has not taken it.
    Unsubmitted(String),
    /// It was or may have been taken, and no answer came in time.
    Unknown(String),
}

impl Outcome {
    /// The word in outputs and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Unsubmitted(_) => "unsubmitted",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Why, where there is something to say.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Done => None,
            Self::Failed(reason) | Self::Unsubmitted(reason) | Self::Unknown(reason) => Some(reason),
        }
    }

    /// The same outcome, with nothing said about it.
    pub fn without_reason(&self) -> Self {
        match self {
            Self::Done => Self::Done,
            Self::Failed(_) => Self::Failed(String::new()),
            Self::Unsubmitted(_) => Self::Unsubmitted(String::new()),
            Self::Unknown(_) => Self::Unknown(String::new()),
        }
    }
}

/// A task's place in its lane's list.
pub type TaskIndex = u32;

/// A batch's number within its lane, counted from 1.
pub type BatchNumber = u32;

/// A lane's place in the plan.
pub type LaneIndex = u16;

/// What a provider still grants today. An operation that is absent is not limited, or the provider doesn't say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// One entry per operation with a limit.
    pub entries: Vec<QuotaEntry>,
}

/// One operation's allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct QuotaEntry {
    /// The operation.
    pub operation: Operation,
    /// Per day.
    pub limit: u64,
    /// Left until the reset.
    pub remaining: u64,
}

impl Quota {
    /// What is left for an operation; `None` when the provider doesn't say.
    pub fn remaining(&self, operation: Operation) -> Option<u64> {
        self.entries.iter().find(|entry| entry.operation == operation).map(|entry| entry.remaining)
    }
}
