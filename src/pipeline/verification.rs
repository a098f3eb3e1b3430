//! What the URLs of a plan should serve, by the files that they come from: for a sample, the entry pages first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::built::BuiltSite;
use super::connect;
use super::git_http::FetchTransport;
use super::job::Job;
use crate::ci::Console;
use crate::config::{LogLevel, Mode, Settings};
use crate::exec::Verify;
use crate::freshness::{Expected, FileVersion, Wanted};
use crate::git::{self, Range};
use crate::mapping::url;
use crate::model::{Change, ChangeKind, LaneIndex, Operation, RefreshKind, RepoPath, Side, TaskIndex};
use crate::plan::Plan;
use crate::text::format::{counted, grouped};

/// So many files are read at once: each may have 32 MiB.
const AT_ONCE: usize = 8;
/// No file that is compared is larger.
const MOST: usize = 32 << 20;

/// The files that URLs come from.
#[derive(Clone, Copy)]
pub(super) struct Sources<'s> {
    /// The changes, of which the plan was made.
    pub(super) changes: &'s [Change],
    /// The commits that they are between.
    pub(super) range: Option<&'s Range>,
    /// The built directory that they are in.
    pub(super) built: Option<&'s BuiltSite>,
}

/// A task to verify, and the one file that its URL comes from.
type Candidate = ((LaneIndex, TaskIndex), Option<Arc<RepoPath>>);

/// What to verify of a plan; notes it in the log.
pub(super) async fn verify(job: &Job<'_>, plan: &Plan, sources: Sources<'_>, console: &mut Console) -> Verify {
    let settings = job.settings;
    let (candidates, all) = sample(plan, settings.verify_urls);
    let count = if candidates.len() < all {
        format!("{} of {}", grouped(candidates.len()), counted(all, "URL", "URLs"))
    } else {
        counted(all, "URL", "URLs")
    };
    let when = if settings.mode == Mode::Real { ", each once its refresh is done" } else { "" };
    if settings.verify {
        console.note(LogLevel::Normal, &format!("verifying {count} through the CDN, from this machine{when}"));
    }
    let hosts = candidates.iter().filter_map(|((lane, task), _)| {
        let task = &plan.lanes[usize::from(*lane)].tasks[*task as usize].task;
        url::host_of_subject(&task.subject).map(str::to_lowercase)
    });
    let edge = connect::edge(job, hosts.collect::<BTreeSet<_>>());
    let expected = match (sources.built, sources.range) {
        (Some(built), _) => built_files(&candidates, built),
        (None, Some(range)) => committed(job, &candidates, sources.changes, range, console).await,
        (None, None) => HashMap::new(),
    };
    let mut expected = expected;
    for (key, file) in candidates {
        expected.entry(key).or_insert_with(|| {
            let why = if file.is_some() { "the file isn't at hand" } else { "no single file is known for it" };
            Expected { wanted: Wanted::Unknown(why.to_owned()), former: Vec::new() }
        });
    }
    Verify { edge: Rc::clone(&edge), expected }
}

/// Refreshes of single URLs: the entry pages first, then others by a hash, so that the same plan has the same sample. Also how
/// many there are.
fn sample(plan: &Plan, most: usize) -> (Vec<Candidate>, usize) {
    let mut all = Vec::new();
    for (lane, tasks) in (0..).zip(&plan.lanes) {
        for (task, planned) in (0..).zip(&tasks.tasks) {
            let is_page =
                matches!(planned.task.operation, Operation::Refresh(RefreshKind::Url | RefreshKind::AnyQuery));
            if is_page && planned.refused.is_none() {
                let url = &planned.task.subject.value;
                let path = url.split(['?', '#']).next().unwrap_or_default();
                let is_entry = path.ends_with('/') || path.ends_with(".html");
                let hash: [u8; 32] = Sha256::digest(format!("{} {url}", plan.digest())).into();
                all.push((Reverse(is_entry), hash, (lane, task)));
            }
        }
    }
    let count = all.len();
    all.sort_unstable();
    all.truncate(most);
    let file = |(lane, task): (LaneIndex, TaskIndex)| {
        let because = &plan.lanes[usize::from(lane)].tasks[task as usize].task.because;
        let first = because.first()?.file.as_ref()?;
        because.iter().all(|reason| reason.file.as_ref() == Some(first)).then(|| Arc::clone(first))
    };
    (all.into_iter().map(|(_, _, key)| (key, file(key))).collect(), count)
}

/// By the built files and the manifest.
fn built_files(candidates: &[Candidate], built: &BuiltSite) -> HashMap<(LaneIndex, TaskIndex), Expected> {
    let of = |(key, file): &Candidate| {
        let (now, before) = built.versions(file.as_ref()?);
        let wanted = now.map_or(Wanted::Gone, |now| Wanted::File(vec![now]));
        Some((*key, Expected { wanted, former: before.into_iter().collect() }))
    };
    candidates.iter().filter_map(of).collect()
}

/// By the contents in the two commits.
async fn committed(
    job: &Job<'_>,
    candidates: &[Candidate],
    changes: &[Change],
    range: &Range,
    console: &mut Console,
) -> HashMap<(LaneIndex, TaskIndex), Expected> {
    let Settings { repository, .. } = job.settings;
    // Whether each path that changed is there now.
    let mut changed: HashMap<&RepoPath, bool> = HashMap::new();
    for change in changes {
        changed.insert(&change.path, change.kind != ChangeKind::Deleted);
        if let ChangeKind::Renamed { from } = &change.kind {
            changed.entry(from).or_insert(false);
        }
    }
    let transport = FetchTransport::new(console, job.settings, job.network, job.started);
    let fetching = transport.fetching();
    let known: Vec<_> = candidates
        .iter()
        .filter_map(|(key, file)| {
            let file = file.as_ref()?;
            Some((*key, &**file, *changed.get(&**file)?))
        })
        .collect();
    let mut expected = HashMap::new();
    for piece in known.chunks(AT_ONCE) {
        let wanted =
            piece.iter().flat_map(|(_, file, _)| [(Side::Head, (*file).clone()), (Side::Base, (*file).clone())]);
        let wanted: Vec<_> = wanted.collect();
        let read = git::contents(repository, range, &wanted, MOST, job.environment, &fetching).await;
        let read = read.unwrap_or_else(|error| vec![Err(error.to_string()); wanted.len()]);
        for ((key, _, is_there), contents) in piece.iter().zip(read.chunks(2)) {
            let former = contents[1].as_deref().map(FileVersion::committed).unwrap_or_default();
            let wanted = match &contents[0] {
                _ if !is_there => Wanted::Gone,
                Ok(content) => Wanted::File(FileVersion::committed(content)),
                Err(why) => Wanted::Unknown(format!("the file can't be compared: {why}")),
            };
            expected.insert(*key, Expected { wanted, former });
        }
    }
    expected
}
