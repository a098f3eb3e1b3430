//! Listings of `rclone lsjson`.

use serde::Deserialize;

use super::object::{ListedFile, start_of};
use crate::directory::digest::{Digest, DigestKind};

/// An object of `rclone lsjson`. <https://rclone.org/commands/rclone_lsjson/>, 2026-11.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    path: String,
    size: i64,
    is_dir: bool,
    #[serde(default)]
    hashes: Hashes,
}

#[derive(Default, Deserialize)]
struct Hashes {
    md5: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
}

pub(super) fn fits(bytes: &[u8]) -> bool {
    let start = start_of(bytes);
    let Some(inside) = start.trim().strip_prefix('[') else { return false };
    inside.trim_start().starts_with(']') || inside.contains("\"IsDir\"")
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<ListedFile>, String> {
    let objects: Vec<Object> = serde_json::from_slice(bytes).map_err(|error| format!("it can't be read: {error}"))?;
    let files = objects.into_iter().filter(|object| !object.is_dir).map(|object| {
        let wrong = |what: &str| format!("`{}` has {what}", object.path);
        let digest = |text: &Option<String>, kind| match text.as_deref().filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => Digest::parse(kind, text).map(Some).ok_or_else(|| wrong("a hash that is none")),
        };
        let Hashes { md5, sha1, sha256 } = &object.hashes;
        let all = [digest(sha256, DigestKind::Sha256)?, digest(sha1, DigestKind::Sha1)?, digest(md5, DigestKind::Md5)?];
        Ok(ListedFile {
            // `-1`: the store doesn't know, so it counts as changed.
            size: u64::try_from(object.size).unwrap_or(u64::MAX),
            digest: all.into_iter().flatten().next(),
            path: object.path.into_bytes().into(),
        })
    });
    files.collect()
}
