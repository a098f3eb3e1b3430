//! Fetches missing commits into a temporary folder: one commit's directories, or enough of the history to find a merge base.
//!
//! The repository itself stays byte for byte as it was. libgit2 can't leave out file contents (`filter`), so this is a client of
//! our own for git's protocol version 2 over HTTP.

use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid};

use crate::environment::Environment;
use crate::error::Error;

use super::errors::{self, Distance};
use super::history::MergeBase;
use super::io::Fetching;
use super::range::{Base, Commit, Decision, Head, Host};
use super::repository::{Peeled, RemoteSettings, Repository};
use super::time_limit::Reader;
use super::{oid, workspace};

use self::remote::{Remote, Settings};
use self::request::{Filter, Request};
use self::server::{Failure, Server};
use self::store::Store;

mod capabilities;
mod pkt_line;
mod references;
mod remote;
mod request;
mod response;
mod server;
mod store;

/// How many commits deep the history is fetched, round by round, until it shows the merge base. A commit is about 250 bytes on
/// the wire, so the last round is some megabytes.
const DEPTHS: [u32; 5] = [64, 256, 1024, 4096, 16_384];

/// How many contents are asked for in one request.
const MOST_CONTENTS: usize = 1000;

/// Fetches from the repository's remote.
pub(super) struct Fetcher<'a> {
    reader: &'a Reader,
    environment: &'a Environment,
    fetching: &'a Fetching<'a>,
    settings: Option<RemoteSettings>,
    /// The remote, once it was needed.
    source: Option<Source<'a>>,
    store: Option<Store>,
}

/// An open remote.
enum Source<'a> {
    Server(Box<Server<'a>>),
    /// Another repository of this machine, whose objects are read where they are.
    Folder(PathBuf),
}

impl<'a> Fetcher<'a> {
    /// Fetches nothing yet.
    pub(super) fn new(reader: &'a Reader, environment: &'a Environment, fetching: &'a Fetching<'a>) -> Self {
        Self { reader, environment, fetching, settings: None, source: None, store: None }
    }

    /// Fetches the missing commits of a decision, if there is a remote. A base that had to be looked for is replaced by the
    /// commit that was found.
    ///
    /// # Errors
    /// [`Error::Checkout`] for a commit that can't be fetched, with the server's own words.
    pub(super) async fn fetch_missing(&mut self, decision: &mut Decision, checked_out: &Commit) -> Result<(), Error> {
        if !self.fetching.is_on {
            return Ok(());
        }
        let head = match &decision.head {
            Head::CheckedOut => checked_out.id,
            Head::Named(named) => {
                self.commit(named.id, &format!("the commit `{}` (`{}`)", named.id, named.field), checked_out.id)
                    .await?;
                named.id
            }
        };
        let found = match &decision.base {
            Base::Named(named) => {
                let what = format!("the commit `{}` (`{}`)", named.id, named.field);
                return self.commit(named.id, &what, head).await;
            }
            Base::Parent(parent) => return self.commit(*parent, &format!("the parent commit `{parent}`"), head).await,
            Base::ParentOf(named) => {
                let id = named.id;
                let commit = self.reader.ask(move |clone| clone.peel(id))?;
                return match commit {
                    Peeled::Commit(Commit { parents, .. }) if !parents.is_empty() => {
                        self.commit(parents[0], &format!("the parent commit `{}`", parents[0]), head).await
                    }
                    _ => Ok(()),
                };
            }
            Base::Given(revision) => match self.given(revision, head).await? {
                Some(found) => found,
                None => return Ok(()),
            },
            Base::MergeBaseWithBranch(branch) => {
                let name = branch.clone();
                let (tip, is_shallow) =
                    self.reader.ask(move |clone| Ok((clone.branch_head(&name).ok().flatten(), clone.is_shallow())))?;
                let tip = match tip {
                    Some(_) if !is_shallow => return Ok(()),
                    _ if !self.has_remote()? => return Ok(()),
                    Some(tip) => tip,
                    None => self.branch_head(branch).await?,
                };
                self.merge_base(head, tip, &format!("`{branch}`")).await?
            }
            Base::MergeBaseWith(named) => {
                let id = named.id;
                let is_complete =
                    self.reader.ask(move |clone| Ok(!clone.is_shallow() && clone.has_commit(id).unwrap_or(false)))?;
                if is_complete || !self.has_remote()? {
                    return Ok(());
                }
                self.merge_base(head, id, &format!("`{}`", named.field)).await?
            }
            Base::PreviousTag(_) | Base::MatchingTag(_) | Base::Found(_) | Base::Nothing => return Ok(()),
        };
        self.commit(found, &format!("the commit `{found}`"), head).await?;
        decision.base = Base::Found(found);
        Ok(())
    }

