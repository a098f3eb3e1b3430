//! Tasks → plan: merged, guarded, ordered and cut into batches by each provider's limits.
//!
//! The plan is a value that can be printed, counted and refused before anything is sent; the execution only carries it out.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::config::{Changes, Settings, Target};
use crate::error::Error;
use crate::mapping::{Mapped, url};
use crate::model::{BatchNumber, Operation, PurgeMode, RefreshKind, Skipped, Subject, Task, TaskIndex};

pub mod cut;
mod estimate;
pub mod guard;

/// Everything that is to be done, decided before anything is sent.
#[derive(Debug)]
pub struct Plan {
    /// One per target that has tasks, in the order of the configuration.
    pub lanes: Vec<Lane>,
    /// Changed files that gave no task, and why.
    pub skipped: Vec<Skipped>,
    /// What [`Plan::digest`] says, once it was asked for.
    pub(crate) digest: OnceCell<String>,
}

/// What is to be done at one target.
#[derive(Debug)]
pub struct Lane {
    /// Where.
    pub target: Target,
    /// Refreshes by kind, then prefetches; each in the order of the changes.
    pub tasks: Vec<PlannedTask>,
    /// As they would go out if nothing were refused and every refresh took equally long. The execution sends the refresh
    /// batches as they stand, and cuts prefetches as their refreshes end.
    pub batches: Vec<Batch>,
}

/// A task in its lane.
#[derive(Debug)]
pub struct PlannedTask {
    /// What to do.
    pub task: Task,
    /// Why it can't be sent at all: an address that is over-long, or isn't one. It ends as failed.
    pub refused: Option<String>,
    /// For a prefetch, the refreshes of the same lane that must be done before it; empty if there is none.
    pub after: Vec<TaskIndex>,
}

/// Addresses that go out in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// From 1, within the lane.
    pub number: BatchNumber,
    /// What to do.
    pub operation: Operation,
    /// How a refresh treats what it drops.
    pub mode: PurgeMode,
    /// The tasks, by their place in the lane.
    pub tasks: Vec<TaskIndex>,
}

/// What a plan is held against.
#[derive(Debug, Default)]
pub struct Limits<'a> {
    /// A plan with more refreshes and prefetches is refused.
    pub max_urls: Option<u64>,
    /// When given, the only hosts a plan may touch. Lower case.
    pub allow_hosts: Option<&'a [String]>,
    /// The names of the rules that may refresh a whole host.
    pub roots_allowed: Vec<Arc<str>>,
    /// At most so many addresses in a batch.
    pub batch_size: Option<usize>,
}

impl<'a> Limits<'a> {
    /// What the settings say.
    pub fn of(settings: &'a Settings) -> Self {
        let may_empty_a_host = settings.rules.iter().filter(|rule| rule.allow_everything);
        let rules = may_empty_a_host.map(|rule| Arc::clone(&rule.name));
        let given = match &settings.changes {
            Changes::Listed(listing) if listing.allow_everything => &["arguments", "url-file"][..],
            _ => &[],
        };
        Self {
            max_urls: settings.max_urls,
            allow_hosts: settings.allow_hosts.as_deref(),
            roots_allowed: rules.chain(given.iter().map(|name| Arc::from(*name))).collect(),
            batch_size: settings.batch_size,
        }
    }
}

impl Plan {
    /// How many tasks there are over all lanes.
    pub fn len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.tasks.len()).sum()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Identifies the plan: 64 hex digits over version, targets, operations and addresses. Same commits, configuration and
    /// version: same digest.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| digest(&self.lanes))
    }
}

impl Lane {
    /// How many addresses of an operation will be submitted: what it costs of the day's quota.
    pub fn cost(&self, operation: Operation) -> u64 {
        let counts = |planned: &&PlannedTask| planned.task.operation == operation && planned.refused.is_none();
        self.tasks.iter().filter(counts).count() as u64
    }
}

/// Makes a plan of what the mapping gave.
///
/// # Errors
/// [`Error::PlanRefused`] when it is above a cap, touches a host that isn't allowed, or would refresh a whole host without
/// having been asked to.
pub fn make(mapped: Mapped, targets: &[Target], limits: &Limits<'_>) -> Result<Plan, Error> {
    let mut lanes: Vec<Lane> = merge(mapped.tasks, targets)
        .into_iter()
        .zip(targets)
        .filter(|(tasks, _)| !tasks.is_empty())
        .map(|(tasks, target)| lane(target.clone(), tasks))
        .collect();
    guard::check(&lanes, limits)?;
    for lane in &mut lanes {
        lane.batches = cut::all(lane, limits.batch_size);
    }
    Ok(Plan { lanes, skipped: mapped.skipped, digest: OnceCell::new() })
}

/// One task per target, operation and address; each remembers everything that asked for it. A list per target, in order.
fn merge(tasks: Vec<Task>, targets: &[Target]) -> Vec<Vec<Task>> {
    let places: HashMap<&str, usize> =
        targets.iter().enumerate().map(|(place, target)| (&*target.name, place)).collect();
    let mut lanes: Vec<Vec<Task>> = targets.iter().map(|_| Vec::new()).collect();
    let mut seen: HashMap<(usize, Operation, Subject), usize> = HashMap::with_capacity(tasks.len());
    for task in tasks {
        let lane = places[&*task.target];
        match seen.entry((lane, task.operation, task.subject.clone())) {
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
    for lane in &mut lanes {
        lane.sort_by_key(|task| task.operation);
    }
    lanes
}

fn lane(target: Target, tasks: Vec<Task>) -> Lane {
    let after = dependencies(&tasks);
    let planned = tasks.into_iter().zip(after).map(|(task, after)| {
        let refused = refusal(&task, &target);
        PlannedTask { task, refused, after }
    });
    let tasks = planned.collect();
    Lane { target, tasks, batches: Vec::new() }
}

/// Why an address can't be sent to this provider at all.
fn refusal(task: &Task, target: &Target) -> Option<String> {
    let spec = target.provider;
    if spec.operation(task.operation).is_none() {
        return Some(format!("{} offers no {}", spec.title, task.operation.unit()));
    }
    let limits = spec.operation(task.operation);
    if task.mode == PurgeMode::Soft && limits.is_none_or(|limits| !limits.modes.contains(&PurgeMode::Soft)) {
        return Some(format!("{} has no soft purge for {}", spec.title, task.operation.unit()));
    }
    let text = task.subject.text();
    let characters = text.chars().count();
    if characters > spec.url_characters {
        let limit = spec.url_characters;
        return Some(format!("the address has {characters} characters; {} takes {limit} at most", spec.title));
    }
    match task.operation {
        Operation::Refresh(RefreshKind::Regex) => None,
        Operation::Refresh(kind) => url::check_kind(kind, &text).err(),
        Operation::Prefetch => url::check(&text).err(),
    }
}

/// For each prefetch, the refreshes that must be done before it: of the same address, of a directory above it, of a
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

fn digest(lanes: &[Lane]) -> String {
    let mut hash = Sha256::new();
    let mut field = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    field(env!("CARGO_PKG_VERSION"));
    for lane in lanes {
        field(&lane.target.name);
        field(lane.target.provider.name);
        field(&format!("{:?}", lane.target.options));
        for planned in &lane.tasks {
            let task = &planned.task;
            field(&format!("{:?} {:?}", task.operation, task.mode));
            field(&task.subject.text());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
