//! What the decision needs and the clone lacks becomes objects beside the clone: one commit's directories, or enough of the
//! history to tell where two branches parted.
//!
//! The repository itself stays byte for byte as it was: what comes goes into a temporary folder, and is read from there in this
//! process alone.

use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::error::Error;

use super::entries::ObjectId;
use super::git::Repository;
use super::git::store::Store;
use super::outside::Fetching;
use super::range::{Base, Commit, Decision, Head, Host};
use super::remedy::{self, Distance};

use self::history::{Parting, parting};
use self::server::{Failure, Server};
use self::source::{Known, Remote, Source};
use self::wanted::{Filter, Wanted};

mod advertisement;
mod answer;
pub(super) mod history;
mod packet;
mod server;
mod source;
mod wanted;

/// How many commits deep the history is fetched, round by round, until it tells where two branches parted. A commit is about
/// 250 bytes on the wire, so the last round is some megabytes.
const DEPTHS: [u32; 5] = [64, 256, 1024, 4096, 16_384];

/// Looks for what is missing, in the repository's remote.
pub(super) struct Fetcher<'a> {
    repository: &'a Repository,
    environment: &'a Environment,
    fetching: &'a Fetching<'a>,
    /// Where it comes from, once it was needed.
    place: Option<Place<'a>>,
    store: Option<Store>,
}

/// A remote that is open.
enum Place<'a> {
    Server(Box<Server<'a>>, String),
    /// Another repository of this machine, whose objects are read where they are.
    Folder(PathBuf),
}

impl<'a> Fetcher<'a> {
    /// Fetches nothing yet.
    pub(super) fn new(repository: &'a Repository, environment: &'a Environment, fetching: &'a Fetching<'a>) -> Self {
        Self { repository, environment, fetching, place: None, store: None }
    }

    /// Makes sure that the commits of a decision are here, as far as they can be had; without a remote nothing happens. What
    /// the decision asks for and isn't here yet is replaced by what was found.
    ///
    /// # Errors
    /// [`Error::Checkout`] for what can't be had, with the server's own words.
    pub(super) async fn supply(&mut self, decision: &mut Decision, told: &Commit) -> Result<(), Error> {
        if !self.fetching.is_on {
            return Ok(());
        }
        let head = match &decision.head {
            Head::Told => told.id,
            Head::Named(named) => {
                self.commit(named.id, &format!("the commit `{}` (`{}`)", named.id, named.field), told.id).await?;
                named.id
            }
        };
        let found = match &decision.base {
            Base::Named(named) => {
                let what = format!("the commit `{}` (`{}`)", named.id, named.field);
                return self.commit(named.id, &what, head).await;
            }
            Base::Parent(parent) => return self.commit(*parent, &format!("the parent commit `{parent}`"), head).await,
            Base::Given(revision) => match self.given(revision, head).await? {
                Some(found) => found,
                None => return Ok(()),
            },
            Base::MergeBaseWithBranch(branch) => {
                let with = format!("`{branch}`");
                let tip = match self.repository.tip(branch) {
                    Some(_) if !self.repository.is_cut_off() => return Ok(()),
                    _ if !self.has_remote()? => return Ok(()),
                    Some(tip) => tip,
                    None => self.tip(branch).await?,
                };
                self.parting(head, tip, &with).await?
            }
            Base::MergeBaseWith(named)
                if (self.repository.is_cut_off() || !self.repository.knows(named.id)) && self.has_remote()? =>
            {
                self.parting(head, named.id, &format!("`{}`", named.field)).await?
            }
            Base::MergeBaseWith(_) | Base::PreviousTag(_) | Base::MatchingTag(_) | Base::Found(_) | Base::Nothing => {
                return Ok(());
            }
        };
        self.commit(found, &format!("the commit `{found}`"), head).await?;
        decision.base = Base::Found(found);
        Ok(())
    }

