//! The account at a vendor: its settings, tasks, quota and rate of calls.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::rate_window::RateWindow;
use crate::request::{contains_any, host_of};
use crate::tasks::Tasks;
use crate::{EmulatorSettings, Operation};

/// What one operation may ask for.
pub(crate) struct Limit {
    pub(crate) operation: Operation,
    /// URLs in one call.
    pub(crate) per_call: usize,
    /// URLs in a day; `None` where it isn't documented.
    pub(crate) per_day: Option<u64>,
    /// The vendor's name of it in the quota; empty: the quota doesn't hold it.
    pub(crate) quota: &'static str,
    /// How long a task usually takes.
    pub(crate) typical: Duration,
}

/// The limits of an operation.
pub(crate) fn limit(limits: &'static [Limit], operation: Operation) -> Option<&'static Limit> {
    limits.iter().find(|limit| limit.operation == operation)
}

/// The only account that an emulator knows.
pub(crate) struct Account {
    pub(crate) settings: EmulatorSettings,
    pub(crate) tasks: Tasks,
    /// Spent quota, by day (counted from the epoch, in UTC+8) and operation.
    spent: HashMap<(i64, Operation), u64>,
    rate: RateWindow,
    requests: u64,
}

impl Account {
    /// An account whose task ids begin with `first_id`, and whose tasks are listed for as long as they are `kept`.
    pub(crate) fn new(settings: EmulatorSettings, first_id: u64, kept: SignedDuration) -> Self {
        let tasks = Tasks::new(settings.clone(), first_id, kept);
        Self { settings, tasks, spent: HashMap::new(), rate: RateWindow::default(), requests: 0 }
    }

    /// The time on the vendor's clock.
    pub(crate) fn vendors_clock(&self, now: Timestamp) -> Timestamp {
        now + SignedDuration::from_secs(self.settings.clock_offset_seconds)
    }

    /// Counts a request, from 1.
    pub(crate) fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Whether the key may not make this call.
    pub(crate) fn is_forbidden(&self, call: &str) -> bool {
        self.settings.forbid.iter().any(|forbidden| forbidden == call)
    }

    /// Whether a call is within the rate.
    pub(crate) fn admits(&mut self, call: &'static str, calls_per_second: f64, now: Timestamp) -> bool {
        self.rate.admits(call, self.settings.calls_per_second.unwrap_or(calls_per_second), now)
    }

    /// Whether the settings say that this URL is refused.
    pub(crate) fn refuses(&self, url: &str) -> bool {
        contains_any(url, &self.settings.refuse)
    }

    /// Spends a day's quota: all or nothing. Returns whether there was enough.
    pub(crate) fn spend(&mut self, limit: &Limit, count: u64, now: Timestamp) -> bool {
        let daily = self.daily(limit);
        let spent = self.spent.entry((day(now), limit.operation)).or_default();
        let is_enough = daily.is_none_or(|daily| *spent + count <= daily);
        if is_enough {
            *spent += count;
        }
        is_enough
    }

    /// A day's quota of an operation, if it has one.
    pub(crate) fn daily(&self, limit: &Limit) -> Option<u64> {
        self.settings.quota.or(limit.per_day)
    }

    /// How much of today's quota is spent.
    pub(crate) fn spent(&self, limit: &Limit, now: Timestamp) -> u64 {
        self.spent.get(&(day(now), limit.operation)).copied().unwrap_or(0)
    }

    /// The hosts of everything that was accepted, and these, in order.
    pub(crate) fn domains(&self, always: &[&str]) -> Vec<String> {
        let accepted =
            self.tasks.ledger().iter().filter_map(|entry| host_of(&entry.url)?.split(':').next().map(str::to_owned));
        accepted.chain(always.iter().map(|name| (*name).to_owned())).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// The day in UTC+8, where the quota is reset.
fn day(now: Timestamp) -> i64 {
    (now + SignedDuration::from_hours(8)).as_second().div_euclid(86_400)
}
