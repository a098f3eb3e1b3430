//! The records of a journal, and what it belongs to: values only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Wait;
use crate::model::{BatchNumber, LaneIndex, Operation, Outcome, PurgeMode, TaskIndex};

/// Takes the place of a lane's hashed key if there are no credentials.
pub const NO_ACCOUNT: &str = "-";

/// What a journal belongs to; all that it holds of this must be equal for it to be resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The plan's digest.
    pub plan: String,
    /// The commit whose files it is about; `None` for a list of URLs. What was done for another commit is stale again, also
    /// where the URLs are the same.
    pub head: Option<String>,
    /// For each lane `target provider endpoint key`, the key hashed; [`NO_ACCOUNT`] where there were no credentials, so that nothing
    /// was sent.
    pub lanes: Vec<String>,
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
    /// To continue an earlier run, and to start nothing.
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
        /// When, on this machine's clock.
        at: Timestamp,
    },
    /// What an earlier run sent of these tasks is in the provider's records under this id: no trace of this run's requests.
    Earlier {
        /// The lane.
        lane: LaneIndex,
        /// The task id.
        task_id: String,
        /// The tasks, as ranges `[first, last]`; none: which ones isn't known, since the plan numbered its tasks otherwise.
        tasks: Vec<[TaskIndex; 2]>,
    },
    /// Directories that take the place of URLs in the plan: a run that continues takes the same, whatever the quota is then.
    Collapsed {
        /// The lane.
        lane: LaneIndex,
        /// How they are refreshed.
        mode: PurgeMode,
        /// Their URLs.
        directories: Vec<String>,
    },
    /// Another run continues from here. Directories so far don't count if nothing was sent for them.
    Continued {
        /// When, on its machine's clock.
        at: Timestamp,
        /// The lanes of its identity, if a lane has credentials that it lacked before; else empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lanes: Vec<String>,
    },
    /// The provider's clock became known in a lane: that much ahead of the machine's clock, by which the run's
    /// records were until then.
    Clock {
        /// The lane.
        lane: LaneIndex,
        /// In milliseconds; negative: late.
        ahead: i64,
    },
    /// A batch is about to be sent.
    Sent {
        /// The lane.
        lane: LaneIndex,
        /// The batch.
        batch: BatchNumber,
        /// Its operation.
        operation: Operation,
        /// How.
        mode: PurgeMode,
        /// From 1.
        attempt: u32,
        /// The tasks, as ranges `[first, last]`.
        tasks: Vec<[TaskIndex; 2]>,
        /// When: on the provider's clock if it is known, else on the clock that signs.
        at: Timestamp,
        /// Whether the provider's clock is known. If not, `at` is off by up to the validity of a signature.
        is_provider_time: bool,
    },
    /// The provider accepted it.
    Taken {
        /// The lane.
        lane: LaneIndex,
        /// The batch.
        batch: BatchNumber,
        /// Its task ids.
        task_ids: Vec<String>,
        /// Whether it is done with that: then there are no task ids.
        is_done: bool,
    },
    /// Tasks that are done, and whose URLs are refreshed once more since they are stale: no run does that again.
    Repaired {
        /// The lane.
        lane: LaneIndex,
        /// The tasks, as ranges `[first, last]`.
        tasks: Vec<[TaskIndex; 2]>,
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
    /// The run has ended.
    Closed {
        /// When, on the provider's clock if it is known.
        at: Timestamp,
        /// Whether every task is done; if not, the next run continues from here.
        complete: bool,
        /// Whether the rest wasn't waited for because of `wait`: then only a run that waits continues from here.
        as_asked: bool,
        /// Whether every task is done or failed, but for prefetches whose refresh failed.
        all_final: bool,
    },
    /// Outputs and reports of the run that ended are written: it needn't be started again for them.
    Published,
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

/// What makes a journal another run's.
pub(super) fn differs(theirs: &Identity, ours: &Identity) -> Option<String> {
    if let (Some(theirs), Some(ours)) = (&theirs.head, &ours.head)
        && theirs != ours
    {
        return Some(format!(
            "it is about the commit or build `{}`, this run is about `{}`",
            short(theirs),
            short(ours)
        ));
    }
    if theirs.plan != ours.plan || theirs.head != ours.head {
        return Some("it belongs to another plan (other commits, configuration or version)".into());
    }
    let (theirs, ours) = theirs.lanes.iter().zip(&ours.lanes).find(|(theirs, ours)| !may_be_one(theirs, ours))?;
    Some(format!("it was made for `{theirs}`, this run is for `{ours}`"))
}

/// Whether two runs may have used one account in a lane: one without credentials sent nothing to any.
pub(super) fn may_be_one(theirs: &str, ours: &str) -> bool {
    let parts = |lane: &str| lane.rsplit_once(' ').map(|(place, key)| (place.to_owned(), key == NO_ACCOUNT));
    match (parts(theirs), parts(ours)) {
        (Some((their_place, they_lack)), Some((our_place, we_lack))) if they_lack || we_lack => {
            their_place == our_place
        }
        _ => theirs == ours,
    }
}

/// The lanes of a run that continues another one: what was sent there belongs to these accounts from now on.
pub(super) fn joined(theirs: &[String], ours: &[String]) -> Vec<String> {
    let lacks = |lane: &String| lane.ends_with(&format!(" {NO_ACCOUNT}"));
    theirs.iter().zip(ours).map(|(theirs, ours)| if lacks(ours) { theirs } else { ours }.clone()).collect()
}

/// The first digits of a commit.
fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
