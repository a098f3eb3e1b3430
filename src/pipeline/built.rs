//! The main job on a built directory: compares it with its manifest, and writes the manifest of what the caches hold afterwards.
//!
//! The manifest is written twice. Before the first request the changed files are marked: if the run is killed, the next one
//! refreshes them whatever they are then. After the run it gets the new digests of the files whose refreshes are done; the others
//! keep their former digest and the mark.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::job::Job;
use super::own_thread::apart;
use crate::ci::{Console, Redactor, Severity, files};
use crate::config::{DirectoryOptions, LogLevel, ManifestSource, ManifestTrust, Mode, Settings, WithoutManifest};
use crate::directory::{
    self, BuiltFiles, Comparison, Counts, Entry, Header, ListedFile, Lock, Manifest, Run, Site, compare,
    compare_listing, read_listing, reproducible,
};
use crate::error::Error;
use crate::exec::journal::Identity;
use crate::freshness::{Expected, FileVersion, Wanted};
use crate::git::{self, Range};
use crate::mapping::{self, Mapped, Overrides, SavedRules};
use crate::model::{Change, ChangeKind, EntryKind, Operation, RepoPath, Subject, TargetName, Task};
use crate::plan::{self, Limits};
use crate::report::{BuiltOrigin, Report};
use crate::text::format::{counted, duration, grouped};

/// For so long the same command continues a journal.
const CONTINUED: Duration = Duration::from_hours(2);

/// A built directory, and what becomes of its manifest.
pub(super) struct BuiltSite {
    /// The manifest's commit and this one, where both are known.
    pub(super) range: Option<Range>,
    pub(super) changed_files: usize,
    /// For the report.
    pub(super) origin: BuiltOrigin,
    /// Rules of the manifest that may refresh a whole host.
    pub(super) former_roots: Vec<Arc<str>>,
    directory: String,
    files: BuiltFiles,
    /// Where the manifest is kept.
    store: Option<PathBuf>,
    /// What the caches may have held before this run.
    before: Before,
    /// The name of the manifest that is in the store, as far as this run knows.
    stored: Option<String>,
    /// About this run, for its manifest.
    header: Header,
    counts: Counts,
    /// Below the directory: the files that differ.
    changed: HashSet<Box<[u8]>>,
    /// Refreshes by the rules of the manifest, or by new ones of files that haven't changed.
    moved: HashSet<(TargetName, Operation, Subject)>,
    /// A copy of the manifest of before the run, for a run that continues this one.
    copy: PathBuf,
    /// Keeps other runs of this machine from the manifest.
    _lock: Option<Lock>,
}

/// What a build is compared with.
enum Before {
    /// The manifest, as it was read or, where there was none, without files.
    Manifest(Box<Manifest>),
    Listing(Vec<ListedFile>),
    /// Nothing is known: every file counts as changed.
    Nothing,
    /// Nothing is known, and the caches are taken for fresh.
    Adopted,
}

impl Before {
    fn entries(&self) -> &[Entry] {
        match self {
            Self::Manifest(manifest) => &manifest.entries,
            Self::Listing(_) | Self::Nothing | Self::Adopted => &[],
        }
    }

    fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Manifest(manifest) => Some(&**manifest),
            Self::Listing(_) | Self::Nothing | Self::Adopted => None,
        }
    }
}

