//! The event that started a job on GitHub.

use std::io::Read;

use serde_json::Value;

use crate::environment::Environment;
use crate::error::Error;

use super::range::{Host, variable};

/// GitHub's events are at most 25 MB (GitHub Docs, webhook events and payloads, 2026-11); this is above it.
const LARGEST: u64 = 32 << 20;

/// The number of the pull request that the event is about; `None` for other events.
///
/// # Errors
/// An event that can't be read.
pub fn pull_request(environment: &Environment) -> Result<Option<u64>, Error> {
    Ok(read(environment)?.and_then(|event| event["pull_request"]["number"].as_u64()))
}

/// The content of `GITHUB_EVENT_PATH`; `None` on other hosts and without the variable.
///
/// # Errors
/// A file that can't be read, is too large or isn't JSON.
pub(super) fn read(environment: &Environment) -> Result<Option<Value>, Error> {
    let (Host::GitHub, Some(path)) = (Host::of(environment), variable(environment, "GITHUB_EVENT_PATH")) else {
        return Ok(None);
    };
    let unusable = |why: &str| Error::Checkout {
        message: format!("the event in `{path}` (`GITHUB_EVENT_PATH`) {why}"),
        help: "give `base`, so that the event isn't needed; in a container, check that the file is mounted".to_owned(),
    };
    let mut text = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut text))
        .map_err(|error| unusable(&format!("can't be read: {error}")))?;
    if text.len() as u64 > LARGEST {
        return Err(unusable("is larger than 32 MiB"));
    }
    serde_json::from_slice(&text).map(Some).map_err(|error| unusable(&format!("isn't JSON: {error}")))
}
