//! Listings of `obsutil ls`.

use super::object::{Bucket, ListedFile, text_of};

/// A record has up to three lines: a long name has one of its own, and so has a long size.
/// <https://github.com/huaweicloud/huaweicloud-obs-obsutil/blob/45ac956/src/command/misc.go>, 2026-11.
const LINES: usize = 3;

fn is_header(line: &str) -> bool {
    let mut words = line.split_whitespace().filter(|word| *word != "StorageClass");
    ["key", "LastModified", "Size", "ETag"].into_iter().all(|name| words.next() == Some(name)) && words.next().is_none()
}

/// What follows one of the names at the end of a listing, which newer versions print without the `is`: `File number is: 9`.
fn after<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.trim_start().strip_prefix(name)?;
    rest.trim_start().trim_start_matches("is").trim_start().strip_prefix(':')
}

pub(super) fn fits(bytes: &[u8]) -> bool {
    // An empty bucket has no columns.
    text_of(bytes).is_ok_and(|text| text.lines().any(|line| is_header(line) || after(line, "File number").is_some()))
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<ListedFile>, String> {
    let (mut number, mut has_header, mut has_folders, mut has_total) = (None, false, false, false);
    // A record that isn't complete: its text, and how many lines it has.
    let mut open = (String::new(), 0);
    let mut records = Vec::new();
    for (line, text) in (1..).zip(text_of(bytes)?.lines()) {
        if after(text, "Next marker").is_some() {
            return Err("it is only the first part of the objects: add `-limit=0`".to_owned());
        }
        let is_end = after(text, "Folder number").is_some() || text.starts_with("Total size of ");
        has_total |= text.starts_with("Total size of ");
        if let Some(said) = after(text, "File number") {
            number = Some(said);
            continue;
        }
        if !has_header {
            has_header = is_header(text);
            has_folders |= text.starts_with("obs://");
            continue;
        }
        if text.trim().is_empty() || is_end {
            continue;
        }
        let is_name = text.starts_with("obs://");
        if is_name != (open.1 == 0) || open.1 == LINES {
            return Err(format!("its line {line} isn't about an object"));
        }
        open.0.push_str(text);
        open.0.push(' ');
        open.1 += 1;
        if let Some(record) = record(&open.0)? {
            records.push(record);
            open = (String::new(), 0);
        }
    }
    if open.1 > 0 {
        return Err("it was cut off in the middle of an object".to_owned());
    }
    if has_folders && !has_total {
        return Err("it lists directories without the objects in them: leave `-d` out".to_owned());
    }
    let mut bucket = Bucket::new("obs://");
    for (name, size, etag) in &records {
        bucket.add(name, *size, etag)?;
    }
    bucket.counted(number)
}

/// The name, the size and the ETag of a record; `None` if its text isn't complete.
fn record(text: &str) -> Result<Option<(String, u64, String)>, String> {
    let is_quoted = |word: &str| word.len() > 1 && word.starts_with('"') && word.ends_with('"');
    let is_time = |word: &str| word.len() == 20 && word.ends_with('Z') && word.as_bytes()[10] == b'T';
    let is_size = |word: &str| word.starts_with(|letter: char| letter.is_ascii_digit()) && !is_time(word);
    let Some((rest, etag)) = last_word(text).filter(|(_, word)| is_quoted(word)) else { return Ok(None) };
    // The class isn't printed everywhere.
    let Some((mut rest, mut one)) = last_word(rest) else { return Ok(None) };
    if !is_time(one) && !is_size(one) {
        match last_word(rest) {
            Some(before) => (rest, one) = before,
            None => return Ok(None),
        }
    }
    let Some((name, other)) = last_word(rest) else { return Ok(None) };
    let size = match (is_size(one), is_time(other), is_time(one), is_size(other)) {
        (true, true, ..) => one,
        (.., true, true) => other,
        _ => return Ok(None),
    };
    let Ok(bytes) = size.strip_suffix('B').unwrap_or(size).parse() else {
        return Err(format!("the size `{size}` is rounded: add `-bf=raw`"));
    };
    Ok(Some((name.trim_end().to_owned(), bytes, etag.to_owned())))
}

/// The last word of a text, and what is before it.
fn last_word(text: &str) -> Option<(&str, &str)> {
    text.trim_end().rsplit_once(char::is_whitespace).filter(|(_, word)| !word.is_empty())
}
