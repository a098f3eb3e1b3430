//! Objects of a store as listings name them.

use std::borrow::Cow;

use crate::directory::digest::{Digest, DigestKind};

/// A file as an object store lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// As the built directory names it: below the directory, `/`-separated, without a `/` before it.
    pub path: Box<[u8]>,
    /// In bytes.
    pub size: u64,
    /// The digest of its content, the safest that the listing has. `None` where it has none, or one that isn't the content's (the ETag
    /// of a multipart upload): then the file counts as changed.
    pub digest: Option<Digest>,
}

/// The digest that an ETag is: the MD5 of the content, unless the object was uploaded in parts (`…-2`) or the store makes its own.
pub(super) fn of_etag(etag: &str) -> Option<Digest> {
    Digest::parse(DigestKind::Md5, etag.trim_matches('"'))
}

/// The beginning of a listing, for a look at its format.
pub(super) fn start_of(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(&bytes[..bytes.len().min(4096)])
}

/// The text of a listing that is made of lines.
pub(super) fn text_of(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "it isn't UTF-8".to_owned())
}

/// The objects of one bucket, as tools list them by their URLs: `oss://bucket/a/b.html`.
pub(super) struct Bucket<'a> {
    /// `oss://`.
    scheme: &'static str,
    name: Option<&'a str>,
    files: Vec<ListedFile>,
    /// With the placeholders of directories.
    pub(super) count: usize,
}

impl<'a> Bucket<'a> {
    pub(super) fn new(scheme: &'static str) -> Self {
        Self { scheme, name: None, files: Vec::new(), count: 0 }
    }

    /// Adds an object; the error is a sentence fragment.
    pub(super) fn add(&mut self, url: &'a str, size: u64, etag: &str) -> Result<(), String> {
        let Some((bucket, key)) = url.strip_prefix(self.scheme).and_then(|rest| rest.split_once('/')) else {
            return Err(format!("`{url}` is no object"));
        };
        if *self.name.get_or_insert(bucket) != bucket {
            return Err(format!("it lists two buckets, `{}` and `{bucket}`", self.name.unwrap_or_default()));
        }
        self.count += 1;
        if !key.ends_with('/') {
            self.files.push(ListedFile { path: key.as_bytes().into(), size, digest: of_etag(etag) });
        }
        Ok(())
    }

    /// The files, if they are as many as the tool says at the end of its listing.
    pub(super) fn counted(self, said: Option<&str>) -> Result<Vec<ListedFile>, String> {
        match said.map(str::trim) {
            None => Err("it was cut off: the number of objects at its end is missing".to_owned()),
            Some(said) if said.parse() == Ok(self.count) => Ok(self.files),
            Some(said) => Err(format!("it has {} objects, and says at its end that there are {said}", self.count)),
        }
    }
}

/// The first word of a text, and what follows it.
pub(super) fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}
