//! Builds the plan: merges tasks, checks the limits, orders them and cuts them into batches.
//!
//! The plan is a value that can be printed, counted and refused before anything is sent; the execution only carries it out.

use std::cell::OnceCell;
use std::collections::HashMap;

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
    let places: HashMap<&str, usize> =
        targets.iter().enumerate().map(|(place, target)| (&*target.name, place)).collect();
    let mut lanes: Vec<Vec<Task>> = targets.iter().map(|_| Vec::new()).collect();
    let mut seen: HashMap<(usize, Operation, Subject), usize> = HashMap::with_capacity(tasks.len());
    for task in tasks {
        let lane = places[&*task.target];
        // Everything of a target is the same, whatever host it is asked at.
        let subject = match task.operation {
            Operation::Refresh(RefreshKind::Everything) => Subject::url(""),
            _ => task.subject.clone(),
        };
        match seen.entry((lane, task.operation, subject)) {
            std::collections::hash_map::Entry::Occupied(entry) => {
                let merged: &mut Task = &mut lanes[lane][*entry.get()];
                merged.mode = merged.mode.max(task.mode);
                for reason in task.because {
                    if !merged.because.contains(&reason) {
                        merged.because.push(reason);
                    }
                }
            }
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(lanes[lane].len());
                lanes[lane].push(task);
            }
        }
    }
    lanes.into_iter().map(sorted).collect()
}

/// The tasks of a lane in its order.
fn sorted(mut tasks: Vec<Task>) -> Vec<Task> {
    tasks.sort_by_key(|task| task.operation);
    tasks
}

fn lane(target: Target, tasks: Vec<Task>) -> Lane {
    let after = dependencies(&tasks);
    let refused: Vec<Option<String>> = tasks.iter().map(|task| refusal(task, &target)).collect();
    let covered = coverage::coverage(&target, &tasks, |index| refused[index].is_some());
    let planned = tasks.into_iter().zip(refused).zip(after).zip(&covered);
    let tasks = planned.map(|(((task, refused), mut after), &covered_by)| {
        for refresh in &mut after {
            *refresh = covered[*refresh as usize].unwrap_or(*refresh);
        }
        after.sort_unstable();
        after.dedup();
        let covered_by = covered_by.filter(|_| refused.is_none());
        PlannedTask { task, refused, held: None, covered_by, after, rank: u32::MAX }
    });
    let tasks = tasks.collect();
    Lane { target, tasks, batches: Vec::new() }
}

/// For each prefetch, the refreshes that must be done before it: of the same URL, of a directory above it, of a
/// pattern that matches it (one that can't be read here counts as matching), or of a tag at its host, which may be on
/// any page.
fn dependencies(tasks: &[Task]) -> Vec<Vec<TaskIndex>> {
    let mut exact: HashMap<&str, Vec<TaskIndex>> = HashMap::new();
    let mut wide: Vec<(TaskIndex, Covers<'_>)> = Vec::new();
    let mut after = Vec::with_capacity(tasks.len());
    for (index, task) in (0..).zip(tasks) {
        let mut refreshes = Vec::new();
        let url = task.subject.value.as_str();
        match task.operation {
            Operation::Refresh(RefreshKind::Url) => exact.entry(url).or_default().push(index),
            Operation::Refresh(RefreshKind::AnyQuery) => exact.entry(without_query(url)).or_default().push(index),
            Operation::Refresh(RefreshKind::Directory) => wide.push((index, Covers::Prefix(url))),
            Operation::Refresh(RefreshKind::Regex) => wide.push((index, Covers::Pattern(regex::Regex::new(url).ok()))),
            Operation::Refresh(RefreshKind::Prefix) => wide.push((index, Covers::Prefix(url))),
            Operation::Refresh(RefreshKind::Tag | RefreshKind::Host) => {
                wide.push((index, Covers::Host(url::host_of_subject(&task.subject))));
            }
            Operation::Refresh(RefreshKind::Everything) => wide.push((index, Covers::Host(None))),
            Operation::Prefetch => {
                refreshes.extend(exact.get(url).into_iter().flatten());
                if let Some(plain) = url.find('?').map(|end| &url[..end]) {
                    let ignoring = exact.get(plain).into_iter().flatten();
                    refreshes.extend(ignoring.filter(|&&refresh| {
                        tasks[refresh as usize].operation == Operation::Refresh(RefreshKind::AnyQuery)
                    }));
                }
                refreshes.extend(wide.iter().filter(|(_, covers)| covers.covers(url)).map(|(index, _)| *index));
            }
        }
        after.push(refreshes);
    }
    after
}

enum Covers<'a> {
    Prefix(&'a str),
    Pattern(Option<regex::Regex>),
    Host(Option<&'a str>),
}

impl Covers<'_> {
    fn covers(&self, url: &str) -> bool {
        match self {
            Self::Prefix(directory) => url.starts_with(directory),
            Self::Pattern(pattern) => pattern.as_ref().is_none_or(|pattern| pattern.is_match(url)),
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
