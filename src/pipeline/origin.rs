//! Waits until the origin serves what is to be purged, and holds back what it doesn't serve in time.

use std::collections::BTreeSet;

use ::url::Url;

use super::connect;
use super::job::Job;
use super::verification::ExpectedPages;
use crate::ci::{Console, Severity};
use crate::config::{LogLevel, Settings};
use crate::error::{Error, ExitCode};
use crate::exec::journal::Past;
use crate::exec::origin_gate::{self, Gated, Passage};
use crate::mapping::url;
use crate::model::{LaneIndex, TaskIndex};
use crate::plan::Plan;
use crate::provider::http::edge::HttpEdge;
use crate::text::format::{counted, duration};

/// Refuses what could never be waited for, before anything is sent: a host that isn't the plan's or isn't listed, an address that
/// isn't public, a commit that nobody knows.
///
/// # Errors
/// The first of them.
pub(super) fn check(job: &Job<'_>, plan: &Plan, head: Option<&str>) -> Result<(), Error> {
    let settings = job.settings;
    if let Some(listed) = &settings.allow_hosts
        && let Some(host) = origin_hosts(settings).iter().find(|host| !listed.contains(host))
    {
        let help = "add the host to `allow-hosts`, or correct `origin`; nothing was sent";
        return Err(Error::usage(format!("the origin's host `{host}` isn't one that `allow-hosts` names"), help));
    }
    let origin = gated(job);
    if let Some(why) = settings.origins.iter().find_map(|(_, url)| origin.check(url).err()) {
        let help = "name a server that this machine can fetch from; nothing was sent";
        return Err(Error::usage(format!("`origin` can't be fetched from: {why}"), help));
    }
    let Some((url, text)) = &settings.wait_for else { return Ok(()) };
    if head.is_none() && text.contains(HEAD) {
        let help = "write the text itself in place of `{head}`; nothing was sent";
        return Err(Error::usage("`wait-for` names `{head}`, and this plan isn't of a commit", help));
    }
    versioned(job, plan).check(url).map_err(|why| {
        let host = url.host_str().unwrap_or_default();
        let help = format!("name a URL of the plan's hosts, or add `{host}` to `allow-hosts`; nothing was sent");
        Error::usage(format!("the URL of `wait-for` can't be fetched: {why}"), help)
    })
}

/// The placeholder of the commit that is deployed.
const HEAD: &str = "{head}";

/// The way to the origins.
fn gated(job: &Job<'_>) -> HttpEdge {
    connect::origin(job, origin_hosts(job.settings))
}

/// The way to the URL of `wait-for`: at the plan's hosts, the origins or those that the user listed.
fn versioned(job: &Job<'_>, plan: &Plan) -> HttpEdge {
    let tasks = plan.lanes.iter().flat_map(|lane| &lane.tasks);
    let planned = tasks.filter_map(|task| url::host_of_subject(&task.task.subject)).map(str::to_lowercase);
    let listed = job.settings.allow_hosts.iter().flatten().cloned();
    connect::origin(job, planned.chain(listed).chain(origin_hosts(job.settings)).collect())
}

fn origin_hosts(settings: &Settings) -> BTreeSet<String> {
    settings.origins.iter().filter_map(|(_, origin)| origin.host_str().map(str::to_lowercase)).collect()
}

/// The tasks that this run has to send: not those that an earlier one sent, itself or by the directory that covers them.
pub(super) fn unsent(plan: &Plan, past: &Past) -> BTreeSet<(LaneIndex, TaskIndex)> {
    let sent = past.lanes.iter().flat_map(|(&index, lane)| {
        let open = lane.open.values().flat_map(|batch| &batch.tasks);
        lane.done.keys().chain(open).map(move |&task| (index, task))
    });
    let sent: BTreeSet<(LaneIndex, TaskIndex)> = sent.collect();
    let tasks = (0..).zip(&plan.lanes).flat_map(|(index, lane)| {
        (0..).zip(&lane.tasks).map(move |(task, planned)| (index, task, planned.covered_by.unwrap_or(task)))
    });
    tasks
        .filter(|&(index, _, carrier)| !sent.contains(&(index, carrier)))
        .map(|(index, task, _)| (index, task))
        .collect()
}

