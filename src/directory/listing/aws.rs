//! Listings of `aws s3api list-objects-v2`.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::object::{ListedFile, of_etag, start_of};

/// The fields that the command prints: those of the API's responses, page by page, and its own `NextToken`.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>, 2026-11.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    #[serde(default)]
    contents: Vec<Object>,
    /// Of `--max-items`.
    next_token: Option<IgnoredAny>,
    /// Of `--no-paginate`.
    is_truncated: Option<bool>,
    /// Of `--delimiter`.
    common_prefixes: Option<IgnoredAny>,
    encoding_type: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "Size")]
    size: u64,
    #[serde(rename = "ETag")]
    etag: String,
}

pub(super) fn fits(bytes: &[u8]) -> bool {
    let start = start_of(bytes);
    // An empty bucket has no `Contents`.
    start.trim_start().starts_with('{')
        && ["\"Contents\"", "\"RequestCharged\""].iter().any(|name| start.contains(name))
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<ListedFile>, String> {
    let listing: Listing = serde_json::from_slice(bytes).map_err(|error| format!("it can't be read: {error}"))?;
    let option = if listing.next_token.is_some() {
        "--max-items"
    } else if listing.is_truncated == Some(true) {
        "--no-paginate"
    } else if listing.common_prefixes.is_some() {
        "--delimiter"
    } else if listing.encoding_type.is_some() {
        "--encoding-type"
    } else {
        let files = listing.contents.into_iter().filter(|object| !object.key.ends_with('/'));
        let file =
            |Object { key, size, etag }| ListedFile { path: key.into_bytes().into(), size, digest: of_etag(&etag) };
        return Ok(files.map(file).collect());
    };
    Err(format!("it doesn't list all objects by their names: leave `{option}` out"))
}
