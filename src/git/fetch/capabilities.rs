//! The capabilities that a server advertises, in git's protocol version 2.
//!
//! Source: git's documentation, "gitprotocol-http" and "gitprotocol-v2" (2026-11).

use super::pkt_line::{Packet, Packets, refused};

/// What a server's `fetch` command can do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// Whether it can send less than whole commits (`filter`).
    pub(super) can_filter: bool,
    /// Whether it can cut the history off (`shallow`).
    pub(super) can_cut: bool,
}

impl Capabilities {
    /// Reads the whole response.
    ///
    /// # Errors
    /// Another version of the protocol, bytes that are no advertisement, and the server's own refusal, as text for a message.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let unknown = || "the response isn't that of a git server".to_owned();
        let mut packets = Packets::default();
        packets.feed(body);
        let mut read = Self::default();
        let (mut is_version_2, mut is_ended) = (false, false);
        while let Some(packet) = packets.next()? {
            // A flush follows the service's name, and another one ends the response.
            let Packet::Data(content) = packet else {
                is_ended |= is_version_2;
                continue;
            };
            let line = content.strip_suffix(b"\n").unwrap_or(content);
            if let Some(words) = line.strip_prefix(b"ERR ") {
                return Err(refused(words));
            }
            if is_version_2 {
                read.capability(&String::from_utf8_lossy(line))?;
            } else if line == b"version 2" {
                is_version_2 = true;
            } else if !line.starts_with(b"# service=") {
                // The older protocol begins with a reference, or with `version 1`.
                let is_older = line == b"version 1" || line.get(..41).is_some_and(|line| line.ends_with(b" "));
                return Err(if is_older {
                    "the server doesn't speak version 2 of git's protocol".to_owned()
                } else {
                    unknown()
                });
            }
        }
        if is_ended && packets.is_empty() { Ok(read) } else { Err(unknown()) }
    }

    /// A line such as `fetch=shallow wait-for-done filter`.
    fn capability(&mut self, line: &str) -> Result<(), String> {
        if let Some(features) = line.strip_prefix("fetch=") {
            self.can_cut = features.split(' ').any(|feature| feature == "shallow");
            self.can_filter = features.split(' ').any(|feature| feature == "filter");
        }
        match line.strip_prefix("object-format=") {
            Some(format) if format != "sha1" => {
                Err("the server's repository uses another object format than SHA-1".to_owned())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pkt_line::packets;
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";

    #[test]
    fn version_2_says_what_its_fetch_can_do() {
        let lines =
            ["version 2\n", "agent=git/2.47\n", "ls-refs=unborn\n", "fetch=shallow wait-for-done filter\n", "flush"];
        let read = Capabilities::read(&packets(&lines)).unwrap();
        assert!(read.can_cut && read.can_filter);
        // Some servers name the service first.
        let named = [&["# service=git-upload-pack\n", "flush"], &lines[..]].concat();
        assert_eq!(Capabilities::read(&packets(&named)).unwrap(), read);
        let plain = Capabilities::read(&packets(&["version 2\n", "fetch=shallow\n", "flush"])).unwrap();
        assert!(plain.can_cut && !plain.can_filter);
    }

    #[test]
    fn an_older_protocol_is_refused_by_its_name() {
        let first =
            format!("{ONE} HEAD\0multi_ack thin-pack side-band-64k shallow filter object-format=sha1 agent=x\n");
        let service = ["# service=git-upload-pack\n", "flush"];
        for older in [&[&*first, "flush"][..], &["version 1\n", &*first, "flush"]] {
            // Cut off, too: there may be a million references.
            for body in
                [packets(&[&service, older].concat()), packets(older), packets(&[&service, &older[..1]].concat())]
            {
                assert!(Capabilities::read(&body).unwrap_err().contains("version 2 of git's protocol"));
            }
        }
    }

    #[test]
    fn a_page_a_refusal_and_another_object_format_are_told_apart() {
        for body in [&b""[..], b"0000", b"<html>", b"001e# service=git-upload-pack\n0000", b"000ahello\n0000"] {
            Capabilities::read(body).unwrap_err();
        }
        let refusal = Capabilities::read(&packets(&["ERR access denied\n"])).unwrap_err();
        assert_eq!(refusal, "the server says: access denied");
        let other = packets(&["version 2\n", "object-format=sha256\n", "flush"]);
        assert!(Capabilities::read(&other).unwrap_err().contains("SHA-1"));
        // Cut off in the middle.
        let whole = packets(&["version 2\n", "fetch=shallow\n", "flush"]);
        (0..whole.len()).for_each(|length| drop(Capabilities::read(&whole[..length]).unwrap_err()));
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
            let _ = Capabilities::read(&body);
        }
    }
}
