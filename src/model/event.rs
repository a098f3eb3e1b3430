//! The events of an execution: past tense, with counters inside, so that a reader needs no state of the runner's.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::operation::Operation;
use super::quota::Quota;
use super::task::{BatchNumber, LaneIndex, Outcome, TaskIndex};
use super::verification::Verification;

/// Something that happened during the execution. Counters travel inside, so that a reader needs no state of the runner's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Wall-clock time.
    pub at: Timestamp,
    /// Since the run began, on the monotonic clock.
    pub elapsed: Duration,
    /// What happened.
    pub kind: EventKind,
}

/// What a run resumes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resumed {
    /// How many tasks are done by the journal, or followed.
    pub tasks: usize,
    /// When its run began.
    pub begun: Timestamp,
    /// Where the journal is.
    pub journal: PathBuf,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum EventKind {
    /// The execution of a plan began.
    RunStarted {
        /// Planned tasks over all lanes.
        tasks: usize,
        /// What an earlier run left, if this one resumes it.
        resumed: Option<Resumed>,
    },
    /// A lane's quota was read.
    QuotaRead {
        /// The lane.
        lane: LaneIndex,
        /// What is left, per operation.
        quota: Quota,
        /// Before anything was sent, or after the end.
        moment: Moment,
    },
    /// A batch is about to be sent.
    BatchStarted {
        /// The lane.
        lane: LaneIndex,
        /// The batch.
        batch: BatchNumber,
        /// Its operation.
        operation: Operation,
        /// Its tasks.
        tasks: Vec<TaskIndex>,
        /// From 1.
        attempt: u32,
    },
    /// The provider took a batch.
    BatchSubmitted {
        /// The lane.
        lane: LaneIndex,
        /// The batch.
        batch: BatchNumber,
        /// The provider's task ids.
        task_ids: Vec<String>,
        /// The provider's id of the request.
        request_id: Option<String>,
    },
    /// A batch was not accepted and is tried again.
    BatchRetried {
        /// The lane.
        lane: LaneIndex,
        /// The batch.
        batch: BatchNumber,
        /// Why, with the provider's words.
        why: String,
        /// After this long.
        after: Duration,
    },
    /// A batch was refused and cut in two, to find the URL to blame.
    BatchSplit {
        /// The lane.
        lane: LaneIndex,
        /// The batch.
        batch: BatchNumber,
        /// Why, with the provider's words.
        why: String,
    },
    /// A response was lost; the provider's records are searched for the batch.
    BatchUncertain {
        /// The lane.
        lane: LaneIndex,
        /// The batch.
        batch: BatchNumber,
        /// What was seen.
        why: String,
    },
    /// A task has ended.
    TaskFinished {
        /// The lane.
        lane: LaneIndex,
        /// The task.
        task: TaskIndex,
        /// How it ended.
        outcome: Outcome,
        /// The provider's task id, once it was accepted.
        task_id: Option<String>,
    },
    /// A URL was fetched through the CDN after its refresh.
    Verified {
        /// The lane.
        lane: LaneIndex,
        /// The task.
        task: TaskIndex,
        /// What was seen.
        verification: Verification,
    },
    /// Nothing more is submitted in this lane for these operations.
    LaneStopped {
        /// The lane.
        lane: LaneIndex,
        /// `None`: for all of them.
        operation: Option<Operation>,
        /// What stopped it.
        cause: StopCause,
        /// Why, with the provider's words.
        why: String,
    },
    /// No event for a while; the lane waits for the provider.
    Waiting {
        /// The lane.
        lane: LaneIndex,
        /// Its tasks without an outcome.
        open: usize,
    },
    /// A thing worth saying that changes nothing.
    Noted {
        /// The sentence.
        text: String,
    },
    /// A signal came; nothing more is submitted.
    Interrupted {
        /// `SIGINT` or `SIGTERM`.
        signal: Signal,
    },
    /// The execution ended; every task has its outcome.
    RunFinished {
        /// How many requests were sent, over all APIs.
        calls: u64,
    },
}

/// Whoever follows an execution: the report, the progress, a test.
pub trait EventSink {
    /// Takes one event; they come in the order in which they happened.
    fn take(&mut self, event: &Event);
}

/// When a quota was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before anything was sent.
    Before,
    /// After the last task ended.
    After,
}

/// Why a lane stopped; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopCause {
    /// The day's quota is gone.
    Quota,
    /// Credentials, tokens, signatures or permissions.
    Credentials,
    /// The provider kept refusing, throttling or failing until the retry budget was empty.
    RetriesSpent,
    /// The provider refuses this operation whatever the URL: a service that is not opened, a parameter it doesn't know.
    Denied,
    /// The journal can't be written, so nothing may be sent.
    Journal,
    /// A signal came.
    Interrupted,
    /// The time given for the run is over.
    Deadline,
}

/// The signals that end a run in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// Ctrl-C, or a runner that cancels the job.
    #[serde(rename = "SIGINT")]
    Interrupt,
    /// A runner's second warning, or a supervisor.
    #[serde(rename = "SIGTERM")]
    Terminate,
}

impl Signal {
    /// Its name as in a manual.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}
