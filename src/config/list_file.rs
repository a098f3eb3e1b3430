//! Reads a list, of URLs or of changed files, from a file or from standard input.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::Error;

/// The largest list that is read: 100,000 URLs of the greatest length fit.
const LARGEST: u64 = 128 << 20;

/// How people call a list: by its path, or as standard input.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// The content of a list; of standard input for `-`. It may never return: a pipe or a person can keep it waiting.
///
/// # Errors
/// A file that can't be read or is too large.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let name = name(path);
    let unreadable = |error: std::io::Error| {
        Error::usage(
            format!("the list `{name}` can't be read: {error}"),
            "name a file that is there before this step runs, or `-` for standard input",
        )
    };
    let mut bytes = Vec::new();
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    input.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::usage(
            format!("`{name}` is larger than {} MiB", LARGEST >> 20),
            "cut it into several lists",
        ));
    }
    Ok(bytes)
}
