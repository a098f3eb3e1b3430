//! The pages of a list → its rows, each once, although the list may move while it is read.
//!
//! New rows push others to the next page, where they come a second time; rows that leave pull others to the page that was
//! read already, where they would be missed. So a list that moved is read again until a pass brings nothing new.

use std::collections::{HashMap, HashSet};

use super::QueryClient;
use crate::provider::{ApiError, CallSpec, Page};

/// The most pages that are read of one list.
const PAGES: u32 = 10_000;
/// How often a list that moves is read.
const PASSES: usize = 4;

/// The rows of a list.
pub(super) struct Listed<T> {
    pub(super) rows: Vec<T>,
    /// Whether it ended before the total of its own that it tells.
    pub(super) is_short: bool,
}

/// Reads a list as [`whole`] does, and says aloud when it is short.
pub(super) async fn all<T>(
    client: &QueryClient<'_>,
    limit: &CallSpec,
    most: Option<usize>,
    key: impl Fn(&T) -> String,
    page: impl AsyncFn(u32) -> Result<Page<T>, ApiError>,
) -> Result<Vec<T>, ApiError> {
    let listed = whole(client, limit, most, key, page).await?;
    if listed.is_short {
        (client.tell)(&format!("{}: the provider counts more rows than it gives; some may be missing", limit.api));
    }
    Ok(listed.rows)
}

/// Reads a list to its end, or until it has `most` rows. `page` asks for a page (from 1); `key` tells rows apart. A row that
/// comes again replaces the earlier one.
pub(super) async fn whole<T>(
    client: &QueryClient<'_>,
    limit: &CallSpec,
    most: Option<usize>,
    key: impl Fn(&T) -> String,
    page: impl AsyncFn(u32) -> Result<Page<T>, ApiError>,
) -> Result<Listed<T>, ApiError> {
    let mut rows = Rows { list: Vec::new(), places: HashMap::new(), key };
    for pass in 0..PASSES {
        let before = rows.list.len();
        let End { moved, is_short } = read(client, limit, most, &mut rows, &page).await?;
        if !moved || (pass > 0 && rows.list.len() == before) {
            return Ok(Listed { rows: rows.list, is_short });
        }
    }
    (client.tell)(&format!("{}: the list went on changing while it was read; some rows may be missing", limit.api));
    Ok(Listed { rows: rows.list, is_short: false })
}

/// How reading a list once ended.
struct End {
    /// Whether there are signs that it moved meanwhile.
    moved: bool,
    is_short: bool,
}

/// Reads the list once.
async fn read<T, K: Fn(&T) -> String>(
    client: &QueryClient<'_>,
    limit: &CallSpec,
    most: Option<usize>,
    rows: &mut Rows<T, K>,
    page: &impl AsyncFn(u32) -> Result<Page<T>, ApiError>,
) -> Result<End, ApiError> {
    let mut moved = false;
    let mut seen = HashSet::new();
    let (mut count, mut total_before, mut stale) = (0, None, 0);
    for number in 1..=PAGES {
        let Page { rows: found, total } = client.ask(limit, async || page(number).await).await?;
        let length = found.len();
        count += length;
        // A total that is only the length of its page says nothing.
        if total != length {
            moved |= total_before.replace(total).is_some_and(|before| before != total);
        }
        let mut fresh = HashSet::new();
        for row in found {
            let key = (rows.key)(&row);
            moved |= seen.contains(&key);
            fresh.insert(key.clone());
            rows.put(key, row);
        }
        let known = seen.len();
        seen.extend(fresh);
        if most.is_some_and(|most| rows.list.len() >= most) {
            return Ok(End { moved: false, is_short: false });
        }
        stale = if seen.len() == known { stale + 1 } else { 0 };
        let full = length >= limit.rows_per_page;
        if limit.rows_per_page == 0 || length == 0 || (!full && count >= total) {
            return Ok(End { moved, is_short: count < total });
        }
        if stale == 2 {
            (client.tell)(&format!("{}: page {number} brings what earlier ones brought; taken for the end", limit.api));
            return Ok(End { moved, is_short: false });
        }
    }
    (client.tell)(&format!("{}: the list has more than {PAGES} pages; the rest is missing", limit.api));
    Ok(End { moved: false, is_short: false })
}

/// Rows by their keys, in the order in which they came first.
struct Rows<T, K> {
    list: Vec<T>,
    places: HashMap<String, usize>,
    key: K,
}

impl<T, K> Rows<T, K> {
    fn put(&mut self, key: String, row: T) {
        match self.places.get(&key) {
            Some(&place) => self.list[place] = row,
            None => {
                self.places.insert(key, self.list.len());
                self.list.push(row);
            }
        }
    }
}
