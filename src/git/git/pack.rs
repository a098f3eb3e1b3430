//! A place in a pack becomes the object that begins there.
//!
//! Not by libgit2 (1.9.7), which goes round for ever where objects stand on each other (`pack_dependency_chain`).
//! Source of the form: gitformat-pack(5), git 2.51.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::{Decompress, FlushDecompress, Status};

use crate::git::entries::ObjectId;

use super::delta;
use super::index::Index;
use super::objects::{Content, Kind, LARGEST};
use super::place::{Places, Window};

/// How many objects one may stand on; git makes chains of 4,095 at most (`pack.depth`).
const LONGEST_CHAIN: usize = 4096;

/// The longest beginning of an object: its kind and size, and what it stands on.
const LONGEST_HEADER: usize = 10 + 20;

/// The most that is read at a time.
const MOST: usize = 1 << 20;

/// The number of objects behind the word and the version; the checksum at the end.
const HEADER: u64 = 12;
const CHECKSUM: u64 = 20;

/// A pack with its index.
pub(super) struct Pack {
    index: Index,
    path: PathBuf,
    /// Which pack of those that this process reads.
    number: usize,
    data: OnceCell<Places>,
}

/// How an object begins.
struct Header {
    form: Form,
    /// Of what is compressed behind it, in bytes.
    size: usize,
    /// Its own length.
    length: usize,
}

enum Form {
    Whole(Kind),
    /// What changes in the object that begins at this place of the pack.
    Delta(u64),
}

