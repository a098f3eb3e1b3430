//! Listings of `ossutil ls`.

use super::object::{Bucket, ListedFile, start_of, text_of, word};

/// The columns. `ossutil` prints others for parts, versions and directories.
/// <https://github.com/aliyun/ossutil/blob/778640b/lib/ls.go>, 2026-11.
const COLUMNS: &str = "LastModifiedTime Size(B) StorageClass ETAG ObjectName";

/// The last line but for the time that it took.
const NUMBER: &str = "Object Number is:";

fn is_header(line: &str) -> bool {
    line.split_whitespace().eq(COLUMNS.split(' '))
}

pub(super) fn fits(bytes: &[u8]) -> bool {
    let start = start_of(bytes);
    // An empty bucket has no columns.
    start.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| is_header(line) || line.starts_with(NUMBER))
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<ListedFile>, String> {
    let mut bucket = Bucket::new("oss://");
    let mut number = None;
    for (line, text) in (1..).zip(text_of(bytes)?.lines()) {
        if text.is_empty() || (number.is_none() && bucket.count == 0 && is_header(text)) {
            continue;
        }
        if number.is_some() {
            if text.ends_with("(s) elapsed") {
                continue;
            }
            return Err(format!("its line {line} lists something other than objects"));
        }
        if let Some(said) = text.strip_prefix(NUMBER) {
            number = Some(said);
            continue;
        }
        // `2019-05-30 14:23:51 +0800 CST`, size, class, ETag. A name may have spaces.
        let (mut fields, mut rest) = ([""; 7], text);
        for field in &mut fields {
            (*field, rest) = word(rest);
        }
        let [.., size, _, etag] = fields;
        let unread = |what: &str| format!("its line {line} isn't about an object: {what}");
        let size = size.parse().map_err(|_| unread(&format!("`{size}` is no size")))?;
        bucket.add(rest.trim_start(), size, etag).map_err(|why| unread(&why))?;
    }
    bucket.counted(number)
}
