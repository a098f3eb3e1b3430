//! The rates of one API of one account: how soon the next call may leave.
//!
//! A token bucket in its "theoretical arrival time" form: a call takes its slot at once and sleeps until it comes, so calls
//! leave in the order in which they came. A throttle cuts the rate, successes bring it back slowly; the documented limit is
//! never exceeded in any second, as the calls really leave: a thread that was busy for a while doesn't make up for it.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::provider::{ApiError, ApiErrorKind, Burst, CallSpec, Rate, RateScope, RateUnit};

/// The window of a rate, and what the way to the server may take from the distance of two calls.
const WINDOW: f64 = 1.05;
/// How much of the amount may leave at once where no burst is documented.
const BURST: f64 = 0.25;
/// What is left of the limit for a steady stream, so that no second holds too many at the server either.
const STEADY: f64 = 0.92;
/// The slowest rate, as a share of the limit.
const FLOOR: f64 = 0.02;
/// What a throttle leaves of the rate.
const CUT: f64 = 0.7;
/// What a success adds to the rate, as a share of the limit.
const RECOVERY: f64 = 0.01;

/// Limits the rate of one API.
#[derive(Debug)]
pub struct RateLimiter {
    limit: f64,
    rate: Cell<f64>,
    burst: f64,
    /// When the bucket would be full again, were nothing else to come.
    next: Cell<Instant>,
    last_cut: Cell<Option<Instant>>,
    counts: RateUnit,
    window: Duration,
    /// What left in the last window, and when: as much as it may hold.
    left: RefCell<VecDeque<(Instant, u32)>>,
    /// The sum of it.
    held: Cell<u64>,
    most: u32,
    /// Whose turn it is to leave, first come, first served.
    turn: Mutex<()>,
    /// Those of the rates that the API shares with others.
    shared: Vec<Rc<Self>>,
}

impl RateLimiter {
    /// For an API of this rate. A documented burst comes on top of the amount, as in a bucket that is full at the start; one that
    /// isn't documented is a part of it.
    pub fn new(rate: &Rate) -> Self {
        let amount = f64::from(rate.amount.max(1));
        let burst = match rate.burst {
            Burst::Undocumented => (amount * BURST).floor().max(1.0),
            Burst::Bucket(burst) => f64::from(burst.max(1)),
            Burst::Window => amount,
        };
        let limit = rate.amount_per_second() * if amount > 2.0 { STEADY } else { 0.9 };
        Self {
            limit,
            rate: Cell::new(limit),
            burst,
            next: Cell::new(Instant::now()),
            last_cut: Cell::new(None),
            counts: rate.counts,
            window: rate.per.mul_f64(WINDOW),
            left: RefCell::default(),
            held: Cell::new(0),
            most: rate.most(),
            turn: Mutex::default(),
            shared: Vec::new(),
        }
    }

