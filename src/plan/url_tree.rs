//! The directories of planned URLs, with the unchanged URLs among them; which of them take the place of URLs, and what that saves.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::collapse::{Budget, Directory, cheapest};
use super::lanes::{Lane, Plan};
use super::refusal::refusal;
use crate::mapping::{self, Rule};
use crate::model::{Operation, PurgeMode, Quota, Reason, RefreshKind, RepoPath, Subject, Task};

const URL: Operation = Operation::Refresh(RefreshKind::Url);
/// The most directories that are described, and the most unchanged files of each that are named.
const NAMED: usize = 3;

/// The directories of a plan's URLs, for lanes with complete rules whose provider has a refresh that covers a path.
#[derive(Debug)]
pub struct UrlTree {
    trees: Vec<LaneTree>,
    /// Files that the plan is about: no unchanged ones.
    planned: HashSet<Arc<RepoPath>>,
}

/// The URLs of a lane that are refreshed in one way.
#[derive(Debug)]
struct LaneTree {
    /// Its place in the plan.
    lane: usize,
    /// A task without URL, as the directories are refreshed.
    task: Task,
    nodes: Vec<Directory>,
    names: Vec<Rc<str>>,
    known: HashMap<Rc<str>, u32>,
    /// Unchanged files, each with the directory of its URL.
    files: Vec<(u32, Arc<RepoPath>)>,
    /// Where complete rules know everything, the rules, and whether they allow everything.
    promises: Vec<(String, Arc<str>, bool)>,
}

/// Directories that take the place of URLs.
#[derive(Debug, Default)]
pub struct Collapsed {
    /// Each with its lane's place in the plan.
    pub directories: Vec<(usize, Task)>,
    /// How many URLs they cover.
    pub urls: u64,
    /// How many unchanged files lie below them.
    pub unchanged: usize,
    /// Whether the refreshes fit then.
    pub fits: bool,
    /// Some of the directories, those with the most URLs first.
    pub largest: Vec<CollapsedDirectory>,
}

/// A directory that takes the place of URLs.
#[derive(Debug)]
pub struct CollapsedDirectory {
    /// Its URL.
    pub url: String,
    /// How many URLs it covers.
    pub urls: u64,
    /// How many unchanged files lie below it.
    pub unchanged: usize,
    /// Some of them.
    pub named: Vec<Arc<RepoPath>>,
}

impl UrlTree {
    /// The directories of a plan's URLs; `None` if no directory may take the place of any.
    pub fn new(plan: &Plan, rules: &[Rule]) -> Option<Self> {
        let trees: Vec<LaneTree> =
            plan.lanes.iter().enumerate().flat_map(|(place, lane)| LaneTree::all(place, lane, rules)).collect();
        let tasks = plan.lanes.iter().flat_map(|lane| &lane.tasks);
        let reasons = tasks.flat_map(|planned| &planned.task.because);
        let planned = reasons.filter_map(|reason| reason.file.clone()).collect();
        (!trees.is_empty()).then_some(Self { trees, planned })
    }

    /// Takes all files that are served, changed or not, in any order.
    pub fn add_files(&mut self, mut files: Vec<RepoPath>, plan: &Plan, rules: &[Rule]) {
        files.sort_unstable();
        files.dedup();
        files.retain(|file| !self.planned.contains(file));
        for files in files.chunks(1_000) {
            let urls = mapping::refreshes(files, rules, true);
            for task in urls.iter().filter(|task| is_page(task.operation)) {
                let is_its = |tree: &&mut LaneTree| plan.lanes[tree.lane].target.name == task.target;
                self.trees.iter_mut().filter(is_its).for_each(|tree| tree.add_unchanged(task));
            }
        }
    }

