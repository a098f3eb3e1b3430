//! Estimates what a plan takes: requests, the provider's daily quota, and time.

use std::time::Duration;

use super::lanes::{Lane, Plan};
use crate::model::Operation;

impl Plan {
    /// How long the slowest target takes when its calls go out as fast as the provider allows and every task takes its
    /// usual time. Zero for an empty plan.
    pub fn usual_duration(&self) -> Duration {
        self.lanes.iter().map(Lane::usual_duration).max().unwrap_or_default()
    }
}

impl Lane {
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
                    sending = sending.saturating_add(spec.call.time_of(batches, self.cost(operation) as usize));
                    typical = typical.max(spec.typical);
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
