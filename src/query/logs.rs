//! A domain and a range → its log files, oldest first.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{QueryClient, TimeWindow, not_offered, pagination, refused};
use crate::error::Error;
use crate::provider::{LogFile, LogQuestion};

/// The range that is asked for when nobody names one.
const USUAL: Duration = Duration::from_secs(24 * 3600);

/// Lists the log files of a domain.
///
/// # Errors
/// [`Error::Provider`]: a range that isn't kept, or what the provider refuses, as a domain that isn't the account's.
pub async fn logs(
    client: &QueryClient<'_>,
    domain: &str,
    asked: (Option<Timestamp>, Option<Timestamp>),
) -> Result<Vec<LogFile>, Error> {
    let spec = client.provider.spec();
    let Some(limits) = &spec.asks.logs else { return Err(not_offered(spec, "logs")) };
    let what = format!("the logs of {}", spec.title);
    let now = client.api.server_now();
    let range = TimeWindow::asked(asked, now, USUAL, limits.kept, &what)?;
    let range = range.widened(limits.step, Duration::ZERO);
    let range = range.kept_whole(now, limits.kept, limits.step).over(now, limits.step);
    // A file that reaches into two ranges is told in both.
    let mut files: BTreeMap<(Option<Timestamp>, String), LogFile> = BTreeMap::new();
    for piece in range.cut(limits.span) {
        let question = LogQuestion { offer: limits, domain: domain.to_owned(), since: piece.since, until: piece.until };
        let page = async |number| client.provider.logs(&question, number, client.api).await;
        let key = |file: &LogFile| file.name.clone();
        for file in pagination::all(client, &limits.call, None, key, page).await.map_err(refused)? {
            files.insert((file.since, file.name.clone()), file);
        }
    }
    Ok(files.into_values().collect())
}
