//! The placeholders of URL templates, and their values for a file.

use super::files::Match;
use crate::model::RepoPath;

/// A value that a template can take from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

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

    /// The placeholder of this name: `tail`, `1`.
    pub(super) fn named(name: &str) -> Option<Self> {
        if let [digit @ b'1'..=b'9'] = name.as_bytes() {
            return Some(Self::Wildcard(digit - b'0'));
        }
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|&(_, placeholder)| placeholder)
    }
}

/// A file, as the pattern that matched it sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TemplateContext<'p> {
    path: &'p [u8],
    found: Match<'p, 'p>,
}

impl<'p> TemplateContext<'p> {
    /// Joins a path with the match that was found for it.
    pub(super) fn new(path: &'p RepoPath, found: Match<'p, 'p>) -> Self {
        Self { path: path.as_bytes(), found }
    }

    /// The value of a placeholder, not yet encoded.
    pub(super) fn value(&self, placeholder: Placeholder) -> &'p [u8] {
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
            Placeholder::Wildcard(number) => self.found.captures().get(number.into()),
        }
    }
}
