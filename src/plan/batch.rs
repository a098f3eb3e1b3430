//! Cuts tasks into batches by the provider's limits on URLs, hosts and bytes of one call.

use std::collections::HashSet;

use super::lanes::{Batch, Lane, PlannedTask};
use crate::mapping::url;
use crate::model::{Operation, PurgeMode, TaskIndex};
use crate::provider::OperationSpec;

/// All batches of a lane, in the order in which they go out: refreshes by kind, then prefetches.
pub fn all(lane: &Lane, batch_size: Option<usize>) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut first: TaskIndex = 0;
    for alike in lane.tasks.chunk_by(|one, other| one.task.operation == other.task.operation) {
        let sendable = (first..).zip(alike).filter(|(_, planned)| planned.costs_quota());
        let indices: Vec<TaskIndex> = sendable.map(|(index, _)| index).collect();
        batches.extend(cut(lane, alike[0].task.operation, &indices, batch_size));
        first += alike.len() as TaskIndex;
    }
    for (number, batch) in (1..).zip(&mut batches) {
        batch.number = number;
    }
    batches
}

/// Cuts tasks of one operation into batches without numbers; batches never mix modes, and the order of the tasks is kept within one.
pub fn cut(lane: &Lane, operation: Operation, indices: &[TaskIndex], batch_size: Option<usize>) -> Vec<Batch> {
    let Some(limits) = lane.target.provider.operation(operation) else {
        return Vec::new();
    };
    let mut batches = Vec::new();
    for mode in [PurgeMode::Default, PurgeMode::Soft, PurgeMode::Hard] {
        let mut open = Open::new(limits, most(lane, limits, batch_size));
        for &index in indices {
            let planned = &lane.tasks[index as usize];
            if planned.task.mode == mode && !open.take(index, planned) {
                batches.push(open.close(operation, mode));
                let taken = open.take(index, planned);
                debug_assert!(taken, "an empty batch takes any URL");
            }
        }
        if !open.tasks.is_empty() {
            batches.push(open.close(operation, mode));
        }
    }
    batches
}

/// Whether a batch of this many URLs is as large as a call can be.
pub fn is_full(lane: &Lane, operation: Operation, size: usize, batch_size: Option<usize>) -> bool {
    lane.target.provider.operation(operation).is_some_and(|limits| size >= most(lane, limits, batch_size))
}

/// The most URLs in a batch of an operation.
pub fn most(lane: &Lane, limits: &OperationSpec, batch_size: Option<usize>) -> usize {
    let per_call = limits.per_call(&lane.target.options);
    batch_size.map_or(per_call, |size| size.min(per_call)).max(1)
}

/// A batch that is still being filled.
struct Open<'a> {
    limits: &'static OperationSpec,
    most: usize,
    hosts: HashSet<&'a str>,
    bytes: usize,
    tasks: Vec<TaskIndex>,
}

impl<'a> Open<'a> {
    fn new(limits: &'static OperationSpec, most: usize) -> Self {
        Self { limits, most, hosts: HashSet::new(), bytes: 0, tasks: Vec::new() }
    }

    /// Whether the URL still fits; if so, it is in. An empty batch takes any URL: alone it can't be cut further.
    fn take(&mut self, index: TaskIndex, planned: &'a PlannedTask) -> bool {
        let subject = &planned.task.subject;
        let host = self.limits.hosts_per_call.and_then(|_| url::host_of_subject(subject)).unwrap_or_default();
        let bytes = self.limits.request_line_bytes.map_or(0, |_| encoded_length(&subject.text()));
        let many_hosts = self.limits.hosts_per_call.is_some_and(|most| self.hosts.len() >= most);
        let long = self.limits.request_line_bytes.is_some_and(|most| self.bytes + bytes > most);
        let full = self.tasks.len() >= self.most || long || (many_hosts && !self.hosts.contains(host));
        if full && !self.tasks.is_empty() {
            return false;
        }
        self.hosts.insert(host);
        self.bytes += bytes;
        self.tasks.push(index);
        true
    }

    fn close(&mut self, operation: Operation, mode: PurgeMode) -> Batch {
        self.hosts.clear();
        self.bytes = 0;
        Batch { number: 0, operation, mode, tasks: std::mem::take(&mut self.tasks) }
    }
}

/// Bytes of a URL in a request line: percent-encoded, and the encoded line break that parts it from the next.
pub fn encoded_length(url: &str) -> usize {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    url.bytes().map(|byte| if unreserved(byte) { 1 } else { 3 }).sum::<usize>() + 3
}
