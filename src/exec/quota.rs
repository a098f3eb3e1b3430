//! What the accounts may still submit today: read before anything is sent, and again after the end.

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

/// What was read of the quotas before anything is sent.
pub struct AccountQuotas {
    /// The lanes of each account, by their places in the plan, and what its provider responded.
    accounts: Vec<(Vec<usize>, Result<Quota, ApiError>)>,
    /// How many calls it took.
    calls: u64,
}

impl AccountQuotas {
    /// What is left of the quota of a lane's account, if it could be read.
    pub fn of(&self, lane: usize) -> Option<&Quota> {
        self.accounts.iter().find(|(lanes, _)| lanes.contains(&lane))?.1.as_ref().ok()
    }
}

/// Compares each account's quota with what its lanes still have to submit: it is read once, unless it is `known`. A quota that can't be
/// read is no reason to stop (the provider's refusals are believed later); credentials that are refused are.
pub(super) async fn preflight(
    plan: &Plan,
    connections: &[Connection<'_>],
    known: Option<AccountQuotas>,
    past: &Past,
    run: &Run<'_>,
) -> Vec<Preflight> {
    let mut preflights: Vec<Preflight> = plan.lanes.iter().map(|_| Preflight::default()).collect();
    let is_done = |(lane, number): (&plan::Lane, LaneIndex)| {
        past.lanes.get(&number).is_some_and(|past| past.done.len() == lane.tasks.len())
    };
    run.count_calls(known.as_ref().map_or(0, |known| known.calls));
    if plan.lanes.iter().zip(0..).all(is_done) {
        return preflights;
    }
    let accounts = match known {
        Some(known) => known.accounts,
        None => read_all(plan, connections, run).await,
    };
    for (lanes, quota) in &accounts {
        let target = &plan.lanes[lanes[0]].target;
        // Without a quota nothing was read, and nothing is known of the credentials.
        let Some(spec) = &target.provider.quota else { continue };
        lanes.iter().for_each(|&lane| preflights[lane].credentials_proven = proves_credentials(quota));
        match quota {
            Ok(quota) => {
                for &lane in lanes {
                    run.emit(EventKind::QuotaRead {
                        lane: lane_index(lane),
                        quota: quota.clone(),
                        moment: Moment::Before,
                    });
                }
                let demands: Vec<Demand<'_>> =
                    lanes.iter().map(|&lane| demand(&plan.lanes[lane], lane, past)).collect();
                let (left_out, remark) = allot(&demands, quota, spec.reset, run.options.short_quota);
                if let Some(text) = remark {
                    run.emit(EventKind::Noted { text });
                }
                for (&lane, left_out) in lanes.iter().zip(left_out) {
                    preflights[lane].left_out = left_out;
                }
            }
            Err(error) if error.kind == ApiErrorKind::Credentials => {
                let refusal = || Some((StopCause::Credentials, error.to_string()));
                lanes.iter().for_each(|&lane| preflights[lane].refusal = refusal());
            }
            Err(_) if run.is_interrupted() => {}
            Err(error) => run.emit(EventKind::Noted {
                text: format!("the quota of `{}` can't be read, continuing without it: {error}", target.name),
            }),
        }
    }
    preflights
}

/// Reads the quota of each account before a run knows its plan; `note` gets sentences for the log.
pub async fn read_quotas(
    plan: &Plan,
    connections: &[Connection<'_>],
    options: &Options,
    interrupt: Interrupt,
    note: &mut dyn FnMut(&Event),
) -> AccountQuotas {
    let run = Run::new(options, "", Journal::none(), interrupt, note);
    let accounts = read_all(plan, connections, &run).await;
    AccountQuotas { accounts, calls: run.calls() }
}

/// The lanes of each account, and its quota by the connection of the first one.
async fn read_all(
    plan: &Plan,
    connections: &[Connection<'_>],
    run: &Run<'_>,
) -> Vec<(Vec<usize>, Result<Quota, ApiError>)> {
    let reads = plan.accounts().into_iter().map(|(lanes, _)| async move {
        let has_prefetches = lanes.iter().any(|&lane| plan.lanes[lane].cost(Operation::Prefetch) > 0);
        let quota = read(&connections[lanes[0]], has_prefetches, lanes[0] as u64, run).await;
        (lanes, quota)
    });
    futures_util::future::join_all(reads).await
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
    let past = past.lanes.get(&lane_index(index));
    let done = past.into_iter().flat_map(|past| past.done.keys().copied());
    let open = past.into_iter().flat_map(|past| past.open.values()).flat_map(|open| open.tasks.iter().copied());
    Demand { lane, spent: done.chain(open).collect() }
}

fn lane_index(place: usize) -> LaneIndex {
    LaneIndex::try_from(place).expect("a configuration of 256 KiB holds fewer than 65,536 targets")
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
        run.count_calls(1);
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
