//! The name of an object becomes its place in a pack, by the pack's index.
//!
//! The index of a large repository has many megabytes: of these a name needs a few kilobytes, read where they lie.
//! Source of the form: gitformat-pack(5), git 2.51, its versions 1 and 2.

use std::cell::Cell;
use std::cmp::Ordering;
use std::io;
use std::path::Path;

use crate::git::entries::ObjectId;

use super::place::Places;

/// The index of a pack.
pub(super) struct Index {
    places: Places,
    /// For each first byte of a name, how many names begin with it or a smaller one.
    fan_out: [u32; 256],
    /// Where the rows begin: a name each, in their order.
    rows: u64,
    /// The length of a row, and where its name stands in it.
    row: usize,
    name: usize,
    /// How many bytes of it were read.
    read: Cell<u64>,
}

/// The longest index that is taken into memory when as much was read of it as it has: that of two million objects.
const LONGEST_KEPT: u64 = 64 << 20;

/// The first bytes of version 2; in version 1 they would be a number that is too large.
const MAGIC: [u8; 8] = *b"\xfftOc\0\0\0\x02";

/// A table of 256 numbers.
const FAN_OUT: usize = 4 * 256;

/// The checksums at the end, of the pack and of the index.
const CHECKSUMS: u64 = 2 * 20;

/// So many rows are read at a time. Names are as if drawn by lot: one in a repository of 500,000 objects lies within 100 rows of
/// where it is looked for.
const WINDOW: usize = 256;

/// The longest row.
const LONGEST_ROW: usize = 24;

impl Index {
    /// Opens an index.
    ///
    /// # Errors
    /// One that can't be opened, is cut off, or makes no sense.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let places = Places::open_or_read(path)?;
        let begin: [u8; MAGIC.len() + FAN_OUT] = places.bytes(0)?;
        let (table, row, name) = if begin.starts_with(&MAGIC) { (MAGIC.len(), 20, 0) } else { (0, 24, 4) };
        let mut fan_out = [0; 256];
        for (number, bytes) in fan_out.iter_mut().zip(begin[table..].chunks_exact(4)) {
            *number = u32::from_be_bytes(bytes.try_into().expect("chunks of four bytes"));
        }
        let index = Self { places, fan_out, rows: (table + FAN_OUT) as u64, row, name, read: Cell::new(0) };
        if !fan_out.is_sorted()
            || index.rows + u64::from(index.count()) * index.least() + CHECKSUMS > index.places.length
        {
            return Err(io::Error::other("it is cut off or damaged"));
        }
        Ok(index)
    }

    /// How many objects the pack has.
    pub(super) fn count(&self) -> u32 {
        self.fan_out[255]
    }

    /// The checksum at the end of the pack.
    ///
    /// # Errors
    /// A disk that can't be read.
    pub(super) fn checksum(&self) -> io::Result<[u8; 20]> {
        self.places.bytes(self.places.length - CHECKSUMS)
    }

    /// Where an object begins in the pack, in bytes; `None` if it isn't there.
    ///
    /// # Errors
    /// A disk that can't be read; an index that is damaged.
    pub(super) fn find(&self, id: ObjectId) -> io::Result<Option<u64>> {
        if self.read.get() > self.places.length && self.places.length <= LONGEST_KEPT {
            self.places.keep()?;
        }
        match self.search(id)? {
            Ok(row) => self.offset(row).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// The names from `first` on for which `fits` holds, one after the other, at most two.
    ///
    /// # Errors
    /// As for [`Index::find`].
    pub(super) fn from(&self, first: ObjectId, fits: impl Fn(&ObjectId) -> bool) -> io::Result<Vec<ObjectId>> {
        let (Ok(start) | Err(start)) = self.search(first)?;
        let mut found = Vec::new();
        for row in start..self.count().min(start.saturating_add(2)) {
            let name: [u8; 20] = self.places.bytes(self.at(row) + self.name as u64)?;
            found.extend(ObjectId::from_bytes(&name).filter(&fits));
        }
        Ok(found)
    }

    /// What each object takes at least.
    fn least(&self) -> u64 {
        if self.is_old() { 24 } else { 28 }
    }

    /// Where a row stands.
    fn at(&self, row: u32) -> u64 {
        self.rows + u64::from(row) * self.row as u64
    }

    fn is_old(&self) -> bool {
        self.name > 0
    }

    /// The row of a name, or the one before which it would stand.
    fn search(&self, id: ObjectId) -> io::Result<Result<u32, u32>> {
        let bytes = id.as_bytes();
        let first = usize::from(bytes[0]);
        let mut low = if first == 0 { 0 } else { self.fan_out[first - 1] };
        let mut high = self.fan_out[first];
        // Where it would be if the names were spread evenly; and in the middle, should they be not.
        let fraction = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
        let ahead = (u64::from(high - low) * u64::from(fraction)) >> 32;
        let mut guess = low + u32::try_from(ahead).unwrap_or_default();
        let mut buffer = [0; WINDOW * LONGEST_ROW];
        while low < high {
            let start = guess.saturating_sub(WINDOW as u32 / 2).clamp(low, high);
            let end = high.min(start.saturating_add(WINDOW as u32));
            let window = &mut buffer[..(end - start) as usize * self.row];
            let window = self.places.view(self.at(start), window)?;
            self.read.update(|read| read + window.len() as u64);
            let (mut from, mut to) = (0, end - start);
            while from < to {
                let middle = u32::midpoint(from, to);
                match window[middle as usize * self.row + self.name..][..20].cmp(bytes) {
                    Ordering::Less => from = middle + 1,
                    Ordering::Equal => return Ok(Ok(start + middle)),
                    Ordering::Greater => to = middle,
                }
            }
            match from {
                0 if start > low => high = start,
                _ if start + from == end && end < high => low = end,
                _ => return Ok(Err(start + from)),
            }
            guess = u32::midpoint(low, high);
        }
        Ok(Err(low))
    }

    /// Where the object of a row begins in the pack.
    fn offset(&self, row: u32) -> io::Result<u64> {
        if self.is_old() {
            return Ok(u32::from_be_bytes(self.places.bytes(self.at(row))?).into());
        }
        let (row, count) = (u64::from(row), u64::from(self.count()));
        // Behind the names stand their checksums, four bytes each; and behind the offsets those that don't fit in four.
        let offset = u32::from_be_bytes(self.places.bytes(self.rows + count * 24 + row * 4)?);
        match offset & 0x7fff_ffff {
            large if offset != large => {
                let at = self.rows + count * 28 + u64::from(large) * 8;
                Ok(u64::from_be_bytes(self.places.bytes(at)?))
            }
            offset => Ok(offset.into()),
        }
    }
}
