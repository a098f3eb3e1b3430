//! Where the configuration file is, and its text: a regular, small file of the checkout, or one that was named.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::source::Source;
use crate::error::Diagnostic;
use crate::text::suggest::{all_of, any_of};

/// Where a configuration is looked for, in the repository's directory, in this order.
pub(crate) const NAMES: [&str; 3] = ["cdn-purge.yml", ".cdn-purge.yml", ".github/cdn-purge.yml"];

/// The greatest size that is read.
const MOST_BYTES: u64 = 256 * 1024;

/// A configuration file that was found.
#[derive(Debug)]
pub(in crate::config) struct Found {
    /// Its path.
    pub(in crate::config) path: PathBuf,
    /// Others that would have been used without it.
    pub(in crate::config) shadowed: Vec<PathBuf>,
}

/// Looks for a configuration in the repository's directory.
pub(in crate::config) fn find(repository: &Path) -> Option<Found> {
    // A link that leads nowhere counts as found: it was meant to be one, and reading it says what is wrong.
    let mut present = NAMES
        .iter()
        .map(|name| if repository == Path::new(".") { PathBuf::from(name) } else { repository.join(name) })
        .filter(|path| fs::symlink_metadata(path).is_ok());
    Some(Found { path: present.next()?, shadowed: present.collect() })
}

/// That none was found, and what to do; `needed` are the options that take its place.
pub(in crate::config) fn none_found(repository: &Path, needed: &[&str]) -> Diagnostic {
    if !repository.is_dir() {
        let title = format!("there is no directory `{}`", repository.display());
        return Diagnostic::new(title, "name the directory of the checkout by `repository`");
    }
    let title = format!("no configuration in `{}`: there is no {}", repository.display(), any_of(NAMES));
    // Below the top of the checkout another one is hardly meant.
    if let Some((top, found)) = root(repository).ok().and_then(|top| find(&top).map(|found| (top, found))) {
        let (found, top) = (found.path.display(), top.display());
        return Diagnostic::new(
            title,
            format!("the checkout has `{found}`: run this in `{top}`, or name that by `repository`"),
        );
    }
    let needed = all_of(needed.iter().copied());
    Diagnostic::new(title, format!("`cdn-purge init` writes a first one; or name one with `config`, or give {needed}"))
}

/// Reads a configuration file.
///
/// # Errors
/// A file that isn't there, isn't a regular one, is over-large, isn't UTF-8, or is a link out of the repository.
pub(in crate::config) fn read(path: &Path, repository: &Path) -> Result<Source, Diagnostic> {
    let name = path.display();
    let unreadable = |error: std::io::Error| {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => "look at the path; it is taken from the current directory",
            _ => "look at the path and its permissions",
        };
        Diagnostic::new(format!("`{name}` can't be read: {error}"), help)
    };
    let resolved = fs::canonicalize(path).map_err(unreadable)?;
    if leaves(path, &resolved, repository) {
        return Err(Diagnostic::new(
            format!("`{name}` is a link to a place outside of the repository's files"),
            "put the file itself into the repository, or name the other place with `config`",
        ));
    }
    // Checked before it is opened: opening a named pipe would wait for its other end.
    let is_file = |found: fs::Metadata| {
        if found.is_file() {
            Ok(())
        } else {
            Err(Diagnostic::new(format!("`{name}` isn't a regular file"), "name the YAML file itself"))
        }
    };
    is_file(fs::metadata(&resolved).map_err(unreadable)?)?;
    let mut bytes = Vec::new();
    File::open(&resolved).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Diagnostic::new(
            format!("`{name}` is larger than {} KiB", MOST_BYTES / 1024),
            "use globs in place of long lists, and placeholders in place of many rules",
        ));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Source::new(name.to_string(), text)),
        Err(error) => {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(Diagnostic::new(format!("`{name}` isn't UTF-8 in line {line}"), "save it as UTF-8"))
        }
    }
}

/// Whether a path that lies in the repository leads out of it: what a pull request brings must not choose which file of
/// the runner is read and quoted in a log.
fn leaves(path: &Path, resolved: &Path, repository: &Path) -> bool {
    let Ok(root) = root(repository) else { return false };
    let Ok(canonical_root) = fs::canonicalize(&root) else { return false };
    let Ok(path) = std::path::absolute(path).map(|path| plain(&path)) else { return true };
    // Git's own folder is none of the checkout's files, and may hold a token.
    let is_inside = resolved.starts_with(&canonical_root) && !resolved.starts_with(canonical_root.join(".git"));
    (path.starts_with(&root) || path.starts_with(&canonical_root)) && !is_inside
}

