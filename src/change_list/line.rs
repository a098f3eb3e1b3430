//! Lines of a list, or its entries with a NUL after each.

/// The entries of a list with their numbers, and whether they are separated by NULs.
pub(super) struct Entries<'a> {
    pub(super) entries: Vec<(usize, &'a [u8])>,
    pub(super) has_nul: bool,
    /// Whether the last entry has its end.
    pub(super) is_ended: bool,
}

/// Splits a list at its NULs, or at its line breaks if it has none. Empty lines are left out, and so is a `\r` at the end of a
/// line: no tool prints one as a part of a name.
pub(super) fn split(bytes: &[u8]) -> Entries<'_> {
    let has_nul = bytes.contains(&0);
    let separator = if has_nul { 0 } else { b'\n' };
    let is_ended = bytes.is_empty() || bytes.ends_with(&[separator]);
    let bytes = bytes.strip_suffix(&[separator]).unwrap_or(bytes);
    let entries = (1..).zip(bytes.split(|&byte| byte == separator));
    let entries = if has_nul {
        entries.collect()
    } else {
        let lines = entries.map(|(number, line)| (number, line.strip_suffix(b"\r").unwrap_or(line)));
        lines.filter(|(_, line)| !line.is_empty()).collect()
    };
    Entries { entries, has_nul, is_ended }
}

/// A line for a message.
pub(super) fn shown(line: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(line).chars().take(200).collect();
    format!("`{text}`")
}
