//! The text of a commit becomes what it says, and the commits that are here become a piece of history.
//!
//! From what the commits say themselves, and not from libgit2's own view: in a shallow clone it takes the last commits for first
//! ones.

use std::collections::hash_map::Entry;

use crate::error::Error;
use crate::git::entries::ObjectId;
use crate::git::fetch::history::{History, Node};
use crate::git::remedy;

use super::Repository;
use super::objects::{Kind, Object};

/// The most commits that are looked at, some hundred megabytes of memory: the largest public histories have about a million.
pub(super) const MOST: usize = 2_000_000;
/// A commit is a few lines; one that is longer holds something else, and is taken for cut off.
const LARGEST: usize = 1 << 20;

/// What a commit says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) tree: ObjectId,
    pub(super) node: Node,
}

impl Repository {
    /// Everything that is here of the history of these commits.
    ///
    /// # Errors
    /// More than two million commits; a commit that is damaged.
    pub(in crate::git) fn history(&self, tips: &[ObjectId]) -> Result<History, Error> {
        let mut open = tips.to_vec();
        let mut history = History::new();
        while let Some(id) = open.pop() {
            let Entry::Vacant(place) = history.entry(id) else { continue };
            let Some(Object { kind: Kind::Commit, content }) = self.objects.get(id)? else { continue };
            let Some(Parsed { node, .. }) = read(&content).filter(|_| content.len() <= LARGEST) else { continue };
            open.extend(&node.parents);
            place.insert(node);
            if history.len() > MOST {
                return Err(remedy::history_too_long(MOST));
            }
        }
        Ok(history)
    }
}

/// The lines before the first empty one: `tree <id>`, any number of `parent <id>`, `author …`,
/// `committer <name> <seconds> <zone>`.
pub(super) fn read(commit: &[u8]) -> Option<Parsed> {
    let mut lines = commit.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty()).peekable();
    let tree = id(lines.next()?, b"tree ")?;
    let mut parents = Vec::new();
    while let Some(parent) = lines.peek().filter(|line| line.starts_with(b"parent ")) {
        parents.push(id(parent, b"parent ")?);
        lines.next();
    }
    let committer = lines.find(|line| line.starts_with(b"committer ")).unwrap_or_default();
    let seconds = committer.rsplit(|&byte| byte == b' ').nth(1).and_then(|digits| std::str::from_utf8(digits).ok());
    let time = seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    Some(Parsed { tree, node: Node { parents, time } })
}

/// What a tag stands for, which its first line says: `object <id>`.
pub(super) fn named_by_tag(tag: &[u8]) -> Option<ObjectId> {
    id(tag.split(|&byte| byte == b'\n').next()?, b"object ")
}

fn id(line: &[u8], word: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(std::str::from_utf8(line.strip_prefix(word)?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_says_its_directory_its_parents_and_its_time_and_the_message_says_nothing() {
        let digits = "1".repeat(40);
        let who = "author a <b> 1 +0000\ncommitter a b <c> 1700000000 +0100";
        let text = format!("tree {digits}\nparent {digits}\nparent {digits}\n{who}\n\nparent {digits}\n");
        let tree = ObjectId::from_hex(&digits).unwrap();
        let node = Node { parents: vec![tree, tree], time: 1_700_000_000 };
        assert_eq!(read(text.as_bytes()), Some(Parsed { tree, node }));
        let first = [b"tree ", digits.as_bytes(), b"\nauthor \xff\ncommitter \nparent ", digits.as_bytes()].concat();
        assert_eq!(read(&first), Some(Parsed { tree, node: Node { parents: Vec::new(), time: 0 } }));
        for wrong in ["", "\n", "parent x", &text[1..], &text[..40], &format!("tree {digits}\nparent {}", &digits[1..])]
        {
            assert_eq!(read(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_tag_says_what_it_stands_for() {
        let digits = "1".repeat(40);
        assert_eq!(named_by_tag(format!("object {digits}\ntype commit\n").as_bytes()), ObjectId::from_hex(&digits));
        assert_eq!(named_by_tag(b"object 1\n"), None);
        assert_eq!(named_by_tag(b""), None);
    }
}