/// Compares the built directory, and maps what differs.
///
/// # Errors
/// A directory or a manifest that can't be used, and a missing manifest if nobody says what that means.
pub(super) async fn find(
    job: &Job<'_>,
    options: &DirectoryOptions,
    overrides: Overrides,
    console: &mut Console,
) -> Result<(BuiltSite, Mapped), Error> {
    let settings = job.settings;
    let root = git::root(&settings.repository);
    let directory = below(&root, &options.directory);
    let (store, listing) = match &options.manifest {
        ManifestSource::File(path) => (Some(root.join(path)), None),
        ManifestSource::Listing(path) => (None, Some(root.join(path))),
        ManifestSource::None => (None, None),
    };
    for path in store.iter().chain(&listing) {
        files::refuse_links(path)?;
        if settings.mode == Mode::Real && path.exists() {
            git::trusted(path, job.environment)?;
        }
    }
    let lock = match &store {
        Some(store) if settings.mode == Mode::Real => {
            files::refuse_links(&Lock::file_for(store))?;
            Some(Lock::take(store)?)
        }
        _ => None,
    };
    let site = Site::of(&directory, job.environment);
    let (stored, before, files) = gather(job, options, &root, site.clone(), store.clone(), listing).await?;
    let header = Header {
        program: concat!("cdn-purge ", env!("CARGO_PKG_VERSION")).to_owned(),
        algorithm: "sha256".to_owned(),
        created: job.started,
        site,
        commit: git::head_commit(&settings.repository, job.environment),
        run: Run::of(job.environment),
        previous: stored.clone(),
        build: files.build.clone(),
        hosts: settings.rules.iter().flat_map(mapping::Rule::hosts).collect::<BTreeSet<_>>().into_iter().collect(),
        targets: targets(settings),
        rules: mapping::save(&settings.rules),
    };
    let copy = match &settings.journal {
        Some(journal) => {
            let mut name = journal.as_os_str().to_owned();
            name.push(".manifest");
            PathBuf::from(name)
        }
        None => {
            let name = format!("cdn-purge-{}.manifest", &files.build[..16]);
            console.host().state_folder(job.environment).join(name)
        }
    };
    if files.files.is_empty() && !options.allow_shrink {
        return Err(directory::empty(&directory));
    }
    if matches!(before, Before::Nothing) && store.is_some() && options.without_manifest == WithoutManifest::Error {
        let path = store.as_deref().unwrap_or(Path::new(""));
        return Err(no_manifest(settings, path, &directory, &files));
    }
    let mut built = BuiltSite {
        range: None,
        changed_files: 0,
        origin: BuiltOrigin::default(),
        former_roots: Vec::new(),
        directory,
        files,
        store,
        before,
        stored,
        header,
        counts: Counts::default(),
        changed: HashSet::new(),
        moved: HashSet::new(),
        copy,
        _lock: lock,
    };
    if let Some(manifest) = built.before.manifest() {
        let store = built.store.as_deref().unwrap_or(Path::new(""));
        manifest.check_site(store, &built.header.site)?;
        if !options.rollback {
            manifest.check_run(store, built.header.run.as_ref())?;
        }
    }
    let mut notes = Vec::new();
    let mapped = match built.unfinished(job, overrides, console)? {
        Some(mapped) => {
            notes.push("continuing the run that refreshed this build before".to_owned());
            mapped
        }
        None => built.map(settings, overrides, &mut notes)?,
    };
    let counts = built.counts;
    if let ManifestSource::Listing(listing) = &options.manifest
        && counts.shares_nothing()
        && !options.allow_shrink
    {
        return Err(directory::unrelated(listing, &built.directory, counts.before));
    }
    if counts.is_shrunk() && !options.allow_shrink {
        return Err(directory::shrunk(&built.directory, counts.files, counts.before));
    }
    built.describe(job, options);
    console.note(LogLevel::Normal, &built.origin.summary);
    for note in notes {
        console.announce(Severity::Warning, &note);
    }
    if let Some(manifest) = built.before.manifest() {
        let commit = built.header.commit.as_deref();
        let note = reproducible::note(&counts, &manifest.header, commit, job.started, &built.files.files);
        note.iter().for_each(|note| console.announce(Severity::Warning, note));
    }
    Ok((built, mapped))
}

/// Reads the manifest or the listing, and the files. Apart, because a disk may be slow, and a signal must be heard meanwhile.
async fn gather(
    job: &Job<'_>,
    options: &DirectoryOptions,
    root: &Path,
    site: Site,
    store: Option<PathBuf>,
    listing: Option<PathBuf>,
) -> Result<(Option<String>, Before, BuiltFiles), Error> {
    let (root, now, trust, without) = (root.to_owned(), job.started, options.trust, options.without_manifest);
    let prefix = options.listing_prefix.clone();
    apart(move || {
        let directory = &site.directory;
        if let Some(listing) = listing {
            let listed = read_listing(&listing, &prefix)?;
            let files = directory::find(&root, directory)?.read_for_listing(&listed, now)?;
            return Ok((None, Before::Listing(listed), files));
        }
        let (manifest, found) = std::thread::scope(|scope| {
            let manifest = scope.spawn(|| store.as_deref().map(Manifest::read).transpose());
            let found = directory::find(&root, directory);
            (manifest.join().expect("reading a manifest doesn't panic"), found)
        });
        let (manifest, found) = (manifest?.flatten(), found?);
        let trusted = manifest.as_ref().filter(|_| trust == ManifestTrust::Mtime);
        let files = found.read(trusted, now)?;
        let stored = manifest.as_ref().map(|manifest| manifest.id.clone());
        let before = match manifest {
            Some(manifest) => Before::Manifest(Box::new(manifest)),
            None if store.is_some() && without == WithoutManifest::Adopt => Before::Adopted,
            None => Before::Nothing,
        };
        Ok((stored, before, files))
    })
    .await
}

