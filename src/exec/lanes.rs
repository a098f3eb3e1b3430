//! Carries out the lanes of a plan, all at the same time, and verifies what they refresh.

use super::driver::{self, Driver};
use super::durations::Durations;
use super::journal::{Past, PastLane};
use super::lane::{Preflight, Summary};
use super::quota::{self, AccountQuotas};
use super::run::Run;
use super::verification::Verifier;
use crate::client::connection::Connection;
use crate::plan::Plan;

/// Carries the lanes out, and verifies what is to be verified, until every task has its outcome.
pub(super) async fn perform<'a>(
    plan: &'a Plan,
    connections: &'a [Connection<'a>],
    quotas: Option<AccountQuotas>,
    past: &Past,
    run: &'a Run<'a>,
) -> (Summary, Durations) {
    let none = PastLane::default();
    let preflights = quota::preflight(plan, connections, quotas, past, run).await;
    let lanes = (0..).zip(plan.lanes.iter().zip(connections).zip(preflights));
    let drivers = lanes.map(|(index, ((lane, connection), preflight))| {
        let resume = driver::resume(past.lanes.get(&index).unwrap_or(&none), &*connection.api);
        Driver::new(index, lane, connection, run).run(Preflight { resume, ..preflight })
    });
    let mut summary = Summary::default();
    let mut durations = Durations::default();
    let drivers = async {
        let ended = futures_util::future::join_all(drivers).await;
        run.verifier.iter().for_each(Verifier::close);
        ended
    };
    let verifying = async {
        if let Some(verifier) = &run.verifier {
            verifier.run(&|event| run.emit(event), run.interrupt.clone()).await;
            // The lanes may have ended before it came.
            run.interrupt.signal().into_iter().for_each(|signal| run.report_signal(signal));
        }
    };
    let (ended, ()) = futures_util::future::join(drivers, verifying).await;
    for (lane, measured) in ended {
        summary = summary.and(lane);
        durations.0.extend(measured.0);
    }
    (summary, durations)
}