/// Waits for `wait-for` and `origin`, for the sake of the tasks that aren't sent yet; those whose origin doesn't serve what was
/// deployed are held back in the plan.
///
/// # Errors
/// `wait-for` isn't fulfilled in time; this run sent nothing.
pub(super) async fn wait(
    job: &Job<'_>,
    plan: &mut Plan,
    head: Option<&str>,
    past: &Past,
    expected: Option<&ExpectedPages>,
    console: &mut Console,
) -> Result<(), Error> {
    let settings = job.settings;
    let (timeout, unsent) = (settings.gate_timeout, unsent(plan, past));
    if unsent.is_empty() {
        return Ok(());
    }
    let at_most = duration(timeout);
    if let Some((url, text)) = &settings.wait_for {
        let text = text.replace(HEAD, head.unwrap_or(HEAD));
        // Its query may hold a secret.
        let shown = url.as_str().split('?').next().unwrap_or_default();
        console.note(LogLevel::Normal, &format!("waiting until `{shown}` contains `{text}` (at most {at_most})"));
        if let Err(why) = origin_gate::wait_for(&versioned(job, plan), url.as_str(), &text, timeout).await {
            return Err(Error::Provider {
                message: format!("`{shown}` didn't contain `{text}` within {at_most}: {why}"),
                help: "deploy before this step, or correct `wait-for`; nothing was sent".to_owned(),
                exit_code: ExitCode::Failed,
            });
        }
    }
    let Some(pages) = expected.filter(|_| !settings.origins.is_empty()) else { return Ok(()) };
    let (mut keys, mut urls) = (Vec::new(), Vec::new());
    for key @ (lane, task) in unsent {
        let planned = &plan.lanes[usize::from(lane)].tasks[task as usize].task.subject.value;
        if let (Some(expected), Some(url)) = (pages.expected.get(&key), origin_of(&settings.origins, planned)) {
            keys.push(key);
            urls.push(Gated { absent: absent(settings, planned, job.seed()), url, expected });
        }
    }
    if urls.is_empty() {
        return Ok(());
    }
    let count = counted(urls.len(), "URL", "URLs");
    console.note(LogLevel::Normal, &format!("waiting until the origin serves {count} as deployed (at most {at_most})"));
    let passages = origin_gate::pass(&gated(job), &urls, timeout).await;
    let (mut held, mut unproved) = (0, 0);
    for ((lane, task), passage) in keys.into_iter().zip(passages) {
        let tasks = &mut plan.lanes[usize::from(lane)].tasks;
        let why = match passage {
            Passage::Open => continue,
            Passage::Unproved => {
                unproved += 1;
                continue;
            }
            Passage::Closed(why) => format!("its origin doesn't serve the new version: {why}"),
            Passage::Unchecked(why) => format!("its origin wasn't queried for it: {why}"),
            Passage::Down(why) => {
                let why = format!("the origin is down, and a purge would remove the last good copy: {why}");
                tasks.iter_mut().filter(|task| task.held.is_none()).for_each(|task| task.held = Some(why.clone()));
                held += 1;
                continue;
            }
        };
        // A directory that covers it would purge it all the same.
        let wider = tasks[task as usize].covered_by;
        for task in wider.into_iter().chain([task]) {
            tasks[task as usize].held.get_or_insert_with(|| why.clone());
        }
        held += 1;
    }
    if unproved > 0 {
        let count = counted(unproved, "URL is", "URLs are");
        console.announce(
            Severity::Warning,
            &format!(
                "{count} purged without proof that the new version is deployed: the origin serves the page that it also has for a URL \
                 that can't exist; `wait-for` waits for a version"
            ),
        );
    }
    if held > 0 {
        let count = counted(held, "URL isn't", "URLs aren't");
        console.announce(
            Severity::Warning,
            &format!("{count} served as deployed by the origin after {at_most}: not purged"),
        );
    }
    Ok(())
}

/// A URL at the same origin that can't exist.
fn absent(settings: &Settings, url: &str, seed: u64) -> String {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    origin_of(&settings.origins, &format!("https://{host}/cdn-purge-{seed:016x}")).unwrap_or_default()
}

/// The URL at its origin: that of its host, or that of all others.
fn origin_of(origins: &[(Option<String>, Url)], url: &str) -> Option<String> {
    let host = Url::parse(url).ok()?.host_str()?.to_lowercase();
    let own = origins.iter().find(|(of, _)| of.as_deref() == Some(&*host));
    let (_, origin) = own.or_else(|| origins.iter().find(|(of, _)| of.is_none()))?;
    let rest = url.split_once("://")?.1;
    let path = rest.find('/').map_or("/", |slash| &rest[slash..]);
    Some(format!("{}{path}", origin.as_str().trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_fetched_from_the_origin_of_its_host() {
        let origin = |host: Option<&str>, url: &str| (host.map(str::to_owned), Url::parse(url).unwrap());
        let origins = [
            origin(None, "https://store.example.net/site/"),
            origin(Some("static.example.com"), "https://assets.example.net"),
        ];
        for (url, expected) in [
            ("https://www.example.com/a/b.html?c=d", "https://store.example.net/site/a/b.html?c=d"),
            ("https://www.example.com", "https://store.example.net/site/"),
            ("https://Static.example.com/a%20b.css", "https://assets.example.net/a%20b.css"),
        ] {
            assert_eq!(origin_of(&origins, url).as_deref(), Some(expected));
        }
        assert_eq!(origin_of(&origins[1..], "https://www.example.com/"), None);
    }
}
