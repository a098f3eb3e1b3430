//! Writes files that others read: appends to the CI host's files, and replaces our own in one step.
//!
//! A checkout may hold symbolic links that a pull request brought, so a link inside a checkout is never followed: one in the
//! place of a file is replaced, one in the place of a folder is refused. Links outside a checkout are the machine's owner's.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ci::redactor::Redactor;
use crate::error::Error;

/// Replaces a file by what `fill` writes, redacted. Readers see the old file or the whole new one: the new one is written
/// next to it and renamed. Missing folders are made. A device or a pipe (`/dev/stdout`) is written to, unless a link of a
/// checkout leads there.
///
/// # Errors
/// [`Error::Checkout`] with the file's name and the system's message, or with the link in a checkout that leads there.
pub fn replace(
    path: &Path,
    redactor: &Redactor,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    refuse_links(folder_of(path))?;
    let is_special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
        && link_in_checkout(path).is_none();
    let result = if is_special {
        OpenOptions::new().write(true).open(path).and_then(|file| fill_file(file, redactor, fill)).map(drop)
    } else {
        replace_plain(path, redactor, fill)
    };
    result.map_err(|error| unwritable(path, &error))
}

/// Refuses a path that leads through a symbolic link inside a checkout, or is one.
///
/// # Errors
/// [`Error::Checkout`] with the link.
pub fn refuse_links(path: &Path) -> Result<(), Error> {
    match link_in_checkout(path) {
        None => Ok(()),
        Some(link) => Err(Error::Checkout {
            message: format!("`{}` isn't followed: it is a symbolic link in the checkout", link.display()),
            help: "remove the link, or set a path outside the checkout".into(),
        }),
    }
}

/// How long ago a file was written; `None` if there is none, or its time is in the future.
pub fn age(path: &Path) -> Option<Duration> {
    fs::metadata(path).and_then(|about| about.modified()).ok()?.elapsed().ok()
}

/// Removes a file of our own, if it is there.
pub fn remove(path: &Path) {
    // It is of no use any more, and does no harm.
    let _ = fs::remove_file(path);
}

/// The symbolic link inside a checkout that a path leads through, or is.
fn link_in_checkout(path: &Path) -> Option<PathBuf> {
    let is_link = |path: &Path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    let is_in_checkout = |path: &Path| {
        let folder = fs::canonicalize(folder_of(path)).unwrap_or_default();
        folder.ancestors().any(|folder| fs::symlink_metadata(folder.join(".git")).is_ok())
    };
    path.ancestors().find(|path| is_link(path) && is_in_checkout(path)).map(Path::to_owned)
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Appends a text, on a line of its own, to a file of the host's.
///
/// # Errors
/// [`Error::Checkout`] with the file's name and the system's word.
pub(super) fn append(path: &Path, text: &str) -> Result<(), Error> {
    let append = || -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut piece = String::new();
        if !ends_in_a_line_break(&mut file)? {
            piece.push('\n');
        }
        piece.push_str(text);
        // One write: what another process appends meanwhile can't come between.
        file.write_all(piece.as_bytes())
    };
    append().map_err(|error| unwritable(path, &error))
}

/// How long a file is, in bytes; one that isn't there yet is empty.
///
/// # Errors
/// [`Error::Checkout`] with the file's name and the system's word.
pub(super) fn length(path: &Path) -> Result<usize, Error> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(usize::try_from(metadata.len()).unwrap_or(usize::MAX)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(unwritable(path, &error)),
    }
}

