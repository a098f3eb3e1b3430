//! What the URLs of a plan should serve, by the files that they come from.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::built::BuiltSite;
use super::connect;
use super::git_http::FetchTransport;
use super::job::Job;
use crate::ci::Console;
use crate::config::{LogLevel, Mode, Settings};
use crate::exec::Verify;
use crate::freshness::{self, Expected, FileVersion, Wanted};
use crate::git::{self, Range};
use crate::mapping::url;
use crate::model::{Change, ChangeKind, LaneIndex, RepoPath, Side, Task, TaskIndex};
use crate::plan::Plan;
use crate::report::Report;
use crate::report::phrases::short_commit;
use crate::text::format::{counted, grouped};

/// So many files are read at once: each may have 32 MiB.
const AT_ONCE: usize = 8;
/// So many URLs are fetched through the CDN before anything is sent.
const WITNESSES: usize = 5;
/// How long the remote is asked at most for the commit of a branch.
const ASKED: Duration = Duration::from_secs(10);
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

/// A task, by its place in the plan.
type Key = (LaneIndex, TaskIndex);

/// A task whose URL can be fetched and compared, and the files that it comes from, each once.
struct Page<'p> {
    key: Key,
    task: &'p Task,
    files: Vec<&'p Arc<RepoPath>>,
}

/// What each page of a plan should serve.
pub(super) struct ExpectedPages {
    /// The pages: the entry pages first, then the others by a hash, so that the same plan has the same sample.
    order: Vec<Key>,
    /// How many pages the plan has; these are all of them, or the first ones.
    count: usize,
    /// What each of them should serve.
    pub(super) expected: HashMap<Key, Expected>,
}

impl ExpectedPages {
    /// Reads it for so many pages of the plan.
    pub(super) async fn read(
        job: &Job<'_>,
        plan: &Plan,
        sources: Sources<'_>,
        most: usize,
        console: &mut Console,
    ) -> Self {
        let mut pages = pages(plan);
        let (count, urls) = (pages.len(), Urls::of(&pages));
        pages.truncate(most);
        let files: Files = match (sources.built, sources.range) {
            (Some(built), _) => {
                pages.iter().flat_map(|page| &page.files).map(|file| (&***file, built.expected(file))).collect()
            }
            (None, Some(range)) => committed(job, &pages, sources.changes, range, console).await,
            (None, None) => Files::new(),
        };
        let expected = pages.iter().map(|page| (page.key, page.expected(&files, &urls))).collect();
        Self { order: pages.iter().map(|page| page.key).collect(), count, expected }
    }

    /// What to verify of it: a sample. Notes that in the log. Those of a run's `unsent` tasks whose old content is known are
    /// witnesses: a URL that is new isn't fetched before its refresh, because the edge would keep a 404.
    pub(super) fn verify(
        mut self,
        job: &Job<'_>,
        plan: &Plan,
        unsent: &BTreeSet<Key>,
        console: &mut Console,
    ) -> Verify {
        let settings = job.settings;
        self.order.truncate(settings.verify_urls);
        let all = counted(self.count, "URL", "URLs");
        let count = if self.order.len() < self.count { format!("{} of {all}", grouped(self.order.len())) } else { all };
        let when = if settings.mode == Mode::Real { ", each once its refresh is done" } else { "" };
        let hosts = self.order.iter().filter_map(|&(lane, task)| {
            let task = &plan.lanes[usize::from(lane)].tasks[task as usize].task;
            url::host_of_subject(&task.subject).map(str::to_lowercase)
        });
        let edges = connect::edges(job, &hosts.collect());
        let names: Vec<_> = edges.iter().filter_map(|edge| edge.name.as_deref()).collect();
        let at = if names.is_empty() { String::new() } else { format!(" at {}", names.join(", ")) };
        console.note(LogLevel::Normal, &format!("verifying {count} through the CDN{at}, from this machine{when}"));
        let mut expected = self.expected;
        let is_known = |key: &&Key| unsent.contains(key) && expected.get(key).is_some_and(|of| !of.former.is_empty());
        let witnesses = self.order.iter().filter(is_known).take(WITNESSES).copied().collect();
        let expected = self.order.into_iter().filter_map(|key| expected.remove_entry(&key)).collect();
        let size = plan.lanes.iter().map(crate::plan::Lane::size).sum();
        let left = settings.max_urls.map_or(u64::MAX, |most| most.saturating_sub(size));
        Verify { edges, expected, witnesses, most_repairs: usize::try_from(left).unwrap_or(usize::MAX) }
    }
}

