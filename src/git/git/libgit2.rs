//! A question about a repository becomes libgit2's answer.
//!
//! For what is seldom asked and better left to those who know all of git's rules: whose a repository is when it isn't plainly
//! ours, the settings of a remote with all that they include, and revisions such as `@{upstream}`. Each question opens the
//! repository anew, on a thread that is watched.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use git2::{ErrorCode, RepositoryOpenFlags};

use super::watch::{self, Progress};

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// What libgit2 says.
    Refused(git2::Error),
    /// In our words.
    Unasked(String),
}

impl Unanswered {
    /// In whoever's words.
    pub(super) fn words(&self) -> &str {
        match self {
            Self::Refused(error) => error.message(),
            Self::Unasked(words) => words,
        }
    }
}

/// Asks libgit2 about the repository of `directory`. With `is_admitted` it was found out before that it may be read.
///
/// # Errors
/// A repository that libgit2 won't open, and what the question ends with.
pub(super) fn ask<T: Send + 'static>(
    directory: &Path,
    is_admitted: bool,
    question: impl FnOnce(&git2::Repository) -> Result<T, git2::Error> + Send + 'static,
) -> Result<T, Unanswered> {
    let directory = directory.to_owned();
    let answer = watch::over(&Progress::default(), move || question(&open(&directory, is_admitted)?));
    answer.map_err(Unanswered::Unasked)?.map_err(Unanswered::Refused)
}

/// Opening looks at settings of the whole process, so only one thread opens at a time.
static OPENING: Mutex<()> = Mutex::new(());

fn open(directory: &Path, is_admitted: bool) -> Result<git2::Repository, git2::Error> {
    let _opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    accept_partial_clones()?;
    let open = || git2::Repository::open_ext(directory, RepositoryOpenFlags::NO_SEARCH, &[] as &[&Path]);
    match open() {
        Err(error) if error.code() == ErrorCode::Owner && is_admitted => {
            verify_owner(false)?;
            let opened = open();
            verify_owner(true)?;
            opened
        }
        opened => opened,
    }
}

/// Some versions of git mark a partial clone by an extension, which libgit2 doesn't know. It says that objects can be absent: an
/// absent tree is an error here anyway, and file contents aren't read.
#[expect(unsafe_code, reason = "git2 leaves it to its caller that no other thread reads the list meanwhile")]
fn accept_partial_clones() -> Result<(), git2::Error> {
    // SAFETY: libgit2 reads this list when it opens a repository, and what is looked into is opened in `open` only, which holds
    // `OPENING` around this call and around the opening.
    unsafe { git2::opts::set_extensions(&["partialclone"]) }
}

#[expect(unsafe_code, reason = "git2 leaves it to its caller that no other thread reads the setting meanwhile")]
fn verify_owner(on: bool) -> Result<(), git2::Error> {
    // SAFETY: libgit2 reads this setting when it opens a repository, and what is looked into is opened in `open` only, which
    // holds `OPENING` around the opening and around both calls of this function.
    unsafe { git2::opts::set_verify_owner_validation(on) }
}
