//! An entry of a list, or why it is none.

use crate::model::{ChangeKind, EntryKind, RepoPath};

/// One entry of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A file that changed.
    Changed(RepoPath, ChangeKind, EntryKind),
    /// A file that didn't, with whatever else may differ about it.
    Unchanged,
    /// Nothing about a file: a directory, a headline.
    Nothing,
}

/// What is wrong with an entry, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) what: String,
    pub(super) help: String,
}

impl Problem {
    pub(super) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), help: help.into() }
    }
}

/// An entry, or why it is none, with its number (from 1) of line or entry.
pub(super) type Read = (usize, Result<Item, Problem>);
