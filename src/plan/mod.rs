//! Builds the plan: merges tasks, checks the limits, orders them and cuts them into batches.
//!
//! The plan is a value that can be printed, counted and refused before anything is sent; the execution only carries it out.

use std::cell::OnceCell;
use std::collections::HashMap;

use regex::bytes::{Regex, RegexBuilder};

use crate::config::Target;
use crate::error::Error;
use crate::mapping::{Mapped, url};
use crate::model::{Operation, RefreshKind, Subject, Task, TaskIndex};

pub mod allotment;
pub mod batch;
pub mod collapse;
mod coverage;
mod estimate;
mod lanes;
pub mod limits;
pub mod popularity;
mod refusal;
mod url_tree;

pub use estimate::Pace;
pub use lanes::{Batch, Lane, Plan, PlannedTask};
pub use limits::Limits;
use refusal::refusal;
pub use url_tree::{Collapsed, CollapsedDirectory, UrlTree};

/// Makes a plan of what the mapping gave.
///
/// # Errors
/// [`Error::PlanRefused`] when it is above a cap, touches a host that isn't allowed, or would refresh a whole host without
/// `allow-everything`.
pub fn make(mapped: Mapped, targets: &[Target], limits: &Limits<'_>) -> Result<Plan, Error> {
    limits::promises(&mapped.broken_promises)?;
    let mut lanes: Vec<Lane> = merge(mapped.tasks, targets)
        .into_iter()
        .zip(targets)
        .filter(|(tasks, _)| !tasks.is_empty())
        .map(|(tasks, target)| lane(target.clone(), tasks))
        .collect();
    limits::check(&lanes, limits)?;
    for lane in &mut lanes {
        lane.batches = batch::all(lane, limits.batch_size);
    }
    Ok(Plan { lanes, skipped: mapped.skipped, digest: OnceCell::new() })
}

impl Plan {
    /// Adds directories that take the place of URLs. The plan's digest stays that of its URLs: another run may find other directories,
    /// and is about the same.
    pub fn take(&mut self, collapsed: Collapsed, batch_size: Option<usize>) {
        let _ = self.digest();
        let mut by_lane: HashMap<usize, Vec<Task>> = HashMap::new();
        for (lane, task) in collapsed.directories {
            by_lane.entry(lane).or_default().push(task);
        }
        for (place, more) in by_lane {
            let lane = &mut self.lanes[place];
            let ranks: Vec<u32> = prefetches(&mut lane.tasks).map(|planned| planned.rank).collect();
            let tasks = std::mem::take(&mut lane.tasks).into_iter().map(|planned| planned.task).chain(more);
            *lane = self::lane(lane.target.clone(), sorted(tasks.collect()));
            lane.batches = batch::all(lane, batch_size);
            prefetches(&mut lane.tasks).zip(ranks).for_each(|(planned, rank)| planned.rank = rank);
        }
    }
}

fn prefetches(tasks: &mut [PlannedTask]) -> impl Iterator<Item = &mut PlannedTask> {
    tasks.iter_mut().filter(|planned| planned.task.operation == Operation::Prefetch)
}

/// One task per target, operation and URL; each remembers every rule and file that it comes from. A list per target, in order.
fn merge(tasks: Vec<Task>, targets: &[Target]) -> Vec<Vec<Task>> {
    let (counts, places) = places(&tasks, targets);
    let mut lanes: Vec<Vec<Task>> = counts.into_iter().map(Vec::with_capacity).collect();
    for (task, (lane, place)) in tasks.into_iter().zip(places) {
        let Some(merged) = lanes[lane].get_mut(place) else {
            lanes[lane].push(task);
            continue;
        };
        merged.mode = merged.mode.max(task.mode);
        for reason in task.because {
            if !merged.because.contains(&reason) {
                merged.because.push(reason);
            }
        }
    }
    lanes.into_iter().map(sorted).collect()
}

/// How many different tasks each target has; and for each task the place of its target, and its own there, which is that of the
/// first one like it.
fn places(tasks: &[Task], targets: &[Target]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let lanes: HashMap<&str, usize> =
        targets.iter().enumerate().map(|(place, target)| (&*target.name, place)).collect();
    let mut counts = vec![0; targets.len()];
    let mut seen: HashMap<(usize, Operation, Option<&Subject>), usize> = HashMap::with_capacity(tasks.len());
    let mut places = Vec::with_capacity(tasks.len());
    for task in tasks {
        let lane = lanes[&*task.target];
        // Everything of a target is the same, whatever host it is asked at.
        let is_everything = task.operation == Operation::Refresh(RefreshKind::Everything);
        let subject = Some(&task.subject).filter(|_| !is_everything);
        let place = *seen.entry((lane, task.operation, subject)).or_insert(counts[lane]);
        counts[lane] = counts[lane].max(place + 1);
        places.push((lane, place));
    }
    (counts, places)
}