    /// Whether a commit is another one or descends from it, from as little of the history as shows it.
    ///
    /// # Errors
    /// A history that can't be fetched.
    pub(super) async fn descends(&mut self, head: &Commit, other: Oid) -> Result<bool, Error> {
        let what = format!("the way from `{other}` to `{}`", head.id);
        let merge_base = self.history(head.id, other, &what).await?;
        Ok(merge_base == Some(other))
    }

    /// Whether anything can be fetched.
    pub(super) fn can_fetch(&mut self) -> Result<bool, Error> {
        Ok(self.fetching.is_on && self.has_remote()?)
    }

    /// The commit of a revision that a person gave, fetched if it is the id of a commit or the name of a branch or a tag. `None`:
    /// it can't be found elsewhere either.
    async fn given(&mut self, revision: &str, head: Oid) -> Result<Option<Oid>, Error> {
        if let Some(id) = oid::parse(revision) {
            let is_needed = self.reader.ask(move |clone| {
                let is_other = clone.kind(id).is_ok_and(|kind| kind.is_some_and(|kind| kind != ObjectType::Commit));
                Ok(!id.is_zero() && !is_other && !clone.holds(id))
            })?;
            return Ok((is_needed && self.has_remote()?).then_some(id));
        }
        let name = revision.to_owned();
        if let Some(commit) = self.reader.ask(move |clone| clone.given_if_known(&name, "base"))? {
            return Ok(Some(commit.id));
        }
        if !is_name(revision) || !self.has_remote()? {
            return Ok(None);
        }
        let what = format!("the revision `{revision}`");
        let short = revision.strip_prefix("origin/").unwrap_or(revision);
        let names = if revision.starts_with("refs/") {
            vec![revision.to_owned()]
        } else {
            vec![format!("refs/tags/{revision}"), format!("refs/heads/{short}")]
        };
        let found = self.reference(names).await.map_err(|failure| self.failed(&what, failure, Distance::Any))?;
        if let Some(found) = found {
            self.commit(found, &what, head).await?;
        }
        Ok(found)
    }

    /// The settings of the remote. Read only where something is missing: to read all settings takes longer than to read a commit.
    fn settings(&mut self) -> Result<&RemoteSettings, Error> {
        let settings = match self.settings.take() {
            Some(settings) => settings,
            None => self.reader.ask(|clone| Ok(clone.remote()))?,
        };
        Ok(self.settings.insert(settings))
    }

    fn has_remote(&mut self) -> Result<bool, Error> {
        Ok(self.settings()?.url.is_some())
    }

    /// The commit of a branch at the remote.
    ///
    /// # Errors
    /// [`Error::Checkout`] for a remote without it, or without an answer.
    pub(super) async fn branch_head(&mut self, branch: &str) -> Result<Oid, Error> {
        let what = format!("the branch `{branch}`");
        let found = self.reference(vec![format!("refs/heads/{branch}")]).await;
        let found = found.and_then(|tip| tip.ok_or_else(|| "the remote has no such branch".to_owned().into()));
        found.map_err(|failure| self.failed(&what, failure, Distance::Any))
    }

    /// Fetches a commit's directories, if they aren't here.
    async fn commit(&mut self, id: Oid, what: &str, head: Oid) -> Result<(), Error> {
        if self.holds(id)? || !self.has_remote()? {
            return Ok(());
        }
        let distance = if what.starts_with("the parent") { Distance::One } else { Distance::Any };
        let fetched = self.fetch_commit(id, head).await;
        fetched.map_err(|failure| self.failed(what, failure, distance))?;
        self.log_fetched(what);
        Ok(())
    }

