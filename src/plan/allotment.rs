//! Which tasks go out where the day's quota is short: refreshes before prefetches, each in the plan's order, but the most
//! popular prefetches first.
//!
//! Visitors need the refreshes, so a short quota for prefetches doesn't touch them. Half a deployment is worse than none for
//! some sites, so a rule's refreshes go out all together or not at all, unless [`ShortQuota::Fit`] says otherwise.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::lanes::{Lane, PlannedTask};
use crate::config::ShortQuota;
use crate::model::{Operation, Quota, TaskIndex};

/// A lane, and what of it the quota isn't needed for any more.
#[derive(Debug)]
pub struct Demand<'a> {
    /// The lane.
    pub lane: &'a Lane,
    /// Tasks that are done, or were submitted by an earlier run.
    pub spent: HashSet<TaskIndex>,
}

/// Tasks of a lane that the day's quota doesn't reach for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The tasks of each operation, in the plan's order, with a sentence that has the numbers.
    pub operations: Vec<(Operation, String, Vec<TaskIndex>)>,
}

/// Holds the lanes of one account against what is left of its quota. Gives what is left out of each lane, in the same order, and a
/// sentence if all of it fits and takes more than half of what is left.
pub fn allot(lanes: &[Demand<'_>], quota: &Quota, reset: &str, policy: ShortQuota) -> (Vec<LeftOut>, Option<String>) {
    let mut left_out: Vec<LeftOut> = lanes.iter().map(|_| LeftOut::default()).collect();
    let mut dear = Vec::new();
    // Refreshes come first: a prefetch whose refresh is left out takes nothing.
    for operation in Operation::ALL {
        let Some(left) = quota.remaining(operation) else { continue };
        let wanted: Vec<Vec<TaskIndex>> =
            lanes.iter().zip(&left_out).map(|(demand, out)| demand.tasks(operation, out)).collect();
        let (cost, unit) = (wanted.iter().map(|tasks| tasks.len() as u64).sum::<u64>(), operation.unit());
        if cost <= left {
            if cost.saturating_mul(2) > left {
                dear.push(format!("{cost} of the {left} {unit} left today"));
            }
            continue;
        }
        let by_rule = matches!(operation, Operation::Refresh(_)) && policy == ShortQuota::Refuse;
        let going = if by_rule { whole_rules(lanes, &wanted, left) } else { first(lanes, &wanted, left) };
        let count: usize = going.iter().map(HashSet::len).sum();
        let sentence = format!(
            "{cost} {unit} are planned and {left} {} left today, so {count} {} out{}; the quota comes back at {reset}",
            if left == 1 { "is" } else { "are" },
            if count == 1 { "goes" } else { "go" },
            if by_rule && (count as u64) < left { ": those of whole rules" } else { "" }
        );
        for ((out, tasks), going) in left_out.iter_mut().zip(wanted).zip(going) {
            let tasks: Vec<TaskIndex> = tasks.into_iter().filter(|task| !going.contains(task)).collect();
            if !tasks.is_empty() {
                out.operations.push((operation, sentence.clone(), tasks));
            }
        }
    }
    let is_dear = !dear.is_empty() && left_out.iter().all(|out| out.operations.is_empty());
    (left_out, is_dear.then(|| format!("this plan takes {}", dear.join(", "))))
}

impl Demand<'_> {
    /// The tasks of an operation that still have to be submitted, and can be.
    fn tasks(&self, operation: Operation, out: &LeftOut) -> Vec<TaskIndex> {
        let is_out = |task: &TaskIndex| out.operations.iter().any(|(_, _, tasks)| tasks.binary_search(task).is_ok());
        let is_wanted = |(index, planned): &(TaskIndex, &PlannedTask)| {
            planned.task.operation == operation
                && planned.costs_quota()
                && !self.spent.contains(index)
                && !planned.after.iter().any(is_out)
        };
        (0..).zip(&self.lane.tasks).filter(is_wanted).map(|(index, _)| index).collect()
    }

    fn rule(&self, task: TaskIndex) -> &Arc<str> {
        &self.lane.tasks[task as usize].task.because[0].rule
    }
}

/// As many tasks as fit, the most popular ones first.
fn first(lanes: &[Demand<'_>], wanted: &[Vec<TaskIndex>], left: u64) -> Vec<HashSet<TaskIndex>> {
    let places = wanted.iter().enumerate().flat_map(|(place, tasks)| tasks.iter().map(move |&task| (place, task)));
    let mut places: Vec<(usize, TaskIndex)> = places.collect();
    places.sort_by_key(|&(place, task)| lanes[place].lane.tasks[task as usize].rank);
    let mut going = vec![HashSet::new(); wanted.len()];
    for (place, task) in places.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        going[place].insert(task);
    }
    going
}

