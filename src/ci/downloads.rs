//! Saves downloaded files to a folder, each under a name that can't leave it and only once it is complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::ci::files;

/// The longest name of a file or folder, in bytes.
const LONGEST: usize = 200;

/// A folder to fetch files into: `<domain>/<name>` each.
#[derive(Debug)]
pub struct Downloads {
    folder: PathBuf,
}

impl Downloads {
    /// Fetches into this folder; it is made when the first file comes.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where a file of a domain goes.
    pub fn place(&self, domain: &str, name: &str) -> PathBuf {
        self.folder.join(safe(domain)).join(safe(name))
    }

    /// Whether the file is there already, with the size that it should have.
    pub fn has(&self, domain: &str, name: &str, bytes: u64) -> bool {
        fs::symlink_metadata(self.place(domain, name)).is_ok_and(|file| file.is_file() && file.len() == bytes)
    }

    /// Begins a file, in the same folder: `<name>.part`.
    ///
    /// # Errors
    /// The system's.
    pub fn begin(&self, domain: &str, name: &str) -> io::Result<Part> {
        let place = self.place(domain, name);
        let folder = place.parent().unwrap_or(&self.folder);
        files::refuse_links(folder).map_err(|error| io::Error::other(error.to_string()))?;
        fs::create_dir_all(folder)?;
        let mut part = place.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        // What an earlier run left, or a link that somebody put there, isn't written through.
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = fs::OpenOptions::new().write(true).create_new(true).open(&part)?;
        Ok(Part { file: BufWriter::new(file), bytes: 0, part, place, is_whole: false })
    }
}

/// A file that isn't whole yet; it goes away with its owner unless it is finished.
#[derive(Debug)]
pub struct Part {
    file: BufWriter<File>,
    bytes: u64,
    part: PathBuf,
    place: PathBuf,
    is_whole: bool,
}

impl Part {
    /// Writes what came.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// How much came so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Puts the whole file in its place.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(mut self) -> io::Result<PathBuf> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.part, &self.place)?;
        self.is_whole = true;
        Ok(self.place.clone())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_whole {
            // What can't be removed is replaced by the next run.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// A name for a file from somebody else's: one part of a path, of plain letters, that isn't hidden and says nothing to a shell.
fn safe(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '_' };
    let name: String = name.chars().map(plain).take(LONGEST).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_the_folder() {
        let downloads = Downloads::new(Path::new("logs"));
        for (name, expected) in [
            ("www.example.com_2026_11_20.gz", "www.example.com_2026_11_20.gz"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("/etc/passwd", "_etc_passwd"),
            ("..", "unnamed"),
            ("", "unnamed"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("a b\n;$(x)\\é", "a_b____x___"),
        ] {
            assert_eq!(downloads.place("a.test", name), Path::new("logs/a.test").join(expected), "{name}");
        }
        assert_eq!(downloads.place("../..", &"x".repeat(999)).file_name().unwrap().len(), LONGEST);
        assert_eq!(downloads.place("../..", "x").parent().unwrap(), Path::new("logs/_.."));
    }

    #[test]
    fn a_file_is_in_its_place_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::new(&folder.path().join("logs"));
        let mut part = downloads.begin("a.test", "x.gz").unwrap();
        part.write(b"half").unwrap();
        assert!(!downloads.has("a.test", "x.gz", 4));
        drop(part);
        assert_eq!(fs::read_dir(folder.path().join("logs/a.test")).unwrap().count(), 0);
        let mut part = downloads.begin("a.test", "x.gz").unwrap();
        part.write(b"wh").unwrap();
        part.write(b"ole").unwrap();
        assert_eq!(part.bytes(), 5);
        let place = part.finish().unwrap();
        assert_eq!(fs::read(place).unwrap(), b"whole");
        assert!(downloads.has("a.test", "x.gz", 5) && !downloads.has("a.test", "x.gz", 6));
    }
}
