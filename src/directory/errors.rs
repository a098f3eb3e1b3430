//! Errors about built directories and their manifests, each with its remedy.

use std::path::Path;

use crate::error::Error;
use crate::text::format::counted;

fn checkout(message: String, help: impl Into<String>) -> Error {
    Error::Checkout { message, help: help.into() }
}

pub(super) fn missing(directory: &str, why: &str) -> Error {
    checkout(
        format!("the built directory `{directory}` can't be read: {why}"),
        "run the build before this step, in the same job, or download its artifact; `directory` is a path from the repository's root",
    )
}

pub(super) fn outside(directory: &str) -> Error {
    checkout(
        format!("the built directory `{directory}` lies outside of the repository, so it isn't read"),
        "let the build write into the checkout; a link must not lead out of it",
    )
}

/// Entries that are no files, or can't be read.
pub(super) fn unreadable(directory: &str, problems: &[String], more: usize) -> Error {
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    checkout(
        format!("the built directory `{directory}` holds what can't be compared: {}{more}", problems.join("; ")),
        "remove it from the directory before this step, as no web server would serve it either",
    )
}

pub(super) fn too_many(directory: &str, limit: usize) -> Error {
    checkout(
        format!("the built directory `{directory}` holds more than {limit} files"),
        "split the site into several directories with a run each, or purge directories instead",
    )
}

/// A build that lost most of its files.
pub fn shrunk(directory: &str, files: usize, before: usize) -> Error {
    checkout(
        format!(
            "the built directory `{directory}` holds {}, and it held {before} at the last deployment",
            counted(files, "file", "files")
        ),
        "check the build: what is missing would be purged as deleted; if that is meant, set `allow-shrink`",
    )
}

/// A build without files.
pub fn empty(directory: &str) -> Error {
    checkout(
        format!("the built directory `{directory}` is empty"),
        "check the build and its output directory; if the site is meant to be empty, set `allow-shrink`",
    )
}

/// A manifest that can't be used, with `why`.
pub(super) fn unusable(manifest: &Path, why: &str) -> Error {
    checkout(
        format!("the manifest `{}` can't be used: {why}", manifest.display()),
        "restore it from the last good run; or delete it, and `without-manifest` decides what happens",
    )
}

pub(super) fn newer_version(manifest: &Path, version: &str) -> Error {
    checkout(
        format!(
            "the manifest `{}` has the format {version}, which a newer version of this program wrote",
            manifest.display()
        ),
        "use that version here too; or delete the manifest, and `without-manifest` decides what happens",
    )
}

pub(super) fn other_site(manifest: &Path, what: &str, theirs: &str, ours: &str) -> Error {
    checkout(
        format!(
            "the manifest `{}` is another site's: its {what} is `{theirs}`, and this run's is `{ours}`",
            manifest.display()
        ),
        "give each site a manifest of its own; if the site moved, delete the manifest, and `without-manifest` decides what happens",
    )
}

pub(super) fn newer_run(manifest: &Path, theirs: &str, ours: &str) -> Error {
    checkout(
        format!("a newer deployment is live: the manifest `{}` is of {theirs}, and this is {ours}", manifest.display()),
        "nothing was sent; to deploy this older run on purpose, set `rollback`",
    )
}

/// A manifest that another run of this machine is using.
pub(super) fn in_use(manifest: &Path) -> Error {
    checkout(
        format!("another run is at work with the manifest `{}`", manifest.display()),
        "nothing was sent; let one deployment run at a time, and run this one again",
    )
}

pub(super) fn unlocked(manifest: &Path, why: &str) -> Error {
    checkout(
        format!("the manifest `{}` can't be locked: {why}", manifest.display()),
        "nothing was sent; let `manifest` name a file in a folder that the run can write to",
    )
}

pub(super) fn too_large(manifest: &Path, megabytes: u64) -> Error {
    checkout(
        format!("the manifest `{}` would be larger than {megabytes} MiB", manifest.display()),
        "split the site into several directories with a run each",
    )
}

pub(super) fn unlisted(listing: &Path, why: &str) -> Error {
    checkout(
        format!("the listing `{}` can't be used: {why}", listing.display()),
        "list the whole store before the upload, as the documentation of built sites shows",
    )
}

/// A listing of other files than those of the build.
pub fn unrelated(listing: &Path, directory: &str, files: usize) -> Error {
    checkout(
        format!(
            "the listing `{}` has {}, and none of them is in `{directory}`: it is of another bucket or folder",
            listing.display(),
            counted(files, "file", "files")
        ),
        "list the bucket that the site is uploaded to; if the site is in a folder of it, set `listing-prefix`; if all files are meant to \
         have new names, set `allow-shrink`",
    )
}

/// Rules in a manifest that this version can't read.
pub fn unreadable_rules(manifest: &Path, why: &str) -> Error {
    unusable(manifest, &format!("the rules in it can't be read: {why}"))
}
