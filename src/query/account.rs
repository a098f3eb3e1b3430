//! The account's remaining quota and its domains.

use super::client::{QueryClient, failed, not_offered};
use super::pagination::all_pages;
use crate::error::Error;
use crate::model::Quota;
use crate::provider::{ApiError, CallSpec, Domain};

/// Reads the quota that is left today.
///
/// # Errors
/// [`Error::Provider`].
pub async fn quota(client: &QueryClient<'_>) -> Result<Quota, Error> {
    let spec = client.provider.spec();
    let Some(quota) = &spec.quota else { return Err(not_offered(spec, "quota")) };
    let mut left = client.call(&quota.call, async || client.provider.quota(client.api).await).await.map_err(failed)?;
    if let Some(call) = &quota.of_prefetches {
        let more = client.call(call, async || client.provider.prefetch_quota(client.api).await).await;
        left.entries.extend(more.map_err(failed)?.entries);
    }
    Ok(left)
}

/// Lists every domain of the account.
///
/// # Errors
/// [`Error::Provider`].
pub async fn domains(client: &QueryClient<'_>) -> Result<Vec<Domain>, Error> {
    let spec = client.provider.spec();
    let Some(call) = &spec.queries.domains else { return Err(not_offered(spec, "domains")) };
    list_domains(client, call).await.map_err(failed)
}

/// Lists every domain of the account by a call that the provider offers.
pub(super) async fn list_domains(client: &QueryClient<'_>, call: &CallSpec) -> Result<Vec<Domain>, ApiError> {
    let page = async |number| client.provider.domains(call, number, client.api).await;
    let list = all_pages(client, call, None, |domain: &Domain| domain.name.clone(), page).await?;
    Ok(list.noting_missing(client))
}
