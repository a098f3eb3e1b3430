//! Object ids as CI hosts and people write them.

use git2::Oid;

/// The id of 40 hexadecimal digits; `None` for anything else, abbreviations included.
pub(super) fn parse(text: &str) -> Option<Oid> {
    // libgit2 also takes fewer digits.
    if text.len() == 40 { Oid::from_str(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_id_is_forty_hexadecimal_digits_and_nothing_else() {
        let text = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        assert_eq!(parse(text).unwrap().to_string(), text);
        for wrong in
            ["", "e69de29", "+69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "é69de29bb2d1d6434b8b29ae775ad8c2e48c539"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert!(parse(&"0".repeat(40)).unwrap().is_zero());
    }
}
