//! Suggests the closest known word for a mistyped one.

/// The nearest of some words; `None` when none is near enough to be what was meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer words are no words anybody mistyped, and the distance is quadratic in their length.
    if word.len() > 64 {
        return None;
    }
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `files`?``, else the fallback.
pub fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    nearest(word, known).map_or_else(otherwise, |nearest| format!("did you mean `{nearest}`?"))
}

/// `` `git` or `all` ``, `` `a`, `b` or `c` ``.
pub fn any_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    joined(words, "or")
}

/// `` `files` and `urls` ``.
pub fn all_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    joined(words, "and")
}

fn joined<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_finds_the_one_that_was_meant() {
        assert_eq!(nearest("prefech", ["refresh", "prefetch", "files"]), Some("prefetch"));
        assert_eq!(nearest("FILES", ["files", "urls"]), Some("files"));
    }

    #[test]
    fn a_word_unlike_all_others_finds_none() {
        assert_eq!(nearest("banana", ["refresh", "prefetch"]), None);
        assert_eq!(nearest(&"refresh".repeat(20), ["refresh"]), None);
    }

    #[test]
    fn words_are_listed_as_a_sentence_would() {
        assert_eq!(any_of(["a"]), "`a`");
        assert_eq!(any_of(["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(all_of(["a", "b"]), "`a` and `b`");
    }
}
