//! The options of a built directory: where it is, which manifest it is compared with, and what a missing one means.

use std::path::{Component, Path, PathBuf};

use super::layers::LayeredOptions;
use super::parse_value::quoted;
use crate::error::Diagnostic;

/// A built directory whose files are compared with the last deployment's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryOptions {
    /// From the repository's root, `/`-separated, without a `/` at its end; or absolute.
    pub directory: String,
    /// What it is compared with.
    pub manifest: ManifestSource,
    /// The beginning of the names in a listing that are the site's: empty, or a path with a `/` at its end.
    pub listing_prefix: String,
    /// What to do where there is no manifest yet.
    pub without_manifest: WithoutManifest,
    /// How unchanged files are recognized.
    pub trust: ManifestTrust,
    /// Whether the directory may be empty, hold less than half of the files of the manifest, or none of a listing.
    pub allow_shrink: bool,
    /// Whether the manifest may be of a newer run.
    pub rollback: bool,
}

/// What a built directory is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestSource {
    /// A manifest that each run reads and writes; relative to the repository's root, or absolute.
    File(PathBuf),
    /// A listing of the object store from before the upload; as above.
    Listing(PathBuf),
    /// Nothing: every file counts as changed.
    None,
}

/// What to do where there is no manifest yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutManifest {
    /// Stop, and list the choices with their cost.
    Error,
    /// Every file counts as changed.
    All,
    /// Write the manifest, and refresh nothing: the caches are taken for fresh.
    Adopt,
}

/// How unchanged files are recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestTrust {
    /// By the digest of their content.
    Digest,
    /// By size, times and inode, which the manifest holds; other files by their content.
    Mtime,
}

/// The options that only a built directory has.
const ONLY_HERE: [&str; 7] =
    ["directory", "manifest", "listing-prefix", "without-manifest", "manifest-trust", "allow-shrink", "rollback"];

/// Reports options of a built directory where the changes come from elsewhere, without those that are `allowed` there.
pub(super) fn refuse(given: &LayeredOptions, allowed: &[&str], problems: &mut Vec<Diagnostic>) {
    let is_meant = |name: &&str| is_set(given, name) || (*name == "directory" && is_of_file(given));
    for name in ONLY_HERE.into_iter().filter(|name| !allowed.contains(name)).filter(is_meant) {
        problems.push(Diagnostic::new(
            format!("{} needs `changes: directory`", given.label(name)),
            "set `changes` to `directory`, or drop it",
        ));
    }
}

/// Whether somebody has set an option. A switch that is off asks for nothing: GitLab's component passes every one of them.
fn is_set(given: &LayeredOptions, name: &str) -> bool {
    let is_off = ["allow-shrink", "rollback"].contains(&name) && given.boolean(name) == Some(false);
    given.is_explicit(name) && !is_off
}

/// Whether the file names a directory, and nobody has set another source of changes than the file's.
fn is_of_file(given: &LayeredOptions) -> bool {
    given.path("directory").is_some()
        && !["directory", "changes", "url-file"].into_iter().any(|name| given.is_explicit(name))
}

/// Reads the options of a built directory.
pub(super) fn read(given: &LayeredOptions, problems: &mut Vec<Diagnostic>) -> DirectoryOptions {
    let directory = given.path("directory");
    if directory.is_none() {
        problems.push(Diagnostic::new(
            format!("{} is `directory`, and no directory is given", given.label("changes")),
            "set `directory` to the built directory: `dist`",
        ));
    }
    let directory = directory.and_then(|directory| {
        inside("directory", &directory, given, problems).filter(|directory| !directory.is_empty()).or_else(|| {
            problems.push(Diagnostic::new(
                format!("{} is the repository itself", given.label("directory")),
                "name the directory that the build writes: `dist`",
            ));
            None
        })
    });
    let manifest = given.text("manifest").unwrap_or_default();
    let manifest = manifest_source(&manifest, directory.as_deref(), given, problems);
    for name in ["base", "head"].into_iter().filter(|name| given.is_explicit(name)) {
        problems.push(Diagnostic::new(
            format!("{} can't be combined with `changes: directory`", given.label(name)),
            "built files are compared with the manifest, whatever was committed: drop it",
        ));
    }
    let is_file = matches!(manifest, ManifestSource::File(_));
    for name in ["without-manifest", "manifest-trust", "rollback"] {
        if !is_file && is_set(given, name) {
            problems.push(Diagnostic::new(
                format!("{} needs a manifest of the form `file:PATH`", given.label(name)),
                "set `manifest` to `file:PATH`, or drop it",
            ));
        }
    }
    if !matches!(manifest, ManifestSource::Listing(_)) && is_set(given, "listing-prefix") {
        problems.push(Diagnostic::new(
            format!("{} needs a manifest of the form `listing:FILE`", given.label("listing-prefix")),
            "set `manifest` to `listing:FILE`, or drop it",
        ));
    }
    DirectoryOptions {
        directory: directory.unwrap_or_default(),
        manifest,
        listing_prefix: match given.text("listing-prefix").as_deref().map(|prefix| prefix.trim_matches('/')) {
            None | Some("") => String::new(),
            Some(prefix) => format!("{prefix}/"),
        },
        without_manifest: match given.choice("without-manifest") {
            Some("all") => WithoutManifest::All,
            Some("adopt") => WithoutManifest::Adopt,
            _ => WithoutManifest::Error,
        },
        trust: match given.choice("manifest-trust") {
            Some("mtime") => ManifestTrust::Mtime,
            _ => ManifestTrust::Digest,
        },
        allow_shrink: given.boolean("allow-shrink") == Some(true),
        rollback: given.boolean("rollback") == Some(true),
    }
}

fn manifest_source(
    text: &str,
    directory: Option<&str>,
    given: &LayeredOptions,
    problems: &mut Vec<Diagnostic>,
) -> ManifestSource {
    let (kind, path) = text.split_once(':').unwrap_or((text, ""));
    if (kind, path) == ("none", "") {
        return ManifestSource::None;
    }
    if !["file", "listing"].contains(&kind) || path.is_empty() {
        problems.push(Diagnostic::new(
            format!("{} is {}", given.label("manifest"), quoted(text)),
            "write `file:PATH`, `listing:FILE` or `none`",
        ));
        return ManifestSource::None;
    }
    let Some(path) = inside("manifest", Path::new(path), given, problems) else { return ManifestSource::None };
    if directory.is_some_and(|directory| Path::new(&path).starts_with(directory)) {
        problems.push(Diagnostic::new(
            format!("{} lies in the built directory, and would be compared with itself", given.label("manifest")),
            "keep it outside of the directory: `file:.cdn-purge/manifest.txt`",
        ));
    }
    if kind == "file" { ManifestSource::File(path.into()) } else { ManifestSource::Listing(path.into()) }
}

/// A path without `.` and double slashes. The configuration file, which may come with a pull request, can name no place
/// outside of the repository; whoever sets a flag can.
pub(super) fn inside(
    name: &str,
    path: &Path,
    given: &LayeredOptions,
    problems: &mut Vec<Diagnostic>,
) -> Option<String> {
    let leads_out = path.components().any(|part| part == Component::ParentDir);
    if leads_out || (path.is_absolute() && !given.is_explicit(name)) {
        problems.push(Diagnostic::new(
            format!("{} leads out of the repository: {}", given.label(name), quoted(&path.display().to_string())),
            "write a path from the repository's root, without `..`; only a flag, an input or a variable may be absolute",
        ));
        return None;
    }
    let path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    path.to_str().map(str::to_owned)
}
