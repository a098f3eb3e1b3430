//! Explains what happened to a file of a built directory: its digest now, and in the manifest.

use std::fs::File;
use std::path::Path;

use super::digest::{Digest, DigestKind};
use super::manifest::{Manifest, State};
use super::walk::place_of;
use crate::model::RepoPath;

/// What a build and its manifest say of a file; `path` is from the repository's root, as `directory` is. Lines without line ends.
pub fn explain(root: &Path, directory: &str, manifest: Option<&Manifest>, path: &RepoPath) -> Vec<String> {
    let below = path.as_bytes().strip_prefix(directory.as_bytes()).and_then(|path| path.strip_prefix(b"/"));
    let Some(below) = below else { return vec![format!("  it isn't in the built directory `{directory}`")] };
    let built = File::open(place_of(&root.join(directory), below))
        .and_then(|mut file| Digest::of(DigestKind::Sha256, &mut file, &mut Vec::new()));
    let now = match &built {
        Ok((digest, size)) => format!("{digest}, {size} bytes"),
        Err(error) => format!("not readable: {error}"),
    };
    let Some(manifest) = manifest else { return vec![format!("  built: {now}"), "  there is no manifest yet".into()] };
    let entry = manifest.entry(below);
    let before = match entry.and_then(|entry| entry.content) {
        Some((digest, size)) => format!("{digest}, {size} bytes"),
        None => "not there".to_owned(),
    };
    let is_same = entry.and_then(|entry| entry.content).is_some_and(|before| built.is_ok_and(|now| now == before));
    let verdict = match (entry.map(|entry| entry.state), is_same) {
        (Some(State::Unrefreshed), _) => "its refresh wasn't done, so it is refreshed again",
        (Some(State::Unprefetched), true) => "unchanged; its prefetch wasn't done",
        (_, true) => "unchanged",
        (_, false) => "changed",
    };
    vec![format!("  built: {now}"), format!("  manifest of {}: {before}", manifest.origin()), format!("  {verdict}")]
}
