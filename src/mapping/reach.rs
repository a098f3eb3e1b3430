//! The reach of the rules: in which folders they can select files, whatever changes.

use super::files::Globs;

/// The folders and files that some rules can select.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    files: Vec<Globs>,
}

/// That of several rules together, by what each selects.
impl FromIterator<Globs> for Reach {
    fn from_iter<I: IntoIterator<Item = Globs>>(files: I) -> Self {
        Self { files: files.into_iter().collect() }
    }
}

impl Reach {
    /// Whether a rule selects this path.
    pub fn selects(&self, path: &[u8]) -> bool {
        self.files.iter().any(|files| files.matches(path))
    }

    /// Whether a rule can select a file somewhere below a folder; its path ends in `/`.
    pub fn selects_below(&self, folder: &[u8]) -> bool {
        self.files.iter().any(|files| files.may_match_below(folder))
    }

    /// Whether a rule selects this path, and nothing below it.
    pub fn names(&self, path: &[u8]) -> bool {
        let folder = [path, b"/"].concat();
        self.files.iter().any(|files| files.matches(path) && !files.may_match_below(&folder))
    }

    /// The folders that the patterns spell out, each ending in `/`; the root is empty. In order, each once.
    pub fn folders(&self) -> Vec<Vec<u8>> {
        let mut folders: Vec<_> =
            self.files.iter().flat_map(Globs::directories).map(|text| text.as_bytes().to_vec()).collect();
        folders.sort();
        folders.dedup();
        folders
    }
}
