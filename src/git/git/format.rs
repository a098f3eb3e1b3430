//! A repository's own settings become the answer whether it can be read as it is.
//!
//! Only what says how the repository is built is looked at, and only in its own file, as git does it; nothing is included.
//! Source of the form: git-config(1) and gitrepository-layout(5), git 2.51.

use std::path::Path;

use super::place;

/// Settings are some kilobytes, with the remotes and branches of years.
const LONGEST: u64 = 16 << 20;

/// Extensions that change nothing of what is read here. That objects may be absent is an error of its own where one is needed.
const HARMLESS: [&str; 5] = ["noop", "partialclone", "preciousobjects", "relativeworktrees", "worktreeconfig"];

/// Extensions that are as if they weren't there at one value.
const USUAL: [(&str, &str, &str); 2] =
    [("objectformat", "sha1", "object format"), ("refstorage", "files", "extension refstorage")];

/// Checks the format of the repository whose files are in `common`, and those of its work tree in `own`. Whether it is bare.
///
/// # Errors
/// Settings that can't be read, and formats that are unknown here.
pub(super) fn check(own: &Path, common: &Path) -> Result<bool, String> {
    if let Some(missing) = ["objects", "refs"].into_iter().find(|name| !common.join(name).is_dir()) {
        return Err(format!("it has no folder `{missing}`"));
    }
    let settings = Settings::read(&common.join("config"))?;
    let version = settings.last("core.repositoryformatversion").unwrap_or("0");
    let is_extended = match version.trim().parse::<u32>() {
        Ok(version @ 0..=1) => version == 1,
        _ => return Err(format!("its format is of version `{version}`, and 1 is the newest that is known here")),
    };
    for (name, value) in settings.below("extensions.") {
        match USUAL.iter().find(|(known, ..)| *known == name) {
            Some((_, usual, _)) if value.eq_ignore_ascii_case(usual) => {}
            Some((.., what)) => return Err(format!("its {what} is `{value}`")),
            None if HARMLESS.contains(&name) || !is_extended => {}
            None => return Err(format!("its extension {name} isn't known here")),
        }
    }
    let mut is_bare = settings.is_on("core.bare");
    if settings.is_on("extensions.worktreeconfig") {
        let of_work_tree = Settings::read(&own.join("config.worktree"))?;
        if of_work_tree.last("core.bare").is_some() {
            is_bare = of_work_tree.is_on("core.bare");
        }
    }
    // A linked work tree may belong to a bare repository.
    Ok(is_bare && own == common)
}

/// The settings of a file, each with its name as `section.name` in lower case, in their order. Those of sections with a second
/// name are left out.
#[derive(Debug, PartialEq, Eq)]
struct Settings(Vec<(String, Option<String>)>);

impl Settings {
    /// None of a file that isn't there.
    fn read(file: &Path) -> Result<Self, String> {
        let damaged = |why: &str| format!("its settings in `{}` can't be read: {why}", file.display());
        let text = place::whole(file, LONGEST).map_err(|error| damaged(&error.to_string()))?.unwrap_or_default();
        let mut reader = Reader { rest: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text), line: 1 };
        reader.settings().map_err(|why| damaged(&format!("{why} (line {})", reader.line)))
    }

    /// Those of a section, without its name.
    fn below(&self, section: &str) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter_map(move |(name, value)| Some((name.strip_prefix(section)?, value.as_deref().unwrap_or("true"))))
    }

    /// The value that counts.
    fn last(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().rev().find(|(known, _)| known == name)?;
        Some(value.as_deref().unwrap_or("true"))
    }

    fn is_on(&self, name: &str) -> bool {
        let value = self.last(name).unwrap_or("false").to_ascii_lowercase();
        matches!(&*value, "true" | "yes" | "on") || value.parse::<i64>().is_ok_and(|number| number != 0)
    }
}

/// The text of a file of settings.
struct Reader<'a> {
    rest: &'a [u8],
    line: usize,
}

