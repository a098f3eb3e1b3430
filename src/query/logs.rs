//! The log files of a domain in a time range, oldest first.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::client::{QueryClient, failed, not_offered};
use super::pagination::all_pages;
use super::time_windows::{DEFAULT, TimeWindow};
use crate::error::Error;
use crate::provider::{LogFile, LogQuestion};

/// Lists the log files of a domain.
///
/// # Errors
/// [`Error::Provider`]: a range that isn't kept, or a refusal of the provider, such as for a domain of another account.
pub async fn logs(
    client: &QueryClient<'_>,
    domain: &str,
    range: (Option<Timestamp>, Option<Timestamp>),
) -> Result<Vec<LogFile>, Error> {
    let spec = client.provider.spec();
    let Some(offer) = &spec.queries.logs else { return Err(not_offered(spec, "logs")) };
    let now = client.api.server_now();
    let window = TimeWindow::requested(range, now, DEFAULT, offer.kept, &format!("the logs of {}", spec.title))?;
    let window = window.widened(offer.step, Duration::ZERO);
    let window = window.without_expired(now, offer.kept, offer.step).without_unfinished(now, offer.step);
    // A file that reaches into two windows is listed in both.
    let mut files: BTreeMap<(Option<Timestamp>, String), LogFile> = BTreeMap::new();
    for window in window.split(offer.span) {
        let question = LogQuestion { offer, domain: domain.to_owned(), since: window.since, until: window.until };
        let page = async |number| client.provider.logs(&question, number, client.api).await;
        let list = all_pages(client, &offer.call, None, |file: &LogFile| file.name.clone(), page).await;
        for file in list.map_err(failed)?.noting_missing(client) {
            files.insert((file.since, file.name.clone()), file);
        }
    }
    Ok(files.into_values().collect())
}