    /// The cheapest directories that take the place of URLs in some lanes of one account, by what is left of its quota, `over_refresh`
    /// unchanged URLs for each changed one, and `most` refreshes and prefetches in the whole plan; `None` where there are none, or,
    /// unless `always`, where the URLs fit.
    pub fn collapse(
        &self,
        plan: &Plan,
        (lanes, quota): (&[usize], &Quota),
        over_refresh: u32,
        most: Option<u64>,
        always: bool,
    ) -> Option<Collapsed> {
        let trees = || self.trees.iter().filter(|tree| lanes.contains(&tree.lane));
        let operation = trees().next()?.task.operation;
        let mut nodes: Vec<Directory> = Vec::new();
        for tree in trees() {
            let first = nodes.len() as u32;
            nodes.extend(tree.nodes.iter().map(|node| Directory { parent: node.parent.map(|at| at + first), ..*node }));
        }
        let urls: u64 = nodes.iter().map(|node| node.urls).sum();
        let cost = |operation| lanes.iter().map(|&lane| plan.lanes[lane].cost(operation)).sum::<u64>();
        let left = |operation, also: u64| quota.remaining(operation).map(|left| left.saturating_sub(also));
        let others = plan.lanes.iter().map(Lane::size).sum::<u64>() - urls;
        let budget = Budget {
            over_refresh,
            urls: left(URL, cost(URL) - urls),
            directories: left(operation, cost(operation)),
            total: most.map(|most| most.saturating_sub(others)),
        };
        let fits = [budget.urls, budget.total].iter().flatten().all(|most| urls <= *most);
        if fits && !always {
            return None;
        }
        let cover = cheapest(&nodes, budget);
        let mut all = Collapsed { fits: cover.fits, ..Collapsed::default() };
        let (mut first, mut touched) = (0, HashSet::new());
        for tree in trees() {
            let own = first..first + tree.nodes.len() as u32;
            let chosen = cover.directories.iter().filter(|place| own.contains(place)).map(|place| place - first);
            tree.choose(&chosen.collect::<Vec<_>>(), &mut all, &mut touched);
            first = own.end;
        }
        all.unchanged = touched.len();
        (!all.directories.is_empty()).then_some(all)
    }

    /// The directories of these that take the place of URLs, as an earlier run decided.
    pub fn again(&self, decided: &BTreeSet<(u16, PurgeMode, String)>) -> Collapsed {
        let mut all = Collapsed { fits: true, ..Collapsed::default() };
        let mut touched = HashSet::new();
        for tree in &self.trees {
            let is_its = |lane: u16, mode| usize::from(lane) == tree.lane && mode == tree.task.mode;
            let own = decided.iter().filter(|(lane, mode, _)| is_its(*lane, *mode));
            let places = own.filter_map(|(_, _, url)| tree.known.get(url.as_str()).copied());
            let allowed: Vec<u32> = places.filter(|&place| tree.nodes[place as usize].is_allowed).collect();
            tree.choose(&allowed, &mut all, &mut touched);
        }
        all.unchanged = touched.len();
        all
    }
}

impl LaneTree {
    /// The trees of a lane, one for each purge mode, of those that a directory could take the place of.
    fn all(place: usize, lane: &Lane, rules: &[Rule]) -> Vec<Self> {
        let spec = lane.target.provider;
        let covers = |kind: &Operation| spec.operation(*kind).is_some_and(|spec| spec.covers);
        let kinds = [RefreshKind::Directory, RefreshKind::Prefix].map(Operation::Refresh);
        let widest =
            kinds.into_iter().filter(covers).max_by_key(|kind| spec.operation(*kind).and_then(|of| of.per_day));
        let Some(operation) = widest else { return Vec::new() };
        let of_lane = rules.iter().filter(|rule| rule.targets.contains(&lane.target.name));
        let promises = |rule: &Rule| {
            let of = |below| (below, Arc::clone(&rule.name), rule.allow_everything);
            rule.complete_below().into_iter().map(of).collect::<Vec<_>>()
        };
        let promises: Vec<_> = of_lane.flat_map(promises).collect();
        let same = lane.tasks.iter().filter(|planned| planned.task.operation == operation);
        let there: HashSet<&str> = same.map(|planned| &*planned.task.subject.value).collect();
        let mut trees: Vec<Self> = Vec::new();
        let wanted = lane.tasks.iter().filter(|planned| planned.task.operation == URL && planned.costs_quota());
        for task in wanted.map(|planned| &planned.task).filter(|_| !promises.is_empty()) {
            let index = trees.iter().position(|tree| tree.task.mode == task.mode).unwrap_or(trees.len());
            if index == trees.len() {
                let task = Task { operation, subject: Subject::url(""), because: Vec::new(), ..task.clone() };
                let promises = promises.clone();
                let (nodes, names, known, files) = Default::default();
                trees.push(Self { lane: place, task, nodes, names, known, files, promises });
            }
            let tree = &mut trees[index];
            let node = tree.node(directory(&task.subject.value));
            tree.nodes[node as usize].urls += 1;
        }
        for tree in &mut trees {
            for (node, name) in tree.nodes.iter_mut().zip(&tree.names) {
                let task = Task { subject: Subject::url(&**name), ..tree.task.clone() };
                let is_promised = tree.promises.iter().any(|promise| holds(promise, name, node.parent.is_none()));
                node.is_allowed = is_promised && !there.contains(&**name) && refusal(&task, &lane.target).is_none();
            }
        }
        trees.retain(|tree| tree.nodes.iter().any(|node| node.is_allowed));
        trees
    }