impl Reader<'_> {
    fn settings(&mut self) -> Result<Settings, &'static str> {
        let (mut found, mut section) = (Vec::new(), None);
        while let Some(byte) = self.next() {
            match byte {
                b'#' | b';' => while self.next().is_some_and(|byte| byte != b'\n') {},
                b'[' => section = Some(self.section()?),
                byte if byte.is_ascii_whitespace() => {}
                byte if byte.is_ascii_alphabetic() => {
                    let (name, value) = self.setting(byte)?;
                    match &section {
                        None => return Err("a setting stands before the first section"),
                        Some(Some(section)) => found.push((format!("{section}.{name}"), value)),
                        Some(None) => {}
                    }
                }
                _ => return Err("a line is no setting"),
            }
        }
        Ok(Settings(found))
    }

    /// The name behind `[`; `None` for one with a second name.
    fn section(&mut self) -> Result<Option<String>, &'static str> {
        const OPEN: &str = "the name of a section doesn't end";
        let (mut name, mut is_single, mut is_quoted) = (String::new(), true, false);
        loop {
            match self.next().ok_or(OPEN)? {
                b'\n' => return Err(OPEN),
                b'\\' if is_quoted => drop(self.next()),
                b'"' => (is_single, is_quoted) = (false, !is_quoted),
                _ if is_quoted => {}
                b']' => return Ok(is_single.then_some(name)),
                byte => name.push(byte.to_ascii_lowercase().into()),
            }
        }
    }

    /// A name that begins with `first`, and what is behind it.
    fn setting(&mut self, first: u8) -> Result<(String, Option<String>), &'static str> {
        let mut name = String::from(char::from(first.to_ascii_lowercase()));
        while let Some(byte) = self.peek().filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
            name.push(byte.to_ascii_lowercase().into());
            self.next();
        }
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            self.next();
        }
        match self.peek() {
            Some(b'=') => {
                self.next();
                self.value().map(|value| (name, Some(value)))
            }
            None | Some(b'\n' | b'#' | b';') => Ok((name, None)),
            Some(_) => Err("a name is followed by something else than `=`"),
        }
    }

    /// What stands behind `=`, without the spaces around it.
    fn value(&mut self) -> Result<String, &'static str> {
        let (mut value, mut kept, mut is_quoted) = (Vec::new(), 0, false);
        loop {
            let byte = match self.next() {
                None | Some(b'\n') if is_quoted => return Err("a quoted value doesn't end"),
                None | Some(b'\n') => break,
                Some(b'"') => {
                    is_quoted = !is_quoted;
                    kept = value.len();
                    continue;
                }
                Some(b'#' | b';') if !is_quoted => {
                    while self.next().is_some_and(|byte| byte != b'\n') {}
                    break;
                }
                Some(b'\\') => match self.next() {
                    Some(b'\n') => continue,
                    Some(b'n') => b'\n',
                    Some(b't') => b'\t',
                    Some(b'b') => 8,
                    Some(byte @ (b'"' | b'\\')) => byte,
                    _ => return Err("a value has an escape that git doesn't know"),
                },
                Some(byte) if byte.is_ascii_whitespace() && !is_quoted => {
                    if !value.is_empty() {
                        value.push(byte);
                    }
                    continue;
                }
                Some(byte) => byte,
            };
            value.push(byte);
            kept = value.len();
        }
        value.truncate(kept);
        Ok(String::from_utf8_lossy(&value).into_owned())
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        // The end of a line is one byte, or two.
        if self.rest.starts_with(b"\r\n") {
            self.rest = &self.rest[1..];
        }
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, &'static str> {
        Reader { rest: text.as_bytes(), line: 1 }.settings()
    }

    #[test]
    fn settings_are_read_as_git_writes_and_people_write_them() {
        let text = "; a\n[core]\n\tbare = false # b\n\tRepositoryFormatVersion=1\r\n[Extensions] objectFormat = \"sha 1\" ; c\n\
                    WorktreeConfig\n[remote \"a\\\"]b\"]\n\turl = x\n[core]\n  editor =  a \\\"b\\\"\\\n c  d \n\tbare\n\tempty =\n";
        let settings = read(text).unwrap();
        let expected = [
            ("core.bare", Some("false")),
            ("core.repositoryformatversion", Some("1")),
            ("extensions.objectformat", Some("sha 1")),
            ("extensions.worktreeconfig", None),
            ("core.editor", Some("a \"b\" c  d")),
            ("core.bare", None),
            ("core.empty", Some("")),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        assert_eq!(settings.0, expected);
        assert_eq!(settings.last("core.bare"), Some("true"));
        assert!(settings.is_on("core.bare") && !settings.is_on("core.empty"));
    }

    #[test]
    fn what_is_no_setting_is_an_error() {
        for wrong in [
            "a = b",
            "[core",
            "[core\n]",
            "[core \"x]\n",
            "[core]\n= b",
            "[core]\na b",
            "[core]\na = \"b\n",
            "[core]\na = \\x",
            "[core]\n\u{e9} = b",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
