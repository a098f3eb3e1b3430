//! The types that every layer shares: values only, no I/O.
//!
//! `Change` (a file that differs between two commits or two builds, or that a list names) becomes `Task`s (one URL, one operation, one target); the plan
//! orders them; the execution ends each in exactly one `Outcome` and reports its progress as `Event`s.
mod change;
mod event;
mod operation;
mod quota;
mod subject;
mod task;
mod verification;

pub use change::{Change, ChangeKind, EntryKind, RepoPath, Side};
pub use event::{Event, EventKind, EventSink, Moment, Resumed, Signal, StopCause};
pub use operation::{Operation, PurgeMode, RefreshKind};
pub use quota::{Quota, QuotaEntry};
pub use subject::Subject;
pub use task::{BatchNumber, LaneIndex, Outcome, Reason, Skipped, TargetName, Task, TaskIndex};
pub use verification::{Verdict, VerdictCounts, Verification};
