//! The response to a fetch: a pack, the server's progress lines, or its refusal.
//!
//! Source: git's documentation, "gitprotocol-v2" (fetch) and "gitprotocol-pack" (side-band), 2026-11.

use super::pkt_line::{Packet, Packets, refused};

/// A piece of a response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The next bytes of the pack.
    Pack(&'a [u8]),
    /// A line that the server says for people.
    Progress(String),
}

/// A response that is being received.
#[derive(Debug, Default)]
pub(super) struct Response {
    packets: Packets,
    place: Place,
    /// A line of progress that isn't complete.
    progress: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    BeforePack,
    InPack,
    Ended,
}

/// A longer line of progress is cut.
const LONGEST_LINE: usize = 1000;

impl Response {
    /// Takes the next bytes, and passes on the pieces in them.
    ///
    /// # Errors
    /// The server's refusal, bytes that are no response, and the errors of `take`; as text for a message.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        take: &mut dyn FnMut(Piece<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        self.packets.feed(bytes);
        while let Some(packet) = self.packets.next()? {
            let content = match packet {
                Packet::Data(content) => content,
                Packet::Flush | Packet::End if self.place == Place::InPack => {
                    self.place = Place::Ended;
                    continue;
                }
                // The end of a section.
                Packet::Flush | Packet::End | Packet::Delimiter => continue,
            };
            match content {
                [1, pack @ ..] if self.place != Place::Ended => {
                    self.place = Place::InPack;
                    take(Piece::Pack(pack))?;
                }
                [2, words @ ..] => say(&mut self.progress, words, take)?,
                [3, words @ ..] => return Err(refused(words)),
                [b'E', b'R', b'R', b' ', words @ ..] if self.place == Place::BeforePack => return Err(refused(words)),
                words if self.place == Place::BeforePack && is_known(words) => {}
                words => {
                    let words = String::from_utf8_lossy(&words[..words.len().min(60)]).into_owned();
                    return Err(format!("the server's response can't be read at `{}`", words.escape_default()));
                }
            }
        }
        Ok(())
    }

    /// Ends the response.
    ///
    /// # Errors
    /// A response without a pack, or one that isn't whole, as text for a message.
    pub(super) fn finish(self) -> Result<(), String> {
        match self.place {
            Place::Ended if self.packets.is_empty() => Ok(()),
            Place::BeforePack if self.packets.is_empty() => Err("the server sent no objects".to_owned()),
            _ => Err("the server's response broke off".to_owned()),
        }
    }
}

/// A line before the pack: names of sections, where the history ends, which commits both sides have.
fn is_known(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let first = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    matches!(
        first,
        b"packfile" | b"shallow-info" | b"acknowledgments" | b"shallow" | b"unshallow" | b"NAK" | b"ACK" | b"ready"
    )
}

/// Passes on whole lines: a carriage return ends those that a terminal would draw over.
fn say(line: &mut Vec<u8>, words: &[u8], take: &mut dyn FnMut(Piece<'_>) -> Result<(), String>) -> Result<(), String> {
    for &byte in words {
        match byte {
            b'\n' if !line.is_empty() => {
                let text = String::from_utf8_lossy(line).into_owned();
                line.clear();
                take(Piece::Progress(text))?;
            }
            b'\n' => {}
            b'\r' => line.clear(),
            _ if line.len() < LONGEST_LINE => line.push(byte),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(content: &[u8]) -> Vec<u8> {
        [format!("{:04x}", content.len() + 4).as_bytes(), content].concat()
    }

    /// The pack, and everything said.
    fn read(bytes: &[u8], piece: usize) -> Result<(Vec<u8>, Vec<String>), String> {
        let (mut pack, mut said) = (Vec::new(), Vec::new());
        let mut response = Response::default();
        for bytes in bytes.chunks(piece.max(1)) {
            response.feed(bytes, &mut |piece| {
                match piece {
                    Piece::Pack(bytes) => pack.extend_from_slice(bytes),
                    Piece::Progress(line) => said.push(line),
                }
                Ok(())
            })?;
        }
        response.finish().map(|()| (pack, said))
    }

    fn version_2() -> Vec<u8> {
        [
            packet(b"shallow-info\n"),
            packet(b"shallow 1111111111111111111111111111111111111111\n"),
            b"0001".to_vec(),
            packet(b"packfile\n"),
            packet(b"\x02Counting: 50%\rCounting: 100%, done.\n"),
            packet(b"\x01PACK"),
            packet(b"\x02half a"),
            packet(b"\x01 and more"),
            packet(b"\x02 line\n"),
            b"0000".to_vec(),
        ]
        .concat()
    }

    #[test]
    fn a_pack_comes_whole_however_the_bytes_are_cut() {
        for piece in 1..40 {
            let (pack, said) = read(&version_2(), piece).unwrap();
            assert_eq!(pack, b"PACK and more");
            assert_eq!(said, ["Counting: 100%, done.", "half a line"]);
        }
    }

    #[test]
    fn a_refusal_is_in_the_servers_own_words() {
        let refusal = packet(b"ERR upload-pack: not our ref 1111");
        assert_eq!(read(&refusal, 100).unwrap_err(), "the server says: upload-pack: not our ref 1111");
        let late = [packet(b"\x01PACK"), packet(b"\x03out of memory\n")].concat();
        assert_eq!(read(&late, 100).unwrap_err(), "the server says: out of memory");
    }

    #[test]
    fn what_is_cut_off_or_empty_is_no_pack() {
        let whole = version_2();
        (0..whole.len()).for_each(|length| drop(read(&whole[..length], 100).unwrap_err()));
        assert_eq!(read(b"", 1).unwrap_err(), "the server sent no objects");
        assert_eq!(read(b"0000", 1).unwrap_err(), "the server sent no objects");
        assert!(read(&packet(b"hello"), 100).unwrap_err().contains("can't be read at `hello`"));
        let more = [&whole[..], &packet(b"\x01more")].concat();
        assert!(read(&more, 1000).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            contents in proptest::collection::vec((0_u8..6, proptest::collection::vec(any::<u8>(), 0..40)), 0..10),
            piece in 1_usize..100,
        ) {
            let bytes: Vec<u8> = contents.iter().flat_map(|(kind, content)| match kind {
                0 => b"0000".to_vec(),
                1 => b"0001".to_vec(),
                2 => packet(content),
                kind => packet(&[&[kind - 2], &content[..]].concat()),
            }).collect();
            let _ = read(&bytes, piece);
        }
    }
}
