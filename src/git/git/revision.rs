//! A revision as people write it becomes a commit.
//!
//! Names, digits, and git's `~` and `^` are followed here, so that each commit on the way is read as all others are. What else
//! there is, such as `@{upstream}` or `:/text`, libgit2 knows.

use git2::ErrorCode;

use crate::error::Error;
use crate::git::entries::ObjectId;
use crate::git::range::Commit;
use crate::git::remedy;

use super::commits::MOST;
use super::libgit2::{self, Unanswered};
use super::objects::{Beginning, Peeled};
use super::{Repository, object_id};

/// Why a revision is no commit.
enum Unresolved {
    /// Nothing of this name is here.
    Unknown,
    /// More than one object has a name that begins so.
    Ambiguous,
    /// It is something else, by its kind.
    Other(&'static str),
    /// It can't be read.
    Unreadable(Error),
}

impl From<Error> for Unresolved {
    fn from(error: Error) -> Self {
        Self::Unreadable(error)
    }
}

/// A step from a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// To the first parent, so many times.
    Back(usize),
    /// To the parent of this number; 0 is the commit itself.
    Parent(usize),
    /// To its directory.
    Tree,
}

impl Repository {
    /// The commit of a revision that a person gave for `option`; an annotated tag stands for its commit.
    ///
    /// # Errors
    /// A revision that isn't known, isn't unique or is no commit.
    pub(in crate::git) fn given(&self, revision: &str, option: &str) -> Result<Commit, Error> {
        self.resolve(revision).map_err(|unresolved| match unresolved {
            Unresolved::Unknown => {
                let remote = format!("origin/{revision}");
                let known = self.resolve(&remote).is_ok().then_some(remote.as_str());
                remedy::unknown(revision, option, known, self.is_shallow(), self.host)
            }
            Unresolved::Ambiguous => remedy::ambiguous(revision, option),
            Unresolved::Other(kind) => remedy::no_commit(revision, option, kind),
            Unresolved::Unreadable(error) => error,
        })
    }

    /// Whether a revision is known here, or can't be told for another reason than that it is not.
    pub(in crate::git) fn knows_revision(&self, revision: &str) -> bool {
        !matches!(self.resolve(revision), Err(Unresolved::Unknown))
    }

    /// A revision is looked up once: whether something has to be fetched for it is asked before what it is.
    fn resolve(&self, revision: &str) -> Result<Commit, Unresolved> {
        if let Some(known) = self.resolved.borrow().get(revision) {
            return Ok(known.clone());
        }
        let commit = self.look_up(revision)?;
        self.resolved.borrow_mut().insert(revision.to_owned(), commit.clone());
        Ok(commit)
    }

    fn look_up(&self, revision: &str) -> Result<Commit, Unresolved> {
        let Some((name, steps)) = split(revision) else {
            return self.commit_of(self.by_libgit2(revision)?);
        };
        let mut commit = self.commit_of(self.named_so(name)?)?;
        for step in steps {
            let back = match step {
                Step::Tree => return Err(Unresolved::Other("tree")),
                Step::Parent(0) => continue,
                Step::Parent(number) => {
                    let parent = commit.parents.get(number - 1).ok_or(Unresolved::Unknown)?;
                    commit = self.commit_of(*parent)?;
                    continue;
                }
                Step::Back(back) => back,
            };
            for _ in 0..back {
                commit = self.commit_of(*commit.parents.first().ok_or(Unresolved::Unknown)?)?;
            }
        }
        Ok(commit)
    }

    fn commit_of(&self, id: ObjectId) -> Result<Commit, Unresolved> {
        match self.objects.peel(id)? {
            Peeled::Commit(commit) => Ok(commit),
            Peeled::Other(kind) => Err(Unresolved::Other(kind)),
            Peeled::Absent => Err(Unresolved::Unknown),
        }
    }