    /// A revision that a person gave: all digits of a commit, or the name of a branch or a tag. `None`: it is here, or can be no
    /// name of anything elsewhere.
    async fn given(&mut self, revision: &str, head: ObjectId) -> Result<Option<ObjectId>, Error> {
        if let Some(id) = ObjectId::from_hex(revision) {
            let is_needed = !id.is_zero() && !self.repository.holds(id) && !self.repository.is_other_than_commit(id);
            return Ok((is_needed && self.has_remote()?).then_some(id));
        }
        if self.repository.knows_revision(revision) || !is_name(revision) || !self.has_remote()? {
            return Ok(None);
        }
        let what = format!("the revision `{revision}`");
        let short = revision.strip_prefix("origin/").unwrap_or(revision);
        let names = if revision.starts_with("refs/") {
            vec![revision.to_owned()]
        } else {
            vec![format!("refs/tags/{revision}"), format!("refs/heads/{short}")]
        };
        let found = self.reference(&names).await.map_err(|failure| self.failed(&what, failure, Distance::Any))?;
        if let Some(found) = found {
            self.commit(found, &what, head).await?;
        }
        Ok(found)
    }

    /// Whether there is anywhere to fetch from. Asked only where something is missing: to read all settings takes longer than to
    /// read a commit.
    fn has_remote(&self) -> Result<bool, Error> {
        Ok(self.repository.remote()?.address.is_some())
    }

    async fn tip(&mut self, branch: &str) -> Result<ObjectId, Error> {
        let what = format!("the branch `{branch}`");
        let found = self.reference(&[format!("refs/heads/{branch}")]).await;
        let found = found.and_then(|tip| tip.ok_or_else(|| "the remote has no such branch".to_owned().into()));
        found.map_err(|failure| self.failed(&what, failure, Distance::Any))
    }

    /// Fetches a commit's directories, if they aren't here.
    async fn commit(&mut self, id: ObjectId, what: &str, head: ObjectId) -> Result<(), Error> {
        if self.repository.holds(id) || !self.has_remote()? {
            return Ok(());
        }
        let distance = if what.starts_with("the parent") { Distance::One } else { Distance::Any };
        let fetched = self.fetch_commit(id, head).await;
        fetched.map_err(|failure| self.failed(what, failure, distance))?;
        self.say(what);
        Ok(())
    }

    async fn fetch_commit(&mut self, id: ObjectId, head: ObjectId) -> Result<(), Failure> {
        // A clone that knows the commit and not its directories lacks those of other commits too, so what it has of commits says
        // nothing of what it has of them.
        let is_without_directories = self.store.is_none() && self.repository.knows(id);
        if !is_without_directories && self.repository.holds(head) {
            let (held, ends) = (self.repository.held(head), self.repository.ends());
            self.fetch(&Wanted { commits: vec![id], held, ends, depth: 1, without: Filter::Contents }).await?;
        }
        if !self.repository.holds(id) || !self.repository.holds(head) {
            let (commits, held, ends) = (vec![id, head], Vec::new(), Vec::new());
            self.fetch(&Wanted { commits, held, ends, depth: 1, without: Filter::Contents }).await?;
        }
        if !self.repository.holds(id) {
            return Err("it isn't there either".to_owned().into());
        }
        Ok(())
    }

    /// Where two commits parted, from as little of the history as tells it.
    async fn parting(&mut self, head: ObjectId, other: ObjectId, with: &str) -> Result<ObjectId, Error> {
        if let Some(base) = self.told_parting(head, other, with)? {
            return Ok(base);
        }
        let what = format!("the merge base with {with}");
        let opened = self.open().await.map(|_| ());
        opened.map_err(|failure| self.failed(&what, failure, Distance::Any))?;
        let Some(Place::Server(server, _)) = &self.place else {
            return match self.told_parting(head, other, with)? {
                Some(base) => Ok(base),
                None => Err(remedy::merge_base_in_shallow(with, Host::of(self.environment))),
            };
        };
        if !server.can_filter() {
            let failure = "the server can't send commits alone, and whole ones are too much".to_owned().into();
            return Err(self.failed(&what, failure, Distance::Any));
        }
        for depth in DEPTHS {
            let (commits, held, ends) = (vec![head, other], Vec::new(), Vec::new());
            let fetched = self.fetch(&Wanted { commits, held, ends, depth, without: Filter::Directories }).await;
            fetched.map_err(|failure| self.failed(&what, failure, Distance::Any))?;
            if let Some(base) = self.told_parting(head, other, with)? {
                self.say(&format!("{depth} commits of history for {what}"));
                return Ok(base);
            }
        }
        let deepest = DEPTHS.last().copied().unwrap_or_default();
        Err(self.failed(&what, format!("{deepest} commits of history don't tell it").into(), Distance::Any))
    }

