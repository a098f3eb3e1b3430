//! Errors about the checkout, each with its remedy for the host that the reader is on.
//!
//! In one place, so that the same remedy is spelled the same way everywhere.

use std::path::Path;
use std::time::Duration;

use git2::Oid;

use crate::error::Error;

use super::oid;
use super::range::{Host, NamedCommit};

/// How far a missing commit is from head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distance {
    /// It is a parent of head.
    One,
    /// No one knows.
    Any,
}

/// All rules are about folders that the checkout has and the commit hasn't: a run could never do anything.
pub(super) fn nothing_in_git(folder: &str) -> Error {
    checkout(
        format!("the rules only select files in `{folder}`, which isn't in git, so no commit changes them"),
        format!("if a build writes them, set `changes: directory` and `directory: {folder}`"),
    )
}

pub(super) fn no_directory(start: &Path, error: &std::io::Error) -> Error {
    checkout(
        format!("`{}` can't be opened: {error}", start.display()),
        "give the directory of the checkout, or start inside of it",
    )
}

pub(super) fn no_repository(start: &Path, host: Host) -> Error {
    let help = match host {
        Host::GitHub => "run `actions/checkout` before this step, in the same job",
        Host::GitLab => "let the job check out the project: `GIT_STRATEGY` must not be `none` or `empty`",
        _ => {
            "start inside a git checkout; in CI, check out the repository before this step (`actions/checkout` on GitHub)"
        }
    };
    checkout(format!("no git repository at or above `{}`", start.display()), help)
}

pub(super) fn bare(directory: &Path) -> Error {
    checkout(
        format!("`{}` is a bare repository: nothing is checked out in it", directory.display()),
        "start in a checkout made by `git clone` or `git worktree add`",
    )
}

pub(super) fn unborn(directory: &Path) -> Error {
    checkout(
        format!("the repository in `{}` has no commit at `HEAD` yet", directory.display()),
        "commit something first, or give `head`",
    )
}

pub(super) fn foreign(directory: &Path) -> Error {
    let directory = directory.display();
    checkout(
        format!("the repository in `{directory}` belongs to another user, so git's safety rules forbid to read it"),
        format!("if you trust it, run `git config --global --add safe.directory {directory}` as the user of this step"),
    )
}

/// A checkout whose repository isn't where the CI puts it.
pub(super) fn outside(directory: &Path, workspace: &Path) -> Error {
    checkout(
        format!(
            "the `.git` of `{}` leads out of `{}`, the directory that this CI made, so it isn't read",
            directory.display(),
            workspace.display()
        ),
        "let the CI check the repository out again; a linked work tree must lie in the same directory as its repository",
    )
}

/// A repository that can't be opened, with the reason's `words`.
pub(super) fn unopened(directory: &Path, words: &str) -> Error {
    let directory = directory.display();
    if words.contains("object format") {
        checkout(
            format!(
                "the repository in `{directory}` uses another object format than SHA-1, which can't be read yet ({words})"
            ),
            "use a SHA-1 clone; or give the URLs by `url-file`",
        )
    } else if words.contains("extension") {
        checkout(
            format!("the repository in `{directory}` uses an extension of git that can't be read yet ({words})"),
            "use a clone without it, such as one made with `git clone --ref-format=files`; or give the URLs by `url-file`",
        )
    } else {
        checkout(
            format!("the repository in `{directory}` can't be opened: {words}"),
            "check it with `git status` there; check it out again if that fails too",
        )
    }
}

/// A repository that isn't read within the time limit.
pub(super) fn out_of_time(start: &Path, limit: Duration) -> Error {
    checkout(
        format!("the repository of `{}` can't be read: no answer within {} s", start.display(), limit.as_secs()),
        "run `git fsck` there to find a damaged object or a pipe in place of a file; check the repository out again",
    )
}

/// An object or reference that is there and yet can't be read, with libgit2's `words`.
pub(super) fn unreadable(what: &str, words: &str) -> Error {
    checkout(
        format!("{what} can't be read: {words}"),
        "check the repository with `git fsck`, and check it out again if it is damaged",
    )
}

