//! What a plan may not do: exceed a cap, touch a foreign host, empty a whole host unasked.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::lanes::{Lane, Plan, PlannedTask};
use crate::config::{Changes, Settings};
use crate::error::{Error, ExitCode};
use crate::mapping::url;
use crate::model::{Operation, RefreshKind, RepoPath, Subject};

/// The limits of a plan.
#[derive(Debug, Default)]
pub struct Limits<'a> {
    /// A plan with more refreshes and prefetches is refused.
    pub max_urls: Option<u64>,
    /// When given, the only hosts a plan may touch. Lower case.
    pub allow_hosts: Option<&'a [String]>,
    /// The names of the rules that may refresh a whole host.
    pub roots_allowed: Vec<Arc<str>>,
    /// At most so many URLs in a batch.
    pub batch_size: Option<usize>,
}

impl<'a> Limits<'a> {
    /// What the settings say.
    pub fn of(settings: &'a Settings) -> Self {
        let may_empty_a_host = settings.rules.iter().filter(|rule| rule.allow_everything);
        let rules = may_empty_a_host.map(|rule| Arc::clone(&rule.name));
        let given = match &settings.changes {
            Changes::Urls(listing) if listing.allow_everything => &["arguments", "url-file"][..],
            _ => &[],
        };
        Self {
            // Directories may still take the place of URLs.
            max_urls: settings.max_urls.filter(|_| !settings.rules.iter().any(|rule| rule.complete)),
            allow_hosts: settings.allow_hosts.as_deref(),
            roots_allowed: rules.chain(given.iter().map(|name| Arc::from(*name))).collect(),
            batch_size: settings.batch_size,
        }
    }
}

/// Refuses files whose content changed under a name that a rule calls immutable: caches and browsers never look for it again.
///
/// # Errors
/// [`Error::PlanRefused`] with the files.
pub fn promises(broken: &[(Arc<str>, RepoPath)]) -> Result<(), Error> {
    let Some((rule, _)) = broken.first() else { return Ok(()) };
    let names: Vec<String> = broken.iter().take(10).map(|(_, file)| format!("`{file}`")).collect();
    let more = if broken.len() > 10 { format!(" and {} more", broken.len() - 10) } else { String::new() };
    Err(Error::PlanRefused {
        message: format!("the content of immutable files changed, by the rule `{rule}`: {}{more}", names.join(", ")),
        help: "let the build give each content a name of its own, or drop `immutable` from the rule; nothing was sent"
            .into(),
        exit_code: ExitCode::Usage,
    })
}

/// Holds a plan against the limits that are known before anything is sent.
///
/// # Errors
/// [`Error::PlanRefused`]; hosts and roots first, since they are the graver mistake.
pub fn check(lanes: &[Lane], limits: &Limits<'_>) -> Result<(), Error> {
    hosts(lanes, limits)?;
    roots(lanes, limits)?;
    size(lanes, limits.max_urls)
}

/// What is refreshed twice because two targets share an account: a sentence with the numbers.
pub fn doubled(plan: &Plan) -> Option<String> {
    let mut twice: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (lanes, _) in plan.accounts().iter().filter(|(lanes, _)| lanes.len() > 1) {
        let mut first: HashMap<(Operation, &Subject), &str> = HashMap::new();
        for lane in lanes.iter().map(|&place| &plan.lanes[place]) {
            let refreshes = lane.tasks.iter().filter(|planned| planned.task.operation != Operation::Prefetch);
            for task in refreshes.map(|planned| &planned.task) {
                let name: &str = &lane.target.name;
                match first.entry((task.operation, &task.subject)) {
                    Entry::Occupied(known) => *twice.entry((*known.get(), name)).or_default() += 1,
                    Entry::Vacant(place) => {
                        place.insert(name);
                    }
                }
            }
        }
    }
    let ((one, other), count) = twice.into_iter().next()?;
    let urls = if count == 1 { "1 URL is".to_owned() } else { format!("{count} URLs are") };
    Some(format!(
        "{urls} refreshed twice, for the targets `{one}` and `{other}` of one account, and cost the day's quota twice; \
         name in each rule the `targets` that it is for"
    ))
}

