//! A server's first answer becomes what it can do: which protocol, which filters, and with the older one its references.
//!
//! Source: git's documentation, "gitprotocol-http", "gitprotocol-v2" and "gitprotocol-capabilities" (2026-11).

use crate::git::entries::ObjectId;

use super::packet::{Packet, Packets};

/// What a server says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Advertisement {
    /// Whether it speaks protocol version 2; else the one without a number.
    pub(super) is_version_2: bool,
    /// Whether it can send less than whole commits.
    pub(super) can_filter: bool,
    /// Whether it can cut the history off.
    pub(super) can_cut: bool,
    /// Whether it can send a pack beside its words.
    pub(super) can_mix: bool,
    /// Its references by name; with version 2 they are asked for.
    pub(super) references: Vec<Reference>,
}

/// A name on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) name: String,
    /// The commit; of an annotated tag, what it stands for where the server says it.
    pub(super) id: ObjectId,
}

impl Advertisement {
    /// Reads the whole answer.
    ///
    /// # Errors
    /// Bytes that are no advertisement, and the server's own refusal, as text for a message.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let mut read = Self::default();
        let mut packets = Packets::default();
        packets.feed(body);
        let mut is_first = true;
        let mut is_ended = false;
        while let Some(packet) = packets.next()? {
            // A flush follows the service's name, and another one ends the answer.
            let Packet::Data(content) = packet else {
                is_ended |= !is_first;
                continue;
            };
            let line = content.strip_suffix(b"\n").unwrap_or(content);
            if let Some(words) = line.strip_prefix(b"ERR ") {
                return Err(refused(words));
            }
            if line.starts_with(b"# service=") {
                continue;
            }
            match (is_first, read.is_version_2) {
                (true, _) if line == b"version 2" => read.is_version_2 = true,
                // Version 1 is the one without a number, after its name.
                (true, _) if line == b"version 1" => continue,
                (_, true) => read.capability(line),
                (_, false) => read.reference(line, is_first)?,
            }
            is_first = false;
        }
        if is_first || !is_ended || !packets.is_empty() {
            return Err("the answer isn't that of a git server".to_owned());
        }
        read.can_mix |= read.is_version_2;
        Ok(read)
    }

    /// A line of version 2: `fetch=shallow wait-for-done filter`.
    fn capability(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        if let Some(features) = line.strip_prefix("fetch=") {
            self.can_cut = features.split(' ').any(|feature| feature == "shallow");
            self.can_filter = features.split(' ').any(|feature| feature == "filter");
        }
    }

    /// A line of the older protocol: an object and a name, on the first line what the server can do behind a zero byte.
    fn reference(&mut self, line: &[u8], is_first: bool) -> Result<(), String> {
        let mut parts = line.splitn(2, |&byte| byte == 0);
        let (named, capabilities) = (parts.next().unwrap_or_default(), parts.next());
        if let (true, Some(capabilities)) = (is_first, capabilities) {
            let capabilities = String::from_utf8_lossy(capabilities);
            let has = |word: &str| capabilities.split(' ').any(|capability| capability == word);
            (self.can_filter, self.can_cut, self.can_mix) = (has("filter"), has("shallow"), has("side-band-64k"));
            if capabilities.split(' ').any(|word| word.starts_with("object-format=") && word != "object-format=sha1") {
                return Err("the server's repository uses another object format than SHA-1".to_owned());
            }
        }
        let named = String::from_utf8_lossy(named);
        let Some((id, name)) = named.split_once(' ').and_then(|(id, name)| Some((ObjectId::from_hex(id)?, name)))
        else {
            // `shallow` lines: the server's own clone is cut off.
            return if named.starts_with("shallow ") {
                Ok(())
            } else {
                Err("the answer isn't that of a git server".to_owned())
            };
        };
        if !id.is_zero() {
            self.add(name.to_owned(), id);
        }
        Ok(())
    }

    fn add(&mut self, name: String, id: ObjectId) {
        match (name.strip_suffix("^{}"), self.references.last_mut()) {
            (Some(tag), Some(last)) if last.name == tag => last.id = id,
            _ => self.references.push(Reference { name, id }),
        }
    }
}

/// Reads the answer to a question for references: `<id> <name> peeled:<id>`.
///
/// # Errors
/// Bytes that are no such list, and the server's own refusal, as text for a message.
pub(super) fn references(body: &[u8]) -> Result<Vec<Reference>, String> {
    let mut packets = Packets::default();
    packets.feed(body);
    let mut found = Vec::new();
    loop {
        let content = match packets.next()? {
            Some(Packet::Data(content)) => content,
            Some(Packet::Flush | Packet::End) => return Ok(found),
            Some(Packet::Delimiter) | None => return Err("the list of references broke off".to_owned()),
        };
        let line = content.strip_suffix(b"\n").unwrap_or(content);
        if let Some(words) = line.strip_prefix(b"ERR ") {
            return Err(refused(words));
        }
        let line = String::from_utf8_lossy(line);
        let mut words = line.split(' ');
        let (Some(id), Some(name)) = (words.next(), words.next()) else {
            return Err("the list of references can't be read".to_owned());
        };
        let peeled = words.find_map(|word| word.strip_prefix("peeled:"));
        // An unborn HEAD has no id.
        if let Some(id) = ObjectId::from_hex(peeled.unwrap_or(id)) {
            found.push(Reference { name: name.to_owned(), id });
        }
    }
}