pub(super) fn tree_not_here(tree: Oid) -> Error {
    checkout(
        format!("the tree `{tree}` isn't in this clone"),
        "in a partial clone use the filter `blob:none`, which keeps trees; else check the repository with `git fsck`",
    )
}

pub(super) fn not_a_tree(id: Oid, kind: &str) -> Error {
    checkout(
        format!("the object `{id}` is in the place of a directory, and is a {kind}"),
        "run `git fsck` in a full clone to find the commit it came with, and rewrite that commit",
    )
}

pub(super) fn no_commit(revision: &str, option: &str, kind: &str) -> Error {
    checkout(
        format!("`{revision}` in `{option}` is a {kind}, not a commit"),
        "give a commit, a tag or a branch; `changes: all` takes every tracked file",
    )
}

pub(super) fn ambiguous(revision: &str, option: &str) -> Error {
    checkout(format!("`{revision}` in `{option}` names more than one object"), "give more of its digits")
}

/// A checkout of another commit than those that the run is about. `why` is the reason if the history doesn't show whether
/// it descends from one of them.
pub(super) fn not_the_events_commit(head: Oid, about: &NamedCommit, why: Option<&str>, host: Host) -> Error {
    let about_it = about.description();
    let relation = match why {
        None => {
            "and that isn't among its ancestors: another branch, another repository or an earlier commit".to_owned()
        }
        Some(why) => format!("and whether that is among its ancestors isn't known: {why}"),
    };
    let help = match host {
        Host::GitHub if about.field == "workflow_run.head_sha" => {
            "check out `ref: ${{ github.event.workflow_run.head_sha }}` with `fetch-depth: 2`"
        }
        Host::GitHub => {
            "leave `ref` and `repository` out of the `actions/checkout` step, so that the event's commit is checked out"
        }
        Host::GitLab => "use the checkout that GitLab makes for the job, without a `git checkout` of something else",
        _ => "start in the checkout that the CI made for this run",
    };
    checkout(
        format!("`{head}` is checked out; this run is about {about_it}, {relation}"),
        format!(
            "{help}; for a branch of built files, let each run keep its commit with `save-base: PATH`, and give `base: file:PATH`; \
             or give `base`, the commit whose content the CDN has served until now"
        ),
    )
}

/// A revision that a person gave and that isn't in this clone. `remote` is the same name below `origin/`, if that is known.
pub(super) fn unknown(revision: &str, option: &str, remote: Option<&str>, shallow: bool, host: Host) -> Error {
    if oid::parse(revision).is_some_and(|id| id.is_zero()) {
        return checkout(
            format!("`{option}` is all zeros: the host's word for a commit that doesn't exist"),
            format!("leave `{option}` out to have it found, or use `changes: all` where everything is new"),
        );
    }
    let place = if shallow { "in this shallow clone" } else { "in this repository" };
    let help = match remote {
        Some(remote) => format!("did you mean `{remote}`?"),
        None if shallow => format!("if it exists, the clone is too shallow for it: {}", deepen(host, Distance::Any)),
        None => "give a commit, a tag or a branch that `git rev-parse` finds there".to_owned(),
    };
    checkout(format!("unknown revision `{revision}` in `{option}`: it isn't {place}"), help)
}

/// A commit or branch that is needed and that this clone lacks.
pub(super) fn not_here(what: &str, shallow: bool, host: Host, distance: Distance) -> Error {
    if shallow {
        return checkout(
            format!("{what} isn't in this clone, which holds only a part of the history"),
            format!("{}, or give a `base` that is here", deepen(host, distance)),
        );
    }
    checkout(
        format!(
            "{what} isn't in this clone, although its history is complete: another repository's, or overwritten by a force push"
        ),
        "fetch it by its digits before this step (`git fetch origin <commit>`), or give a `base` that is here",
    )
}

pub(super) fn merge_base_in_shallow(with: &str, host: Host) -> Error {
    hidden_in_shallow(&format!("the merge base with {with}"), host)
}

