//! The placeholders of URL templates, and their values for a file.

use std::borrow::Cow;

use super::files::Match;
use super::front_matter::FrontMatter;
use super::transform::Text;
use crate::model::RepoPath;

/// A value that a template can take from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    /// The path from the repository's root.
    Path,
    /// The path after the directories that the pattern spells out.
    Tail,
    /// The path's directory, without a slash at its end; empty at the root.
    Dir,
    /// The file's name.
    Name,
    /// The name without its last extension.
    Stem,
    /// The last extension, without its dot; empty if there is none, and in `.htaccess`.
    Ext,
    /// The text that a wildcard matched, from 1.
    Wildcard(u8),
    /// The value of a key of the file's front matter; several values if it is a list.
    Front(Box<str>),
}

/// Before the key of a front matter: `front.slug`.
pub(super) const FRONT: &str = "front.";

impl Placeholder {
    /// Those with a name, in the order in which they are listed.
    pub(super) const NAMED: [(&'static str, Self); 6] = [
        ("path", Self::Path),
        ("tail", Self::Tail),
        ("dir", Self::Dir),
        ("name", Self::Name),
        ("stem", Self::Stem),
        ("ext", Self::Ext),
    ];

    /// The placeholder of this name: `tail`, `1`, `front.slug`.
    pub(super) fn named(name: &str) -> Option<Self> {
        if let [digit @ b'1'..=b'9'] = name.as_bytes() {
            return Some(Self::Wildcard(digit - b'0'));
        }
        if let Some(key) = name.strip_prefix(FRONT) {
            let is_key = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            return (!key.is_empty() && key.bytes().all(is_key)).then(|| Self::Front(key.into()));
        }
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, placeholder)| placeholder)
    }
}

/// A file, as the pattern that matched it sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TemplateContext<'p> {
    path: &'p [u8],
    found: Match<'p, 'p>,
    /// `None` where it wasn't read.
    front: Option<&'p FrontMatter>,
}

impl<'p> TemplateContext<'p> {
    /// Joins a path with the match that was found for it, and with the file's front matter.
    pub(super) fn new(path: &'p RepoPath, found: Match<'p, 'p>, front: Option<&'p FrontMatter>) -> Self {
        Self { path: path.as_bytes(), found, front }
    }

    /// The values of a placeholder, not yet encoded: one, or those of a front matter's key.
    ///
    /// # Errors
    /// A key whose value is no text and no list of texts.
    pub(super) fn values(&self, placeholder: &Placeholder) -> Result<Vec<Text<'p>>, &'static str> {
        let Placeholder::Front(key) = placeholder else { return Ok(vec![Cow::Borrowed(self.value(placeholder))]) };
        let values = self.front.map_or(Ok(&[][..]), |front| front.get(key))?;
        Ok(values.iter().map(|value| Cow::Borrowed(value.as_bytes())).collect())
    }

    /// The value of a placeholder that isn't the front matter's, not yet encoded.
    pub(super) fn value(&self, placeholder: &Placeholder) -> &'p [u8] {
        let (dir, name) = match self.path.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => (&self.path[..slash], &self.path[slash + 1..]),
            None => (&[][..], self.path),
        };
        let dot = name.iter().rposition(|&byte| byte == b'.').filter(|&dot| dot > 0);
        match placeholder {
            Placeholder::Path => self.path,
            Placeholder::Tail => self.found.tail(),
            Placeholder::Dir => dir,
            Placeholder::Name => name,
            Placeholder::Stem => &name[..dot.unwrap_or(name.len())],
            Placeholder::Ext => dot.map_or(&[], |dot| &name[dot + 1..]),
            Placeholder::Wildcard(number) => self.found.captures().get((*number).into()),
            Placeholder::Front(_) => &[],
        }
    }
}