    /// Fetches a commit's directories and then the contents of files that aren't here. What the server doesn't send stays absent.
    ///
    /// # Errors
    /// [`Error::Checkout`] for a repository that can't be read.
    pub(super) async fn fetch_contents(&mut self, commit: Oid, head: Oid, paths: &[Vec<u8>]) -> Result<(), Error> {
        if !self.fetching.is_on || !self.has_remote()? {
            return Ok(());
        }
        self.commit(commit, &format!("the commit `{commit}`"), head).await?;
        let paths = paths.to_vec();
        let mut absent = self.reader.ask(move |clone| Ok(clone.absent_contents(commit, &paths)))?;
        absent.sort_unstable();
        absent.dedup();
        let mut fetched = Ok(());
        for contents in absent.chunks(MOST_CONTENTS) {
            let request = Request::contents(contents.to_vec());
            fetched = self.fetch(&request).await;
            if fetched.is_err() {
                break;
            }
        }
        match fetched {
            Ok(()) if absent.is_empty() => {}
            Ok(()) => self.log_fetched(&format!("the contents of {} files", absent.len())),
            Err(failure) => {
                self.fetching.transport.note(&format!("file contents can't be fetched: {}", failure.message));
            }
        }
        Ok(())
    }

    fn holds(&self, id: Oid) -> Result<bool, Error> {
        self.reader.ask(move |clone| Ok(clone.holds(id)))
    }

    async fn fetch_commit(&mut self, id: Oid, head: Oid) -> Result<(), Failure> {
        // A clone that has the commit and not its directories lacks those of other commits too: then its commits don't show
        // which directories it has.
        let lacks_directories = self.store.is_none() && self.reader.ask(move |clone| clone.has_commit(id))?;
        if !lacks_directories && self.holds(head)? {
            let (held, ends) = self.reader.ask(move |clone| Ok((clone.held(head), clone.shallow_commits())))?;
            self.fetch(&Request { commits: vec![id], held, ends, depth: 1, without: Filter::Contents }).await?;
        }
        if !self.holds(id)? || !self.holds(head)? {
            let (commits, held, ends) = (vec![id, head], Vec::new(), Vec::new());
            self.fetch(&Request { commits, held, ends, depth: 1, without: Filter::Contents }).await?;
        }
        if self.holds(id)? { Ok(()) } else { Err("it isn't there either".to_owned().into()) }
    }

    /// The merge base of two commits, from as little of the history as shows it.
    async fn merge_base(&mut self, head: Oid, other: Oid, with: &str) -> Result<Oid, Error> {
        let base = self.history(head, other, &format!("the merge base with {with}")).await?;
        base.ok_or_else(|| errors::unrelated(with))
    }

    /// The merge base of two commits, for which this much of the history (`what`) is fetched. `None`: they have no commit in
    /// common.
    async fn history(&mut self, head: Oid, other: Oid, what: &str) -> Result<Option<Oid>, Error> {
        if let Some(known) = self.known_merge_base(head, other)? {
            return Ok(known);
        }
        let opened = self.open().await.map(|_| ());
        opened.map_err(|failure| self.failed(what, failure, Distance::Any))?;
        let Some(Source::Server(server)) = &self.source else {
            let known = self.known_merge_base(head, other)?;
            return known.ok_or_else(|| errors::hidden_in_shallow(what, Host::of(self.environment)));
        };
        if !server.can_filter() {
            let failure = "the server can't send commits alone, and whole ones are too much".to_owned().into();
            return Err(self.failed(what, failure, Distance::Any));
        }
        for depth in DEPTHS {
            let (commits, held, ends) = (vec![head, other], Vec::new(), Vec::new());
            let fetched = self.fetch(&Request { commits, held, ends, depth, without: Filter::Directories }).await;
            fetched.map_err(|failure| self.failed(what, failure, Distance::Any))?;
            if let Some(known) = self.known_merge_base(head, other)? {
                if known.is_some() {
                    self.log_fetched(&format!("{depth} commits of history for {what}"));
                }
                return Ok(known);
            }
        }
        let deepest = DEPTHS.last().copied().unwrap_or_default();
        Err(self.failed(what, format!("{deepest} commits of history don't show it").into(), Distance::Any))
    }

    /// The merge base of two commits, if the commits that are here show it; `Some(None)`: they show that there is none.
    fn known_merge_base(&self, head: Oid, other: Oid) -> Result<Option<Option<Oid>>, Error> {
        Ok(match self.reader.ask(move |clone| clone.merge_base(head, other))? {
            MergeBase::At(base) => Some(Some(base)),
            MergeBase::Unrelated => Some(None),
            MergeBase::Hidden => None,
        })
    }