    /// Every limiter that a call passes.
    fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.shared.iter().map(|shared| &**shared))
    }

    /// Waits until a call with so many items may leave, and counts it.
    pub async fn acquire(&self, items: usize) {
        self.reserve(items).await;
        self.depart(items).await;
    }

    /// Takes the next free slot and waits for it. The call itself counts from [`RateLimiter::depart`].
    pub async fn reserve(&self, items: usize) {
        let now = Instant::now();
        let slot = self.all().map(|limiter| limiter.take_slot(items, now)).max().unwrap_or(now);
        if slot > now {
            sleep_until(slot).await;
        }
    }

    /// Takes the next free slot, and says when it comes.
    fn take_slot(&self, items: usize, now: Instant) -> Instant {
        let interval = Duration::from_secs_f64(1.0 / self.rate.get());
        let weight = f64::from(self.weight(items));
        let tolerance = interval.mul_f64((self.burst - weight).max(0.0));
        let next = self.next.get().max(now);
        self.next.set(next + interval.mul_f64(weight));
        next.checked_sub(tolerance).unwrap_or(now)
    }

    /// Waits while the last window holds as much as the limit allows: after a burst, and after something delayed its calls.
    pub async fn depart(&self, items: usize) {
        // Always in the same order: the API's own, then what it shares. A window that has room keeps it as long as its turn
        // is ours, and a call that waits for one holds up none that only shares a later one.
        let mut turns = Vec::with_capacity(1 + self.shared.len());
        for limiter in self.all() {
            turns.push(limiter.turn.lock().await);
            while let Some(free) = limiter.full_until(items, Instant::now()) {
                sleep_until(free).await;
            }
        }
        let now = Instant::now();
        self.all().for_each(|limiter| limiter.count(items, now));
    }

    /// When to try again, where the last window holds too much. A call that is larger than the limit leaves alone.
    fn full_until(&self, items: usize, now: Instant) -> Option<Instant> {
        let mut left = self.left.borrow_mut();
        while let Some(&(first, weight)) = left.front() {
            if self.held.get() + u64::from(self.weight(items)) <= u64::from(self.most) {
                break;
            }
            let free = first + self.window;
            if free > now {
                return Some(free);
            }
            self.held.set(self.held.get() - u64::from(weight));
            left.pop_front();
        }
        None
    }

    /// Counts a call that leaves now.
    fn count(&self, items: usize, now: Instant) {
        let weight = self.weight(items);
        self.left.borrow_mut().push_back((now, weight));
        self.held.set(self.held.get() + u64::from(weight));
    }

    fn weight(&self, items: usize) -> u32 {
        match self.counts {
            RateUnit::Calls => 1,
            RateUnit::Items => u32::try_from(items.max(1)).unwrap_or(u32::MAX),
        }
    }

    /// Adapts the rate to a response, and returns it.
    pub fn on_response<T>(&self, answer: Result<T, ApiError>) -> Result<T, ApiError> {
        match &answer {
            Ok(_) => self.all().for_each(Self::succeeded),
            // Which of the rates it was isn't said.
            Err(error) if error.kind == ApiErrorKind::Throttled => {
                self.all().for_each(|limiter| limiter.throttled(Instant::now()));
            }
            Err(_) => {}
        }
        answer
    }

    /// The provider said "slower": cuts the rate, once a second at most, and lets nothing leave before `until`.
    fn throttled(&self, until: Instant) {
        let now = Instant::now();
        if self.last_cut.get().is_none_or(|last| now >= last + Duration::from_secs(1)) {
            self.set_rate((self.rate.get() * CUT).max(self.limit * FLOOR));
            self.last_cut.set(Some(now));
        }
        let full = Duration::from_secs_f64((self.burst - 1.0) / self.rate.get());
        // The provider's bucket is empty, whatever ours says.
        self.next.set(self.next.get().max(until + full));
    }

    /// A call went through: the rate comes back, never above the limit.
    fn succeeded(&self) {
        self.set_rate((self.rate.get() + self.limit * RECOVERY).min(self.limit));
    }

    /// Another rate, at which what the bucket lacks comes back.
    fn set_rate(&self, rate: f64) {
        let now = Instant::now();
        let lacking = self.next.get().saturating_duration_since(now);
        self.next.set(now + lacking.mul_f64(self.rate.replace(rate) / rate));
    }
}

/// The rate limiters of the calls of all accounts.
#[derive(Default)]
pub struct RateLimiters(RefCell<HashMap<Key, Rc<RateLimiter>>>);

