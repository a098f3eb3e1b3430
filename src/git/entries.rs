//! The raw bytes of a git tree become entries, in git's order.
//!
//! Apart from the walk because this is where a crafted object is met: everything a tree can get wrong is refused here, with
//! the object's name, and the walk can rely on what it is given.

use std::cmp::Ordering;
use std::ffi::CStr;
use std::fmt;
use std::ops::Range;

use crate::error::Error;
use crate::model::EntryKind;

/// The name of an object in a SHA-1 repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ObjectId([u8; 20]);

impl ObjectId {
    /// The blob without content.
    pub(super) const EMPTY_BLOB: Self =
        Self(*b"\xe6\x9d\xe2\x9b\xb2\xd1\xd6\x43\x4b\x8b\x29\xae\x77\x5a\xd8\xc2\xe4\x8c\x53\x91");

    /// From its 20 bytes; `None` for any other number of them.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// From its 40 hexadecimal digits; `None` for anything else, abbreviations included.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 40 {
            return None;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut id = [0; 20];
        for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(id))
    }

    /// Its 20 bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// All zeros: how hosts say "no commit".
    pub(super) fn is_zero(&self) -> bool {
        self.0 == [0; 20]
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What an entry is. Git's historical modes count as what git reads them as: `100664` is a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    File,
    Executable,
    Symlink,
    Submodule,
    Directory,
}

impl Mode {
    /// What a changed path is reported as; `None` for a directory, which is never reported itself.
    pub(super) fn kind(self) -> Option<EntryKind> {
        match self {
            Self::File | Self::Executable => Some(EntryKind::File),
            Self::Symlink => Some(EntryKind::Symlink),
            Self::Submodule => Some(EntryKind::Submodule),
            Self::Directory => None,
        }
    }

    fn parse(digits: &[u8]) -> Option<Self> {
        if digits.is_empty() || digits.len() > 6 {
            return None;
        }
        let mut bits = 0_u32;
        for digit in digits {
            match digit {
                b'0'..=b'7' => bits = bits << 3 | u32::from(digit - b'0'),
                _ => return None,
            }
        }
        match bits & 0o170_000 {
            0o100_000 if bits & 0o100 != 0 => Some(Self::Executable),
            0o100_000 => Some(Self::File),
            0o120_000 => Some(Self::Symlink),
            0o160_000 => Some(Self::Submodule),
            0o040_000 => Some(Self::Directory),
            _ => None,
        }
    }
}

/// What stands under a name: two entries are the same if and only if these are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) mode: Mode,
    pub(super) id: ObjectId,
}

/// A name and what stands under it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) item: Item,
}

impl Entry<'_> {
    /// Git's order: by bytes, a directory as if its name ended in `/`. Depth first, this is the byte order of whole paths.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let shared = self.name.len().min(other.name.len());
        self.name[..shared].cmp(&other.name[..shared]).then_with(|| self.byte_at(shared).cmp(&other.byte_at(shared)))
    }

    fn byte_at(&self, place: usize) -> Option<u8> {
        let end = (self.item.mode == Mode::Directory).then_some(b'/');
        self.name.get(place).copied().or(end)
    }
}

/// The entries of one tree, read one after the other.
pub(super) struct Entries {
    tree: Option<ObjectId>,
    bytes: Vec<u8>,
    current: Option<(Range<usize>, Item)>,
    next: usize,
}

impl Entries {
    /// Those of a tree that isn't there.
    pub(super) fn none() -> Self {
        Self { tree: None, bytes: Vec::new(), current: None, next: 0 }
    }

    /// Those of `tree`, whose content is `bytes`.
    ///
    /// # Errors
    /// A first entry that is malformed.
    pub(super) fn new(tree: ObjectId, bytes: Vec<u8>) -> Result<Self, Error> {
        let mut entries = Self { tree: Some(tree), bytes, current: None, next: 0 };
        entries.advance()?;
        Ok(entries)
    }

