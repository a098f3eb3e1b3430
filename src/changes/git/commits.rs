//! The commits that are here become a piece of history, read from what the commits say themselves.
//!
//! Not from libgit2's own view: in a shallow clone it takes the last commits for first ones.

use std::collections::hash_map::Entry;

use git2::ObjectType;

use crate::changes::entries::ObjectId;
use crate::changes::fetch::history::{History, Node};
use crate::changes::remedy;
use crate::error::Error;

use super::{Repository, oid};

/// The most commits that are looked at, some hundred megabytes of memory: the largest public histories have about a million.
const MOST: usize = 2_000_000;
/// A commit is a few lines; one that is longer holds something else, and is taken for cut off.
const LARGEST: usize = 1 << 20;

impl Repository {
    /// Everything that is here of the history of these commits.
    ///
    /// # Errors
    /// More than two million commits; an object database that can't be read.
    pub(in crate::changes) fn history(&self, tips: &[ObjectId]) -> Result<History, Error> {
        let odb = self.inner.odb().map_err(|error| remedy::unreadable("the object database", error.message()))?;
        let mut history = History::new();
        let mut open = tips.to_vec();
        while let Some(id) = open.pop() {
            let Entry::Vacant(place) = history.entry(id) else { continue };
            let Ok((size, ObjectType::Commit)) = odb.read_header(oid(id)) else { continue };
            if size > LARGEST {
                continue;
            }
            let object = odb.read(oid(id));
            let object = object.map_err(|error| remedy::unreadable(&format!("the commit `{id}`"), error.message()))?;
            let node = read(object.data());
            open.extend(&node.parents);
            place.insert(node);
            if history.len() > MOST {
                return Err(remedy::history_too_long(MOST));
            }
        }
        Ok(history)
    }
}

/// The lines before the first empty one: `parent <id>`, `committer <name> <seconds> <zone>`.
fn read(commit: &[u8]) -> Node {
    let mut node = Node { parents: Vec::new(), time: 0 };
    for line in commit.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty()) {
        let Ok(line) = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)) else { continue };
        if let Some(parent) = line.strip_prefix("parent ") {
            node.parents.extend(ObjectId::from_hex(parent));
        } else if line.starts_with("committer ") {
            node.time = line.rsplit(' ').nth(1).and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
        }
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_says_its_parents_and_its_time_and_the_message_says_nothing() {
        let digits = "1".repeat(40);
        let text = format!("tree {digits}\nparent {digits}\ncommitter a b <c> 1700000000 +0100\n\nparent {digits}\n");
        let parents = vec![ObjectId::from_hex(&digits).unwrap()];
        assert_eq!(read(text.as_bytes()), Node { parents, time: 1_700_000_000 });
        assert_eq!(read(b"\xff\ncommitter \nparent x"), Node { parents: Vec::new(), time: 0 });
    }
}