/// The tasks of a lane in its order.
fn sorted(mut tasks: Vec<Task>) -> Vec<Task> {
    tasks.sort_by_key(|task| task.operation);
    tasks
}

fn lane(target: Target, tasks: Vec<Task>) -> Lane {
    let mut urls = url::Checker::default();
    let planned = |task| {
        let refused = refusal(&task, &target, &mut urls);
        PlannedTask { task, refused, held: None, covered_by: None, after: Vec::new(), rank: u32::MAX }
    };
    let mut tasks: Vec<PlannedTask> = tasks.into_iter().map(planned).collect();
    let covered = coverage::coverage(&target, &tasks);
    for (index, mut after) in dependencies(&tasks) {
        for refresh in &mut after {
            *refresh = covered[*refresh as usize].unwrap_or(*refresh);
        }
        after.sort_unstable();
        after.dedup();
        tasks[index as usize].after = after;
    }
    for (planned, covered_by) in tasks.iter_mut().zip(covered) {
        planned.covered_by = covered_by.filter(|_| planned.refused.is_none());
    }
    Lane { target, tasks, batches: Vec::new() }
}

/// For each prefetch, the refreshes that must be done before it: of the same URL, of a directory above it, of a
/// pattern that matches it, or of a tag at its host, which may be on any page. A pattern that can't be read here counts as
/// matching, and every pattern counts as matching a URL that isn't ASCII.
fn dependencies(tasks: &[PlannedTask]) -> Vec<(TaskIndex, Vec<TaskIndex>)> {
    // Prefetches come last.
    if tasks.last().is_none_or(|last| last.task.operation != Operation::Prefetch) {
        return Vec::new();
    }
    let mut exact: HashMap<&str, Vec<TaskIndex>> = HashMap::new();
    let mut wide: Vec<(TaskIndex, Covers<'_>)> = Vec::new();
    let mut after = Vec::new();
    for (index, task) in (0..).zip(tasks.iter().map(|planned| &planned.task)) {
        let url = task.subject.value.as_str();
        match task.operation {
            Operation::Refresh(RefreshKind::Url) => exact.entry(url).or_default().push(index),
            Operation::Refresh(RefreshKind::AnyQuery) => exact.entry(without_query(url)).or_default().push(index),
            Operation::Refresh(RefreshKind::Directory) => wide.push((index, Covers::Prefix(url))),
            Operation::Refresh(RefreshKind::Regex) => {
                // Without Unicode, whose tables of upper and lower case are large: nearly every URL is ASCII.
                let pattern = RegexBuilder::new(url).unicode(false).build();
                wide.push((index, Covers::Pattern(pattern.ok())));
            }
            Operation::Refresh(RefreshKind::Prefix) => wide.push((index, Covers::Prefix(url))),
            Operation::Refresh(RefreshKind::Tag | RefreshKind::Host) => {
                wide.push((index, Covers::Host(url::host_of_subject(&task.subject))));
            }
            Operation::Refresh(RefreshKind::Everything) => wide.push((index, Covers::Host(None))),
            Operation::Prefetch => {
                let mut refreshes: Vec<TaskIndex> = exact.get(url).into_iter().flatten().copied().collect();
                if let Some(plain) = url.find('?').map(|end| &url[..end]) {
                    let ignoring = exact.get(plain).into_iter().flatten();
                    refreshes.extend(ignoring.filter(|&&refresh| {
                        tasks[refresh as usize].task.operation == Operation::Refresh(RefreshKind::AnyQuery)
                    }));
                }
                refreshes.extend(wide.iter().filter(|(_, covers)| covers.covers(url)).map(|(index, _)| *index));
                after.push((index, refreshes));
            }
        }
    }
    after
}

enum Covers<'a> {
    Prefix(&'a str),
    Pattern(Option<Regex>),
    Host(Option<&'a str>),
}

impl Covers<'_> {
    fn covers(&self, url: &str) -> bool {
        match self {
            Self::Prefix(directory) => url.starts_with(directory),
            Self::Pattern(pattern) => {
                !url.is_ascii() || pattern.as_ref().is_none_or(|pattern| pattern.is_match(url.as_bytes()))
            }
            Self::Host(host) => match (host, url::host(url)) {
                (Some(tagged), Some(host)) => host.eq_ignore_ascii_case(tagged),
                _ => true,
            },
        }
    }
}

fn without_query(url: &str) -> &str {
    url.find('?').map_or(url, |end| &url[..end])
}

#[cfg(test)]
pub(crate) mod tests;
