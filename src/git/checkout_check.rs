//! Checks that the checkout belongs to the run: that HEAD is the commit that the CI's event is about, or descends from it.
//!
//! A base that the event names is the content before that commit. Compared with another branch (`gh-pages` checked out in a job
//! of `main`'s push), it would give a list of changes that looks right and isn't.

use crate::error::Error;

use super::errors;
use super::fetch::Fetcher;
use super::range::{Commit, Decision, Head, Host, NamedCommit};
use super::time_limit::Reader;

/// The relation of HEAD to the commits that the run is about, as far as the clone shows it.
pub(super) enum Lineage {
    /// It is this one, or descends from it.
    From(NamedCommit),
    /// It may descend from one of these: a commit on the way isn't in the clone.
    Hidden(Vec<NamedCommit>),
    /// It descends from none of them.
    Foreign,
}

/// The relation that the clone alone shows.
///
/// # Errors
/// Commits that can't be read.
pub(super) fn in_clone(reader: &Reader, head: &Commit, about: &[NamedCommit]) -> Result<Lineage, Error> {
    if let Some(same) = about.iter().find(|named| named.id == head.id) {
        return Ok(Lineage::From(same.clone()));
    }
    let (head, about) = (head.clone(), about.to_vec());
    reader.ask(move |clone| {
        let mut hidden = Vec::new();
        for named in about {
            match clone.descends(&head, named.id)? {
                Some(true) => return Ok(Lineage::From(named)),
                Some(false) => {}
                None => hidden.push(named),
            }
        }
        Ok(if hidden.is_empty() { Lineage::Foreign } else { Lineage::Hidden(hidden) })
    })
}

/// The commit of `about` that HEAD is or descends from; `None` if the run is about none. Of a shallow clone, as much of the
/// history is fetched as shows it, where there is a fetcher.
///
/// # Errors
/// [`Error::Checkout`]: a checkout that doesn't belong to the run, or may not.
pub(super) async fn ancestor(
    lineage: Lineage,
    head: &Commit,
    about: &[NamedCommit],
    fetcher: &mut Fetcher<'_>,
    host: Host,
) -> Result<Option<NamedCommit>, Error> {
    let Lineage::Hidden(hidden) = &lineage else { return known(lineage, head, about, host) };
    if !fetcher.can_fetch()? {
        return known(lineage, head, about, host);
    }
    let mut failure = None;
    for named in hidden {
        match fetcher.descends(head, named.id).await {
            Ok(true) => return Ok(Some(named.clone())),
            Ok(false) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    let why = failure.map(|error| match error {
        Error::Checkout { message, .. } => message,
        other => other.to_string(),
    });
    Err(errors::not_the_events_commit(head.id, &about[0], why.as_deref(), host))
}

/// The same with nothing but the clone.
///
/// # Errors
/// As [`ancestor`].
pub(super) fn known(
    lineage: Lineage,
    head: &Commit,
    about: &[NamedCommit],
    host: Host,
) -> Result<Option<NamedCommit>, Error> {
    let why = match lineage {
        Lineage::From(named) => return Ok(Some(named)),
        Lineage::Foreign => None,
        Lineage::Hidden(_) => Some("this shallow clone doesn't show it"),
    };
    match about.first() {
        Some(first) => Err(errors::not_the_events_commit(head.id, first, why, host)),
        None => Ok(None),
    }
}

/// What HEAD adds to the commit that the host names as head is deployed too.
pub(super) fn follow(decision: &mut Decision, ancestor: Option<&NamedCommit>) {
    if let (Head::Named(named), Some(ancestor)) = (&decision.head, ancestor)
        && named.id == ancestor.id
    {
        decision.head = Head::CheckedOut;
    }
}