/// The top directory of the checkout that a directory lies in; the directory itself where there is none.
fn root(repository: &Path) -> std::io::Result<PathBuf> {
    let start = plain(&std::path::absolute(repository)?);
    let top = start.ancestors().find(|directory| directory.join(".git").exists());
    Ok(top.unwrap_or(&start).to_owned())
}

/// The path with `..` taken as it is written.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join(".git")).unwrap();
        fs::create_dir_all(directory.path().join(".github")).unwrap();
        directory
    }

    #[test]
    fn the_first_of_the_three_names_is_used_and_the_others_are_told() {
        let directory = repository();
        assert!(find(directory.path()).is_none());
        fs::write(directory.path().join(".github/cdn-purge.yml"), "x").unwrap();
        fs::write(directory.path().join(".cdn-purge.yml"), "x").unwrap();
        let found = find(directory.path()).unwrap();
        assert_eq!(found.path, directory.path().join(".cdn-purge.yml"));
        assert_eq!(found.shadowed, [directory.path().join(".github/cdn-purge.yml")]);
    }

    #[test]
    fn below_the_top_of_a_checkout_its_configuration_is_told() {
        let directory = repository();
        let below = directory.path().join("public");
        fs::create_dir(&below).unwrap();
        assert!(none_found(&below, &["provider"]).help.unwrap().starts_with("`cdn-purge init` writes"));
        assert!(none_found(&below.join("nowhere"), &[]).title.starts_with("there is no directory"));
        fs::write(directory.path().join("cdn-purge.yml"), "x").unwrap();
        let help = none_found(&below, &["provider"]).help.unwrap();
        let top = directory.path().display();
        assert_eq!(
            help,
            format!("the checkout has `{top}/cdn-purge.yml`: run this in `{top}`, or name that by `repository`")
        );
    }

    #[test]
    fn a_file_of_ten_mebibytes_is_refused() {
        let directory = repository();
        let path = directory.path().join("cdn-purge.yml");
        File::create(&path).unwrap().set_len(10 * 1024 * 1024).unwrap();
        assert!(read(&path, directory.path()).unwrap_err().title.ends_with("is larger than 256 KiB"));
    }

    #[test]
    fn a_directory_a_missing_file_and_foreign_bytes_are_refused() {
        let directory = repository();
        let path = directory.path().join("cdn-purge.yml");
        assert!(read(&path, directory.path()).unwrap_err().title.contains("can't be read"));
        fs::create_dir(&path).unwrap();
        assert!(read(&path, directory.path()).unwrap_err().title.ends_with("isn't a regular file"));
        let latin = directory.path().join("latin.yml");
        fs::write(&latin, b"version: 1\nname: caf\xe9\n").unwrap();
        assert!(read(&latin, directory.path()).unwrap_err().title.ends_with("isn't UTF-8 in line 2"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_repository_is_refused_and_one_inside_is_followed() {
        use std::os::unix::fs::symlink;
        let directory = repository();
        let elsewhere = tempfile::tempdir().unwrap();
        let outside = elsewhere.path().join("secrets.yml");
        fs::write(&outside, "password: hunter2").unwrap();
        let link = directory.path().join("cdn-purge.yml");
        symlink(&outside, &link).unwrap();
        let refused = read(&link, directory.path()).unwrap_err();
        assert!(refused.title.ends_with("outside of the repository's files") && !refused.title.contains("hunter2"));
        // A directory on the way may be the link as well.
        symlink(elsewhere.path(), directory.path().join("conf")).unwrap();
        assert!(read(&directory.path().join("conf/secrets.yml"), directory.path()).is_err());
        // What git keeps for itself, a token perhaps, was not brought by a commit.
        fs::write(directory.path().join(".git/config"), "token: hunter2").unwrap();
        symlink(".git/config", directory.path().join("own.yml")).unwrap();
        assert!(read(&directory.path().join("own.yml"), directory.path()).is_err());
        // Named by its own place it is the user's choice.
        assert!(read(&outside, directory.path()).is_ok());
        fs::write(directory.path().join(".github/real.yml"), "version: 1").unwrap();
        let inside = directory.path().join(".cdn-purge.yml");
        symlink(".github/real.yml", &inside).unwrap();
        assert_eq!(read(&inside, directory.path()).unwrap().text(), "version: 1");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_found_and_said() {
        let directory = repository();
        std::os::unix::fs::symlink("nowhere.yml", directory.path().join("cdn-purge.yml")).unwrap();
        let found = find(directory.path()).unwrap();
        assert!(read(&found.path, directory.path()).unwrap_err().title.contains("can't be read"));
    }
}
