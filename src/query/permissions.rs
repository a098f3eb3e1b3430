//! What a run will need → which permissions the keys have, by questions that change nothing.
//!
//! A permission to change something can't be tried without changing it, so it is left untested and named as such.

use jiff::SignedDuration;

use super::QueryClient;
use crate::model::Operation;
use crate::provider::{ApiError, ApiErrorKind, Domain, RecordFilter, Spec};

/// How far the records are looked at: enough for the question, and short.
const RECENT: SignedDuration = SignedDuration::from_mins(1);
/// A task that isn't there, where no other is known: ids of tasks are numbers with more digits.
const NOBODYS_TASK: &str = "1";

/// How it stands with a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The provider answered.
    Granted,
    /// The provider says that the keys may not do this.
    Missing(ApiError),
    /// It can't be told, for this reason.
    Untested(&'static str),
    /// The provider said something else, or nothing.
    Unknown(ApiError),
}

/// Why most of what is untested is.
const CHANGES: &str = "it can't be tried without changing something";

/// A permission, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// As the vendor's policies spell it.
    pub name: &'static str,
    /// What it is for, in words.
    pub purposes: Vec<&'static str>,
    /// Whether a run needs it; else only this check does.
    pub is_needed: bool,
    /// How it stands with it.
    pub standing: Standing,
}

/// What was found out of one target's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Each permission once, in the order in which a run needs them.
    pub permissions: Vec<Permission>,
    /// The account's domains, if they could be asked for.
    pub domains: Option<Vec<Domain>>,
}

/// Asks what there is to ask. After keys that are refused, or no way to the provider, nothing more is sent: some vendors lock a
/// key that is refused several times.
pub async fn permissions(client: &QueryClient<'_>, operations: &[Operation]) -> Findings {
    let spec = client.provider.spec();
    let mut findings = untested(spec, operations);
    let mut end = None;
    let mut task_id = NOBODYS_TASK.to_owned();
    if let Some(quota) = &spec.quota {
        let asked = client.ask(&quota.call, async || client.provider.quota(client.api).await).await;
        findings.learn(quota.call.permission, standing(asked.err()), &mut end);
    }
    let records = spec.records().map(|records| &records.call);
    if let Some(records) = records {
        let now = client.api.server_now();
        let since = now.checked_sub(RECENT).unwrap_or(now);
        let filter = RecordFilter { since: Some(since), until: Some(now), ..RecordFilter::default() };
        let question = async || client.provider.records(&filter, 1, client.api).await;
        let asked = if end.is_none() { Some(client.ask(records, question).await) } else { None };
        if let Some(asked) = asked {
            if let Some(record) = asked.as_ref().ok().and_then(|page| page.rows.first()) {
                task_id.clone_from(&record.task_id);
            }
            findings.learn(records.permission, standing(asked.err()), &mut end);
        }
    }
    let status = spec.status().filter(|call| records.is_none_or(|records| records.permission != call.permission));
    if let Some(status) = status.filter(|_| end.is_none()) {
        let ids = [task_id];
        let asked = client.ask(status, async || client.provider.status(&ids, 1, client.api).await).await;
        let standing = match standing(asked.err()) {
            // A task that isn't there may be refused before or behind the look at permissions.
            Standing::Unknown(error) if error.kind == ApiErrorKind::Refused => {
                Standing::Untested("there is no task to ask for yet")
            }
            standing => standing,
        };
        findings.learn(status.permission, standing, &mut end);
    }
    if let Some(limit) = spec.asks.domains.as_ref().filter(|_| end.is_none()) {
        let standing = match client.domains_of(limit).await {
            Ok(domains) => {
                findings.domains = Some(domains);
                Standing::Granted
            }
            Err(error) => standing(Some(error)),
        };
        findings.learn(limit.permission, standing, &mut end);
    }
    if let Some(error) = end {
        for permission in
            findings.permissions.iter_mut().filter(|known| matches!(known.standing, Standing::Untested(_)))
        {
            permission.standing = Standing::Unknown(error.clone());
        }
    }
    findings
}

/// Every permission, before anything is asked.
fn untested(spec: &'static Spec, operations: &[Operation]) -> Findings {
    let mut findings = Findings::default();
    for operation in operations {
        if let Some(limits) = spec.operation(*operation) {
            findings.add(limits.call.permission, operation.unit(), true);
        }
    }
    for (limit, purpose) in spec.reading_calls() {
        findings.add(limit.permission, purpose, true);
    }
    if let Some(limit) = &spec.asks.domains {
        findings.add(limit.permission, "which domains the account has", false);
    }
    findings
}

fn standing(error: Option<ApiError>) -> Standing {
    match error {
        None => Standing::Granted,
        Some(error) if error.kind == ApiErrorKind::Forbidden => Standing::Missing(error),
        Some(error) => Standing::Unknown(error),
    }
}

impl Findings {
    fn add(&mut self, name: &'static str, purpose: &'static str, is_needed: bool) {
        if let Some(known) = self.permissions.iter_mut().find(|known| known.name == name) {
            known.purposes.push(purpose);
            known.is_needed |= is_needed;
            return;
        }
        let standing = Standing::Untested(CHANGES);
        self.permissions.push(Permission { name, purposes: vec![purpose], is_needed, standing });
    }

    /// Notes what became of a question; `end` becomes the error after which nothing more is asked.
    fn learn(&mut self, name: &str, standing: Standing, end: &mut Option<ApiError>) {
        use ApiErrorKind::{Ambiguous, Credentials, Unsent};
        if let Standing::Unknown(error) = &standing
            && matches!(error.kind, Credentials | Unsent | Ambiguous)
        {
            end.get_or_insert_with(|| error.clone());
        }
        for known in self.permissions.iter_mut().filter(|known| known.name == name) {
            known.standing = standing.clone();
        }
    }
}
