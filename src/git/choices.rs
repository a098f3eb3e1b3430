//! Explains which two commits a run compares, and the alternatives (`explain --range`).
//!
//! For a person who wonders about a list of changes: the same look-up as for a run, once for each likely base.

use std::path::Path;

use crate::config::Changes;
use crate::environment::Environment;
use crate::error::Error;

use super::event;
use super::io::Fetching;
use super::range::{self, Base};
use super::search::{Changed, compare, search};
use super::submodules::Following;
use super::time_limit::{LIMIT, Reader};

/// What a run would compare, and what other bases would have meant.
#[derive(Debug)]
pub struct Choices {
    /// Where the run is, and what started it: ``GitHub Actions, `push` ``.
    pub started_by: String,
    /// What a run finds, or why it refuses to.
    pub decided: Result<Changed, Error>,
    /// In the order of what is closest to head; each with what it is called.
    pub others: Vec<(String, Result<Changed, Error>)>,
}

/// Finds what a run would find, and the same with other bases; those come from the clone alone, without
/// looking into submodules.
///
/// # Errors
/// [`Error::Checkout`] when there is no repository or no head to speak of.
pub async fn choices(
    start: &Path,
    changes: &Changes,
    following: &Following,
    environment: &Environment,
    fetching: &Fetching<'_>,
) -> Result<Choices, Error> {
    let reader = Reader::open(start, environment, LIMIT)?;
    let started_by = range::started_by(environment);
    let decided = search(start, changes, following, environment, fetching).await;
    let (Changes::Git { head: given, .. } | Changes::Since { head: given, .. } | Changes::All { head: given }) =
        changes
    else {
        return Ok(Choices { started_by, decided, others: Vec::new() });
    };
    let (given, found) = (given.clone(), decided.as_ref().ok().map(|changed| changed.range.head.clone()));
    let default_branch = range::default_branch(environment, event::read(environment).ok().flatten().as_ref());
    let others = reader.ask(move |repository| {
        // A head that was fetched isn't in the clone, where the others are looked up.
        let found = found.map(|head| repository.given_if_known(&head, "head")).transpose()?.flatten();
        let head = match (found, given) {
            (Some(head), _) => head,
            (None, Some(revision)) => repository.given(&revision, "head")?,
            (None, None) => repository.head()?,
        };
        let mut bases = Vec::new();
        if let Some(parent) = head.parents.first() {
            bases.push(("the first parent of head".to_owned(), Base::Parent(*parent)));
        }
        bases.push(("the nearest tag in the history of head".to_owned(), Base::PreviousTag(None)));
        if let Some(branch) = repository.default_branch().or(default_branch) {
            bases.push((format!("the merge base with `{branch}`"), Base::MergeBaseWithBranch(branch)));
        }
        bases.push(("every tracked file (`changes: all`)".to_owned(), Base::Nothing));
        let compare = |(name, base): (String, Base)| {
            let compared = compare(repository, &base, &head, name.clone());
            let compared = compared.map(|(range, walked)| Changed::without_following(range, walked));
            (name, compared)
        };
        Ok(bases.into_iter().map(compare).collect())
    })?;
    Ok(Choices { started_by, decided, others })
}

impl Choices {
    /// For a person, line by line.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("run      {}", self.started_by)];
        match &self.decided {
            Ok(Changed { range, files, built, warnings, notes, .. }) => {
                lines.push(format!("base     {}", range.base.as_deref().unwrap_or("none: everything is new")));
                lines.push(format!("head     {}", range.head));
                lines.push(format!("because  {}", range.reason));
                lines.push(format!("changes  {}", files_in_words(files.len())));
                lines.extend(warnings.iter().map(|warning| format!("warning  {warning}")));
                let isnt_in_git =
                    |folder| format!("warning  `{folder}` isn't in git: no commit changes what rules select there");
                lines.extend(built.iter().map(isnt_in_git));
                lines.extend(notes.iter().map(|note| format!("note     {note}")));
            }
            Err(_) => lines.push("base     undecided: the error below says why".to_owned()),
        }
        if !self.others.is_empty() {
            lines.push(String::new());
            lines.push("Another base would have been".to_owned());
        }
        lines.extend(self.others.iter().map(|(name, compared)| match compared {
            Ok(Changed { range, files, .. }) => {
                let base = range.base.as_deref().unwrap_or("none");
                format!("  {base:40}  {:>10}  {}", files_in_words(files.len()), range.reason)
            }
            Err(Error::Checkout { message, .. }) => format!("  {:40}  {:>10}  {name}: {message}", "not known", ""),
            Err(error) => format!("  {:40}  {:>10}  {name}: {error}", "not known", ""),
        }));
        lines
    }
}

fn files_in_words(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}
