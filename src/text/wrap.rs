//! Wraps lines at words, as wide as a terminal; a URL that is longer than a line is cut in its middle.

use unicode_width::UnicodeWidthStr as _;

/// Narrower terminals wrap by themselves.
const NARROWEST: usize = 30;

/// The line in pieces of at most so many columns. Those after the first are indented by two more than the line is.
pub fn wrap(line: &str, columns: usize) -> Vec<String> {
    if columns < NARROWEST || line.len() <= columns || line.width() <= columns {
        return vec![line.to_owned()];
    }
    let words = line.trim_start_matches(' ');
    let indent = (line.len() - words.len()).min(columns / 2);
    let mut pieces = Vec::new();
    let mut piece = " ".repeat(indent);
    let mut is_empty = true;
    for word in words.split(' ') {
        let word = shortened(word, columns - indent - 2);
        if !is_empty && piece.width() + 1 + word.width() > columns {
            pieces.push(std::mem::replace(&mut piece, " ".repeat(indent + 2)));
            is_empty = true;
        }
        if !is_empty {
            piece.push(' ');
        }
        piece.push_str(&word);
        is_empty = false;
    }
    pieces.push(piece);
    pieces.iter_mut().for_each(|piece| piece.truncate(piece.trim_end().len()));
    pieces
}

/// A URL without its middle, where it is wider: people know a page by its host and its name.
pub fn shortened(word: &str, columns: usize) -> String {
    if word.width() <= columns || !word.contains("://") {
        return word.to_owned();
    }
    let head_columns = columns / 2;
    let mut head = String::new();
    for letter in word.chars() {
        if head.width() + letter.to_string().width() > head_columns {
            break;
        }
        head.push(letter);
    }
    let mut tail = word;
    while tail.width() + head.width() + 1 > columns {
        tail = tail.char_indices().nth(1).map_or("", |(next, _)| &tail[next..]);
    }
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_wrapped_at_words_and_a_url_cut_in_its_middle() {
        let line = "  failed: refresh https://www.example.com/blog/2026/a-very-long-name-of-a-page.html: the origin didn't answer";
        insta::assert_snapshot!(wrap(line, 40).join("\n"), @"
        failed: refresh
          https://www.exampl…e-of-a-page.html:
          the origin didn't answer
        ");
        assert_eq!(wrap("short", 40), ["short"]);
        assert_eq!(wrap("  日本語日本語日本語 日本語日本語 x", 30), ["  日本語日本語日本語", "    日本語日本語 x"]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost_or_broken(words in proptest::collection::vec("[a-zé日]{1,12}", 1..40), columns in 30_usize..90) {
            let pieces = wrap(&words.join(" "), columns);
            prop_assert!(pieces.iter().all(|piece| piece.width() <= columns), "{pieces:?}");
            let again: Vec<&str> = pieces.iter().flat_map(|piece| piece.split_whitespace()).collect();
            prop_assert_eq!(again, words);
        }
    }
}