    /// All digits of an object, a reference, the first digits of an object, or what `git describe` prints, in git's order.
    fn named_so(&self, name: &str) -> Result<ObjectId, Unresolved> {
        if let Some(id) = ObjectId::from_hex(name) {
            return Ok(id);
        }
        let name = match name {
            // libgit2 takes it for `HEAD`, and git for nothing.
            "" => return Err(Unresolved::Unknown),
            "@" => "HEAD",
            name => name,
        };
        if let Some(id) = self.references.short(name)? {
            return Ok(id);
        }
        let digits = [Some(name), name.rsplit_once("-g").map(|(_, digits)| digits)].into_iter().flatten();
        let digits = digits
            .filter(|digits| (4..=40).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        for digits in digits {
            match self.objects.beginning(digits)? {
                Beginning::One(id) => return Ok(id),
                Beginning::Several => return Err(Unresolved::Ambiguous),
                Beginning::Absent => {}
            }
        }
        Err(Unresolved::Unknown)
    }

    /// The object of a revision that isn't followed here.
    fn by_libgit2(&self, revision: &str) -> Result<ObjectId, Unresolved> {
        let wanted = revision.to_owned();
        let found = libgit2::ask(&self.directory, true, move |repository| {
            repository.revparse_single(&wanted).map(|object| object_id(object.id()))
        });
        found.map_err(|unanswered| match unanswered {
            Unanswered::Refused(error) => unresolved(revision, &error),
            Unanswered::Unasked(words) => remedy::unreadable(&format!("`{revision}`"), &words).into(),
        })
    }
}

fn unresolved(revision: &str, error: &git2::Error) -> Unresolved {
    match error.code() {
        ErrorCode::Ambiguous => Unresolved::Ambiguous,
        ErrorCode::NotFound | ErrorCode::InvalidSpec => Unresolved::Unknown,
        _ => Unresolved::Unreadable(remedy::unreadable(&format!("`{revision}`"), error.message())),
    }
}

/// The name at the beginning of a revision, and the steps from there; `None`: it holds what isn't followed here.
fn split(revision: &str) -> Option<(&str, Vec<Step>)> {
    if revision.contains(':') || revision.contains("@{") || revision.contains("..") {
        return None;
    }
    let (name, mut rest) = revision.split_at(revision.find(['~', '^']).unwrap_or(revision.len()));
    let mut steps = Vec::new();
    while let Some(sign) = rest.chars().next() {
        rest = rest.strip_prefix(['~', '^'])?;
        if let Some(after) = rest.strip_prefix('{').filter(|_| sign == '^') {
            let (kind, after) = after.split_once('}')?;
            match kind {
                "" | "commit" => {}
                "tree" => steps.push(Step::Tree),
                _ => return None,
            }
            rest = after;
            continue;
        }
        let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let number = if end == 0 { 1 } else { rest[..end].parse().ok().filter(|number| *number <= MOST)? };
        steps.push(if sign == '~' { Step::Back(number) } else { Step::Parent(number) });
        rest = &rest[end..];
    }
    Some((name, steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_a_name_and_steps() {
        for (revision, name, steps) in [
            ("main", "main", &[][..]),
            ("", "", &[]),
            ("HEAD~", "HEAD", &[Step::Back(1)]),
            ("v1^0~12", "v1", &[Step::Parent(0), Step::Back(12)]),
            ("v1^{}^2^", "v1", &[Step::Parent(2), Step::Parent(1)]),
            ("v1^{commit}^{tree}", "v1", &[Step::Tree]),
            ("@^^", "@", &[Step::Parent(1), Step::Parent(1)]),
        ] {
            assert_eq!(split(revision), Some((name, steps.to_vec())), "{revision}");
        }
    }

    #[test]
    fn everything_else_is_left_to_libgit2() {
        for revision in [
            "HEAD:a",
            ":/x",
            "a..b",
            "@{u}",
            "main@{1}",
            "v1^{/x}",
            "v1^{",
            "v1^{blob}",
            "v1~x",
            "v1^-",
            "a~\u{1f600}",
            "a~99999999",
        ] {
            assert_eq!(split(revision), None, "{revision}");
        }
    }
}