/// Notes that a newer deployment may have replaced the pages that are neither old nor new. The remote is queried once, and only if
/// there is such a page.
pub(super) async fn note_newer_deployment(
    job: &Job<'_>,
    report: &mut Report<'_>,
    range: Option<&Range>,
    console: &mut Console,
) {
    let count = report.count_verified_by(freshness::NEITHER);
    let Some(range) = range.filter(|_| count > 0) else { return };
    let transport = FetchTransport::new(console, job.settings, job.network, job.started);
    let (repository, fetching) = (&job.settings.repository, transport.fetching());
    let asked = git::newer_head(repository, &range.head, job.environment, &fetching);
    let Ok(Some((branch, commit))) = timeout(ASKED, asked).await else { return };
    drop(transport);
    let text = format!(
        "`{branch}` is now at {}: a newer deployment may have replaced {}, which {} neither the old nor the new bytes",
        short_commit(&commit),
        counted(count, "URL", "URLs"),
        if count == 1 { "serves" } else { "serve" }
    );
    console.note(LogLevel::Normal, &text);
    report.add_note(text);
}

/// Refreshes of single URLs.
fn pages(plan: &Plan) -> Vec<Page<'_>> {
    let mut all = Vec::new();
    for (lane, tasks) in (0..).zip(&plan.lanes) {
        for (task, planned) in (0..).zip(&tasks.tasks) {
            if planned.task.operation.refreshes_a_page() && planned.refused.is_none() {
                let url = &planned.task.subject.value;
                let path = url.split(['?', '#']).next().unwrap_or_default();
                let is_entry = path.ends_with('/') || path.ends_with(".html");
                let hash: [u8; 32] = Sha256::digest(format!("{} {url}", plan.digest())).into();
                all.push((Reverse(is_entry), hash, (lane, task)));
            }
        }
    }
    all.sort_unstable();
    let page = |(_, _, key): (_, _, Key)| {
        let task = &plan.lanes[usize::from(key.0)].tasks[key.1 as usize].task;
        let mut files: Vec<_> = task.because.iter().filter_map(|reason| reason.file.as_ref()).collect();
        files.sort_unstable();
        files.dedup();
        Page { key, task, files }
    };
    all.into_iter().map(page).collect()
}

/// What each file is now, and was before, where that is at hand.
type Files<'p> = HashMap<&'p RepoPath, Expected>;

/// The URLs that each file has at each target.
struct Urls<'p>(HashMap<(LaneIndex, &'p RepoPath), Vec<&'p str>>);

impl<'p> Urls<'p> {
    fn of(pages: &[Page<'p>]) -> Self {
        let mut urls: HashMap<_, Vec<_>> = HashMap::new();
        for page in pages {
            for file in &page.files {
                urls.entry((page.key.0, &***file)).or_default().push(&*page.task.subject.value);
            }
        }
        Self(urls)
    }

    /// Whether a URL of a file goes away with it. A rule may also name pages for it that have other sources, such as the page
    /// that lists it; where a file has one URL alone, that is its own.
    fn is_own(&self, url: &str, lane: LaneIndex, file: &RepoPath) -> bool {
        let urls = self.0.get(&(lane, file)).map(Vec::as_slice).unwrap_or_default();
        let name = OwnName::of(file);
        urls.len() <= 1
            || match last_segment(url) {
                Some(last) => name.is(&last),
                // The start page: of an index, unless another URL shows that it is one of a directory below.
                None => name.is_index && !urls.iter().any(|url| last_segment(url).is_some_and(|last| name.is(&last))),
            }
    }
}

/// How the page of a file is called: as the file, or, of an index, as its directory.
struct OwnName<'f> {
    name: &'f [u8],
    is_index: bool,
}

