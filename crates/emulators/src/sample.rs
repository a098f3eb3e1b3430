//! Made-up data, the same for the same query each time.

/// A number that looks like chance and depends on the text alone (FNV-1a).
pub(crate) fn number(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One page of a list, after `skipped` rows.
pub(crate) fn page<T>(rows: impl IntoIterator<Item = T>, skipped: usize, size: usize) -> impl Iterator<Item = T> {
    rows.into_iter().skip(skipped).take(size)
}