/// 128 bits of chance as 32 hex digits.
///
/// # Errors
/// [`Error::Checkout`] when the system has no random numbers.
pub(super) fn random_hex() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Checkout {
        message: format!("the system provides no random numbers: {error}"),
        help: "run this program where the `getrandom` system call is allowed".into(),
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn replace_plain(
    path: &Path,
    redactor: &Redactor,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no file name"))?;
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut temporary_name = OsString::from(".");
    temporary_name.push(name);
    temporary_name.push(format!(".{}", random_hex().map_err(|error| io::Error::other(error.to_string()))?));
    let temporary = folder.join(temporary_name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temporary)
        .and_then(|file| fill_file(file, redactor, fill))
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error that is reported is the one that counts; a leftover is only untidy.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn fill_file(file: File, redactor: &Redactor, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<File> {
    let mut writer = redactor.writer(file);
    fill(&mut writer)?;
    writer.finish()
}

fn ends_in_a_line_break(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::Checkout {
        message: format!("`{}` can't be written: {error}", path.display()),
        help: "make its folder writable for the user that runs this program, and free some space if the disk is full"
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_is_whole_or_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/on/the/way/report.json");
        replace(&path, &Redactor::default(), |file| file.write_all(b"first")).unwrap();
        let failed = replace(&path, &Redactor::default(), |file| {
            file.write_all(b"sec\nond")?;
            Err(io::Error::other("out of words"))
        });
        assert!(failed.unwrap_err().to_string().contains("out of words"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn what_is_appended_begins_on_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        append(&path, "a=1\n").unwrap();
        fs::write(&path, "a=1\nunended=2").unwrap();
        append(&path, "b=3\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a=1\nunended=2\nb=3\n");
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace(folder.path(), &Redactor::default(), |file| file.write_all(b"x")).unwrap_err();
        assert!(error.to_string().contains(&*folder.path().to_string_lossy()), "{error}");
        assert_eq!(error.exit_code(), crate::error::ExitCode::Checkout);
    }

    /// A folder with a checkout in it, and what lies outside of the checkout.
    #[cfg(unix)]
    fn checkout() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (checkout, outside) = (folder.path().join("checkout"), folder.path().join("outside"));
        fs::create_dir_all(checkout.join(".git")).unwrap();
        fs::create_dir(&outside).unwrap();
        (folder, checkout, outside)
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_checkout_is_replaced_and_not_followed() {
        let (_folder, checkout, outside) = checkout();
        let secret = outside.join("settings");
        fs::write(&secret, "before").unwrap();
        for target in [Path::new("/dev/null"), Path::new("/dev/stdout"), &secret] {
            let path = checkout.join("report.json");
            let _ = fs::remove_file(&path);
            std::os::unix::fs::symlink(target, &path).unwrap();
            replace(&path, &Redactor::default(), |file| file.write_all(b"##[error]")).unwrap();
            assert!(fs::symlink_metadata(&path).unwrap().is_file(), "{}", target.display());
            assert_eq!(fs::read_to_string(&path).unwrap(), "##[error]");
        }
        assert_eq!(fs::read_to_string(&secret).unwrap(), "before");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_is_a_link_in_the_checkout_is_refused() {
        let (_folder, checkout, outside) = checkout();
        std::os::unix::fs::symlink(&outside, checkout.join("out")).unwrap();
        for path in ["out/report.json", "out/new/report.json", "out/../report.json"] {
            let error = replace(&checkout.join(path), &Redactor::default(), |file| file.write_all(b"x")).unwrap_err();
            assert!(error.to_string().contains("a symbolic link in the checkout"), "{error}");
        }
        assert!(refuse_links(&checkout.join("out/run.journal")).is_err());
        assert!(refuse_links(&checkout.join("out")).is_err());
        assert!(refuse_links(&checkout.join("logs/run.journal")).is_ok());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_outside_a_checkout_is_followed() {
        let (folder, _checkout, outside) = checkout();
        let link = folder.path().join("reports");
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        replace(&link.join("report.json"), &Redactor::default(), |file| file.write_all(b"x")).unwrap();
        assert_eq!(fs::read_to_string(outside.join("report.json")).unwrap(), "x");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        replace(Path::new("/dev/null"), &Redactor::default(), |file| file.write_all(b"x")).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