impl<'f> OwnName<'f> {
    fn of(file: &'f RepoPath) -> Self {
        let mut parts = file.as_bytes().rsplit(|&byte| byte == b'/');
        let name = parts.next().unwrap_or_default();
        let is_index = is_index(name);
        Self { name: if is_index { parts.next().unwrap_or_default() } else { name }, is_index }
    }

    fn is(&self, segment: &[u8]) -> bool {
        self.name == segment || (!self.is_index && stem(self.name) == segment) || stem(self.name) == stem(segment)
    }
}

fn stem(name: &[u8]) -> &[u8] {
    match name.iter().rposition(|&byte| byte == b'.') {
        Some(dot) if dot > 0 => &name[..dot],
        _ => name,
    }
}

fn is_index(name: &[u8]) -> bool {
    matches!(stem(name), b"index" | b"_index")
}

/// The last segment of a URL's path that isn't the name of an index.
fn last_segment(url: &str) -> Option<Vec<u8>> {
    let path = url.split(['?', '#']).next()?.split_once("://")?.1.split_once('/')?.1;
    let segments = path.rsplit('/').filter(|segment| !segment.is_empty());
    segments.map(|segment| percent_decode_str(segment).collect()).find(|segment: &Vec<u8>| !is_index(segment))
}

impl Page<'_> {
    fn expected(&self, files: &Files<'_>, urls: &Urls<'_>) -> Expected {
        let is_gone = |file: &Arc<RepoPath>| files.get(&**file).is_some_and(|expected| expected.wanted == Wanted::Gone);
        let wanted = match &self.files[..] {
            [file] => match files.get(&***file).cloned() {
                Some(expected) if is_gone(file) && !urls.is_own(&self.task.subject.value, self.key.0, file) => {
                    let wanted = Wanted::PerhapsGone("one of several URLs of a file that is gone".to_owned());
                    return Expected { wanted, ..expected };
                }
                Some(expected) => return expected,
                None => Wanted::Unknown("the file isn't at hand".to_owned()),
            },
            several if several.iter().any(|file| is_gone(file)) => {
                Wanted::PerhapsGone("several files make it, and one is gone".to_owned())
            }
            _ => Wanted::Unknown("no single file is known for it".to_owned()),
        };
        Expected { wanted, former: Vec::new() }
    }
}

