//! A server's list of references, of which only the wanted ones are kept, however long the list is.
//!
//! Source: git's documentation, "gitprotocol-v2" (ls-refs), 2026-11.

use git2::Oid;

use crate::git::oid;

use super::pkt_line::{Packet, Packets, refused};

/// The longest list that is read: about a million references.
const LONGEST: usize = 64 << 20;

/// A list that is being received.
#[derive(Debug)]
pub(super) struct References {
    packets: Packets,
    /// The full names that are wanted, with their commits.
    wanted: Vec<(String, Option<Oid>)>,
    received: usize,
    is_ended: bool,
}

impl References {
    /// The list in which these full names are looked for.
    pub(super) fn new(wanted: Vec<String>) -> Self {
        let wanted = wanted.into_iter().map(|name| (name, None)).collect();
        Self { packets: Packets::default(), wanted, received: 0, is_ended: false }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Bytes that are no such list, a list that is too long, and the server's own refusal, as text for a message.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.received += bytes.len();
        if self.received > LONGEST {
            return Err(format!("the server's list of references is longer than {} MiB", LONGEST >> 20));
        }
        self.packets.feed(bytes);
        while let Some(packet) = self.packets.next()? {
            match packet {
                _ if self.is_ended => return Err("the list of references can't be read".to_owned()),
                Packet::Data(content) => keep(content.strip_suffix(b"\n").unwrap_or(content), &mut self.wanted)?,
                Packet::Flush | Packet::End => self.is_ended = true,
                Packet::Delimiter => return Err("the list of references broke off".to_owned()),
            }
        }
        Ok(())
    }

    /// The commit of the first of the names that is in the list.
    ///
    /// # Errors
    /// A list that isn't whole, as text for a message.
    pub(super) fn finish(self) -> Result<Option<Oid>, String> {
        if self.is_ended && self.packets.is_empty() {
            Ok(self.wanted.into_iter().find_map(|(_, id)| id))
        } else {
            Err("the list of references broke off".to_owned())
        }
    }
}

/// Keeps a line `<id> <name> peeled:<id>` if its name is wanted. An annotated tag means its commit.
fn keep(line: &[u8], wanted: &mut [(String, Option<Oid>)]) -> Result<(), String> {
    if let Some(words) = line.strip_prefix(b"ERR ") {
        return Err(refused(words));
    }
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (Some(id), Some(name)) = (words.next(), words.next()) else {
        return Err("the list of references can't be read".to_owned());
    };
    let peeled = words.find_map(|word| word.strip_prefix("peeled:"));
    if let Some((_, kept)) = wanted.iter_mut().find(|(wanted, _)| wanted == name) {
        // An unborn HEAD has no id.
        *kept = kept.or(oid::parse(peeled.unwrap_or(id)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pkt_line;
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn packets(lines: &[&str]) -> Vec<u8> {
        pkt_line::packets(&[lines, &["flush"]].concat())
    }

    fn found(body: &[u8], names: &[&str]) -> Result<Option<String>, String> {
        let mut list = References::new(names.iter().map(|name| (*name).to_owned()).collect());
        body.chunks(7).try_for_each(|bytes| list.feed(bytes))?;
        Ok(list.finish()?.map(|id| id.to_string()))
    }

    #[test]
    fn the_first_name_that_the_server_has_counts_and_a_tag_stands_for_its_commit() {
        let tag = format!("{TWO} refs/tags/v1 peeled:{ONE}\n");
        let body = packets(&[&format!("{TWO} refs/heads/main\n"), &tag, "unborn HEAD\n"]);
        assert_eq!(found(&body, &["refs/heads/main"]).unwrap().as_deref(), Some(TWO));
        assert_eq!(found(&body, &["refs/tags/main", "refs/tags/v1", "refs/heads/main"]).unwrap().as_deref(), Some(ONE));
        assert_eq!(found(&body, &["refs/heads/mai", "HEAD"]).unwrap(), None);
        assert_eq!(found(b"0000", &["refs/heads/main"]).unwrap(), None);
    }

    #[test]
    fn what_is_cut_off_or_refuses_is_no_list() {
        let whole = packets(&[&format!("{TWO} refs/heads/main\n")]);
        (0..whole.len()).for_each(|length| drop(found(&whole[..length], &[]).unwrap_err()));
        assert!(found(b"", &[]).unwrap_err().contains("broke off"));
        assert!(found(&packets(&["ERR no\n"]), &[]).unwrap_err().contains("says: no"));
        found(&[&whole[..], &whole[..]].concat(), &[]).unwrap_err();
    }

    #[test]
    fn an_endless_list_is_broken_off_and_never_kept() {
        let line = packets(&[&format!("{TWO} refs/heads/main-{}\n", "x".repeat(200))]);
        let line = line.strip_suffix(b"0000").unwrap().repeat(1000);
        let mut list = References::new(vec!["refs/heads/main".to_owned()]);
        let refused = (0..1000).find_map(|_| list.feed(&line).err()).unwrap();
        assert!(refused.contains("longer than 64 MiB"), "{refused}");
        assert!(list.packets.held() < 2 * line.len(), "{} bytes are held", list.packets.held());
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
            let _ = found(&body, &["HEAD"]);
        }
    }
}
