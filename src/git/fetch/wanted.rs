//! What is wanted of a server becomes the bytes of one request.
//!
//! Source: git's documentation, "gitprotocol-v2" (fetch, ls-refs) and "gitprotocol-pack" (2026-11).

use crate::git::entries::ObjectId;

use super::advertisement::Advertisement;
use super::packet::{delimiter, flush, line};

/// Commits to fetch, and how much of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The commits.
    pub(super) commits: Vec<ObjectId>,
    /// Commits that are here with all their trees, so that the server sends the difference alone.
    pub(super) held: Vec<ObjectId>,
    /// Where the history ends here. A server that isn't told takes everything before `held` for held, and sends nothing.
    pub(super) ends: Vec<ObjectId>,
    /// How many commits deep.
    pub(super) depth: u32,
    /// What is left out, where the server can leave anything out.
    pub(super) without: Filter,
}

/// What a server leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// What files hold.
    Contents,
    /// That, and directories: commits remain.
    Directories,
}

impl Filter {
    fn name(self) -> &'static str {
        match self {
            Self::Contents => "blob:none",
            Self::Directories => "tree:0",
        }
    }
}

const AGENT: &str = concat!("agent=cdn-purge/", env!("CARGO_PKG_VERSION"));

impl Wanted {
    /// The request for a server that says this of itself.
    pub(super) fn request(&self, server: &Advertisement) -> Vec<u8> {
        if server.is_version_2 { self.version_2(server.can_filter) } else { self.older(server.can_filter) }
    }

    fn version_2(&self, can_filter: bool) -> Vec<u8> {
        let mut message = Vec::new();
        line(&mut message, "command=fetch");
        line(&mut message, AGENT);
        delimiter(&mut message);
        line(&mut message, "thin-pack");
        line(&mut message, "ofs-delta");
        self.wants(&mut message, "");
        self.limits(&mut message, can_filter);
        self.haves(&mut message);
        flush(&mut message);
        message
    }

    fn older(&self, can_filter: bool) -> Vec<u8> {
        let mut message = Vec::new();
        let filter = if can_filter { " filter" } else { "" };
        self.wants(&mut message, &format!(" thin-pack side-band-64k ofs-delta shallow{filter} {AGENT}"));
        self.limits(&mut message, can_filter);
        flush(&mut message);
        self.haves(&mut message);
        message
    }

    fn wants(&self, message: &mut Vec<u8>, capabilities: &str) {
        for (index, commit) in self.commits.iter().enumerate() {
            let capabilities = if index == 0 { capabilities } else { "" };
            line(message, &format!("want {commit}{capabilities}"));
        }
    }

    fn limits(&self, message: &mut Vec<u8>, can_filter: bool) {
        self.ends.iter().for_each(|commit| line(message, &format!("shallow {commit}")));
        line(message, &format!("deepen {}", self.depth));
        if can_filter {
            line(message, &format!("filter {}", self.without.name()));
        }
    }

    fn haves(&self, message: &mut Vec<u8>) {
        self.held.iter().for_each(|commit| line(message, &format!("have {commit}")));
        line(message, "done");
    }
}

/// The request of version 2 for references whose names begin so.
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
    use super::*;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(&digit.to_string().repeat(40)).unwrap()
    }

    fn shown(message: Vec<u8>) -> String {
        String::from_utf8(message).unwrap().replace(AGENT, "AGENT")
    }

    fn wanted() -> Wanted {
        let (commits, held, ends) = (vec![id('1'), id('2')], vec![id('3')], vec![id('4')]);
        Wanted { commits, held, ends, depth: 1, without: Filter::Contents }
    }

    #[test]
    fn version_2_asks_for_everything_in_one_message() {
        let server = Advertisement { is_version_2: true, can_filter: true, ..Advertisement::default() };
        let message = shown(wanted().request(&server));
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
        for is_version_2 in [true, false] {
            let server = Advertisement { is_version_2, ..Advertisement::default() };
            assert!(!shown(wanted().request(&server)).contains("filter"), "{is_version_2}");
        }
    }

    #[test]
    fn the_older_protocol_names_its_abilities_once_and_ends_the_wants_before_the_haves() {
        let server = Advertisement { can_filter: true, ..Advertisement::default() };
        let message = shown(Wanted { without: Filter::Directories, depth: 64, ..wanted() }.request(&server));
        assert_eq!(message.matches(" thin-pack side-band-64k ofs-delta shallow filter AGENT\n").count(), 1);
        assert!(message.contains("deepen 64\n0012filter tree:0\n00000032have "), "{message}");
        assert!(message.ends_with("0009done\n"));
    }

    #[test]
    fn references_are_asked_for_by_their_beginnings() {
        let message = shown(references(&["refs/heads/main".to_owned()]));
        assert!(message.contains("0001") && message.contains("001fref-prefix refs/heads/main\n0000"), "{message}");
    }
}
