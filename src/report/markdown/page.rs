//! Markdown with a size limit, in which texts of others mean nothing.

use crate::text::format::counted;
use crate::text::sanitize;

/// Longer names and messages are cut in the summary, in characters; the JSON report has them whole.
const CELL_CHARACTERS: usize = 600;

/// Kept free for the ends of tables and folds.
const RESERVE: usize = 1_024;

const FOLD_END: &str = "</details>\n\n";

/// A text of someone else's as a code span, ready for a table's cell. Never empty, never a line break.
pub(super) fn code(text: &str) -> String {
    let text = sanitize(text);
    let text = match text.char_indices().nth(CELL_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    };
    if text.is_empty() {
        return "–".into();
    }
    let longest_fence = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest_fence + 1);
    // One space on each side is taken away by the renderer when there is one on both; it keeps backticks apart.
    let has_edge = |edge: char| text.starts_with(edge) || text.ends_with(edge);
    let space = if has_edge('`') || has_edge(' ') { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", text.replace('|', "\\|"))
}

/// A URL as a code span that links to it. What isn't a plain URL, such as a pattern or a cache tag, is a code span alone.
pub(super) fn link(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?&=%+,;@$".contains(&byte);
    if text.starts_with("https://") && text.len() <= CELL_CHARACTERS && text.bytes().all(is_plain) {
        format!("[{}]({text})", code(text))
    } else {
        code(text)
    }
}

/// A sentence of ours, with literals in backticks, as Markdown: the literals, and any part that a renderer could interpret,
/// become code.
pub(super) fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(number, part)| {
        let is_literal = number % 2 == 1;
        if part.is_empty() || !is_literal && means_nothing(part) {
            return part.to_owned();
        }
        let words = part.trim_matches(' ');
        let start = part.len() - part.trim_start_matches(' ').len();
        format!("{}{}{}", &part[..start], code(words), &part[start + words.len()..])
    });
    parts.collect()
}

/// Whether a text holds nothing but words: no mark that opens emphasis, a link, a mention, an element or an entity.
fn means_nothing(text: &str) -> bool {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek();
        let is_word = match character {
            '.' | ':' => next.is_none_or(|next| *next == ' '),
            '-' => next.is_some_and(|next| next.is_alphanumeric()),
            other => other.is_alphanumeric() || " ,;?'’–…()%".contains(other),
        };
        if !is_word {
            return false;
        }
    }
    true
}

/// A text that grows while its budget lasts.
pub(super) struct Page {
    text: String,
    /// For blocks and rows.
    budget: usize,
    /// For everything: the reserve is between the two.
    limit: usize,
}

impl Page {
    /// An empty page of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { text: String::new(), budget: limit.saturating_sub(RESERVE), limit }
    }

    /// What was written.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// A block of its own; left out when it doesn't fit.
    pub(super) fn block(&mut self, block: &str) -> bool {
        let fits = self.text.len() + block.len() + 2 <= self.budget;
        if fits && !block.is_empty() {
            self.text.push_str(block);
            self.text.push_str("\n\n");
        }
        fits
    }

    /// A table, as many rows of it as fit, and how many are left out; with a `fold`, folded under that title.
    pub(super) fn table(
        &mut self,
        fold: Option<&str>,
        header: &[&str],
        count: usize,
        rows: impl Iterator<Item = Vec<String>>,
    ) {
        if count == 0 {
            return;
        }
        let opening = fold.map(|title| format!("<details><summary>{title}</summary>\n\n")).unwrap_or_default();
        let head = format!("{opening}| {} |\n|{}", header.join(" | "), " --- |".repeat(header.len()));
        if self.text.len() + head.len() > self.budget {
            self.left_out(count);
            return;
        }
        self.text.push_str(&head);
        self.text.push('\n');
        let mut written = 0;
        for row in rows {
            let line = format!("| {} |\n", row.join(" | "));
            if self.text.len() + line.len() > self.budget {
                break;
            }
            self.text.push_str(&line);
            written += 1;
        }
        self.text.push('\n');
        self.left_out(count - written);
        if fold.is_some() {
            self.text.push_str(FOLD_END);
        }
    }

    /// Says what is left out, from the reserve.
    fn left_out(&mut self, count: usize) {
        let said = format!("_{} left out; the JSON report has all._\n\n", counted(count, "row", "rows"));
        if count > 0 && self.text.len() + said.len() + FOLD_END.len() <= self.limit {
            self.text.push_str(&said);
        }
    }
}

/// A text of someone else's inside an HTML element.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in sanitize(text).chars() {
        if character.is_alphanumeric() || " -_".contains(character) {
            escaped.push(character);
        } else {
            escaped.push_str(&format!("&#{};", u32::from(character)));
        }
    }
    escaped
}
