//! Checks the paths of a list, and takes git's quotes off them.

use super::item::Problem;
use super::line::shown;
use crate::model::RepoPath;

/// The longest path, in bytes: Linux takes 4,096.
const LONGEST: usize = 4096;

/// A path of a list, below `directory` if there is one.
///
/// # Errors
/// Anything that isn't a relative path of a file.
pub(super) fn of(bytes: &[u8], directory: Option<&RepoPath>) -> Result<RepoPath, Problem> {
    let mut path = bytes;
    while let Some(rest) = path.strip_prefix(b"./") {
        path = rest.strip_prefix(b"/").unwrap_or(rest);
    }
    let problem = |what: &str, help: &str| Err(Problem::new(format!("{} {what}", shown(bytes)), help));
    if path.is_empty() || path == b"." {
        return problem("names no file", "list each file by its path");
    }
    if path.len() > LONGEST {
        return problem("is longer than 4,096 bytes", "check that each path is on a line of its own");
    }
    if path.starts_with(b"/") || matches!(path, [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic()) {
        return problem(
            "is an absolute path",
            "list paths relative to the repository, or to the directory that `directory` names",
        );
    }
    if path.ends_with(b"/") {
        return problem("is a directory", "list the files in it");
    }
    let is_strange = |part: &&[u8]| part.is_empty() || *part == b"." || *part == b"..";
    if let Some(part) = path.split(|&byte| byte == b'/').find(is_strange) {
        let part = String::from_utf8_lossy(part).into_owned();
        return problem(&format!("has the part `{part}`"), "list paths without `.`, `..` and doubled `/`");
    }
    Ok(match directory {
        Some(directory) => RepoPath::new([directory.as_bytes(), b"/", path].concat()),
        None => RepoPath::new(path),
    })
}

/// A path as git prints it on a line: in quotes, with escapes, where it has unusual characters (git's documentation,
/// `core.quotePath`).
///
/// # Errors
/// Quotes that aren't closed, and escapes that git doesn't write.
pub(super) fn unquoted(text: &[u8]) -> Result<Vec<u8>, Problem> {
    let Some(inner) = text.strip_prefix(b"\"") else { return Ok(text.to_vec()) };
    let broken = || {
        Problem::new(
            format!("{} begins with a quote and isn't a name that git quoted", shown(text)),
            "separate the names with NULs, as with `git diff -z` or `find -print0`: then nothing is quoted",
        )
    };
    let inner = inner.strip_suffix(b"\"").ok_or_else(broken)?;
    let (mut path, mut at) = (Vec::with_capacity(inner.len()), 0);
    while let Some(&byte) = inner.get(at) {
        at += 1;
        if byte != b'\\' {
            // A quote inside is escaped.
            path.push(if byte == b'"' { return Err(broken()) } else { byte });
            continue;
        }
        let escaped = *inner.get(at).ok_or_else(broken)?;
        at += 1;
        path.push(match escaped {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'"' | b'\\' => escaped,
            b'0'..=b'3' => {
                let digits = inner.get(at - 1..at + 2).ok_or_else(broken)?;
                at += 2;
                octal(digits).ok_or_else(broken)?
            }
            _ => return Err(broken()),
        });
    }
    Ok(path)
}

/// The byte of three octal digits.
pub(super) fn octal(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| matches!(byte, b'0'..=b'7').then(|| u16::from(byte - b'0'));
    let &[one, two, three] = digits else { return None };
    u8::try_from(digit(one)? * 64 + digit(two)? * 8 + digit(three)?).ok()
}
