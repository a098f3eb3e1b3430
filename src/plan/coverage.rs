//! Which refreshes need not be sent, since another one of the same target certainly covers them: a directory what lies below it, a
//! host or the whole target everything there. What a provider's refreshes cover is a property of its operations
//! ([`OperationSpec::covers`](crate::provider::OperationSpec)).

use std::collections::HashMap;

use super::lanes::PlannedTask;
use crate::config::Target;
use crate::mapping::url;
use crate::model::{Operation, PurgeMode, RefreshKind, Task, TaskIndex};

/// The widest refreshes that cover others.
#[derive(Default)]
struct Coverage<'a> {
    /// By mode and the URL of the directory, with its last `/`.
    directories: HashMap<(PurgeMode, &'a str), TaskIndex>,
    hosts: HashMap<(PurgeMode, String), TaskIndex>,
    everything: HashMap<PurgeMode, TaskIndex>,
}

/// For each task, the refresh that covers it, which isn't covered itself. A task that can't be sent covers nothing.
pub(super) fn coverage(target: &Target, tasks: &[PlannedTask]) -> Vec<Option<TaskIndex>> {
    let mut known = Coverage::default();
    for (index, PlannedTask { task, refused, .. }) in (0..).zip(tasks) {
        let covers = target.provider.operation(task.operation).is_some_and(|operation| operation.covers);
        let Operation::Refresh(kind) = task.operation else { continue };
        if !covers || refused.is_some() {
            continue;
        }
        match kind {
            RefreshKind::Directory | RefreshKind::Prefix if task.subject.value.ends_with('/') => {
                known.directories.insert((task.mode, &task.subject.value), index);
            }
            RefreshKind::Host => {
                let host = url::host_of_subject(&task.subject).unwrap_or_default().to_ascii_lowercase();
                known.hosts.insert((task.mode, host), index);
            }
            RefreshKind::Everything => drop(known.everything.insert(task.mode, index)),
            _ => {}
        }
    }
    let covering =
        (0..).zip(tasks).map(|(index, planned)| known.covering(&planned.task).filter(|&wider| wider != index));
    covering.collect()
}

impl Coverage<'_> {
    /// The widest refresh that covers a task, which may be the task itself.
    fn covering(&self, task: &Task) -> Option<TaskIndex> {
        let Operation::Refresh(kind) = task.operation else { return None };
        if let Some(&index) = self.everything.get(&task.mode) {
            return Some(index);
        }
        // A tag is about a host's pages too, and a pattern may be about several hosts.
        if kind == RefreshKind::Regex {
            return None;
        }
        if !self.hosts.is_empty()
            && let Some(host) = url::host_of_subject(&task.subject)
            && let Some(&index) = self.hosts.get(&(task.mode, host.to_ascii_lowercase()))
        {
            return Some(index);
        }
        if self.directories.is_empty() || matches!(kind, RefreshKind::Tag | RefreshKind::Host) {
            return None;
        }
        let url = &*task.subject.value;
        let path = &url[..url.find(['?', '#']).unwrap_or(url.len())];
        // From the shortest on.
        let ends = path.match_indices('/').map(|(at, _)| at + 1);
        ends.filter_map(|end| self.directories.get(&(task.mode, &path[..end])).copied()).next()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{free, task};
    use crate::model::{Operation, PurgeMode, RefreshKind};

    const FILE: Operation = Operation::Refresh(RefreshKind::Url);
    const DIRECTORY: Operation = Operation::Refresh(RefreshKind::Directory);

    /// The URL that covers each task, in the plan's order.
    fn covered(tasks: &[(Operation, &str)]) -> Vec<(String, Option<String>)> {
        let plan = free(tasks.iter().map(|(operation, url)| task(*operation, url)).collect());
        let lane = &plan.lanes[0];
        let text = |index: u32| lane.tasks[index as usize].task.subject.value.clone();
        lane.tasks.iter().map(|planned| (planned.task.subject.value.clone(), planned.covered_by.map(text))).collect()
    }

    #[test]
    fn a_directory_covers_what_lies_below_it_and_nothing_else() {
        let docs = Some("https://a.test/docs/".to_owned());
        let all = covered(&[
            (FILE, "https://a.test/docs/a"),
            (FILE, "https://a.test/docs/b/c?q=1/2"),
            (FILE, "https://a.test/docs"),
            (FILE, "https://a.test/docs-old/a"),
            (FILE, "https://a.test/?x=/docs/"),
            (FILE, "http://a.test/docs/a"),
            (FILE, "https://b.test/docs/a"),
            (DIRECTORY, "https://a.test/docs/"),
            (DIRECTORY, "https://a.test/docs/b/"),
        ]);
        let by: Vec<_> = all.into_iter().map(|(_, by)| by).collect();
        assert_eq!(by, [docs.clone(), docs.clone(), None, None, None, None, None, None, docs]);
    }

    #[test]
    fn what_is_covered_is_not_sent_and_its_prefetch_waits_for_the_directory() {
        let plan = free(vec![
            task(FILE, "https://a.test/docs/a"),
            task(DIRECTORY, "https://a.test/docs/"),
            task(Operation::Prefetch, "https://a.test/docs/a"),
        ]);
        let lane = &plan.lanes[0];
        assert_eq!((lane.cost(FILE), lane.cost(DIRECTORY), lane.batch_count(FILE)), (0, 1, 0));
        assert_eq!(lane.tasks[2].after, [1]);
    }

    #[test]
    fn a_refresh_of_another_mode_or_that_cannot_be_sent_covers_nothing() {
        let mut soft = task(DIRECTORY, "https://a.test/docs/");
        soft.mode = PurgeMode::Hard;
        let plan = free(vec![task(FILE, "https://a.test/docs/a"), soft]);
        assert_eq!(plan.lanes[0].tasks[0].covered_by, None);
        let long = format!("https://a.test/{}/", "d".repeat(60));
        let plan = free(vec![task(FILE, &format!("{long}a")), task(DIRECTORY, &long)]);
        assert!(plan.lanes[0].tasks.iter().all(|planned| planned.covered_by.is_none()));
    }
}