/// The URLs of files that are refreshed percent-encoded alone, though browsers send their `[`, `]` or `|` as a page writes them:
/// a sentence with their number.
pub fn in_one_form_of_two(plan: &Plan) -> Option<String> {
    let refreshes = || {
        let all = plan.lanes.iter().flat_map(|lane| &lane.tasks).map(|planned| &planned.task);
        all.filter(|task| matches!(task.operation, Operation::Refresh(kind) if kind != RefreshKind::Tag))
    };
    let of_files = refreshes().filter(|task| task.because.iter().any(|reason| reason.file.is_some()));
    let of_two = of_files.map(|task| (task, url::as_browsers_do(&task.subject.value)));
    let of_two: Vec<_> = of_two.filter(|(task, as_browsers_do)| *as_browsers_do != task.subject.value).collect();
    if of_two.is_empty() {
        return None;
    }
    let values: HashSet<&str> = refreshes().map(|task| &*task.subject.value).collect();
    let mut alone =
        of_two.iter().filter(|(_, as_browsers_do)| !values.contains(&**as_browsers_do)).map(|(task, _)| *task);
    let first = alone.next()?;
    let count = 1 + alone.count();
    let urls = if count == 1 { "1 URL has".to_owned() } else { format!("{count} URLs have") };
    let rule = first.because.first().map_or("", |reason| &reason.rule);
    Some(format!(
        "{urls} `[`, `]` or `|` in the path, and only the percent-encoded form is refreshed: `{}`. Browsers also send the plain form if a \
         page links to it; for both set `encoded: [encoded, browser]` in the rule `{rule}`",
        first.subject.value
    ))
}

fn hosts(lanes: &[Lane], limits: &Limits<'_>) -> Result<(), Error> {
    let Some(allowed) = limits.allow_hosts else { return Ok(()) };
    let mut foreign = BTreeSet::new();
    for planned in lanes.iter().flat_map(|lane| &lane.tasks) {
        // A pattern that names no host, or may match at several, isn't allowed under any name.
        let host = host_or_subject(planned);
        if !allowed.contains(&host) {
            foreign.insert(host);
        }
    }
    if foreign.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = foreign.iter().take(10).map(|host| format!("`{host}`")).collect();
    let more = if foreign.len() > 10 { format!(" and {} more", foreign.len() - 10) } else { String::new() };
    Err(Error::PlanRefused {
        message: format!("the plan holds URLs of hosts that `allow-hosts` doesn't name: {}{more}", names.join(", ")),
        help: "add the hosts to `allow-hosts`, or correct the rules; nothing was sent".into(),
        exit_code: ExitCode::Usage,
    })
}

fn roots(lanes: &[Lane], limits: &Limits<'_>) -> Result<(), Error> {
    let unasked = |planned: &&PlannedTask| {
        empties_host(planned) && !planned.task.because.iter().any(|reason| limits.roots_allowed.contains(&reason.rule))
    };
    let Some(planned) = lanes.iter().flat_map(|lane| &lane.tasks).find(unasked) else { return Ok(()) };
    let reason = planned.task.because.first();
    let rule = reason.map_or("", |reason| &reason.rule);
    let file = reason.and_then(|reason| reason.file.as_ref()).map(|file| format!(" for `{file}`")).unwrap_or_default();
    let url = &planned.task.subject;
    let is_given = reason.is_some_and(|reason| reason.file.is_none());
    let ask = if is_given {
        "ask for the whole host by `--allow-everything`"
    } else {
        "set `allow-everything: true` in the rule"
    };
    Err(Error::PlanRefused {
        message: format!("`{url}` refreshes a whole host{file}, and the rule `{rule}` doesn't ask for that"),
        help: format!("name a directory below the root, or {ask}; nothing was sent"),
        exit_code: ExitCode::Usage,
    })
}

impl Plan {
    /// The hosts whose whole content the plan refreshes, sorted.
    pub fn purged_hosts(&self) -> BTreeSet<String> {
        let all = self.lanes.iter().flat_map(|lane| &lane.tasks).filter(|planned| empties_host(planned));
        all.map(host_or_subject).collect()
    }
}

/// The host of a task in lower case. A pattern that names no host, or may match at several, stands for itself.
fn host_or_subject(planned: &PlannedTask) -> String {
    let host = match planned.task.operation {
        Operation::Refresh(RefreshKind::Regex) => url::host_of_pattern(&planned.task.subject.value),
        _ => url::host_of_subject(&planned.task.subject).map(str::to_owned),
    };
    host.map_or_else(|| planned.task.subject.to_string(), |host| host.to_ascii_lowercase())
}

/// Whether a task drops everything a host has in the caches.
fn empties_host(planned: &PlannedTask) -> bool {
    match planned.task.operation {
        Operation::Refresh(kind) => url::is_whole_host(kind, &planned.task.subject.value),
        Operation::Prefetch => false,
    }
}

/// Refuses a plan with more refreshes and prefetches than this.
///
/// # Errors
/// [`Error::PlanRefused`] with the numbers.
pub fn size(lanes: &[Lane], most: Option<u64>) -> Result<(), Error> {
    let planned: u64 = lanes.iter().map(Lane::size).sum();
    match most.filter(|&most| planned > most) {
        None => Ok(()),
        Some(most) => Err(Error::PlanRefused {
            message: format!("the plan is too large: {planned} refreshes and prefetches, and `max-urls` is {most}"),
            help: format!("set `max-urls` to {planned} if that is intended, or narrow the rules; nothing was sent"),
            exit_code: ExitCode::Quota,
        }),
    }
}