/// Something that only the whole history shows.
pub(super) fn hidden_in_shallow(what: &str, host: Host) -> Error {
    checkout(
        format!("{what} can't be determined in a shallow clone"),
        format!("{}, or give `base`", deepen(host, Distance::Any)),
    )
}

pub(super) fn tag_in_shallow(tag: Option<&str>, host: Host) -> Error {
    checkout(
        format!("the tag before {} can't be determined in a shallow clone", the_tag(tag)),
        format!("{}, or give `base`", deepen(host, Distance::Any)),
    )
}

/// A clone that lacks the tag it was made for may lack all the others too.
pub(super) fn no_tags_here(tag: &str) -> Error {
    checkout(
        format!("the tag `{tag}` isn't in this clone, so the tag before it can't be determined"),
        "fetch the tags before this step (`git fetch --tags`), or give `base`",
    )
}

/// Two tags in the history of `tag`, neither in that of the other.
pub(super) fn tags_side_by_side(tag: Option<&str>, one: &str, other: &str) -> Error {
    let (one, other) = if one < other { (one, other) } else { (other, one) };
    checkout(
        format!(
            "the tag before {} can't be determined: `{one}` and `{other}` are both in its history, side by side",
            the_tag(tag)
        ),
        format!("give `base`: the one that was deployed last, such as `{other}`"),
    )
}

/// Tags of several things in the history, where nothing says which of them is deployed. `series` are patterns, in order.
pub(super) fn several_series(tag: Option<&str>, series: &[String]) -> Error {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = series.iter().take(SHOWN).map(|pattern| format!("`{pattern}`")).collect();
    if series.len() > SHOWN {
        names.push(format!("{} more", series.len() - SHOWN));
    }
    checkout(
        format!(
            "the tag before {} can't be determined: the tags in its history belong to several series ({})",
            the_tag(tag),
            names.join(", ")
        ),
        format!("give the series that this run deploys, such as `base: tag:{}`; or another `base`", series[0]),
    )
}

pub(super) fn unrelated(with: &str) -> Error {
    checkout(
        format!("head and {with} have no commit in common, so there is no merge base"),
        "give `base`: the commit, tag or branch whose content the CDN has served until now; or `changes: all`",
    )
}

/// Something that isn't in this clone and that couldn't be had from the remote either, with what to do if that is known.
pub(super) fn not_fetched(
    what: &str,
    from: Option<&str>,
    why: &str,
    help: Option<String>,
    host: Host,
    distance: Distance,
) -> Error {
    let from = from.map_or_else(|| "from the remote".to_owned(), |from| format!("from `{from}`"));
    checkout(
        format!("{what} isn't in this clone, and can't be fetched {from}: {why}"),
        help.unwrap_or_else(|| format!("{}, or give a `base` that is here", deepen(host, distance))),
    )
}

fn the_tag(tag: Option<&str>) -> String {
    tag.map_or_else(|| "head".to_owned(), |tag| format!("`{tag}`"))
}

fn deepen(host: Host, distance: Distance) -> &'static str {
    match (host, distance) {
        (Host::GitHub, Distance::One) => "set `fetch-depth: 2` (or `0`, for all) on the `actions/checkout` step",
        (Host::GitHub, Distance::Any) => "set `fetch-depth: 0` on the `actions/checkout` step",
        (Host::GitLab, Distance::One) => "set `GIT_DEPTH: 2` (or `0`, for all) in the job's `variables`",
        (Host::GitLab, Distance::Any) => "set `GIT_DEPTH: 0` in the job's `variables`",
        (Host::Jenkins, _) => "set `shallow: false` in the `cloneOption` of the checkout, without a narrow refspec",
        (Host::CircleCi, _) => "set `method: full` on the `checkout` step",
        (Host::Bitbucket, _) => "set `clone: { depth: full }` on the step",
        (Host::Azure, _) => "set `fetchDepth: 0` and `fetchTags: true` on the `checkout: self` step",
        (Host::Buildkite, _) => "take `--depth` out of `BUILDKITE_GIT_CLONE_FLAGS` and `BUILDKITE_GIT_FETCH_FLAGS`",
        (Host::Woodpecker, _) => "set `partial: false` and `tags: true` in the `settings` of the `clone` step",
        (Host::OtherCi | Host::Local, _) => {
            "run `git fetch --unshallow` (`fetch-depth: 0` on GitHub, `GIT_DEPTH: 0` on GitLab)"
        }
    }
}