    /// Where two commits parted, if what is here tells it.
    fn told_parting(&self, head: ObjectId, other: ObjectId, with: &str) -> Result<Option<ObjectId>, Error> {
        match parting(&self.repository.history(&[head, other])?, head, other) {
            Parting::At(base) => Ok(Some(base)),
            Parting::Never => Err(remedy::unrelated(with)),
            Parting::Hidden => Ok(None),
        }
    }

    async fn reference(&mut self, names: &[String]) -> Result<Option<ObjectId>, Failure> {
        match self.open().await? {
            Place::Server(server, _) => server.reference(names).await,
            Place::Folder(folder) => {
                let found = Repository::reference_in(folder, names);
                Ok(found.map_err(|why| format!("`{}` can't be opened: {why}", folder.display()))?)
            }
        }
    }

    async fn fetch(&mut self, wanted: &Wanted) -> Result<(), Failure> {
        self.open().await?;
        let Some(Place::Server(server, _)) = &mut self.place else { return Ok(()) };
        if self.store.is_none() {
            let made = Store::create(&self.fetching.temporary, &self.repository.objects());
            self.store = Some(made.map_err(because)?);
        }
        let Some(store) = &self.store else { return Ok(()) };
        if !server.can_filter() {
            self.fetching.outside.note("the server can't leave out what files hold, so that comes too");
        }
        server.fetch(wanted, store).await?;
        self.repository.read_also(&store.objects());
        Ok(())
    }

    /// Opens the remote, the first time.
    async fn open(&mut self) -> Result<&mut Place<'a>, Failure> {
        let place = match self.place.take() {
            Some(place) => place,
            None => self.begin().await?,
        };
        Ok(self.place.insert(place))
    }

    async fn begin(&self) -> Result<Place<'a>, Failure> {
        let settings = self.repository.remote().map_err(because)?;
        let address = settings.address.as_deref().ok_or_else(|| "there is no remote".to_owned())?;
        let known = Known {
            address,
            extra_headers: &settings.extra_headers,
            token: self.fetching.token,
            environment: self.environment,
        };
        let Remote { source, credentials } = Remote::of(&known)?;
        let outside = self.fetching.outside;
        credentials.iter().flat_map(|credential| &credential.secrets).for_each(|secret| outside.mask(secret));
        match source {
            Source::Http(url) => {
                let shown = url.to_string();
                let server = Server::open(url, credentials, outside).await?;
                Ok(Place::Server(Box::new(server), shown))
            }
            Source::Folder(folder) => {
                let folder = self.repository.beside(&folder);
                let objects = objects_of(&folder).ok_or_else(|| "there is no repository".to_owned())?;
                if !self.repository.may_read(&folder, self.environment) {
                    return Err(format!("`{}` lies outside of the directory that the CI made", folder.display()).into());
                }
                self.repository.read_also(&objects);
                Ok(Place::Folder(folder))
            }
        }
    }

    /// Says what came, from where, and how much it was.
    fn say(&self, what: &str) {
        match &self.place {
            Some(Place::Server(server, from)) => {
                let (bytes, requests) = (server.bytes, server.requests);
                let text = format!("fetched {what} from `{from}`: {bytes} bytes in {requests} requests so far");
                self.fetching.outside.note(&text);
            }
            Some(Place::Folder(folder)) => {
                self.fetching.outside.note(&format!("read {what} from `{}`", folder.display()));
            }
            None => {}
        }
    }

    fn failed(&self, what: &str, failure: Failure, distance: Distance) -> Error {
        let from = match &self.place {
            Some(Place::Server(_, from)) => Some(from.clone()),
            Some(Place::Folder(folder)) => Some(folder.display().to_string()),
            None => None,
        };
        remedy::not_fetched(what, from.as_deref(), &failure.message, failure.help, Host::of(self.environment), distance)
    }
}

/// The message of an error that is a part of another.
fn because(error: Error) -> Failure {
    match error {
        Error::Checkout { message, help } => Failure { message, help: Some(help) },
        other => other.to_string().into(),
    }
}

/// Whether a revision is a plain name, without git's operators.
fn is_name(revision: &str) -> bool {
    !revision.is_empty()
        && !revision.contains("..")
        && !revision.contains("@{")
        && !revision.chars().any(|letter| letter.is_control() || "~^:?*[\\ ".contains(letter))
}

/// The folder of a repository's objects.
fn objects_of(folder: &Path) -> Option<PathBuf> {
    ["objects", ".git/objects"].iter().map(|below| folder.join(below)).find(|objects| objects.is_dir())
}