impl Pack {
    /// Opens the index of the pack in a file; `None` if it is gone.
    ///
    /// # Errors
    /// An index that can't be read.
    pub(super) fn open(path: PathBuf, number: usize) -> Result<Option<Self>, String> {
        let file = path.with_extension("idx");
        match Index::open(&file) {
            Ok(index) => Ok(Some(Self { index, path, number, data: OnceCell::new() })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(damaged(&file, &error.to_string())),
        }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its file is open, and not the index alone.
    pub(super) fn is_open(&self) -> bool {
        self.data.get().is_some()
    }

    /// Closes the file, until something is found in it again.
    pub(super) fn close(&mut self) {
        self.data.take();
    }

    /// Where an object begins; `None` if it isn't in this pack, or the pack is gone.
    ///
    /// # Errors
    /// An index or a pack that is damaged.
    pub(super) fn find(&self, id: ObjectId) -> Result<Option<u64>, String> {
        let Some(place) = self.place(id)? else { return Ok(None) };
        if !self.is_open() {
            match self.open_data() {
                Ok(data) => drop(self.data.set(data)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(self.damaged(&error.to_string())),
            }
        }
        Ok(Some(place))
    }

    fn place(&self, id: ObjectId) -> Result<Option<u64>, String> {
        self.index.find(id).map_err(|error| self.damaged(&error.to_string()))
    }

    /// As [`Index::from`].
    ///
    /// # Errors
    /// An index that is damaged.
    pub(super) fn from(&self, first: ObjectId, fits: impl Fn(&ObjectId) -> bool) -> Result<Vec<ObjectId>, String> {
        self.index.from(first, fits).map_err(|error| self.damaged(&error.to_string()))
    }

    /// The object that begins at a place that was found.
    ///
    /// # Errors
    /// A pack that can't be read; an object that is damaged.
    pub(super) fn read(&self, place: u64, reader: &mut Reader) -> Result<(Kind, Content), String> {
        let Some(data) = self.data.get() else { return Err(self.damaged("it is gone")) };
        let mut deltas: Vec<(u64, Vec<u8>)> = Vec::new();
        let (mut at, mut held) = (place, 0);
        let (kind, mut content) = loop {
            if let Some(base) = reader.bases.get(self, at) {
                break base;
            }
            let header = reader.begin(data, at, self)?;
            match header.form {
                // Nobody asks for the contents of files.
                Form::Whole(Kind::Blob) => return Ok((Kind::Blob, Content::default())),
                Form::Whole(kind) => {
                    let content = Rc::new(reader.inflate(data, at + header.length as u64, header.size, self)?);
                    reader.bases.keep(self, at, kind, &content);
                    break (kind, content);
                }
                Form::Delta(base) => {
                    deltas.push((at, reader.inflate(data, at + header.length as u64, header.size, self)?));
                    held += header.size;
                    if deltas.len() > LONGEST_CHAIN || held > LARGEST {
                        return Err(self.damaged("an object stands on too many others, or on itself"));
                    }
                    at = base;
                }
            }
        };
        while let Some((at, delta)) = deltas.pop() {
            let made = delta::apply(&content, &delta, LARGEST);
            content = Rc::new(made.ok_or_else(|| self.damaged("an object doesn't fit the one that it stands on"))?);
            reader.bases.keep(self, at, kind, &content);
        }
        Ok((kind, content))
    }

    fn open_data(&self) -> io::Result<Places> {
        let data = Places::open(&self.path)?;
        let begin: [u8; HEADER as usize] = data.bytes(0)?;
        let count = self.index.count().to_be_bytes();
        let is_pack = begin.starts_with(b"PACK\0\0\0") && matches!(begin[7], 2 | 3) && begin[8..] == count;
        if !is_pack || data.length < HEADER + CHECKSUM {
            return Err(io::Error::other("it is no pack, or not the one of its index"));
        }
        if data.bytes(data.length - CHECKSUM)? != self.index.checksum()? {
            return Err(io::Error::other("it is cut off, or not the one of its index"));
        }
        Ok(data)
    }

    /// What an object stands on, `back` bytes before it.
    fn before(&self, at: u64, back: u64) -> Result<u64, String> {
        at.checked_sub(back)
            .filter(|&base| back > 0 && base >= HEADER)
            .ok_or_else(|| self.damaged("an object stands on one that isn't before it"))
    }

    /// What an object stands on by its name: one of the same pack.
    fn named(&self, name: &[u8]) -> Result<u64, String> {
        let id = ObjectId::from_bytes(name).ok_or_else(|| self.damaged(ENDS))?;
        self.place(id)?.ok_or_else(|| self.damaged(&format!("an object stands on `{id}`, which isn't there")))
    }

    fn damaged(&self, why: &str) -> String {
        damaged(&self.path, why)
    }
}

const ENDS: &str = "it ends in the middle of an object";

fn damaged(file: &Path, why: &str) -> String {
    format!("`{}` is damaged: {why}", file.display())
}

/// What is used again for each object that is read.
pub(super) struct Reader {
    inflater: Decompress,
    window: Window,
    bases: Bases,
}

impl Default for Reader {
    fn default() -> Self {
        Self { inflater: Decompress::new(true), window: Window::default(), bases: Bases::default() }
    }
}

impl Reader {
    /// Reads the beginning of the object at a place.
    fn begin(&mut self, data: &Places, at: u64, pack: &Pack) -> Result<Header, String> {
        let ends = || pack.damaged(ENDS);
        let read = self.window.at(data, pack.number, at, end(data), LONGEST_HEADER);
        let mut rest = read.map_err(|error| pack.damaged(&error.to_string()))?;
        rest = &rest[..rest.len().min(LONGEST_HEADER)];
        let whole = rest.len();
        let (&first, behind) = rest.split_first().ok_or_else(ends)?;
        rest = behind;
        let mut size = usize::from(first & 0x0f);
        if first & 0x80 != 0 {
            let high = delta::size(&mut rest).and_then(|high| high.checked_mul(1 << 4)).ok_or_else(ends)?;
            size |= high;
        }
        let form = match first >> 4 & 7 {
            1 => Form::Whole(Kind::Commit),
            2 => Form::Whole(Kind::Tree),
            3 => Form::Whole(Kind::Blob),
            4 => Form::Whole(Kind::Tag),
            6 => Form::Delta(pack.before(at, distance(&mut rest).ok_or_else(ends)?)?),
            7 => {
                let (name, behind) = rest.split_at_checked(20).ok_or_else(ends)?;
                rest = behind;
                Form::Delta(pack.named(name)?)
            }
            _ => return Err(pack.damaged("an object is of no kind")),
        };
        if size > LARGEST && !matches!(form, Form::Whole(Kind::Blob)) {
            return Err(pack.damaged(&format!("an object has {size} bytes")));
        }
        Ok(Header { form, size, length: whole - rest.len() })
    }

    /// What is compressed at a place, `size` bytes when it isn't any more.
    fn inflate(&mut self, data: &Places, mut at: u64, size: usize, pack: &Pack) -> Result<Vec<u8>, String> {
        // One more than there should be, to see what is longer.
        let mut content = Vec::with_capacity(size + 1);
        let mut least = 1;
        self.inflater.reset(true);
        loop {
            let input = self.window.at(data, pack.number, at, end(data), least);
            let input = input.map_err(|error| pack.damaged(&error.to_string()))?;
            let before = self.inflater.total_in();
            let status = self.inflater.decompress_vec(input, &mut content, FlushDecompress::Finish);
            let status = status.map_err(|error| pack.damaged(&format!("an object can't be decompressed: {error}")))?;
            let used = self.inflater.total_in() - before;
            if content.len() > size {
                return Err(pack.damaged("an object is longer than it says"));
            }
            match status {
                Status::StreamEnd if content.len() == size => return Ok(content),
                Status::StreamEnd => return Err(pack.damaged("an object is shorter than it says")),
                // There is room for more, so nothing came of it for want of bytes.
                _ if used == 0 => return Err(pack.damaged(ENDS)),
                _ => (at, least) = (at + used, (size - content.len() + 64).min(MOST)),
            }
        }
    }
}

/// Where the objects of a pack end.
fn end(data: &Places) -> u64 {
    data.length - CHECKSUM
}

/// How far before an object the one stands that it is written against: seven bits to a byte from the highest on, and no number
/// in two ways.
fn distance(bytes: &mut &[u8]) -> Option<u64> {
    let mut distance = 0_u64;
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        distance = distance.checked_mul(1 << 7)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(distance);
        }
        distance += 1;
    }
}

/// Objects that others may stand on, by pack and place: the two sides of a directory that changed often do, and are read one after
/// the other.
#[derive(Default)]
struct Bases {
    kept: HashMap<(usize, u64), (Kind, Content)>,
    bytes: usize,
}

impl Bases {
    /// In bytes. What stands on each other was written together, and is read together.
    const MOST: usize = 8 << 20;

    fn get(&self, pack: &Pack, place: u64) -> Option<(Kind, Content)> {
        self.kept.get(&(pack.number, place)).cloned()
    }

    fn keep(&mut self, pack: &Pack, place: u64, kind: Kind, content: &Content) {
        if content.len() > Self::MOST {
            return;
        }
        if self.bytes + content.len() > Self::MOST {
            self.kept.clear();
            self.bytes = 0;
        }
        self.bytes += content.len();
        self.kept.insert((pack.number, place), (kind, Rc::clone(content)));
    }
}
