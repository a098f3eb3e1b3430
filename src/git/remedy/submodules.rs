//! What is wrong with a submodule becomes an error that says what to do about it.

use crate::error::Error;
use crate::git::entries::ObjectId;
use crate::git::range::Host;

use super::checkout;

/// A submodule that changed and has no files here.
pub(in crate::git) fn not_checked_out(path: &str, host: Host) -> Error {
    let help = match host {
        Host::GitHub => "set `submodules: true` (or `recursive`) on the `actions/checkout` step",
        Host::GitLab => "set `GIT_SUBMODULE_STRATEGY: normal` (or `recursive`) in the job's `variables`",
        _ => "run `git submodule update --init` before this step",
    };
    checkout(
        format!("the submodule `{path}` changed and isn't checked out, so its changed files can't be found"),
        format!(
            "{help}; if it was removed, or none of its files has an address, leave this program's `submodules` out"
        ),
    )
}

/// A submodule whose repository isn't a part of this checkout.
pub(in crate::git) fn elsewhere(path: &str) -> Error {
    checkout(
        format!("the submodule `{path}` isn't read: its repository lies outside of this checkout"),
        "check it out anew with `git submodule update --init`, which puts it into `.git/modules`",
    )
}

/// A submodule that can't be opened, with the reason's `words`.
pub(in crate::git) fn unopened(path: &str, words: &str) -> Error {
    checkout(
        format!("the repository of the submodule `{path}` can't be opened: {words}"),
        "check it with `git status` in its directory; check it out anew if that fails too",
    )
}

/// A commit that a submodule's own clone lacks.
pub(in crate::git) fn commit_not_here(path: &str, commit: ObjectId, shallow: bool, host: Host) -> Error {
    let help = match (shallow, host) {
        (true, Host::GitHub) => "set `fetch-depth: 0` on the `actions/checkout` step, which also holds for submodules",
        (true, Host::GitLab) => "set `GIT_SUBMODULE_DEPTH: 0` in the job's `variables`",
        (true, _) => "run `git fetch --unshallow` in its directory",
        (false, _) => "run `git fetch origin <commit>` in its directory",
    };
    let place = if shallow { "its shallow clone" } else { "its clone" };
    checkout(format!("the commit `{commit}` of the submodule `{path}` isn't in {place}"), help)
}

/// Submodules inside each other without an end.
pub(in crate::git) fn too_deep(path: &str) -> Error {
    checkout(
        format!("the submodule `{path}` lies in too many others"),
        "leave `submodules` out, and give the addresses of its files by `url-file`",
    )
}
