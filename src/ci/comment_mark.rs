//! The mark by which a comment or a note of a job is found again.

/// An HTML comment at the beginning, which no reader sees, and which is no comment of anything else whatever the job is called.
pub(super) fn mark(job: &str) -> String {
    let letter =
        |letter: char| if letter.is_alphanumeric() { letter.to_string() } else { format!("_{:x}", u32::from(letter)) };
    format!("<!-- cdn-purge: {} -->", job.chars().map(letter).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_different_names_have_different_marks() {
        let marks: Vec<_> = ["a b", "a-b", "a_20b", "a b 1/2", "ä"].map(mark).into();
        let unique: std::collections::BTreeSet<_> = marks.iter().collect();
        assert_eq!(unique.len(), marks.len());
    }
}
