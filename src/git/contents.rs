//! The beginnings of changed files, as they are and as they were: their front matter decides about URLs.

use std::path::Path;

use crate::environment::Environment;
use crate::error::Error;
use crate::model::{RepoPath, Side};

use super::fetch::Fetcher;
use super::io::Fetching;
use super::oid;
use super::search::Range;
use super::time_limit::{LIMIT, Reader};

/// Reads the beginning of each file, at its side of the comparison: up to `most` bytes, and one more if there are more. What the
/// clone lacks is fetched. A file that can't be read has the reason in place of its content.
///
/// # Errors
/// A repository that can't be read, or a base that can't be fetched.
pub async fn contents(
    start: &Path,
    range: &Range,
    wanted: &[(Side, RepoPath)],
    most: usize,
    environment: &Environment,
    fetching: &Fetching<'_>,
) -> Result<Vec<Result<Vec<u8>, String>>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let reader = Reader::open(start, environment, LIMIT)?;
    let commit = |side| match side {
        Side::Base => range.base.as_deref().and_then(oid::parse),
        Side::Head => oid::parse(&range.head),
    };
    let (base, head) = (commit(Side::Base), commit(Side::Head));
    // What is fetched lies in a folder of the fetcher's.
    let mut fetcher = Fetcher::new(&reader, environment, fetching);
    for side in [Side::Base, Side::Head] {
        let paths: Vec<_> =
            wanted.iter().filter(|file| file.0 == side).map(|file| file.1.as_bytes().to_vec()).collect();
        if let (Some(commit), false) = (commit(side), paths.is_empty()) {
            // The working directory has no commit of its own.
            fetcher.fetch_contents(commit, head.unwrap_or(commit), &paths).await?;
        }
    }
    let files: Vec<_> = wanted.iter().map(|(side, path)| (*side, path.clone())).collect();
    reader.ask(move |repository| {
        let content = |(side, path): &(Side, RepoPath)| {
            let commit = match side {
                Side::Base => base,
                Side::Head => head,
            };
            let commit = commit.ok_or_else(|| "there is no commit before the change".to_owned())?;
            repository.content(commit, path.as_bytes(), most)
        };
        Ok(files.iter().map(content).collect())
    })
}

/// Reads the beginning of a file of the commit that is checked out, as [`contents`].
///
/// # Errors
/// A repository that can't be read.
pub fn content_at_head(
    start: &Path,
    path: &RepoPath,
    most: usize,
    environment: &Environment,
) -> Result<Result<Vec<u8>, String>, Error> {
    let reader = Reader::open(start, environment, LIMIT)?;
    let path = path.clone();
    reader.ask(move |repository| {
        let head = repository.head()?.id;
        Ok(repository.content(head, path.as_bytes(), most))
    })
}
