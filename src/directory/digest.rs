//! Digests of file contents, by the algorithms that manifests and listings use.

use std::fmt;
use std::io::{self, Read};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// How much of a file is read at once, in bytes.
const PIECE: usize = 128 << 10;

/// The digest of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// MD5, as object stores list it. Not safe against forgery, which is no concern between a site and its own store.
    Md5([u8; 16]),
    /// SHA-1, as some stores list it.
    Sha1([u8; 20]),
    /// SHA-256, as manifests hold it.
    Sha256([u8; 32]),
}

/// An algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestKind {
    /// See [`Digest::Md5`].
    Md5,
    /// See [`Digest::Sha1`].
    Sha1,
    /// See [`Digest::Sha256`].
    Sha256,
}

impl Digest {
    /// Reads 32, 40 or 64 hex digits, in either case, by the algorithm.
    pub fn parse(kind: DigestKind, hex: &str) -> Option<Self> {
        match kind {
            DigestKind::Md5 => bytes(hex).map(Self::Md5),
            DigestKind::Sha1 => bytes(hex).map(Self::Sha1),
            DigestKind::Sha256 => bytes(hex).map(Self::Sha256),
        }
    }

    /// Its algorithm.
    pub fn kind(&self) -> DigestKind {
        match self {
            Self::Md5(_) => DigestKind::Md5,
            Self::Sha1(_) => DigestKind::Sha1,
            Self::Sha256(_) => DigestKind::Sha256,
        }
    }

    /// The digest of all that a reader gives, and how many bytes that is.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn of(kind: DigestKind, reader: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<(Self, u64)> {
        match kind {
            DigestKind::Md5 => {
                let mut hash = Md5::new();
                let size = feed(reader, buffer, |piece| hash.update(piece))?;
                Ok((Self::Md5(hash.finalize().into()), size))
            }
            DigestKind::Sha1 => {
                let mut hash = Sha1::new();
                let size = feed(reader, buffer, |piece| hash.update(piece))?;
                Ok((Self::Sha1(hash.finalize().into()), size))
            }
            DigestKind::Sha256 => {
                let mut hash = Sha256::new();
                let size = feed(reader, buffer, |piece| hash.update(piece))?;
                Ok((Self::Sha256(hash.finalize().into()), size))
            }
        }
    }

    /// The SHA-256 of bytes.
    pub fn sha256(content: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(content).into())
    }

    /// The SHA-256 of several pieces, one after the other.
    pub(super) fn sha256_of(pieces: &mut dyn Iterator<Item = &[u8]>) -> Self {
        let mut hash = Sha256::new();
        pieces.for_each(|piece| hash.update(piece));
        Self::Sha256(hash.finalize().into())
    }

    /// The bytes themselves.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Md5(bytes) => bytes,
            Self::Sha1(bytes) => bytes,
            Self::Sha256(bytes) => bytes,
        }
    }
}

/// In hex digits, lower case.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = b"0123456789abcdef";
        let text = self.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let text: String = text.map(|digit| char::from(digits[usize::from(digit)])).collect();
        f.write_str(&text)
    }
}

fn feed(reader: &mut impl Read, buffer: &mut Vec<u8>, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    buffer.resize(PIECE, 0);
    let mut size = 0;
    loop {
        match reader.read(buffer) {
            Ok(0) => return Ok(size),
            Ok(length) => {
                take(&buffer[..length]);
                size += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let hex = hex.as_bytes();
    if hex.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        let digit = |letter: u8| match letter {
            b'0'..=b'9' => Some(letter - b'0'),
            b'a'..=b'f' => Some(letter - b'a' + 10),
            b'A'..=b'F' => Some(letter - b'A' + 10),
            _ => None,
        };
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_every_other_program() {
        let of = |kind| Digest::of(kind, &mut &b"abc"[..], &mut Vec::new()).unwrap().0.to_string();
        assert_eq!(of(DigestKind::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(of(DigestKind::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of(DigestKind::Sha256), sha256);
        assert_eq!(Digest::sha256(b"abc").to_string(), sha256);
        assert_eq!(Digest::parse(DigestKind::Sha256, &sha256.to_uppercase()), Some(Digest::sha256(b"abc")));
        for wrong in ["", "ba78", &sha256[..63], &sha256.replace('a', "g"), &sha256.replacen("ba", "é", 1)] {
            assert_eq!(Digest::parse(DigestKind::Sha256, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_file_of_several_pieces_is_read_whole() {
        let content = vec![7; 3 * PIECE + 5];
        let (digest, size) = Digest::of(DigestKind::Sha256, &mut &content[..], &mut Vec::new()).unwrap();
        assert_eq!((digest, size), (Digest::sha256(&content), content.len() as u64));
    }
}
