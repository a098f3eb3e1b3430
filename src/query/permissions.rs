//! The permissions that a run needs: which of them the credentials have, by calls that change nothing.
//!
//! A permission to change something can't be tried without changing it, so it stays untested and is reported as such.

use jiff::SignedDuration;

use super::account::list_domains;
use super::client::QueryClient;
use crate::model::Operation;
use crate::provider::{ApiError, ApiErrorKind, Domain, RecordFilter, RecordKind, Spec};

/// How far back the task history is read: a short time is enough.
const RECENT: SignedDuration = SignedDuration::from_mins(1);
/// A task that doesn't exist, if no other is known: real ids have more digits.
const UNKNOWN_TASK: &str = "1";

/// The status of a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PermissionStatus {
    /// The provider answered.
    Granted,
    /// The provider says that the credentials lack it.
    Missing(ApiError),
    /// It can't be tried, for this reason.
    Untested(&'static str),
    /// The provider answered with another error, or not at all.
    Unknown(ApiError),
}

/// A permission, and its purposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// As the vendor's policies spell it.
    pub name: &'static str,
    /// Its purposes, in words.
    pub purposes: Vec<&'static str>,
    /// Whether a run needs it; else only this check does.
    pub is_needed: bool,
    /// Whether the credentials have it.
    pub status: PermissionStatus,
}

/// What the credentials of one target may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionsReport {
    /// Each permission once, in the order in which a run needs them.
    pub permissions: Vec<Permission>,
    /// The account's domains, if they could be listed.
    pub domains: Option<Vec<Domain>>,
    /// The error after which nothing more is sent.
    end: Option<ApiError>,
}

/// Tries each permission that can be tried. After refused credentials, or without a way to the provider, nothing more is sent:
/// some vendors lock an access key that is refused several times.
pub async fn permissions(client: &QueryClient<'_>, operations: &[Operation]) -> PermissionsReport {
    let spec = client.provider.spec();
    let mut report = untested(spec, operations);
    let has_prefetches = operations.contains(&Operation::Prefetch);
    if let Some(quota) = &spec.quota {
        let answer = client.call(&quota.call, async || client.provider.quota(client.api).await).await;
        report.learn(quota.call.permission, status(answer.err()));
        if let Some(call) = quota.of_prefetches.as_ref().filter(|_| has_prefetches && report.end.is_none()) {
            let answer = client.call(call, async || client.provider.prefetch_quota(client.api).await).await;
            report.learn(call.permission, status(answer.err()));
        }
    }
    report.learn_tracking(client, false).await;
    if has_prefetches && spec.tracks_prefetches_apart() {
        report.learn_tracking(client, true).await;
    }
    let mut untold = None;
    if let Some(call) = spec.queries.grants.as_ref() {
        let answer = client.call(call, async || client.provider.grants(call, client.api).await).await;
        match answer {
            Ok(grants) => {
                grants.granted.iter().for_each(|name| report.learn(name, PermissionStatus::Granted));
                for name in grants.missing {
                    let text = format!("the credentials lack `{name}`");
                    let error = ApiError::new(ApiErrorKind::Forbidden, call.api, text);
                    report.learn(name, PermissionStatus::Missing(error));
                }
            }
            Err(error) => {
                report.learn("", PermissionStatus::Unknown(error.clone()));
                untold = Some(error);
            }
        }
    }
    if let Some(call) = spec.queries.domains.as_ref().filter(|_| report.end.is_none()) {
        let answer = list_domains(client, call).await;
        report.domains = answer.as_ref().ok().cloned();
        report.learn(call.permission, status(answer.err()));
    }
    if let Some(error) = report.end.as_ref().or(untold.as_ref()) {
        for permission in &mut report.permissions {
            if matches!(permission.status, PermissionStatus::Untested(_)) {
                permission.status = PermissionStatus::Unknown(error.clone());
            }
        }
    }
    report
}

/// Every permission, before any is tried.
fn untested(spec: &'static Spec, operations: &[Operation]) -> PermissionsReport {
    let mut report = PermissionsReport::default();
    for operation in operations {
        if let Some(limits) = spec.operation(*operation).filter(|_| !spec.is_warmed(*operation)) {
            report.add(limits.call.permission, operation.unit(), true);
        }
    }
    for (call, purpose) in spec.reading_calls(operations) {
        report.add(call.permission, purpose, true);
    }
    if let Some(call) = &spec.queries.domains {
        report.add(call.permission, "which domains the account has", false);
    }
    report
}

fn status(error: Option<ApiError>) -> PermissionStatus {
    match error {
        None => PermissionStatus::Granted,
        Some(error) if error.kind == ApiErrorKind::Forbidden => PermissionStatus::Missing(error),
        Some(error) => PermissionStatus::Unknown(error),
    }
}

impl PermissionsReport {
    fn add(&mut self, name: &'static str, purpose: &'static str, is_needed: bool) {
        if let Some(known) = self.permissions.iter_mut().find(|known| known.name == name) {
            known.purposes.push(purpose);
            known.is_needed |= is_needed;
            return;
        }
        let status = PermissionStatus::Untested("it can't be tried without changing something");
        self.permissions.push(Permission { name, purposes: vec![purpose], is_needed, status });
    }

    /// Tries the calls that follow tasks.
    async fn learn_tracking(&mut self, client: &QueryClient<'_>, of_prefetches: bool) {
        let Some(tracking) = client.provider.spec().tracking_of(of_prefetches) else { return };
        let mut task_id = UNKNOWN_TASK.to_owned();
        let history = tracking.records.as_ref().map(|history| &history.call);
        if let Some(call) = history.filter(|_| self.end.is_none()) {
            let now = client.api.server_now();
            let since = now.checked_sub(RECENT).unwrap_or(now);
            let kind = of_prefetches.then_some(RecordKind::Prefetch);
            let filter = RecordFilter { kind, since: Some(since), until: Some(now), ..RecordFilter::default() };
            let answer = client.call(call, async || client.provider.records(&filter, 1, client.api).await).await;
            if let Some(record) = answer.as_ref().ok().and_then(|page| page.rows.first()) {
                task_id.clone_from(&record.task_id);
            }
            self.learn(call.permission, status(answer.err()));
        }
        let call = &tracking.status;
        if self.end.is_some() || history.is_some_and(|history| history.permission == call.permission) {
            return;
        }
        let ids = [task_id];
        let query = async || match of_prefetches {
            true => client.provider.prefetch_status(&ids, 1, client.api).await,
            false => client.provider.status(&ids, 1, client.api).await,
        };
        let status = match status(client.call(call, query).await.err()) {
            // A provider may refuse an unknown task before it looks at permissions.
            PermissionStatus::Unknown(error) if error.kind == ApiErrorKind::Refused => {
                PermissionStatus::Untested("there is no task to query yet")
            }
            status => status,
        };
        self.learn(call.permission, status);
    }

    /// Notes the status of a permission, and whether anything more may be sent.
    fn learn(&mut self, name: &str, status: PermissionStatus) {
        use ApiErrorKind::{Ambiguous, Credentials, Unsent};
        if let PermissionStatus::Unknown(error) = &status
            && matches!(error.kind, Credentials | Unsent | Ambiguous)
        {
            self.end.get_or_insert_with(|| error.clone());
        }
        for known in self.permissions.iter_mut().filter(|known| known.name == name) {
            known.status = status.clone();
        }
    }
}
