//! The name of a branch, a tag or `HEAD` becomes the object that it stands for.
//!
//! From a file of its own, else from the list of those that were packed. Source of the forms: gitrepository-layout(5) and
//! git-pack-refs(1), git 2.51.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use memchr::memmem;

use crate::error::Error;
use crate::git::entries::ObjectId;
use crate::git::remedy;

use super::enclosure::native;
use super::place;

/// How often a reference may name another one. Git stops at five.
const DEEPEST: usize = 5;

/// A reference's file is one line.
const LONGEST: u64 = 8 << 10;

/// The list of packed references: millions of them.
const LONGEST_LIST: u64 = 256 << 20;

/// The most links to folders that are followed for references: some that lead round make thousands of millions of names.
const MOST_LINKS: usize = 1000;

/// What a work tree has of its own, beside what lies directly in its folder, such as `HEAD`.
const OWN: [&str; 3] = ["refs/bisect/", "refs/rewritten/", "refs/worktree/"];

/// Where a short name is looked for, in git's order (gitrevisions(7)).
const PLACES: [(&str, &str); 6] = [
    ("", ""),
    ("refs/", ""),
    ("refs/tags/", ""),
    ("refs/heads/", ""),
    ("refs/remotes/", ""),
    ("refs/remotes/", "/HEAD"),
];

/// The references of a repository.
pub(super) struct References {
    /// The files of the work tree.
    own: PathBuf,
    /// The files that all work trees share.
    common: PathBuf,
    packed: OnceCell<Vec<u8>>,
}

/// What a reference stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    Object(ObjectId),
    /// Another reference, by its name.
    Reference(Vec<u8>),
}

impl References {
    pub(super) fn new(own: PathBuf, common: PathBuf) -> Self {
        Self { own, common, packed: OnceCell::new() }
    }

    /// What the reference of this whole name stands for; `None` if there is none, or can't be one of this name.
    ///
    /// # Errors
    /// A file that can't be read, or says something else.
    pub(super) fn read(&self, name: &[u8]) -> Result<Option<Target>, Error> {
        if !is_whole(name) {
            return Ok(None);
        }
        let is_own = !name.starts_with(b"refs/") || OWN.iter().any(|own| name.starts_with(own.as_bytes()));
        let folder = if is_own { &self.own } else { &self.common };
        let unreadable = |words: &str| remedy::unreadable(&format!("`{}`", String::from_utf8_lossy(name)), words);
        let Some(path) = native(name) else { return Ok(None) };
        match place::whole(&folder.join(path), LONGEST) {
            Ok(Some(text)) => target(&text).map(Some).ok_or_else(|| unreadable("it names no object")),
            Ok(None) => Ok(self.packed()?.find(name).map(Target::Object)),
            Err(error) => Err(unreadable(&error.to_string())),
        }
    }

    /// The object that the reference of this whole name stands for, directly or by others; `None` if one of them isn't there.
    ///
    /// # Errors
    /// As for [`References::read`]; references that stand for each other.
    pub(super) fn resolve(&self, name: &[u8]) -> Result<Option<ObjectId>, Error> {
        let mut at = name.to_owned();
        for _ in 0..=DEEPEST {
            match self.read(&at)? {
                Some(Target::Reference(next)) => at = next,
                Some(Target::Object(id)) => return Ok(Some(id)),
                None => return Ok(None),
            }
        }
        let what = format!("`{}`", String::from_utf8_lossy(name));
        Err(remedy::unreadable(&what, "it stands for references without an end"))
    }

    /// The object of the first reference that a short name can mean.
    ///
    /// # Errors
    /// As for [`References::resolve`].
    pub(super) fn short(&self, name: &str) -> Result<Option<ObjectId>, Error> {
        for (before, after) in PLACES {
            if let Some(id) = self.resolve(format!("{before}{name}{after}").as_bytes())? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// All references below a folder, such as `refs/tags/`, by name in byte order, with what each stands for in the end.
    ///
    /// # Errors
    /// As for [`References::resolve`]; a folder that can't be read.
    pub(super) fn below(&self, folder: &str) -> Result<Vec<(String, ObjectId)>, Error> {
        let mut names: BTreeMap<Vec<u8>, Option<ObjectId>> = BTreeMap::new();
        names.extend(self.packed()?.below(folder.as_bytes()).map(|(id, name)| (name.to_owned(), Some(id))));
        let unreadable =
            |error: io::Error| remedy::unreadable(&format!("the references in `{folder}`"), &error.to_string());
        for name in files(&self.common, folder).map_err(unreadable)? {
            names.insert(name, None);
        }
        let mut found = Vec::new();
        for (name, id) in names {
            // A file counts before the list.
            let id = if id.is_some() { id } else { self.resolve(&name)? };
            found.extend(id.map(|id| (String::from_utf8_lossy(&name).into_owned(), id)));
        }
        Ok(found)
    }

    fn packed(&self) -> Result<Packed<'_>, Error> {
        if let Some(list) = self.packed.get() {
            return Ok(Packed(list));
        }
        let list = place::whole(&self.common.join("packed-refs"), LONGEST_LIST);
        let mut list =
            list.map_err(|error| remedy::unreadable("`packed-refs`", &error.to_string()))?.unwrap_or_default();
        list.push(b'\n');
        Ok(Packed(self.packed.get_or_init(|| list)))
    }
}

/// The list of packed references, a line each: an object, a space, and the name. Lines with a sign in front say more about the
/// list, or about the line before.
struct Packed<'a>(&'a [u8]);

