//! Colors lines by their meaning: labels, targets and outcomes.
//!
//! A line is painted last, when it is only text. Which words are colored follows from the words alone, so a name that reads
//! like an outcome may have its color too, which does no harm.

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const BLUE: &str = "\x1b[34m";

/// The color of a label, without its colon.
fn of_label(label: &str) -> Option<&'static str> {
    Some(match label {
        "error" => "\x1b[1;31m",
        "warning" | "WARNING" => "\x1b[1;33m",
        "note" | "help" => "\x1b[1;36m",
        _ => return of_outcome(label),
    })
}

fn of_outcome(word: &str) -> Option<&'static str> {
    match word {
        "done" => Some(GREEN),
        "failed" => Some(RED),
        "unknown" | "unsubmitted" => Some(YELLOW),
        _ => None,
    }
}

/// The line with colors: its label, or the target that it is about; outcomes after a number; URLs.
pub(super) fn paint(line: &str) -> String {
    let mut painted = String::with_capacity(line.len() + 32);
    let mut is_counted = false;
    let mut is_first = true;
    for (number, word) in line.split(' ').enumerate() {
        if number > 0 {
            painted.push(' ');
        }
        let bare = word.trim_end_matches([',', ':', ';', '.']);
        let color = if bare.is_empty() || bare == "=" {
            None
        } else if std::mem::take(&mut is_first) && word.ends_with(':') {
            // An error has its id: `error[E101]`.
            Some(of_label(bare.split('[').next().unwrap_or(bare)).unwrap_or(BOLD))
        } else if bare.contains("://") {
            Some(BLUE)
        } else {
            of_outcome(bare).filter(|_| is_counted)
        };
        if !bare.is_empty() && bare != "=" {
            is_counted = bare.starts_with(|letter: char| letter.is_ascii_digit()) || is_counted && is_unit(bare);
        }
        match color {
            Some(color) => painted.extend([color, bare, RESET, &word[bare.len()..]]),
            None => painted.push_str(word),
        }
    }
    painted
}

/// What may be between a number and its outcome: `2 of 6 URLs done`.
fn is_unit(word: &str) -> bool {
    matches!(word, "of" | "URL" | "URLs")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::sanitize;
    use crate::text::sanitize::tests::hostile_text;

    fn plain(painted: &str) -> String {
        regex::Regex::new("\x1b\\[[0-9;]*m").unwrap().replace_all(painted, "").into_owned()
    }

    proptest! {
        #[test]
        fn colors_change_no_text(text in hostile_text()) {
            let line = sanitize(&text).into_owned();
            prop_assert_eq!(plain(&paint(&line)), line);
        }
    }

    #[test]
    fn labels_targets_and_outcomes_have_colors_and_the_text_stays() {
        let mut shown = String::new();
        for line in [
            "error[E301]: no credentials",
            "  = help: set them",
            "cdn-purge: 2 of 6 URLs done, 1 failed, 1 unknown, after 4.8 s",
            "  failed: refresh https://www.example.com/a.html: it failed",
            "mainland: 64 of 130 done; waiting for 64 refreshes",
            "    refresh     2 of 2 done, quota: 8,998 left",
            "",
        ] {
            let painted = paint(line);
            assert_eq!(plain(&painted), line);
            shown += &painted.replace("\x1b[0m", ">").replace('\x1b', "<");
            shown.push('\n');
        }
        insta::assert_snapshot!(shown, @"
        <[1;31merror[E301]>: no credentials
          = <[1;36mhelp>: set them
        <[1mcdn-purge>: 2 of 6 URLs <[32mdone>, 1 <[31mfailed>, 1 <[33munknown>, after 4.8 s
          <[31mfailed>: refresh <[34mhttps://www.example.com/a.html>: it failed
        <[1mmainland>: 64 of 130 <[32mdone>; waiting for 64 refreshes
            refresh     2 of 2 <[32mdone>, quota: 8,998 left
        ");
    }
}