    /// The entry at hand; `None` at the end.
    pub(super) fn current(&self) -> Option<Entry<'_>> {
        self.current.as_ref().map(|(name, item)| Entry { name: &self.bytes[name.clone()], item: *item })
    }

    /// Goes on to the next entry.
    ///
    /// # Errors
    /// An entry that is malformed or doesn't come after the one before.
    pub(super) fn advance(&mut self) -> Result<(), Error> {
        let read =
            if self.next == self.bytes.len() { None } else { Some(self.read().map_err(|why| self.malformed(why))?) };
        let previous = std::mem::replace(&mut self.current, read);
        if let (Some((name, item)), Some(current)) = (previous, self.current()) {
            let previous = Entry { name: &self.bytes[name], item };
            // The merge of two trees would miss changes in one that isn't sorted.
            if previous.order(&current) != Ordering::Less {
                return Err(self.malformed("its entries aren't in order"));
            }
        }
        Ok(())
    }

    /// Goes on in both trees, past all entries that are the same bytes on both sides: in a large directory nearly all are, and
    /// finding where they end costs a fraction of reading them.
    ///
    /// # Errors
    /// As for [`Entries::advance`].
    pub(super) fn advance_both(base: &mut Self, head: &mut Self) -> Result<(), Error> {
        let shared = shared_length(&base.bytes[base.next..], &head.bytes[head.next..]);
        let rest = &base.bytes[base.next..base.next + shared];
        let (mut last, mut end) = (None, 0);
        // The shortest mode has five digits, so no name's end is looked for in them or in the object's name before.
        while let Some(length) = rest.get(end + 5..).and_then(zero) {
            let after = end + 5 + length + 21;
            if after > shared {
                break;
            }
            (last, end) = (Some(end), after);
        }
        for entries in [base, head] {
            if let Some(last) = last {
                // The last of them is read once more, because the next one must come after it.
                entries.current = None;
                entries.next += last;
                entries.advance()?;
            }
            entries.advance()?;
        }
        Ok(())
    }

    /// Reads `<mode> SP <name> NUL <20 bytes>` at `next`.
    fn read(&mut self) -> Result<(Range<usize>, Item), &'static str> {
        let rest = &self.bytes[self.next..];
        let space = rest.iter().take(8).position(|&byte| byte == b' ').ok_or("an entry has no mode")?;
        let mode = Mode::parse(&rest[..space]).ok_or("an entry has a mode that git doesn't know")?;
        let length = zero(&rest[space + 1..]).ok_or("it ends inside a name")?;
        let start = self.next + space + 1;
        let name = start..start + length;
        let id = self.bytes.get(name.end + 1..name.end + 21).ok_or("it ends inside an object's name")?;
        let id = ObjectId::from_bytes(id).expect("20 bytes were cut out");
        match &self.bytes[name.clone()] {
            b"" | b"." | b".." | b".git" => return Err("an entry has a name that no checkout can hold"),
            bytes if bytes.contains(&b'/') => return Err("an entry has a `/` in its name"),
            _ => {}
        }
        self.next = name.end + 21;
        Ok((name, Item { mode, id }))
    }

    fn malformed(&self, why: &str) -> Error {
        let name = self.tree.map_or_else(String::new, |tree| format!(" `{tree}`"));
        Error::Checkout {
            message: format!("the tree{name} is malformed: {why}"),
            help: "run `git fsck` in a full clone to find the commit it came with, and rewrite that commit".to_owned(),
        }
    }
}

/// How many bytes stand before the first zero.
fn zero(bytes: &[u8]) -> Option<usize> {
    CStr::from_bytes_until_nul(bytes).ok().map(CStr::count_bytes)
}

/// How many bytes two texts have in common from their beginning.
fn shared_length(one: &[u8], other: &[u8]) -> usize {
    const BLOCK: usize = 128;
    let blocks = one.chunks_exact(BLOCK).zip(other.chunks_exact(BLOCK)).take_while(|(one, other)| one == other).count();
    let [one, other] = [one, other].map(|bytes| &bytes[blocks * BLOCK..]);
    blocks * BLOCK + one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (mode, name) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(&[7; 20]);
        }
        bytes
    }

    fn read_all(bytes: Vec<u8>) -> Result<Vec<(Vec<u8>, Mode)>, Error> {
        let mut entries = Entries::new(ObjectId([1; 20]), bytes)?;
        let mut all = Vec::new();
        while let Some(entry) = entries.current() {
            all.push((entry.name.to_vec(), entry.item.mode));
            entries.advance()?;
        }
        Ok(all)
    }

    #[test]
    fn entries_are_read_in_gits_order() {
        let bytes =
            tree(&[("100664", b"a"), ("100755", b"a.b"), ("40000", b"a"), ("120000", b"a0"), ("160000", b"\xff\n")]);
        let all = read_all(bytes).unwrap();
        let modes: Vec<Mode> = all.iter().map(|(_, mode)| *mode).collect();
        assert_eq!(modes, [Mode::File, Mode::Executable, Mode::Directory, Mode::Symlink, Mode::Submodule]);
    }

    #[test]
    fn everything_a_tree_can_get_wrong_is_refused_with_the_objects_name() {
        let mut cut = tree(&[("100644", b"a")]);
        cut.pop();
        for (bytes, why) in [
            (b"100644".to_vec(), "no mode"),
            (b"100644 a".to_vec(), "inside a name"),
            (cut, "inside an object's name"),
            (tree(&[("", b"a")]), "mode"),
            (tree(&[("100648", b"a")]), "mode"),
            (tree(&[("7100644", b"a")]), "mode"),
            (tree(&[("010000", b"a")]), "mode"),
            (tree(&[("100644", b"")]), "no checkout can hold"),
            (tree(&[("40000", b"..")]), "no checkout can hold"),
            (tree(&[("40000", b".git")]), "no checkout can hold"),
            (tree(&[("100644", b"a/b")]), "`/`"),
            (tree(&[("100644", b"b"), ("100644", b"a")]), "order"),
            (tree(&[("100644", b"a"), ("100755", b"a")]), "order"),
            (tree(&[("40000", b"a"), ("100644", b"a.b")]), "order"),
        ] {
            let message = read_all(bytes).unwrap_err().to_string();
            assert!(message.contains(why), "{message} lacks {why}");
            assert!(message.contains(&"01".repeat(20)), "{message}");
        }
    }

    #[test]
    fn an_object_id_is_forty_hexadecimal_digits_and_nothing_else() {
        let text = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        assert_eq!(ObjectId::from_hex(text), Some(ObjectId::EMPTY_BLOB));
        assert_eq!(ObjectId::EMPTY_BLOB.to_string(), text);
        for wrong in
            ["", "e69de29", "+69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "é69de29bb2d1d6434b8b29ae775ad8c2e48c539"]
        {
            assert_eq!(ObjectId::from_hex(wrong), None, "{wrong}");
        }
        assert!(ObjectId::from_hex(&"0".repeat(40)).unwrap().is_zero());
    }
}