/// Account, API, its rate, and the target where each has a rate of its own. One API may have several rates, as for purges by
/// URL and by tag.
type Key = (Arc<str>, &'static str, Rate, Option<Arc<str>>);

impl RateLimiters {
    /// The one of a call for a target of an account.
    pub fn of(&self, account: &Arc<str>, call: &CallSpec, target: &Arc<str>) -> Rc<RateLimiter> {
        let one = |name, rate: &Rate, shared| {
            let target = (rate.scope == RateScope::Target).then(|| Arc::clone(target));
            let new = || Rc::new(RateLimiter { shared, ..RateLimiter::new(rate) });
            Rc::clone(self.0.borrow_mut().entry((Arc::clone(account), name, *rate, target)).or_insert_with(new))
        };
        let shared = call.shared.iter().map(|shared| one(shared.name, &shared.rate, Vec::new())).collect();
        one(call.api, &call.rate, shared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::SharedRate;

    async fn departures(limiter: &RateLimiter, count: usize) -> Vec<f64> {
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..count {
            limiter.acquire(1).await;
            times.push(start.elapsed().as_secs_f64());
        }
        times
    }

    fn most_in_a_second(times: &[f64]) -> usize {
        let within = |first: &f64| times.iter().filter(|&time| time >= first && *time < first + 1.0).count();
        times.iter().map(within).max().unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_more_calls_than_the_limit() {
        for limit in [1, 2, 5, 10, 30, 50, 100] {
            let times = departures(&RateLimiter::new(&Rate::per_second(limit)), 300).await;
            assert!(most_in_a_second(&times) <= limit as usize, "{limit}: {}", most_in_a_second(&times));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_were_delayed_together_do_not_leave_together_with_those_behind_them() {
        let limiter = RateLimiter::new(&Rate::per_second(5));
        let left = RefCell::new(Vec::new());
        let start = Instant::now();
        let calls = (0..20).map(|_| async {
            limiter.acquire(1).await;
            left.borrow_mut().push(start.elapsed().as_secs_f64());
        });
        // The thread is busy with something else while the first ten turns come.
        let (calls, busy) = (futures_util::future::join_all(calls), tokio::time::advance(Duration::from_secs(2)));
        futures_util::future::join(calls, busy).await;
        let left = left.into_inner();
        assert!(most_in_a_second(&left) <= 5, "{left:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_documented_burst_leaves_at_once_and_then_the_rate_holds() {
        let times = departures(&RateLimiter::new(&Rate::per_minute(5).burst(25)), 30).await;
        assert!(times[24] < 0.1 && times[25] > 10.0, "{times:?}");
        assert!((50.0..80.0).contains(&times[29]), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn items_are_counted_where_the_rate_counts_them() {
        let limiter = RateLimiter::new(&Rate::per_second(800).of_items());
        let start = Instant::now();
        for _ in 0..8 {
            limiter.acquire(400).await;
        }
        assert!((2.5..5.0).contains(&start.elapsed().as_secs_f64()), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_is_filled_at_once_and_then_waits_for_the_next() {
        let limiter = RateLimiter::new(&Rate::in_window(1_200, Duration::from_mins(5)));
        let times = departures(&limiter, 2_401).await;
        assert!(times[1_199] < 0.1 && (300.0..330.0).contains(&times[1_200]), "{} {}", times[1_199], times[1_200]);
        assert!((600.0..660.0).contains(&times[2_400]), "{}", times[2_400]);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_keep_to_every_rate_and_to_what_they_share_with_others() {
        const SHARED: &[SharedRate] =
            &[SharedRate { name: "all calls", rate: Rate::in_window(100, Duration::from_mins(1)) }];
        let limiters = RateLimiters::default();
        let call = |api, rate| CallSpec::new(api, "purge", rate).sharing(SHARED);
        let of = |api, rate| limiters.of(&"cdn".into(), &call(api, rate), &"site".into());
        let (urls, tags) = (of("urls", Rate::per_second(800).of_items()), of("tags", Rate::per_second(10).burst(50)));
        let start = Instant::now();
        let (left, elapsed) = (RefCell::new(Vec::new()), || start.elapsed().as_secs_f64());
        let one = async || {
            for _ in 0..60 {
                urls.acquire(100).await;
                left.borrow_mut().push(elapsed());
            }
        };
        let other = async || {
            for _ in 0..60 {
                tags.acquire(1).await;
                left.borrow_mut().push(elapsed());
            }
        };
        futures_util::future::join(one(), other()).await;
        let left = left.into_inner();
        assert_eq!(left.len(), 120);
        assert!(left[99] < 10.0 && left[100] >= 60.0, "{} {}", left[99], left[100]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_for_its_own_window_holds_no_other_call_that_shares_a_rate_with_it() {
        const SHARED: &[SharedRate] =
            &[SharedRate { name: "all calls", rate: Rate::in_window(100, Duration::from_mins(5)) }];
        let limiters = RateLimiters::default();
        let call = |api, rate| CallSpec::new(api, "purge", rate).sharing(SHARED);
        let of = |api, rate| limiters.of(&"cdn".into(), &call(api, rate), &"site".into());
        let (urls, tags) = (of("urls", Rate::per_second(50)), of("tags", Rate::in_window(2, Duration::from_mins(1))));
        // By then the third tag has its slot, and its window is still full.
        let urls = async {
            tokio::time::sleep(Duration::from_secs(40)).await;
            departures(&urls, 10).await
        };
        let (tags, urls) = futures_util::future::join(departures(&tags, 3), urls).await;
        assert!(tags[1] < 1.0 && tags[2] >= 60.0, "{tags:?}");
        assert!(urls[9] < 1.0, "{urls:?}");
        let late = departures(&of("urls", Rate::per_second(50)), 88).await;
        assert!(late[86] < 5.0 && late[87] > 200.0, "the shared rate counts both: {} {}", late[86], late[87]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_that_fills_the_window_costs_no_call_its_place() {
        let limiter = RateLimiter::new(&Rate::per_second(50));
        let left = RefCell::new(Vec::new());
        let calls = (0..120).map(async |call| {
            limiter.acquire(1).await;
            left.borrow_mut().push(call);
        });
        let start = Instant::now();
        futures_util::future::join_all(calls).await;
        assert_eq!(left.into_inner(), (0..120).collect::<Vec<_>>());
        assert!(start.elapsed() < Duration::from_millis(2_500), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn nine_tenths_of_the_limit_are_used() {
        let times = departures(&RateLimiter::new(&Rate::per_second(50)), 500).await;
        assert!(times[499] < 500.0 / 45.0, "{}", times[499]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_cuts_the_rate_and_successes_bring_it_back() {
        let limiter = RateLimiter::new(&Rate::per_second(50));
        let start = Instant::now();
        limiter.throttled(start + Duration::from_secs(10));
        limiter.acquire(1).await;
        assert!(start.elapsed() >= Duration::from_millis(9_900));
        assert!(limiter.rate.get() < 34.0);
        for _ in 0..200 {
            limiter.succeeded();
        }
        assert_eq!(limiter.rate.get(), limiter.limit);
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_that_was_throttled_keeps_its_rate_from_the_first_success() {
        let limiter = RateLimiter::new(&Rate::in_window(1_200, Duration::from_mins(5)));
        let start = Instant::now();
        limiter.throttled(start);
        for _ in 0..20 {
            limiter.acquire(1).await;
            limiter.succeeded();
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_leaves_nothing_of_a_burst() {
        let limiter = RateLimiter::new(&Rate::per_minute(5).burst(25));
        let start = Instant::now();
        limiter.throttled(start + Duration::from_secs(10));
        let times = departures(&limiter, 2).await;
        assert!(times[0] >= 10.0 && times[1] >= times[0] + 10.0, "{times:?}");
    }

    #[test]
    fn each_rate_of_an_api_has_its_limiter_and_each_target_where_the_rate_is_a_targets() {
        let limiters = RateLimiters::default();
        let call = |rate| CallSpec::new("Purge", "purge", rate);
        let at = |account: &str, rate, target: &str| limiters.of(&account.into(), &call(rate), &target.into());
        let of = |rate, target: &str| at("cdn", rate, target);
        let (urls, tags) = (Rate::per_second(800).of_items(), Rate::per_minute(5).burst(25));
        assert!(Rc::ptr_eq(&of(urls, "shop"), &of(urls, "blog")));
        assert!(!Rc::ptr_eq(&of(urls, "shop"), &of(tags, "shop")));
        assert!(!Rc::ptr_eq(&of(urls, "shop"), &at("cdn of another account", urls, "shop")));
        assert!(!Rc::ptr_eq(&of(tags.of_target(), "shop"), &of(tags.of_target(), "blog")));
        assert!(Rc::ptr_eq(&of(tags.of_target(), "shop"), &of(tags.of_target(), "shop")));
    }
}