/// The directory from the repository's root, also where it is given as an absolute path.
fn below(root: &Path, directory: &str) -> String {
    let inside = Path::new(directory).strip_prefix(root).ok().and_then(Path::to_str);
    inside.filter(|inside| !inside.is_empty()).unwrap_or(directory).to_owned()
}

fn targets(settings: &Settings) -> BTreeMap<String, String> {
    let target = |target: &crate::config::Target| (target.name.to_string(), target.provider.name.to_owned());
    settings.targets.iter().map(target).collect()
}

impl BuiltSite {
    /// 64 hex digits over the built files.
    pub(super) fn build(&self) -> &str {
        &self.files.build
    }

    /// The paths of the built files, and of those of the manifest, from the repository's root.
    pub(super) fn paths(&self) -> impl Iterator<Item = RepoPath> {
        let built = self.files.files.iter().map(|file| &file.path);
        built.chain(self.before.entries().iter().map(|entry| &entry.path)).map(|path| self.full(path))
    }

    /// What the URL of a file should serve, and what the caches may hold of it.
    pub(super) fn expected(&self, path: &RepoPath) -> Expected {
        let version = |digest: &directory::Digest, size| match digest {
            directory::Digest::Sha256(digest) => Some(FileVersion::known(size, digest)),
            directory::Digest::Md5(digest) => Some(FileVersion::listed(size, *digest)),
            directory::Digest::Sha1(_) => None,
        };
        let Some(short) = self.short(path) else {
            let why = format!("its file isn't in `{}`", self.directory);
            return Expected { wanted: Wanted::Unknown(why), former: Vec::new() };
        };
        let (files, entries) = (&self.files.files, self.before.entries());
        let wanted = match files.binary_search_by(|file| (*file.path).cmp(short)) {
            Ok(place) => match version(&files[place].digest, files[place].size) {
                Some(version) => Wanted::File(vec![version]),
                None => Wanted::Unknown("its file is known by a SHA-1 alone".to_owned()),
            },
            Err(_) => Wanted::Gone,
        };
        let before = entries.binary_search_by(|entry| (*entry.path).cmp(short)).ok();
        let before = before.and_then(|place| entries[place].content);
        let former = before.and_then(|(digest, size)| version(&digest, size)).into_iter().collect();
        Expected { wanted, former }
    }

    fn comparison(&self) -> Comparison {
        match &self.before {
            Before::Manifest(manifest) => compare(&manifest.entries, &self.files.files, &self.directory),
            Before::Listing(listed) => compare_listing(listed, &self.files.files, &self.directory),
            Before::Nothing => compare(&[], &self.files.files, &self.directory),
            Before::Adopted => Comparison::default(),
        }
    }

    fn full(&self, path: &[u8]) -> RepoPath {
        RepoPath::new([self.directory.as_bytes(), b"/", path].concat())
    }

