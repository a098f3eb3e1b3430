//! Reads every page of a list, each row once, although the list may change meanwhile.
//!
//! New rows push others to the next page, where they come a second time. Rows that leave pull others to a page that was read
//! already, where they would be missed. So a list that changed is read again until a pass brings nothing new.

use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};

use super::client::QueryClient;
use crate::provider::Page;
use crate::provider::{ApiError, CallSpec};

/// The most pages of one list.
const PAGES: u32 = 10_000;
/// How often a list that changes is read.
const PASSES: usize = 4;

/// The rows of a list.
pub(super) struct List<T> {
    pub(super) rows: Vec<T>,
    /// Whether the list ended before the total that the provider reports.
    pub(super) is_short: bool,
    api: &'static str,
}

impl<T> List<T> {
    /// The rows, with a note to the user if some may be missing.
    pub(super) fn noting_missing(self, client: &QueryClient<'_>) -> Vec<T> {
        if self.is_short {
            let text = "the provider reports more rows than it returns; some may be missing";
            (client.note)(&format!("{}: {text}", self.api));
        }
        self.rows
    }
}

/// Reads a list to its end, or until it has `most` rows. `page` requests a page (from 1); `key` identifies a row. A row that
/// comes again replaces the earlier one.
pub(super) async fn all_pages<T>(
    client: &QueryClient<'_>,
    call: &CallSpec,
    most: Option<usize>,
    key: impl Fn(&T) -> String,
    page: impl AsyncFn(u32) -> Result<Page<T>, ApiError>,
) -> Result<List<T>, ApiError> {
    let note = |text: &str| (client.note)(&format!("{}: {text}", call.api));
    let list = |rows, is_short| List { rows, is_short, api: call.api };
    let mut rows: Vec<T> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for pass in 0..PASSES {
        let before = rows.len();
        let (mut seen, mut repeated_pages) = (HashSet::new(), 0);
        let (mut count, mut last_total, mut has_changed) = (0, None, false);
        let mut number = 0;
        let is_short = loop {
            number += 1;
            let answer = client.call(call, async || page(number).await).await?;
            count += answer.rows.len();
            let total = answer.total;
            let has_next = call.has_next_page(answer.rows.len(), count, total);
            // A total that is only the length of its page says nothing.
            if total != answer.rows.len() {
                has_changed |= last_total.replace(total).is_some_and(|last| last != total);
            }
            let keys: Vec<String> = answer.rows.iter().map(&key).collect();
            has_changed |= keys.iter().any(|key| seen.contains(key));
            for (row, key) in answer.rows.into_iter().zip(&keys) {
                match places.entry(key.clone()) {
                    Entry::Occupied(place) => rows[*place.get()] = row,
                    Entry::Vacant(place) => {
                        place.insert(rows.len());
                        rows.push(row);
                    }
                }
            }
            if most.is_some_and(|most| rows.len() >= most) {
                return Ok(list(rows, false));
            }
            let known = seen.len();
            seen.extend(keys);
            repeated_pages = if seen.len() == known { repeated_pages + 1 } else { 0 };
            if !has_next {
                break count < total;
            }
            if repeated_pages == 2 {
                note(&format!("page {number} repeats earlier pages; the list is taken to end there"));
                break false;
            }
            if number == PAGES {
                note(&format!("the list has more than {PAGES} pages; the rest is missing"));
                return Ok(list(rows, false));
            }
        };
        if !has_changed || (pass > 0 && rows.len() == before) {
            return Ok(list(rows, is_short));
        }
    }
    note("the list kept changing while it was read; some rows may be missing");
    Ok(list(rows, false))
}
