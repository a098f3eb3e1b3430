//! The bytes of a request in git's protocol version 2.
//!
//! Source: git's documentation, "gitprotocol-v2" (fetch, ls-refs), 2026-11.

use git2::Oid;

use super::pkt_line::{delimiter, flush, line};

/// Commits to fetch, and how much of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The commits, or the objects alone if there is no depth.
    pub(super) commits: Vec<Oid>,
    /// Commits that are here with all their trees, so that the server sends the difference alone.
    pub(super) held: Vec<Oid>,
    /// Where the history ends here. Without these a server takes everything before `held` for held, and sends nothing.
    pub(super) ends: Vec<Oid>,
    /// How many commits deep; 0 for objects alone.
    pub(super) depth: u32,
    /// The part that is left out, if the server can filter.
    pub(super) without: Filter,
}

/// The part that a server leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Nothing: the objects themselves are what is asked for.
    Nothing,
    /// File contents.
    Contents,
    /// Contents and directories: commits remain.
    Directories,
}

impl Filter {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Contents => Some("blob:none"),
            Self::Directories => Some("tree:0"),
        }
    }
}

const AGENT: &str = concat!("agent=cdn-purge/", env!("CARGO_PKG_VERSION"));

impl Request {
    /// The request for the contents of files. In this version of the protocol a server sends every object that it has.
    pub(super) fn contents(ids: Vec<Oid>) -> Self {
        Self { commits: ids, held: Vec::new(), ends: Vec::new(), depth: 0, without: Filter::Nothing }
    }

    /// The request, in one message; with a filter if the server can.
    pub(super) fn message(&self, can_filter: bool) -> Vec<u8> {
        let mut message = Vec::new();
        line(&mut message, "command=fetch");
        line(&mut message, AGENT);
        delimiter(&mut message);
        line(&mut message, "thin-pack");
        line(&mut message, "ofs-delta");
        self.commits.iter().for_each(|commit| line(&mut message, &format!("want {commit}")));
        self.ends.iter().for_each(|commit| line(&mut message, &format!("shallow {commit}")));
        if self.depth > 0 {
            line(&mut message, &format!("deepen {}", self.depth));
        }
        if let Some(filter) = self.without.name().filter(|_| can_filter) {
            line(&mut message, &format!("filter {filter}"));
        }
        self.held.iter().for_each(|commit| line(&mut message, &format!("have {commit}")));
        line(&mut message, "done");
        flush(&mut message);
        message
    }
}

/// The request for references whose names begin so.
pub(super) fn references(prefixes: &[String]) -> Vec<u8> {
    let mut message = Vec::new();
    line(&mut message, "command=ls-refs");
    line(&mut message, AGENT);
    delimiter(&mut message);
    line(&mut message, "peel");
    prefixes.iter().for_each(|prefix| line(&mut message, &format!("ref-prefix {prefix}")));
    flush(&mut message);
    message
}

#[cfg(test)]
mod tests {
    use crate::git::oid;

    use super::*;

    fn id(digit: char) -> Oid {
        oid::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn shown(message: Vec<u8>) -> String {
        String::from_utf8(message).unwrap().replace(AGENT, "AGENT")
    }

    fn wanted() -> Request {
        let (commits, held, ends) = (vec![id('1'), id('2')], vec![id('3')], vec![id('4')]);
        Request { commits, held, ends, depth: 1, without: Filter::Contents }
    }

    #[test]
    fn everything_is_asked_for_in_one_message() {
        let message = shown(wanted().message(true));
        let ids: Vec<String> = ('1'..='4').map(|digit| digit.to_string().repeat(40)).collect();
        let expected = [
            "0012command=fetch\n".to_owned(),
            format!("{:04x}AGENT\n", AGENT.len() + 5),
            "0001".to_owned(),
            "000ethin-pack\n".to_owned(),
            "000eofs-delta\n".to_owned(),
            format!("0032want {}\n", ids[0]),
            format!("0032want {}\n", ids[1]),
            format!("0035shallow {}\n", ids[3]),
            "000ddeepen 1\n".to_owned(),
            "0015filter blob:none\n".to_owned(),
            format!("0032have {}\n", ids[2]),
            "0009done\n".to_owned(),
            "0000".to_owned(),
        ];
        assert_eq!(message, expected.concat());
    }

    #[test]
    fn a_server_that_cannot_filter_is_not_asked_to() {
        assert!(!shown(wanted().message(false)).contains("filter"));
        let commits_alone = Request { without: Filter::Directories, depth: 64, ..wanted() };
        assert!(shown(commits_alone.message(true)).contains("deepen 64\n0012filter tree:0\n"));
    }

    #[test]
    fn references_are_asked_for_by_their_beginnings() {
        let message = shown(references(&["refs/heads/main".to_owned()]));
        assert!(message.contains("0001") && message.contains("001fref-prefix refs/heads/main\n0000"), "{message}");
    }
}