/// The server's own words.
pub(super) fn refused(words: &[u8]) -> String {
    let words = String::from_utf8_lossy(words);
    format!("the server says: {}", words.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packets(lines: &[&str]) -> Vec<u8> {
        let mut body = Vec::new();
        for line in lines {
            match *line {
                "flush" => body.extend_from_slice(b"0000"),
                line => body.extend_from_slice(format!("{:04x}{line}", line.len() + 4).as_bytes()),
            }
        }
        body
    }

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn id(digits: &str) -> ObjectId {
        ObjectId::from_hex(digits).unwrap()
    }

    #[test]
    fn version_2_says_what_its_fetch_can_do() {
        let lines =
            ["version 2\n", "agent=git/2.47\n", "ls-refs=unborn\n", "fetch=shallow wait-for-done filter\n", "flush"];
        let read = Advertisement::read(&packets(&lines)).unwrap();
        assert!(read.is_version_2 && read.can_cut && read.can_filter && read.can_mix && read.references.is_empty());
        // Some servers name the service first.
        let named = [&["# service=git-upload-pack\n", "flush"], &lines[..]].concat();
        assert_eq!(Advertisement::read(&packets(&named)).unwrap(), read);
        let plain = Advertisement::read(&packets(&["version 2\n", "fetch=shallow\n", "flush"])).unwrap();
        assert!(plain.can_cut && !plain.can_filter);
    }

    #[test]
    fn the_older_protocol_lists_its_references_and_tags_stand_for_their_commits() {
        let first =
            format!("{ONE} HEAD\0multi_ack thin-pack side-band-64k shallow filter object-format=sha1 agent=x\n");
        let (branch, tag) = (format!("{ONE} refs/heads/main\n"), format!("{TWO} refs/tags/v1\n"));
        let peeled = format!("{ONE} refs/tags/v1^{{}}\n");
        let body = packets(&["# service=git-upload-pack\n", "flush", &first, &branch, &tag, &peeled, "flush"]);
        let read = Advertisement::read(&body).unwrap();
        assert!(!read.is_version_2 && read.can_cut && read.can_filter && read.can_mix);
        let names: Vec<_> = read.references.iter().map(|one| (one.name.as_str(), one.id)).collect();
        assert_eq!(names, [("HEAD", id(ONE)), ("refs/heads/main", id(ONE)), ("refs/tags/v1", id(ONE))]);
    }

    #[test]
    fn an_empty_repository_has_no_references() {
        let first = format!("{} capabilities^{{}}\0side-band-64k shallow\n", "0".repeat(40));
        let body = packets(&["# service=git-upload-pack\n", "flush", &first, "flush"]);
        assert!(Advertisement::read(&body).unwrap().references.is_empty());
    }

    #[test]
    fn what_is_no_git_server_and_what_refuses_are_told_apart() {
        for body in [&b""[..], b"0000", b"<html>", b"001e# service=git-upload-pack\n0000"] {
            Advertisement::read(body).unwrap_err();
        }
        let refusal = Advertisement::read(&packets(&["ERR access denied\n"])).unwrap_err();
        assert_eq!(refusal, "the server says: access denied");
        let other = format!("{ONE} HEAD\0side-band-64k object-format=sha256\n");
        assert!(Advertisement::read(&packets(&[&other, "flush"])).unwrap_err().contains("SHA-1"));
        // Cut off in the middle.
        let whole = packets(&["version 2\n", "fetch=shallow\n", "flush"]);
        (0..whole.len()).for_each(|length| drop(Advertisement::read(&whole[..length]).unwrap_err()));
    }

    #[test]
    fn references_that_were_asked_for_come_with_what_tags_stand_for() {
        let tag = format!("{TWO} refs/tags/v1 peeled:{ONE}\n");
        let found = references(&packets(&[&format!("{TWO} refs/heads/main\n"), &tag, "flush"])).unwrap();
        assert_eq!(found[0], Reference { name: "refs/heads/main".into(), id: id(TWO) });
        assert_eq!(found[1], Reference { name: "refs/tags/v1".into(), id: id(ONE) });
        assert!(references(&packets(&["unborn HEAD\n", "flush"])).unwrap().is_empty());
        assert!(references(b"0000").unwrap().is_empty());
        assert!(references(b"").unwrap_err().contains("broke off"));
        assert!(references(&packets(&["ERR no\n", "flush"])).unwrap_err().contains("says: no"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..8),
            tail in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let mut body = Vec::new();
            for line in lines {
                body.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
                body.extend_from_slice(&line);
            }
            body.extend_from_slice(&tail);
            let _ = Advertisement::read(&body);
            let _ = references(&body);
        }
    }
}
