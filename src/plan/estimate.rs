//! Estimates what a plan takes: requests, the provider's daily quota, and time.

use std::collections::HashSet;
use std::time::Duration;

use super::lanes::{Lane, Plan};
use crate::mapping::url;
use crate::model::{Operation, RefreshKind};
use crate::provider::Price;

impl Plan {
    /// How long the slowest target takes when its calls go out as fast as the provider allows and every task takes its
    /// usual time. Zero for an empty plan.
    pub fn usual_duration(&self) -> Duration {
        self.lanes.iter().map(Lane::usual_duration).max().unwrap_or_default()
    }
}

/// How long a provider's rate limit makes the purges of single URLs take, where that is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many URLs there are.
    pub urls: usize,
    /// How long they take.
    pub takes: Duration,
    /// How many directories they are in, and how long purges of these would take, if that is less than half.
    pub directories: Option<(usize, Duration)>,
}

/// What takes less is no reason for another way.
const LONG: Duration = Duration::from_secs(30);

impl Lane {
    /// How long the purges of single URLs take at least, where that is long, and what would be faster.
    pub fn pace(&self) -> Option<Pace> {
        let spec = self.target.provider;
        let operation = Operation::Refresh(RefreshKind::Url);
        let urls = self.cost(operation) as usize;
        let takes = spec.operation(operation)?.call.time_of(self.batch_count(operation), urls);
        if takes < LONG {
            return None;
        }
        let wide = [RefreshKind::Directory, RefreshKind::Prefix].map(|kind| spec.operation(Operation::Refresh(kind)));
        let tasks = self.tasks.iter().filter(|planned| planned.task.operation == operation);
        let count = tasks.map(|planned| url::directory(&planned.task.subject.value)).collect::<HashSet<_>>().len();
        let directories = wide
            .into_iter()
            .flatten()
            .next()
            .map(|wide| (count, wide.call.time_of(count.div_ceil(wide.per_call.max(1)), count)));
        let directories = directories.filter(|(_, duration)| *duration < takes / 2);
        Some(Pace { urls, takes, directories })
    }

    /// How many subjects cost money, and what each costs; `None`: none does.
    pub fn price(&self) -> Option<(u64, &'static Price)> {
        let priced = Operation::ALL.into_iter().filter_map(|operation| {
            let price = self.target.provider.operation(operation)?.price?;
            Some((self.cost(operation), price))
        });
        priced.filter(|(count, _)| *count > 0).reduce(|(sum, price), (count, _)| (sum + count, price))
    }

    /// The number of requests for an operation.
    pub fn batch_count(&self, operation: Operation) -> usize {
        self.batches.iter().filter(|batch| batch.operation == operation).count()
    }

    /// The provider's standard daily quota for an operation; `None` if it isn't known.
    pub fn daily_quota(&self, operation: Operation) -> Option<u64> {
        self.target.provider.operation(operation).and_then(|spec| spec.per_day)
    }

    fn usual_duration(&self) -> Duration {
        let of = |wanted: fn(Operation) -> bool| {
            let mut sending = Duration::ZERO;
            let mut typical = Duration::ZERO;
            for operation in Operation::ALL.into_iter().filter(|operation| wanted(*operation)) {
                let Some(spec) = self.target.provider.operation(operation) else { continue };
                let batches = self.batch_count(operation);
                if batches > 0 {
                    let count = self.cost(operation) as usize;
                    sending = sending.saturating_add(spec.call.time_of(batches, count));
                    // What is more than may be in progress follows once the others are done.
                    let rounds = spec.in_progress.map_or(1, |limit| count.div_ceil(limit.most));
                    typical = typical.max(spec.typical.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX)));
                }
            }
            sending.saturating_add(typical)
        };
        let refreshes = of(|operation| operation != Operation::Prefetch);
        let prefetches = of(|operation| operation == Operation::Prefetch);
        let is_chained = self.tasks.iter().any(|task| !task.after.is_empty());
        if is_chained { refreshes.saturating_add(prefetches) } else { refreshes.max(prefetches) }
    }
}
