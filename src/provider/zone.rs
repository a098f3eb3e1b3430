//! The zone of a target's hosts, at vendors where everything happens in one: how a host belongs to it, and the errors about it.

use super::ApiError;

/// Whether a host is in the zone of this name: the name itself, or one below it.
pub fn is_in(host: &str, zone: &str) -> bool {
    host.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Checks that all hosts are in the zone of this name.
///
/// # Errors
/// `Denied`, with the first that isn't.
pub fn holds(hosts: &[String], zone: &str, api: &'static str) -> Result<(), ApiError> {
    let help = "a target has one zone: make a target for each, and name it in the rules";
    hosts
        .iter()
        .find(|host| !is_in(host, zone))
        .map_or(Ok(()), |other| Err(ApiError::denied(api, format!("`{other}` isn't in the zone `{zone}`"), help)))
}

/// That the account lacks the zone of this name, or one of this host.
pub fn missing(named: Option<&str>, host: &str, api: &'static str, help: &str) -> ApiError {
    let zone = named.map_or_else(|| format!("a zone of the host `{host}`"), |named| format!("the zone `{named}`"));
    ApiError::denied(api, format!("the account of the credentials doesn't have {zone}"), help)
}

/// That the target's zone isn't known: nothing named it, and no host is there to find it by.
pub fn unknown(api: &'static str) -> ApiError {
    ApiError::denied(api, "the zone isn't known", "set the target's `zone`")
}