fn checkout(message: String, help: impl Into<String>) -> Error {
    Error::Checkout { message, help: help.into() }
}

/// A submodule that changed and has no files here.
pub(super) fn submodule_not_checked_out(path: &str, host: Host) -> Error {
    let help = match host {
        Host::GitHub => "set `submodules: true` (or `recursive`) on the `actions/checkout` step",
        Host::GitLab => "set `GIT_SUBMODULE_STRATEGY: normal` (or `recursive`) in the job's `variables`",
        _ => "run `git submodule update --init` before this step",
    };
    checkout(
        format!("the submodule `{path}` changed and isn't checked out, so its changed files can't be found"),
        format!("{help}; if none of its files has a URL, exclude them in the rule: `!{path}/**`"),
    )
}

/// A submodule whose repository isn't a part of this checkout.
pub(super) fn submodule_elsewhere(path: &str) -> Error {
    checkout(
        format!("the submodule `{path}` isn't read: its repository lies outside of this checkout"),
        "check it out again with `git submodule update --init`, which puts it into `.git/modules`",
    )
}

/// A submodule that can't be opened, with the reason's `words`.
pub(super) fn submodule_unopened(path: &str, words: &str) -> Error {
    checkout(
        format!("the repository of the submodule `{path}` can't be opened: {words}"),
        "check it with `git status` in its directory; check it out again if that fails too",
    )
}

/// A commit that a submodule's own clone lacks.
pub(super) fn submodule_commit_not_here(path: &str, commit: Oid, shallow: bool, host: Host) -> Error {
    let help = match (shallow, host) {
        (true, Host::GitHub) => "set `fetch-depth: 0` on the `actions/checkout` step, which also holds for submodules",
        (true, Host::GitLab) => "set `GIT_SUBMODULE_DEPTH: 0` in the job's `variables`",
        (true, _) => "run `git fetch --unshallow` in its directory",
        (false, _) => "run `git fetch origin <commit>` in its directory",
    };
    let place = if shallow { "its shallow clone" } else { "its clone" };
    checkout(format!("the commit `{commit}` of the submodule `{path}` isn't in {place}"), help)
}

/// The same where all files of the submodule count as changed in place of those that changed: a note.
pub(super) fn all_of_submodule(missing: Error, files: usize) -> String {
    match missing {
        Error::Checkout { message, help } => {
            format!(
                "{message}, so all {files} files in it count as changed, and files that were removed aren't known: {help}"
            )
        }
        other => other.to_string(),
    }
}

/// A link that was changed, and leads or led into a submodule.
pub(super) fn link_into_submodule(path: &str) -> Error {
    checkout(
        format!(
            "the symbolic link `{path}` was changed and leads or led into a submodule, so the changed files below it aren't known"
        ),
        format!(
            "refresh `{path}` as a directory by `cdn-purge refresh --kind directory`; or exclude it in the rule: `!{path}/**`"
        ),
    )
}

/// Links that lead to more files than this program takes.
pub(super) fn too_many_behind_links(path: &str, most: usize) -> Error {
    checkout(
        format!("the symbolic link `{path}`, or others with it, lead to more than {most} files"),
        "set `symlinks: ignore`, and give the URLs of aliases by rules of their own; if no one made such links on purpose, look for who did",
    )
}

/// Submodules inside each other without an end.
pub(super) fn submodules_too_deep(path: &str) -> Error {
    checkout(
        format!("the submodule `{path}` lies in too many others"),
        "exclude its files in the rule, or set `submodules: ignore`, and give their URLs by `url-file`",
    )
}
