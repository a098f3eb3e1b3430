//! Text → files that others read: appended to where the file is the host's, replaced in one step where it is ours.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;

use crate::ci::redactor::Redactor;
use crate::error::Error;

/// Replaces a file by what `fill` writes, redacted. Readers see the old one or the whole new one: it is written beside it
/// and renamed. Folders on the way are made. What is there and isn't a plain file (`/dev/stdout`, a pipe) is written to.
///
/// # Errors
/// [`Error::Checkout`] with the file's name and the system's word.
pub fn replace(
    path: &Path,
    redactor: &Redactor,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let is_special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    let result = if is_special {
        OpenOptions::new().write(true).open(path).and_then(|file| fill_file(file, redactor, fill)).map(drop)
    } else {
        replace_plain(path, redactor, fill)
    };
    result.map_err(|error| unwritable(path, &error))
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
        message: format!("the system gives no random numbers: {error}"),
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
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
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
    let mut writer = redactor.writer(BufWriter::new(file));
    fill(&mut writer)?;
    writer.finish()?.into_inner().map_err(io::IntoInnerError::into_error)
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

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        replace(Path::new("/dev/null"), &Redactor::default(), |file| file.write_all(b"x")).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