/// The tasks of the rules that fit as a whole, in the order in which the rules come up.
fn whole_rules(lanes: &[Demand<'_>], wanted: &[Vec<TaskIndex>], mut left: u64) -> Vec<HashSet<TaskIndex>> {
    let mut order: Vec<(usize, &Arc<str>)> = Vec::new();
    let mut groups: HashMap<(usize, &Arc<str>), Vec<TaskIndex>> = HashMap::new();
    for (place, (demand, tasks)) in lanes.iter().zip(wanted).enumerate() {
        for &task in tasks {
            let group = (place, demand.rule(task));
            let tasks = groups.entry(group).or_default();
            if tasks.is_empty() {
                order.push(group);
            }
            tasks.push(task);
        }
    }
    let mut going: Vec<HashSet<TaskIndex>> = lanes.iter().map(|_| HashSet::new()).collect();
    for group in order {
        let tasks = &groups[&group];
        if tasks.len() as u64 <= left {
            left -= tasks.len() as u64;
            going[group.0].extend(tasks);
        }
    }
    going
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{free, task};
    use super::*;
    use crate::model::{QuotaEntry, RefreshKind};

    const FILE: Operation = Operation::Refresh(RefreshKind::Url);

    /// A lane with so many refreshed URLs by each rule, each with a prefetch.
    fn lane(rules: &[usize]) -> Lane {
        let mut tasks = Vec::new();
        for (rule, count) in rules.iter().enumerate() {
            for number in 0..*count {
                for operation in [FILE, Operation::Prefetch] {
                    let mut task = task(operation, &format!("https://a.test/{rule}/{number}"));
                    task.because[0].rule = format!("rule {rule}").into();
                    tasks.push(task);
                }
            }
        }
        free(tasks).lanes.remove(0)
    }

    fn quota(refreshes: u64, prefetches: u64) -> Quota {
        let entry = |(operation, remaining)| QuotaEntry { operation, limit: 10_000, remaining };
        Quota { entries: [(FILE, refreshes), (Operation::Prefetch, prefetches)].into_iter().map(entry).collect() }
    }

    fn left_out(lane: &Lane, quota: &Quota, policy: ShortQuota) -> Vec<(Operation, usize, String)> {
        let demand = Demand { lane, spent: HashSet::new() };
        let (left, _) = allot(&[demand], quota, "midnight", policy);
        left[0].operations.iter().map(|(operation, why, tasks)| (*operation, tasks.len(), why.clone())).collect()
    }

    #[test]
    fn what_fits_is_left_alone_and_half_of_the_quota_is_a_remark() {
        let lane = lane(&[6]);
        let of = |quota: Quota| {
            allot(&[Demand { lane: &lane, spent: HashSet::new() }], &quota, "midnight", ShortQuota::Refuse)
        };
        assert_eq!(of(quota(12, 12)), (vec![LeftOut::default()], None));
        let (left, remark) = of(quota(11, 12));
        assert_eq!(
            (left, remark.as_deref()),
            (vec![LeftOut::default()], Some("this plan takes 6 of the 11 URL refreshes left today"))
        );
        // What isn't said isn't known.
        assert_eq!(of(Quota::default()), (vec![LeftOut::default()], None));
    }

    #[test]
    fn a_short_quota_of_prefetches_leaves_out_the_last_of_them_and_no_refresh() {
        let why = "30 URL prefetches are planned and 25 are left today, so 25 go out; the quota comes back at midnight";
        let left = left_out(&lane(&[30]), &quota(40, 25), ShortQuota::Refuse);
        assert_eq!(left, [(Operation::Prefetch, 5, why.to_owned())]);
    }

    #[test]
    fn a_rule_goes_out_as_a_whole_or_not_at_all_unless_what_fits_is_wanted() {
        let lane = lane(&[8, 5, 2]);
        let why = "15 URL refreshes are planned and 10 are left today, so 10 go out; the quota comes back at midnight";
        // The second rule doesn't fit any more, the third does; what isn't refreshed isn't prefetched either.
        let left = left_out(&lane, &quota(10, 100), ShortQuota::Refuse);
        assert_eq!(left, [(FILE, 5, why.to_owned())]);
        assert_eq!(left_out(&lane, &quota(7, 100), ShortQuota::Refuse)[0].1, 8);
        assert_eq!(left_out(&lane, &quota(7, 100), ShortQuota::Fit)[0].1, 8);
        let why = "15 URL refreshes are planned and 9 are left today, so 8 go out: those of whole rules; the quota comes back at midnight";
        assert_eq!(left_out(&lane, &quota(9, 8), ShortQuota::Refuse), [(FILE, 7, why.to_owned())]);
    }

    #[test]
    fn what_an_earlier_run_sent_needs_no_quota() {
        let lane = lane(&[10]);
        let spent: HashSet<TaskIndex> = (0..4).collect();
        let (left, _) = allot(&[Demand { lane: &lane, spent }], &quota(6, 100), "midnight", ShortQuota::Refuse);
        assert_eq!(left, [LeftOut::default()]);
    }

    proptest! {
        /// Never more than is left, in all lanes of the account together; and with `fit` as much as there is.
        #[test]
        fn what_goes_out_fits(
            rules in prop::collection::vec(prop::collection::vec(0_usize..9, 1..4), 1..4),
            refreshes in 0_u64..40,
            prefetches in 0_u64..40,
            fit: bool,
        ) {
            let lanes: Vec<Lane> = rules.iter().filter(|rules| rules.iter().sum::<usize>() > 0).map(|rules| lane(rules)).collect();
            let demands: Vec<Demand<'_>> = lanes.iter().map(|lane| Demand { lane, spent: HashSet::new() }).collect();
            let policy = if fit { ShortQuota::Fit } else { ShortQuota::Refuse };
            let (left, _) = allot(&demands, &quota(refreshes, prefetches), "midnight", policy);
            for (operation, limit) in [(FILE, refreshes), (Operation::Prefetch, prefetches)] {
                let planned: u64 = lanes.iter().map(|lane| lane.cost(operation)).sum();
                let out = left.iter().flat_map(|out| &out.operations).filter(|(other, ..)| *other == operation);
                let out: u64 = out.map(|(_, _, tasks)| tasks.len() as u64).sum();
                if operation == FILE {
                    prop_assert!(planned - out <= limit);
                    prop_assert!(!fit || planned - out == planned.min(limit));
                }
                prop_assert!(out == 0 || planned > limit);
            }
        }
    }
}
