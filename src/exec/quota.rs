//! What the accounts may still submit today: read before anything is sent, and again after the end.

use std::rc::Rc;

use super::interrupt::Interrupt;
use super::journal::{Journal, Past};
use super::lane::{Preflight, proves_credentials};
use super::options::Options;
use super::run::Run;
use crate::client::connection::Connection;
use crate::client::retry;
use crate::model::{Event, EventKind, LaneIndex, Moment, Operation, Quota, StopCause};
use crate::plan::allotment::{Demand, allot};
use crate::plan::{self, Plan};
use crate::provider::{ApiError, ApiErrorKind, CallSpec};

/// Reads each account's quota, once, and compares it with what its lanes still have to submit. A quota that can't be read is
/// no reason to stop (the provider's refusals are believed later); credentials that are refused are.
pub(super) async fn preflight(
    plan: &Plan,
    connections: &[Connection<'_>],
    past: &Past,
    run: &Run<'_>,
) -> Vec<Preflight> {
    let mut preflights: Vec<Preflight> = plan.lanes.iter().map(|_| Preflight::default()).collect();
    let is_done = |(lane, number): (&plan::Lane, LaneIndex)| {
        past.lanes.get(&number).is_some_and(|past| past.done.len() == lane.tasks.len())
    };
    if plan.lanes.iter().zip(0..).all(is_done) {
        return preflights;
    }
    let (accounts, reads) = read_all(plan, connections, run).await;
    for (index, (&account, number)) in accounts.iter().zip(0..).enumerate() {
        let Some(quota) = &reads[account] else { continue };
        let target = &plan.lanes[index].target;
        // Without a quota nothing was read, and nothing is known of the credentials.
        if target.provider.quota.is_none() {
            continue;
        }
        let preflight = &mut preflights[index];
        preflight.credentials_proven = proves_credentials(quota);
        match quota {
            Ok(quota) => {
                run.emit(EventKind::QuotaRead { lane: number, quota: quota.clone(), moment: Moment::Before });
                if index != account {
                    continue;
                }
                let same: Vec<usize> = (0..accounts.len()).filter(|&other| accounts[other] == account).collect();
                let demands: Vec<Demand<'_>> = same.iter().map(|&lane| demand(&plan.lanes[lane], lane, past)).collect();
                let reset = target.provider.quota.as_ref().map_or("", |quota| quota.reset);
                let (left_out, remark) = allot(&demands, quota, reset, run.options.short_quota);
                if let Some(text) = remark {
                    run.emit(EventKind::Noted { text });
                }
                for (lane, left_out) in same.into_iter().zip(left_out) {
                    preflights[lane].left_out = left_out;
                }
            }
            Err(error) if error.kind == ApiErrorKind::Credentials => {
                preflight.refusal = Some((StopCause::Credentials, error.to_string()));
            }
            Err(_) if run.is_interrupted() || index != account => {}
            Err(error) => run.emit(EventKind::Noted {
                text: format!("the quota of `{}` can't be read, continuing without it: {error}", target.name),
            }),
        }
    }
    preflights
}

/// What is left of the quota of each account, with the places of its lanes; accounts whose quota can't be read are left out. `note`
/// gets sentences for the log.
pub async fn left(
    plan: &Plan,
    connections: &[Connection<'_>],
    options: &Options,
    interrupt: Interrupt,
    note: &mut dyn FnMut(&Event),
) -> Vec<(Vec<usize>, Quota)> {
    let run = Run::new(options, "", Journal::none(), interrupt, note);
    let (accounts, reads) = read_all(plan, connections, &run).await;
    let lanes_of = |account| (0..accounts.len()).filter(|&lane| accounts[lane] == account).collect();
    let read = reads.into_iter().enumerate();
    read.filter_map(|(account, read)| Some((lanes_of(account), read?.ok()?))).collect()
}

/// The account of each lane, by the place of its first lane; and for that one its quota.
async fn read_all(
    plan: &Plan,
    connections: &[Connection<'_>],
    run: &Run<'_>,
) -> (Vec<usize>, Vec<Option<Result<Quota, ApiError>>>) {
    // Lanes of one account share their connection.
    let shares = |one: &Connection<'_>, other: &Connection<'_>| {
        Rc::ptr_eq(&one.api, &other.api) && one.provider.spec().name == other.provider.spec().name
    };
    let account =
        |index: usize| connections.iter().position(|other| shares(&connections[index], other)).unwrap_or(index);
    let accounts: Vec<usize> = (0..connections.len()).map(account).collect();
    let accounts = &accounts;
    let reads = accounts.iter().enumerate().map(|(index, &account)| async move {
        let mut lanes = plan.lanes.iter().zip(accounts).filter(|(_, other)| **other == account);
        match index == account {
            true => {
                let has_prefetches = lanes.any(|(lane, _)| lane.cost(Operation::Prefetch) > 0);
                Some(read(&connections[index], has_prefetches, index as u64, run).await)
            }
            false => None,
        }
    });
    let reads = futures_util::future::join_all(reads).await;
    (accounts.clone(), reads)
}

/// Reads the quota after the run, for the report.
pub(super) async fn read_again(lane: LaneIndex, connection: &Connection<'_>, has_prefetches: bool, run: &Run<'_>) {
    let spec = connection.provider.spec();
    let Some(quota) = &spec.quota else { return };
    let (provider, api) = (&connection.provider, &*connection.api);
    let read = async {
        let mut left = run.ask(connection, &quota.call, async || provider.quota(api).await).await?;
        if let Some(call) = quota.of_prefetches.as_ref().filter(|_| has_prefetches) {
            left.entries.extend(run.ask(connection, call, async || provider.prefetch_quota(api).await).await?.entries);
        }
        Ok::<_, ApiError>(left)
    };
    if let Some(Ok(quota)) = run.unless_interrupted(read).await {
        run.emit(EventKind::QuotaRead { lane, quota, moment: Moment::After });
    }
}

/// What a lane needs of the quota: not what an earlier run submitted.
fn demand<'a>(lane: &'a plan::Lane, index: usize, past: &Past) -> Demand<'a> {
    let index = LaneIndex::try_from(index).expect("a plan has few lanes");
    let past = past.lanes.get(&index);
    let done = past.into_iter().flat_map(|past| past.done.keys().copied());
    let open = past.into_iter().flat_map(|past| past.open.values()).flat_map(|open| open.tasks.iter().copied());
    Demand { lane, spent: done.chain(open).collect() }
}

/// Reads the quota, with a few retries; a clock that is off is corrected here already.
async fn read(connection: &Connection<'_>, has_prefetches: bool, seed: u64, run: &Run<'_>) -> Result<Quota, ApiError> {
    let spec = connection.provider.spec();
    let Some(quota) = &spec.quota else { return Ok(Quota::default()) };
    let mut left = read_by(connection, &quota.call, false, seed, run).await?;
    if let Some(call) = quota.of_prefetches.as_ref().filter(|_| has_prefetches) {
        left.entries.extend(read_by(connection, call, true, seed, run).await?.entries);
    }
    Ok(left)
}

/// Reads it by one call.
async fn read_by(
    connection: &Connection<'_>,
    call: &CallSpec,
    of_prefetches: bool,
    seed: u64,
    run: &Run<'_>,
) -> Result<Quota, ApiError> {
    let limiter = run.limiter(connection, call);
    let mut random = fastrand::Rng::with_seed(run.options.seed ^ seed);
    let request = async || {
        run.count_call();
        let (provider, api) = (&connection.provider, &*connection.api);
        if of_prefetches { provider.prefetch_quota(api).await } else { provider.quota(api).await }
    };
    let transient = |errors: u32, error: &ApiError| (errors < 3).then(|| retry::delay(errors, error, &mut random));
    let note = |text: &str| run.note(text);
    let read = connection.query(&limiter, &note, request, transient);
    let unread = || Err(ApiError::new(ApiErrorKind::Unsent, call.api, "a signal came"));
    let read = run.unless_interrupted(read).await.unwrap_or_else(unread);
    read.map_err(|error| match error.kind {
        ApiErrorKind::Clock => ApiError { kind: ApiErrorKind::Credentials, ..error },
        _ => error,
    })
}