    /// A path without the directory.
    fn short<'p>(&self, path: &'p RepoPath) -> Option<&'p [u8]> {
        path.as_bytes().strip_prefix(self.directory.as_bytes())?.strip_prefix(b"/")
    }

    /// Maps what differs from the manifest, and remembers it.
    fn map(&mut self, settings: &Settings, overrides: Overrides, notes: &mut Vec<String>) -> Result<Mapped, Error> {
        let comparison = self.comparison();
        let mut mapped = mapping::map(&comparison.changes, &settings.rules, overrides);
        mapped.broken_promises.retain(|(_, file)| !comparison.repeated.contains(file));
        let missing = comparison.unprefetched.iter().map(|path| Change {
            path: path.clone(),
            kind: ChangeKind::Added,
            entry: EntryKind::File,
        });
        let prefetches = Overrides { refresh: Some(false), ..overrides };
        mapped.tasks.extend(mapping::map(&missing.collect::<Vec<_>>(), &settings.rules, prefetches).tasks);
        let mut changed: HashSet<RepoPath> = HashSet::new();
        for change in &comparison.changes {
            changed.insert(change.path.clone());
            if let ChangeKind::Renamed { from } = &change.kind {
                changed.insert(from.clone());
            }
        }
        self.counts = comparison.counts;
        self.changed_files = comparison.changes.len();
        self.changed = changed.iter().filter_map(|path| self.short(path)).map(Box::from).collect();
        self.moved.clear();
        if overrides.refresh != Some(false) {
            mapped.tasks.extend(self.moved_tasks(settings, &changed, notes)?);
        }
        Ok(mapped)
    }

    /// What a change of the rules makes stale: URLs that only the manifest's rules give, and URLs of files that haven't changed
    /// that only today's rules give, since nobody knows what the caches hold of them.
    fn moved_tasks(
        &mut self,
        settings: &Settings,
        changed: &HashSet<RepoPath>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Task>, Error> {
        let Some(manifest) = self.before.manifest() else { return Ok(Vec::new()) };
        let former = &manifest.header;
        if former.rules == self.header.rules && former.targets == self.header.targets {
            return Ok(Vec::new());
        }
        let store = self.store.as_deref().unwrap_or(Path::new(""));
        let saved = SavedRules::parse(&former.rules).map_err(|why| directory::unreadable_rules(store, &why))?;
        let is_kept = |task: &Task| {
            let name = &*task.target;
            former.targets.get(name).is_some_and(|provider| self.header.targets.get(name) == Some(provider))
        };
        let key = |task: &Task| (Arc::clone(&task.target), task.operation, task.subject.clone());
        let before: Vec<RepoPath> = manifest.entries.iter().map(|entry| self.full(&entry.path)).collect();
        let built: Vec<RepoPath> = self.files.files.iter().map(|file| self.full(&file.path)).collect();
        let both: BTreeSet<RepoPath> = before.iter().chain(&built).cloned().collect();
        let both: Vec<RepoPath> = both.into_iter().collect();
        let known: HashSet<_> = mapping::refreshes(&both, &settings.rules, true).iter().map(key).collect();
        let mut old = mapping::refreshes(&before, &saved.rules, false);
        let is_of_changed = |task: &Task| {
            task.because.iter().filter_map(|reason| reason.file.as_deref()).any(|file| changed.contains(file))
        };
        let (mut lost, mut gone, mut refreshed) = (BTreeMap::<String, usize>::new(), Vec::new(), HashSet::new());
        for task in old.drain(..) {
            let is_stale = !known.contains(&key(&task)) && (task.operation.refreshes_a_page() || is_of_changed(&task));
            if !is_kept(&task) {
                *lost.entry(task.target.to_string()).or_default() += 1;
                continue;
            }
            refreshed.insert(key(&task));
            if is_stale {
                gone.push(task);
            }
        }
        let new = mapping::refreshes(&built, &settings.rules, false).into_iter();
        let new: Vec<Task> = new
            .filter(|task| task.operation.refreshes_a_page() && !refreshed.contains(&key(task)) && !is_of_changed(task))
            .collect();
        for (target, count) in lost {
            notes.push(format!(
                "{} that the caches of the target `{target}` may hold can't be purged: it isn't configured any more, or with another \
                 provider",
                counted(count, "URL", "URLs")
            ));
        }
        let distinct = |tasks: &[Task]| tasks.iter().map(key).collect::<HashSet<_>>().len();
        if !gone.is_empty() || !new.is_empty() {
            notes.push(format!(
                "the rules changed since {}: {} that they no longer give, and {} that are new for unchanged files, are purged too",
                manifest.origin(),
                counted(distinct(&gone), "URL", "URLs"),
                grouped(distinct(&new))
            ));
        }
        self.former_roots =
            saved.rules.iter().filter(|rule| rule.allow_everything).map(|rule| Arc::clone(&rule.name)).collect();
        self.moved = gone.iter().chain(&new).map(key).collect();
        gone.extend(new);
        Ok(gone)
    }

    /// The plan of an unfinished run of the same build, if its journal can be continued: what of it is done isn't planned again
    /// otherwise, and no other plan fits the journal.
    fn unfinished(&mut self, job: &Job<'_>, overrides: Overrides, console: &Console) -> Result<Option<Mapped>, Error> {
        let settings = job.settings;
        let Some(manifest) = self.before.manifest().filter(|manifest| manifest.header.build == self.files.build) else {
            return Ok(None);
        };
        // A copy that can't be read only means that there is nothing to continue.
        let Ok(Some(copy)) = Manifest::read(&self.copy) else { return Ok(None) };
        let follows = match &manifest.header.previous {
            Some(previous) => *previous == copy.id,
            None => copy.entries.is_empty(),
        };
        if !follows || copy.header.site != manifest.header.site {
            return Ok(None);
        }
        let current = std::mem::replace(&mut self.before, Before::Manifest(Box::new(copy)));
        let mapped = self.map(settings, overrides, &mut Vec::new())?;
        let again = Mapped { tasks: mapped.tasks.clone(), ..Mapped::default() };
        let mut limits = Limits::of(settings);
        limits.roots_allowed.extend(self.former_roots.iter().cloned());
        let plan = plan::make(again, &settings.targets, &limits)?;
        let identity =
            Identity { plan: plan.digest().to_owned(), head: Some(self.files.build.clone()), lanes: Vec::new() };
        let age = files::age(&job.state_file(console, &identity));
        if age.is_some_and(|age| settings.resume || age < CONTINUED) {
            return Ok(Some(mapped));
        }
        self.before = current;
        Ok(None)
    }

    /// What the report says about it.
    fn describe(&mut self, job: &Job<'_>, options: &DirectoryOptions) {
        let counts = &self.counts;
        let words = match &self.before {
            Before::Manifest(manifest) => {
                let age = job.started.duration_since(manifest.header.created);
                let age = duration(Duration::try_from(age).unwrap_or_default());
                format!("{} since {}, {age} ago", counts.words(), manifest.origin())
            }
            Before::Listing(_) => format!("{}, by the listing of the store", counts.words()),
            Before::Nothing if self.store.is_some() => {
                format!(
                    "{}: there is no manifest, and `without-manifest` is `all`",
                    counted(counts.files, "file", "files")
                )
            }
            Before::Nothing => format!("{}, all of which count as changed", counted(counts.files, "file", "files")),
            Before::Adopted => format!(
                "{}: there is no manifest, and `without-manifest` is `adopt`, so the caches are taken for fresh",
                counted(self.files.files.len(), "file", "files")
            ),
        };
        let trusted = match (options.trust, self.files.trusted) {
            (ManifestTrust::Digest, _) => String::new(),
            (ManifestTrust::Mtime, count) => format!("; {} by their times", grouped(count)),
        };
        let read = self.before.manifest().map(|manifest| manifest.id.clone());
        self.origin = BuiltOrigin {
            directory: self.directory.clone(),
            summary: format!("`{}`: {words}{trusted}", self.directory),
            read,
            written: None,
        };
        let base = self.before.manifest().and_then(|manifest| manifest.header.commit.clone());
        self.range = self.header.commit.clone().map(|head| Range { base, head, reason: self.origin.summary.clone() });
    }

    /// Marks the changed files in the manifest before anything is sent.
    ///
    /// # Errors
    /// The manifest can't be written, or another run wrote it meanwhile.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        let Some(store) = self.store.clone() else { return Ok(()) };
        let copied = match self.before.manifest() {
            Some(manifest) => Manifest::write(&self.copy, &manifest.header, &manifest.entries)?,
            None => Manifest::write(&self.copy, &self.header, &[])?,
        };
        files::refuse_links(&self.copy)?;
        files::replace(&self.copy, &Redactor::default(), |file| file.write_all(&copied.bytes))?;
        let changed: HashSet<&[u8]> = self.changed.iter().map(AsRef::as_ref).collect();
        let entries = Entry::after(self.before.entries(), &self.files.files, &changed, &HashSet::new());
        self.write(&store, &entries, true)
    }

    /// Writes what the caches hold after the run.
    ///
    /// # Errors
    /// The manifest can't be written, or another run wrote it meanwhile.
    pub(super) fn finish(&mut self, job: &Job<'_>, report: &mut Report<'_>) -> Result<(), Error> {
        let Some(store) = self.store.clone() else { return Ok(()) };
        let left: Vec<&Task> = report.unfinished().collect();
        let files_of = |refreshes: bool| {
            let tasks = left.iter().filter(move |task| (task.operation != Operation::Prefetch) == refreshes);
            let files = tasks.flat_map(|task| task.because.iter().filter_map(|reason| reason.file.as_deref()));
            files.filter_map(|file| self.short(file)).collect::<HashSet<&[u8]>>()
        };
        let (mut unrefreshed, unprefetched) = (files_of(true), files_of(false));
        if job.settings.refresh == Some(false) {
            unrefreshed.extend(self.changed.iter().map(|path| &**path));
        }
        let keeps_rules = job.settings.refresh == Some(false)
            || left
                .iter()
                .any(|task| self.moved.contains(&(Arc::clone(&task.target), task.operation, task.subject.clone())));
        let entries = Entry::after(self.before.entries(), &self.files.files, &unrefreshed, &unprefetched);
        let is_done = left.is_empty();
        self.write(&store, &entries, keeps_rules)?;
        if is_done {
            files::remove(&self.copy);
        }
        report.set_manifest(self.stored.clone().unwrap_or_default());
        Ok(())
    }

    /// Another run wrote the manifest while this one was at work. It stays, but for the files that this run changes: they are marked, since
    /// the caches may hold what either run deployed.
    fn overtaken(&self, store: &Path) -> Result<Error, Error> {
        let mut other = "a run that removed it".to_owned();
        if let Some(manifest) = Manifest::read(store)? {
            other = manifest.origin();
            let entries = Entry::also_changed_by(&manifest.entries, &self.changed);
            let header = Header { previous: Some(manifest.id), ..manifest.header };
            let written = Manifest::write(store, &header, &entries)?;
            files::replace(store, &Redactor::default(), |file| file.write_all(&written.bytes))?;
        }
        Ok(Error::Overtaken {
            message: format!(
                "the manifest `{}` is of {other}, which deployed while this run was at work: what the caches hold of both isn't known",
                store.display()
            ),
            help: "the next run purges what this one changed again; let one deployment run at a time".into(),
        })
    }

    /// Puts a manifest into the store in place of the one that this run knows.
    fn write(&mut self, store: &Path, entries: &[Entry], keeps_rules: bool) -> Result<(), Error> {
        let mut header = self.header.clone();
        header.previous =
            self.before.manifest().filter(|manifest| !manifest.entries.is_empty()).map(|one| one.id.clone());
        if let Some(former) = self.before.manifest().map(|manifest| &manifest.header).filter(|_| keeps_rules) {
            header.rules.clone_from(&former.rules);
            header.targets.clone_from(&former.targets);
            header.hosts.clone_from(&former.hosts);
        }
        let written = Manifest::write(store, &header, entries)?;
        if Manifest::id_in(store)? != self.stored {
            return Err(self.overtaken(store)?);
        }
        files::replace(store, &Redactor::default(), |file| file.write_all(&written.bytes))?;
        self.stored = Some(written.id);
        Ok(())
    }
}