/// By the contents in the two commits. Where several files make a page, their contents aren't needed.
async fn committed<'p>(
    job: &Job<'_>,
    pages: &[Page<'p>],
    changes: &[Change],
    range: &Range,
    console: &mut Console,
) -> Files<'p> {
    let Settings { repository, .. } = job.settings;
    // Whether each path that changed is there now.
    let mut changed: HashMap<&RepoPath, bool> = HashMap::new();
    for change in changes {
        changed.insert(&change.path, change.kind != ChangeKind::Deleted);
        if let ChangeKind::Renamed { from } = &change.kind {
            changed.entry(from).or_insert(false);
        }
    }
    let mut expected = Files::new();
    // Each file once, whether it is there, and whether it is read.
    let mut known: BTreeMap<&'p RepoPath, (bool, bool)> = BTreeMap::new();
    for page in pages {
        for file in &page.files {
            if let Some(&is_there) = changed.get(&***file) {
                known.entry(file).or_insert((is_there, false)).1 |= page.files.len() == 1;
            }
        }
    }
    let transport = FetchTransport::new(console, job.settings, job.network, job.started);
    let fetching = transport.fetching();
    let mut read = Vec::new();
    for (file, (is_there, is_read)) in known {
        match (is_there, is_read) {
            (_, true) => read.push((file, is_there)),
            (false, false) => {
                expected.insert(file, Expected { wanted: Wanted::Gone, former: Vec::new() });
            }
            (true, false) => {}
        }
    }
    for piece in read.chunks(AT_ONCE) {
        let sides = |&(file, is_there): &(&RepoPath, bool)| {
            let head = is_there.then(|| (Side::Head, file.clone()));
            [(Side::Base, file.clone())].into_iter().chain(head)
        };
        let wanted: Vec<_> = piece.iter().flat_map(sides).collect();
        let contents = git::contents(repository, range, &wanted, MOST, job.environment, &fetching).await;
        let mut contents = contents.unwrap_or_else(|error| vec![Err(error.to_string()); wanted.len()]).into_iter();
        let mut next = || contents.next().expect("a content for each file and side");
        for &(file, is_there) in piece {
            let former = next().as_deref().map(FileVersion::committed).unwrap_or_default();
            let of_file = match is_there.then(&mut next) {
                None => Expected { wanted: Wanted::Gone, former },
                Some(Ok(content)) => Expected::replaced(FileVersion::committed(&content), former),
                Some(Err(why)) => {
                    Expected { wanted: Wanted::Unknown(format!("the file can't be compared: {why}")), former }
                }
            };
            expected.insert(file, of_file);
        }
    }
    expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_goes_away_with_its_file_if_it_is_named_as_the_file() {
        let is_own = |file: &str, urls: &[&str]| {
            let (file, urls) = (RepoPath::new(file), urls.iter().map(|url| format!("https://a.example{url}")));
            let urls: Vec<String> = urls.collect();
            let of_file = Urls([((0, &file), urls.iter().map(String::as_str).collect())].into());
            urls.iter().map(|url| of_file.is_own(url, 0, &file)).collect::<Vec<bool>>()
        };
        for (file, urls, own) in [
            ("posts/x.md", &["/posts/x/", "/", "/posts/", "/feed.xml"][..], &[true, false, false, false][..]),
            ("posts/x.md", &["/posts/x", "/posts/x.html", "/posts/x/index.html?a=b"], &[true, true, true]),
            ("posts/a b.md", &["/posts/a%20b/", "/"], &[true, false]),
            ("docs/index.html", &["/docs/", "/docs", "/docs/index.html", "/"], &[true, true, true, false]),
            ("public/index.html", &["/", "/index.html", "/sitemap.xml"], &[true, true, false]),
            ("content/docs/_index.md", &["/docs/", "/"], &[true, false]),
            ("index.html", &["/", "/index.html"], &[true, true]),
            // The rules know better where it is the only one.
            ("posts/2026-11-30-x.md", &["/x/"], &[true]),
            ("posts/2026-11-30-x.md", &["/x/", "/"], &[false, false]),
        ] {
            assert_eq!(is_own(file, urls), own, "{file}");
        }
    }

    #[test]
    fn a_page_of_several_files_is_perhaps_gone_once_one_of_them_is() {
        let plan = crate::report::fixture::plan_of(&["https://www.example.com/tags/".to_owned()]);
        let [there, gone] = ["a.md", "b.md"].map(|file| Arc::new(RepoPath::new(file)));
        let known = [
            (&*there, Expected { wanted: Wanted::File(vec![FileVersion::of(b"a")]), former: Vec::new() }),
            (&*gone, Expected { wanted: Wanted::Gone, former: Vec::new() }),
        ];
        let (known, task) = (Files::from(known), &plan.lanes[0].tasks[0].task);
        let wanted = |files: Vec<_>| {
            let page = Page { key: (0, 0), task, files };
            page.expected(&known, &Urls::of(std::slice::from_ref(&page))).wanted
        };
        assert!(matches!(wanted(vec![&there, &gone]), Wanted::PerhapsGone(_)));
        assert!(matches!(wanted(vec![&there, &there]), Wanted::Unknown(_)));
        assert!(matches!(wanted(vec![]), Wanted::Unknown(_)));
        assert!(matches!(wanted(vec![&there]), Wanted::File(_)));
        assert_eq!(wanted(vec![&gone]), Wanted::Gone);
    }
}
