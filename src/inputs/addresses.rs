//! A list of addresses that a person wrote becomes addresses that can be asked for, or every line that can't.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Diagnostic, Error, Place};
use crate::mapping::address;

/// The largest list that is read: 100,000 addresses of the greatest length fit.
const LARGEST: u64 = 128 << 20;

/// Reads the addresses of a file, or of standard input for `-`: one per line; blank lines and lines that begin with `#` are
/// passed over, so are a byte order mark and carriage returns. What needs encoding is encoded, what is encoded stays. An
/// address that stands twice is given once.
///
/// # Errors
/// [`Error::Inputs`]: the file can't be read, holds no address, or every line that isn't one.
pub fn read(path: &Path) -> Result<Vec<String>, Error> {
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let unreadable = |error: std::io::Error| {
        Error::usage(
            format!("the addresses in `{name}` can't be read: {error}"),
            "name a file with one address per line",
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
    parse(&name, &bytes)
}

/// Reads the lines of a list; `name` is how problems call it.
fn parse(name: &str, bytes: &[u8]) -> Result<Vec<String>, Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut seen = std::collections::HashSet::new();
    let (mut addresses, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        let Ok(line) = std::str::from_utf8(line) else {
            problems.push(problem(name, number, "", "the line isn't UTF-8".to_owned()));
            continue;
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let encoded = address::encode_given(line);
        match address::check(&encoded) {
            Ok(()) if seen.insert(encoded.clone()) => addresses.push(encoded),
            Ok(()) => {}
            Err(why) => problems.push(problem(name, number, line, format!("`{line}` can't be asked for: {why}"))),
        }
    }
    if !problems.is_empty() {
        return Err(Error::Inputs(problems));
    }
    if addresses.is_empty() {
        return Err(Error::usage(
            format!("`{name}` holds no address"),
            "an empty list never means everything; write one address per line",
        ));
    }
    Ok(addresses)
}

fn problem(name: &str, line: usize, text: &str, title: String) -> Diagnostic {
    let place = Some(Place { file: name.to_owned(), line, column: 1 });
    let help = Some("write a whole address, as `https://www.example.com/a/b.html`; nothing was sent".to_owned());
    Diagnostic { title, place, snippet: text.to_owned(), help }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        parse("list", text.as_bytes()).unwrap()
    }

    #[test]
    fn comments_blank_lines_marks_and_repetitions_are_passed_over() {
        let text =
            "\u{feff}# pages\r\n\r\nhttps://a.test/x\r\n  https://a.test/y  \n#https://a.test/z\nhttps://a.test/x";
        assert_eq!(addresses(text), ["https://a.test/x", "https://a.test/y"]);
    }

    #[test]
    fn what_needs_it_is_encoded_and_what_is_encoded_stays() {
        assert_eq!(addresses("https://a.test/a b/%20/é?q=%C3%A9"), ["https://a.test/a%20b/%20/%C3%A9?q=%C3%A9"]);
    }

    #[test]
    fn every_bad_line_is_named() {
        let error = parse("list", b"www.a.test/x\nhttps://a.test/ok\n\xff\nhttps://a.test/\x07\n").unwrap_err();
        let lines: Vec<usize> = error.diagnostics().iter().map(|found| found.place.as_ref().unwrap().line).collect();
        assert_eq!(lines, [1, 3, 4]);
    }

    #[test]
    fn an_empty_list_is_an_error_and_never_everything() {
        for empty in ["", "\n\n# nothing\n"] {
            let message = parse("list", empty.as_bytes()).unwrap_err().to_string();
            assert!(message.contains("holds no address"), "{message}");
        }
    }

    #[test]
    fn a_hundred_thousand_lines_are_read() {
        let text: String = (0..100_000).map(|n| format!("https://a.test/{n}\n")).collect();
        assert_eq!(addresses(&text).len(), 100_000);
    }
}