    /// The commit of the first of these references that the remote has.
    async fn reference(&mut self, names: Vec<String>) -> Result<Option<Oid>, Failure> {
        match self.open().await? {
            Source::Server(server) => server.reference(names).await,
            Source::Folder(folder) => {
                let folder = folder.clone();
                Ok(self.reader.ask(move |_| reference_in(&folder, &names))?)
            }
        }
    }

    async fn fetch(&mut self, request: &Request) -> Result<(), Failure> {
        self.open().await?;
        let Some(Source::Server(server)) = &mut self.source else { return Ok(()) };
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::create(&self.fetching.temporary)?,
        };
        let store = self.store.insert(store);
        if !server.can_filter() {
            self.fetching.transport.note("the server can't leave out file contents, so they are fetched too");
        }
        server.fetch(request, &mut store.incoming()?).await?;
        let folder = store.folder().to_owned();
        self.reader.ask(move |clone| Ok(store::index(clone, &folder)))??;
        Ok(())
    }

    /// Opens the remote, the first time.
    async fn open(&mut self) -> Result<&mut Source<'a>, Failure> {
        let source = match self.source.take() {
            Some(source) => source,
            None => self.connect().await?,
        };
        Ok(self.source.insert(source))
    }

    async fn connect(&mut self) -> Result<Source<'a>, Failure> {
        let Fetching { transport, token, .. } = *self.fetching;
        let environment = self.environment;
        let RemoteSettings { url, extra_headers } = self.settings()?;
        let url = url.as_deref().ok_or_else(|| "there is no remote".to_owned())?;
        match Remote::of(&Settings { url, extra_headers, token, environment })? {
            Remote::Server { url, credentials } => {
                let secrets = credentials.iter().flat_map(|credential| &credential.secrets);
                secrets.for_each(|secret| transport.mask(secret));
                Ok(Source::Server(Box::new(Server::open(url, credentials, transport).await?)))
            }
            Remote::Folder(folder) => {
                let environment = environment.clone();
                Ok(Source::Folder(self.reader.ask(move |clone| Ok(read_folder(clone, &folder, &environment)))??))
            }
        }
    }

    /// Logs what was fetched, from where, and how much it was.
    fn log_fetched(&self, what: &str) {
        let text = match &self.source {
            Some(Source::Server(server)) => {
                let Server { url, bytes, requests, .. } = &**server;
                format!("fetched {what} from `{url}`: {bytes} bytes in {requests} requests so far")
            }
            Some(Source::Folder(folder)) => format!("read {what} from `{}`", folder.display()),
            None => return,
        };
        self.fetching.transport.note(&text);
    }

    fn failed(&self, what: &str, failure: Failure, distance: Distance) -> Error {
        let from = self.source.as_ref().map(|source| match source {
            Source::Server(server) => server.url.to_string(),
            Source::Folder(folder) => folder.display().to_string(),
        });
        errors::not_fetched(what, from.as_deref(), &failure.message, failure.help, Host::of(self.environment), distance)
    }
}

/// Reads the objects of another repository of this machine from now on; its folder. Where the CI names the directory that it
/// made, only inside of that: the settings that name the folder may be a stranger's.
fn read_folder(clone: &Repository, folder: &Path, environment: &Environment) -> Result<PathBuf, Failure> {
    let folder = clone.directory.join(folder);
    let objects =
        ["objects", ".git/objects"].map(|below| folder.join(below)).into_iter().find(|objects| objects.is_dir());
    let objects = objects.ok_or_else(|| "there is no repository".to_owned())?;
    let workspace = workspace::of(environment).filter(|workspace| clone.directory.starts_with(workspace));
    let files = workspace::git_directory(&folder).or_else(|| folder.canonicalize().ok());
    if !workspace.is_none_or(|workspace| workspace::is_inside(files, &workspace)) {
        return Err(format!("`{}` lies outside of the directory that the CI made", folder.display()).into());
    }
    clone.add_objects(&objects)?;
    Ok(folder)
}

/// The commit of the first of these references that another repository of this machine has.
fn reference_in(folder: &Path, names: &[String]) -> Result<Option<Oid>, Error> {
    let unopened = |error: git2::Error| errors::unopened(folder, error.message());
    Repository::open_in(folder, Host::Local, false).map_err(unopened)?.first_commit(names)
}

/// Whether a revision is a plain name, without git's operators.
fn is_name(revision: &str) -> bool {
    !revision.is_empty()
        && !revision.contains("..")
        && !revision.contains("@{")
        && !revision.chars().any(|letter| letter.is_control() || "~^:?*[\\ ".contains(letter))
}