impl<'a> Packed<'a> {
    fn find(&self, name: &[u8]) -> Option<ObjectId> {
        let needle = [b" ", name, b"\n"].concat();
        memmem::find_iter(self.0, &needle).find_map(|end| {
            let start = end.checked_sub(40).filter(|&start| start == 0 || self.0[start - 1] == b'\n')?;
            digits(&self.0[start..end])
        })
    }

    fn below(&self, folder: &'a [u8]) -> impl Iterator<Item = (ObjectId, &'a [u8])> {
        self.0.split(|&byte| byte == b'\n').filter_map(move |line| {
            let (id, name) = line.split_at_checked(40)?;
            let name = name.strip_prefix(b" ").filter(|name| name.starts_with(folder) && is_whole(name))?;
            Some((digits(id)?, name))
        })
    }
}

/// What the text of a reference's file says.
fn target(text: &[u8]) -> Option<Target> {
    if let Some(name) = text.strip_prefix(b"ref:") {
        return Some(Target::Reference(name.trim_ascii().to_owned()));
    }
    // `FETCH_HEAD` says more behind it.
    let (id, rest) = text.split_at_checked(40)?;
    let ends = rest.first().is_none_or(u8::is_ascii_whitespace);
    digits(id).filter(|_| ends).map(Target::Object)
}

fn digits(id: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(std::str::from_utf8(id).ok()?)
}

/// Whether it can be the whole name of a reference: below `refs/`, or directly in the repository's folder, where capitals tell
/// references from other files. Source: git-check-ref-format(1), git 2.51.
fn is_whole(name: &[u8]) -> bool {
    let is_plain = |&byte: &u8| byte > b' ' && byte != 0x7f && !b"~^:?*[\\".contains(&byte);
    let is_part = |part: &[u8]| !part.is_empty() && !part.starts_with(b".") && !part.ends_with(b".lock");
    let is_allowed = name.iter().all(is_plain)
        && name.split(|&byte| byte == b'/').all(is_part)
        && !name.ends_with(b".")
        && !name.windows(2).any(|pair| pair == b".." || pair == b"@{");
    is_allowed
        && (name.starts_with(b"refs/") || name.iter().all(|byte| byte.is_ascii_uppercase() || b"_-".contains(byte)))
}

/// The names of all files below a folder of `root`, each from `root` on.
fn files(root: &Path, folder: &str) -> io::Result<Vec<Vec<u8>>> {
    let (mut found, mut open) = (Vec::new(), vec![folder.as_bytes().to_owned()]);
    let mut links = 0;
    while let Some(folder) = open.pop() {
        let Some(path) = native(&folder).map(|folder| root.join(folder)) else { continue };
        let entries = match path.read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = [&*folder, entry.file_name().as_encoded_bytes()].concat();
            if entry.path().is_dir() {
                links += usize::from(entry.file_type()?.is_symlink());
                if links > MOST_LINKS {
                    return Err(io::Error::other("there are too many links to folders, or some that lead round"));
                }
                open.push([&*name, b"/"].concat());
            } else if is_whole(&name) {
                found.push(name);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(&digit.to_string().repeat(40)).unwrap()
    }

    #[test]
    fn a_file_names_an_object_or_another_reference() {
        let one = id('1').to_string();
        assert_eq!(target(one.as_bytes()), Some(Target::Object(id('1'))));
        assert_eq!(target(format!("{one}\t\tbranch 'main' of x\n").as_bytes()), Some(Target::Object(id('1'))));
        assert_eq!(target(b"ref: refs/heads/a b\n"), Some(Target::Reference(b"refs/heads/a b".to_vec())));
        for wrong in ["", "\n", "ref", &one[1..], &format!("{one}1")] {
            assert_eq!(target(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_packed_reference_is_found_by_its_whole_name() {
        let [one, two, three] = ['1', '2', '3'].map(id);
        let list = format!(
            "# pack-refs with: peeled fully-peeled sorted \n{one} refs/heads/main\n{two} refs/tags/v1\n^{three}\n\
             {three} refs/tags/v10\nx{three} refs/tags/v2\n{three} refs/tags/..\n{one} refs/tags/v3"
        );
        let references = References::new(PathBuf::new(), PathBuf::new());
        references.packed.set(format!("{list}\n").into_bytes()).unwrap();
        let packed = references.packed().unwrap();
        assert_eq!(packed.find(b"refs/heads/main"), Some(one));
        assert_eq!(packed.find(b"refs/tags/v1"), Some(two));
        assert_eq!(packed.find(b"refs/tags/v3"), Some(one));
        for absent in ["refs/tags/v2", "refs/tags/v", "heads/main", "main"] {
            assert_eq!(packed.find(absent.as_bytes()), None, "{absent}");
        }
        let tags: Vec<_> = packed.below(b"refs/tags/").collect();
        assert_eq!(tags, [(two, &b"refs/tags/v1"[..]), (three, b"refs/tags/v10"), (one, b"refs/tags/v3")]);
    }

    #[test]
    fn no_name_leads_out_of_the_repository_or_to_another_file_in_it() {
        for name in ["HEAD", "FETCH_HEAD", "refs/heads/a", "refs/heads/a.b/c@d", "refs/tags/\u{e9}", "refs/x"] {
            assert!(is_whole(name.as_bytes()), "{name}");
        }
        for name in [
            "",
            "config",
            "main",
            "objects/aa",
            "refs/",
            "refs//a",
            "/refs/a",
            "refs/../config",
            "refs/a..b",
            "refs/.a",
            "refs/a.lock",
            "refs/a.lock/b",
            "refs/a.",
            "refs/a b",
            "refs/a\n",
            "refs/a\\b",
            "refs/a@{1}",
            "refs/a:b",
            "../HEAD",
            "HEAD/x",
        ] {
            assert!(!is_whole(name.as_bytes()), "{name}");
        }
    }
}
