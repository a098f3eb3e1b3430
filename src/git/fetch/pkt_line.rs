//! Git's pkt-line format: four hexadecimal digits of length, then the content.
//!
//! Pure, because the bytes were sent by another machine: they can be anything, cut anywhere.
//! Source: git's documentation, "gitprotocol-common" (pkt-line) and "gitprotocol-v2" (the packets without content), 2026-11.

/// The longest content of a packet, in bytes: 65,520 with the length.
const LONGEST: usize = 65_516;

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// With content, which may be empty.
    Data(&'a [u8]),
    /// `0000`: the end of a message, or of a list in it.
    Flush,
    /// `0001`: the end of a section of a message.
    Delimiter,
    /// `0002`: the end of a response; servers send it over other transports only.
    End,
}

/// Bytes that were received and not read yet.
#[derive(Debug, Default)]
pub(super) struct Packets {
    bytes: Vec<u8>,
    /// How many of `bytes` are read.
    read: usize,
}

impl Packets {
    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next packet; `None` until all of it is there.
    ///
    /// # Errors
    /// A length that is none, as text for a message.
    pub(super) fn next(&mut self) -> Result<Option<Packet<'_>>, String> {
        let rest = &self.bytes[self.read..];
        let Some(digits) = rest.get(..4) else { return Ok(None) };
        let packet = match length(digits) {
            Some(0) => (4, Packet::Flush),
            Some(1) => (4, Packet::Delimiter),
            Some(2) => (4, Packet::End),
            Some(whole @ 4..) if whole - 4 <= LONGEST => match rest.get(4..whole) {
                Some(content) => (whole, Packet::Data(content)),
                None => return Ok(None),
            },
            _ => {
                return Err(format!("`{}` is in the place of a packet's length", digits.escape_ascii()));
            }
        };
        self.read += packet.0;
        Ok(Some(packet.1))
    }

    /// How much memory is held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether nothing is left over.
    pub(super) fn is_empty(&self) -> bool {
        self.read == self.bytes.len()
    }
}

fn length(digits: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    usize::from_str_radix(text, 16).ok()
}

/// The server's own words, for a message.
pub(super) fn refused(words: &[u8]) -> String {
    format!("the server says: {}", String::from_utf8_lossy(words).trim_end())
}

/// Adds a packet with one line of text.
pub(super) fn line(message: &mut Vec<u8>, text: &str) {
    message.extend_from_slice(format!("{:04x}{text}\n", text.len() + 5).as_bytes());
}

/// Adds the packet that ends a section.
pub(super) fn delimiter(message: &mut Vec<u8>) {
    message.extend_from_slice(b"0001");
}

/// Adds the packet that ends a message.
pub(super) fn flush(message: &mut Vec<u8>) {
    message.extend_from_slice(b"0000");
}

/// A response of these lines, for tests; `flush` is the packet that ends a message.
#[cfg(test)]
pub(super) fn packets(lines: &[&str]) -> Vec<u8> {
    let mut body = Vec::new();
    for line in lines {
        match *line {
            "flush" => flush(&mut body),
            line => body.extend_from_slice(format!("{:04x}{line}", line.len() + 4).as_bytes()),
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8], piece: usize) -> Result<Vec<String>, String> {
        let mut packets = Packets::default();
        let mut found = Vec::new();
        for piece in bytes.chunks(piece.max(1)) {
            packets.feed(piece);
            while let Some(packet) = packets.next()? {
                found.push(match packet {
                    Packet::Data(content) => content.escape_ascii().to_string(),
                    other => format!("{other:?}"),
                });
            }
        }
        if packets.is_empty() { Ok(found) } else { Err("cut off".into()) }
    }

    #[test]
    fn lines_and_marks_come_back_as_they_were_written() {
        let mut message = Vec::new();
        line(&mut message, "command=fetch");
        delimiter(&mut message);
        line(&mut message, "done");
        flush(&mut message);
        assert_eq!(message, b"0012command=fetch\n00010009done\n0000");
        for piece in 1..message.len() {
            assert_eq!(all(&message, piece).unwrap(), ["command=fetch\\n", "Delimiter", "done\\n", "Flush"]);
        }
    }

    #[test]
    fn an_empty_packet_and_the_largest_are_packets() {
        assert_eq!(all(b"0004", 1).unwrap(), [""]);
        let largest = [b"fff0".to_vec(), vec![b'x'; LONGEST]].concat();
        assert_eq!(all(&largest, 1000).unwrap()[0].len(), LONGEST);
    }

    #[test]
    fn a_length_that_is_none_is_refused() {
        for bytes in ["0003", "fff1", "ffff", "zzzz", "-001", "+004", "<htm", " 004"] {
            assert!(all(bytes.as_bytes(), 4).unwrap_err().contains("is in the place of a packet's length"), "{bytes}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_pieces_change_nothing(
            bytes in proptest::collection::vec(prop_oneof![Just(b'0'), Just(b'4'), Just(b'a'), any::<u8>()], 0..300),
            piece in 1_usize..50,
        ) {
            prop_assert_eq!(all(&bytes, piece), all(&bytes, bytes.len()));
        }
    }
}