/// There is no manifest, and nobody says what that means: the choices, with their cost.
fn no_manifest(settings: &Settings, store: &Path, directory: &str, files: &BuiltFiles) -> Error {
    let comparison = compare(&[], &files.files, directory);
    let mapped = mapping::map(&comparison.changes, &settings.rules, Overrides::default());
    let limits = Limits {
        roots_allowed: settings.rules.iter().map(|rule| Arc::clone(&rule.name)).collect(),
        ..Limits::default()
    };
    let mut costs = Vec::new();
    let mut sum = 0;
    if let Ok(plan) = plan::make(mapped, &settings.targets, &limits) {
        for lane in &plan.lanes {
            for operation in Operation::ALL {
                let cost = lane.cost(operation);
                sum += cost;
                if cost == 0 {
                    continue;
                }
                let quota = lane.daily_quota(operation).map(|quota| format!(" of {} a day", grouped(quota)));
                costs.push(format!(
                    "{}{} {} at `{}`",
                    grouped(cost),
                    quota.unwrap_or_default(),
                    operation.unit(),
                    lane.target.name
                ));
            }
        }
    }
    let cap = settings.max_urls.filter(|most| sum > *most).map(|most| format!(", more than `max-urls: {most}` allows"));
    let costs = if costs.is_empty() { "nothing, as no rule matches a file".to_owned() } else { costs.join(", ") };
    Error::Checkout {
        message: format!(
            "there is no manifest `{}`, so it isn't known what the CDN holds of the {} in `{directory}`",
            store.display(),
            counted(files.files.len(), "file", "files")
        ),
        help: format!(
            "if it was lost, restore it from the CI's cache or artifact; else set `without-manifest` for this run: `all` purges every file \
             ({costs}{}), `adopt` purges nothing and takes the caches for fresh, `error` is this stop",
            cap.unwrap_or_default()
        ),
    }
}