    /// The place of a directory, which is added if it is new.
    fn node(&mut self, name: &str) -> u32 {
        if let Some(&place) = self.known.get(name) {
            return place;
        }
        let parent = above(name).map(|above| self.node(above));
        let (place, name) = (self.nodes.len() as u32, Rc::<str>::from(name));
        self.nodes.push(Directory { parent, urls: 0, unchanged: 0, is_allowed: false });
        self.names.push(Rc::clone(&name));
        self.known.insert(name, place);
        place
    }

    /// Counts a URL of an unchanged file, in the deepest directory that has planned URLs.
    fn add_unchanged(&mut self, task: &Task) {
        let mut name = Some(directory(&task.subject.value));
        while let Some(directory) = name {
            if let Some(&place) = self.known.get(directory) {
                self.nodes[place as usize].unchanged += 1;
                self.files.extend(task.because.iter().filter_map(|reason| Some((place, reason.file.clone()?))));
                return;
            }
            name = above(directory);
        }
    }

    /// Adds directories that take the place of URLs, and the unchanged files below them.
    fn choose<'t>(&'t self, places: &[u32], all: &mut Collapsed, touched: &mut HashSet<&'t RepoPath>) {
        // For each directory the chosen one at or above it, by its place among the chosen.
        let mut chosen: Vec<Option<usize>> = vec![None; self.nodes.len()];
        (0..).zip(places).for_each(|(number, &place)| chosen[place as usize] = Some(number));
        let (mut urls, mut files) = (vec![0_u64; places.len()], vec![BTreeSet::new(); places.len().min(NAMED)]);
        for (place, node) in self.nodes.iter().enumerate() {
            chosen[place] = chosen[place].or_else(|| chosen[node.parent? as usize]);
            chosen[place].into_iter().for_each(|number| urls[number] += node.urls);
        }
        for (place, file) in &self.files {
            let Some(number) = chosen[*place as usize] else { continue };
            touched.insert(file);
            files.get_mut(number).into_iter().for_each(|files| _ = files.insert(file));
        }
        for (number, &place) in places.iter().enumerate() {
            let (name, node) = (&self.names[place as usize], &self.nodes[place as usize]);
            if let Some(files) = files.get(number).filter(|_| all.largest.len() < NAMED) {
                let named = files.iter().take(NAMED).map(|file| Arc::clone(file)).collect();
                let (url, urls, unchanged) = (name.to_string(), urls[number], files.len());
                all.largest.push(CollapsedDirectory { url, urls, unchanged, named });
            }
            let promises = self.promises.iter().filter(|promise| holds(promise, name, node.parent.is_none()));
            let rules: BTreeSet<&Arc<str>> = promises.map(|(_, rule, _)| rule).collect();
            let because = rules.into_iter().map(|rule| Reason { rule: Arc::clone(rule), file: None }).collect();
            all.directories.push((self.lane, Task { subject: Subject::url(&**name), because, ..self.task.clone() }));
            all.urls += urls[number];
        }
    }
}

/// Whether a complete rule knows everything in a directory, and allows that it is refreshed.
fn holds((below, _, allows_everything): &(String, Arc<str>, bool), directory: &str, is_root: bool) -> bool {
    directory.starts_with(below) && (!is_root || *allows_everything)
}

fn is_page(operation: Operation) -> bool {
    matches!(operation, Operation::Refresh(RefreshKind::Url | RefreshKind::AnyQuery))
}

/// The directory that a URL is in, with its `/`.
fn directory(url: &str) -> &str {
    let path = &url[..url.find(['?', '#']).unwrap_or(url.len())];
    &path[..path.rfind('/').map_or(path.len(), |slash| slash + 1)]
}

/// The directory above a directory; `None` for a host's root.
fn above(directory: &str) -> Option<&str> {
    let end = directory.strip_suffix('/')?.rfind('/')? + 1;
    // Not the slashes before the host.
    (!directory[..end].ends_with("//") || directory.find("//") != Some(end - 2)).then(|| &directory[..end])
}
