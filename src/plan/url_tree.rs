//! The directories of planned URLs, with the unchanged URLs among them; which of them take the place of URLs, and what that saves.

use std::cell::LazyCell;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::collapse::{Budget, Directory, cheapest};
use super::lanes::{Lane, Plan};
use super::refusal::refusal;
use crate::mapping::{self, Rule, url};
use crate::model::{Operation, PurgeMode, Quota, Reason, RefreshKind, RepoPath, Subject, TargetName, Task};

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
        if trees.is_empty() {
            return None;
        }
        let tasks = plan.lanes.iter().flat_map(|lane| &lane.tasks);
        let reasons = tasks.flat_map(|planned| &planned.task.because);
        let planned = reasons.filter_map(|reason| reason.file.clone()).collect();
        Some(Self { trees, planned })
    }

    /// Takes all files that are served, changed or not, in any order.
    pub fn add_files(&mut self, mut files: Vec<RepoPath>, plan: &Plan, rules: &[Rule]) {
        files.sort_unstable();
        files.dedup();
        files.retain(|file| !self.planned.contains(file));
        let trees = &mut self.trees;
        // A URL may come from several files and rules, and counts once.
        let pages = plan
            .lanes
            .iter()
            .flat_map(|lane| &lane.tasks)
            .map(|planned| &planned.task)
            .filter(|task| task.operation.refreshes_a_page());
        let planned: LazyCell<HashSet<_>, _> =
            LazyCell::new(|| pages.map(|task| (&*task.target, &*task.subject.value)).collect());
        let mut unchanged: HashSet<(TargetName, String)> = HashSet::new();
        mapping::for_each_refresh(&files, rules, true, &mut |task| {
            let url = &*task.subject.value;
            if !task.operation.refreshes_a_page() {
                return;
            }
            let mut is_new = None;
            for tree in trees.iter_mut().filter(|tree| tree.task.target == task.target) {
                let Some(place) = tree.touched(url).filter(|_| !planned.contains(&(&*task.target, url))) else {
                    continue;
                };
                let is_new = is_new.get_or_insert_with(|| unchanged.insert((Arc::clone(&task.target), url.to_owned())));
                tree.nodes[place as usize].unchanged += u64::from(*is_new);
                tree.files.extend(task.because.iter().filter_map(|reason| Some((place, reason.file.clone()?))));
            }
        });
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
        all.largest.sort_by_key(|directory| Reverse(directory.urls));
        all.largest.truncate(NAMED);
        all.unchanged = touched.len();
        (!all.directories.is_empty()).then_some(all)
    }

    /// The directories of these that take the place of URLs, as an earlier run decided. Which unchanged files lie below them isn't
    /// needed for it: without [`UrlTree::add_files`] there are none.
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
        // Where a provider has both, they are the same request.
        let mut kinds = [RefreshKind::Prefix, RefreshKind::Directory].map(Operation::Refresh).into_iter();
        let Some(operation) = kinds.find(covers) else { return Vec::new() };
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
            let node = tree.node(url::directory(&task.subject.value));
            tree.nodes[node as usize].urls += 1;
        }
        let mut urls = url::Checker::default();
        for tree in &mut trees {
            for (node, name) in tree.nodes.iter_mut().zip(&tree.names) {
                let task = Task { subject: Subject::url(&**name), ..tree.task.clone() };
                let is_promised = tree.promises.iter().any(|promise| holds(promise, name, node.parent.is_none()));
                node.is_allowed =
                    is_promised && !there.contains(&**name) && refusal(&task, &lane.target, &mut urls).is_none();
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

    /// The deepest directory with planned URLs that a URL is in, if one that may be refreshed is that one or above it.
    fn touched(&self, url: &str) -> Option<u32> {
        let directories = std::iter::successors(Some(url::directory(url)), |directory| above(directory));
        let deepest = directories.filter_map(|name| self.known.get(name).copied()).next()?;
        let parent = |place: &u32| self.nodes[*place as usize].parent;
        let mut places = std::iter::successors(Some(deepest), parent);
        places.any(|place| self.nodes[place as usize].is_allowed).then_some(deepest)
    }

    /// Adds directories that take the place of URLs, of which the first are described, and the unchanged files below them.
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
            if let Some(files) = files.get(number) {
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

/// The directory above a directory; `None` for a host's root.
fn above(directory: &str) -> Option<&str> {
    let end = directory.strip_suffix('/')?.rfind('/')? + 1;
    // Not the slashes before the host.
    (!directory[..end].ends_with("//") || directory.find("//") != Some(end - 2)).then(|| &directory[..end])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{free, task};
    use super::*;
    use crate::model::QuotaEntry;

    const DIRECTORY: Operation = Operation::Refresh(RefreshKind::Directory);

    fn rule(files: &str, url: &str, complete: bool) -> Rule {
        let rule = mapping::tests::rule(files, &[files], &[url]);
        Rule { targets: vec!["site".into()], prefetch: false, complete, ..rule }
    }

    fn quota(urls: u64, directories: u64) -> Quota {
        let entry = |(operation, remaining)| QuotaEntry { operation, limit: 10_000, remaining };
        Quota { entries: [(URL, urls), (DIRECTORY, directories)].into_iter().map(entry).collect() }
    }

    fn files(paths: &[&str]) -> Vec<RepoPath> {
        paths.iter().map(|path| RepoPath::new(*path)).collect()
    }

    /// The plan of changed files, with the tree of its URLs.
    fn planned(rules: &[Rule], changed: &[&str], all: &[&str]) -> (Plan, Option<UrlTree>) {
        let plan = free(mapping::refreshes(&files(changed), rules, false));
        let mut tree = UrlTree::new(&plan, rules);
        tree.iter_mut().for_each(|tree| tree.add_files(files(all), &plan, rules));
        (plan, tree)
    }

    /// The directories that take the place of URLs, and the numbers of URLs and of unchanged files.
    fn collapsed(rules: &[Rule], changed: &[&str], all: &[&str], quota: &Quota) -> (Vec<String>, u64, usize) {
        let (plan, tree) = planned(rules, changed, all);
        let found = tree.and_then(|tree| tree.collapse(&plan, (&[0], quota), 2, None, false)).unwrap_or_default();
        let urls = found.directories.iter().map(|(_, task)| task.subject.value.clone());
        (urls.collect(), found.urls, found.unchanged)
    }

    const CHANGED: [&str; 5] = ["docs/a/1", "docs/a/2", "docs/b/1", "docs/b/2", "docs/b/3"];

    #[test]
    fn directories_are_chosen_where_everything_is_known_and_no_higher() {
        let rules =
            [rule("docs/**", "https://a.test/d/{tail}", true), rule("other/**", "https://a.test/{tail}", false)];
        let all = [&CHANGED[..], &["docs/old", "other/x", "unknown"]].concat();
        let one = |urls| collapsed(&rules, &CHANGED, &all, &quota(urls, 10));
        assert_eq!(one(5), (vec![], 0, 0), "they fit");
        assert_eq!(one(4), (vec!["https://a.test/d/".into()], 5, 1));
        // Without the promise, and with URLs of another rule above, nothing is.
        let none = [rule("docs/**", "https://a.test/d/{tail}", false)];
        assert_eq!(collapsed(&none, &CHANGED, &all, &quota(0, 10)), (vec![], 0, 0));
        // The fixed beginning of the URLs is the host, whose root is left out.
        let root = [rule("docs/**", "https://a.test/{tail}", true)];
        let below = vec!["https://a.test/b/".to_owned(), "https://a.test/a/".to_owned()];
        assert_eq!(collapsed(&root, &CHANGED, &all, &quota(0, 10)), (below.clone(), 5, 0));
        let allowed = [Rule { allow_everything: true, ..rule("docs/**", "https://a.test/{tail}", true) }];
        assert_eq!(collapsed(&allowed, &CHANGED, &all, &quota(0, 10)), (vec!["https://a.test/".into()], 5, 1));
        // One directory is left of the quota: that with the most URLs.
        assert_eq!(collapsed(&root, &CHANGED, &all, &quota(2, 1)), (below[..1].to_vec(), 3, 0));
    }

    #[test]
    fn unchanged_files_of_every_rule_count_wherever_their_urls_are() {
        let rules = [
            rule("docs/**", "https://a.test/d/{tail}", true),
            Rule { immutable: true, ..rule("static/**", "https://a.test/d/a/{tail}", false) },
        ];
        let all = [&CHANGED[..], &["static/x/1", "static/x/2", "static/3", "static/4", "static/5"]].concat();
        // More than two for each changed one in `a`; not in the directory above.
        let only = collapsed(&rules, &CHANGED[..2], &all[..], &quota(1, 10));
        assert_eq!(only, (vec![], 0, 0));
        assert_eq!(collapsed(&rules, &CHANGED, &all, &quota(1, 10)), (vec!["https://a.test/d/".into()], 5, 5));
    }

    #[test]
    fn a_url_of_several_files_and_rules_counts_once() {
        let page = |files| rule(files, "https://a.test/d/{dir}/{stem}", true);
        let rules = [page("docs/**"), page("docs/*/*.html")];
        let all = ["docs/a/1.html", "docs/a/1.png", "docs/a/2.html", "docs/a/2.png", "docs/a/3.html", "docs/a/3.png"];
        let one = collapsed(&rules, &all[..1], &all, &quota(0, 10));
        assert_eq!(
            one,
            (vec!["https://a.test/d/docs/a/".into()], 1, 4),
            "2 unchanged URLs of 4 files for a changed one"
        );
    }

    #[test]
    fn the_largest_directories_are_described_whichever_purge_mode_they_have() {
        let hard = Rule { mode: PurgeMode::Hard, ..rule("big/**", "https://b.test/{tail}", true) };
        let rules = [rule("docs/**", "https://a.test/{tail}", true), hard];
        let small: Vec<String> = (0..6).map(|number| format!("docs/{}/{number}", number / 2)).collect();
        let big: Vec<String> = (0..5).map(|number| format!("big/x/{number}")).collect();
        let changed: Vec<&str> = small.iter().chain(&big).map(String::as_str).collect();
        let (plan, tree) = planned(&rules, &changed, &changed);
        let found = tree.unwrap().collapse(&plan, (&[0], &quota(0, 10)), 2, None, false).unwrap();
        let described: Vec<(&str, u64)> = found.largest.iter().map(|one| (&*one.url, one.urls)).collect();
        assert_eq!((found.directories.len(), described.len(), described[0]), (4, 3, ("https://b.test/x/", 5)));
    }

    #[test]
    fn a_plan_takes_directories_and_stays_the_same_plan() {
        let rules = [rule("docs/**", "https://a.test/d/{tail}", true)];
        let (mut plan, tree) = planned(&rules, &CHANGED, &CHANGED);
        let mut fetched = free(vec![task(Operation::Prefetch, "https://a.test/d/a/1")]).lanes.remove(0).tasks;
        fetched[0].rank = 7;
        plan.lanes[0].tasks.append(&mut fetched);
        let (digest, tree) = (plan.digest().to_owned(), tree.unwrap());
        let found = tree.collapse(&plan, (&[0], &quota(1, 10)), 2, None, false).unwrap();
        let decided =
            found.directories.iter().map(|(lane, task)| (*lane as u16, task.mode, task.subject.value.clone()));
        let mut decided: BTreeSet<_> = decided.collect();
        plan.take(found, None);
        let lane = &plan.lanes[0];
        assert_eq!((lane.cost(URL), lane.cost(DIRECTORY), plan.digest()), (0, 1, &*digest));
        let last = lane.tasks.last().unwrap();
        assert_eq!((last.rank, &*last.after), (7, &[5][..]), "it waits for the directory");
        // A journal that somebody else wrote can't name directories that the rules don't allow.
        decided.insert((0, PurgeMode::Default, "https://a.test/".into()));
        decided.insert((0, PurgeMode::Hard, "https://a.test/d/".into()));
        let again = tree.again(&decided);
        assert_eq!((again.directories.len(), &*again.directories[0].1.subject.value), (1, "https://a.test/d/"));
    }
}
