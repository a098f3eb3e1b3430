//! Which two commits count, by what the CI host says, and why.
//!
//! Pure, because a wrong base loses purges without anyone noticing: every event is decided here from plain values, and
//! `revisions` only looks up the commits. There is no guess and no empty result: an undecided event is an error that says so.

use crate::config::TagPattern;
use crate::error::Error;

use self::decision::{GIVE_BASE, parent_of_head, undecided};

pub(super) use self::decision::{Base, Commit, Decision, Head, NamedCommit, Place, Run};
pub(super) use self::event_commits::event_commits;
pub(super) use self::host::{Host, default_branch, started_by, variable};

mod decision;
mod event_commits;
mod github;
mod gitlab;
mod host;
mod others;

/// Decides which two commits count.
///
/// # Errors
/// [`Error::Checkout`] when the host's words don't decide it; the remedy is always a `base` of one's own.
pub(super) fn decide(run: &Run<'_>) -> Result<Decision, Error> {
    if let Some(base) = run.base {
        let reason = if run.head_given { "`base` and `head` as given" } else { "`base` as given" };
        return Ok(Decision { base: Base::Given(base.to_owned()), head: Head::CheckedOut, reason: reason.to_owned() });
    }
    match Host::of(run.environment) {
        Host::GitHub => github::decide(run),
        Host::GitLab => gitlab::decide(run),
        Host::Jenkins => others::jenkins(run),
        Host::CircleCi => others::circle_ci(run),
        Host::Bitbucket => others::bitbucket(run),
        Host::Azure => others::azure(run),
        Host::Buildkite => others::buildkite(run),
        Host::Woodpecker => others::woodpecker(run),
        Host::OtherCi => Err(undecided("this CI (`CI` is set)", GIVE_BASE)),
        Host::Local => Ok(local(run)),
    }
}

/// The decision of `changes: all`.
pub(super) fn everything() -> Decision {
    let reason = "every tracked file, because of `changes: all`".to_owned();
    Decision { base: Base::Nothing, head: Head::CheckedOut, reason }
}

/// The decision of `base: tag:PATTERN`.
pub(super) fn since_tag(pattern: &TagPattern) -> Decision {
    let reason = format!("the nearest tag in the history of head whose name matches `{pattern}`");
    Decision { base: Base::MatchingTag(pattern.clone()), head: Head::CheckedOut, reason }
}

/// No host says what was deployed, so it is the last commit, and the reason says so.
fn local(run: &Run<'_>) -> Decision {
    parent_of_head(run, "since no CI was detected; set `--base` to compare with another")
}

#[cfg(test)]
mod tests;
