//! Waits until the origin serves what is to be purged, and holds back what it doesn't serve in time.

use std::collections::BTreeSet;
use std::time::Duration;

use ::url::Url;

use super::connect;
use super::job::Job;
use crate::ci::{Console, Severity};
use crate::config::LogLevel;
use crate::error::{Error, ExitCode};
use crate::exec::Verify;
use crate::exec::origin_gate::{self, Passage};
use crate::mapping::url;
use crate::model::{LaneIndex, TaskIndex};
use crate::plan::Plan;
use crate::text::format::{counted, duration};

/// Waits for `wait-for` and `origin`; tasks whose origin doesn't serve what was deployed are held back in the plan.
///
/// # Errors
/// `wait-for` isn't fulfilled in time, or a host isn't in `allow-hosts`; nothing was sent.
pub(super) async fn wait(
    job: &Job<'_>,
    plan: &mut Plan,
    head: Option<&str>,
    verify: Option<&Verify>,
    console: &mut Console,
) -> Result<(), Error> {
    let settings = job.settings;
    let hosts: BTreeSet<String> = settings.origins.iter().filter_map(|(_, origin)| host(origin.as_str())).collect();
    let version = settings.wait_for.as_ref().map(|(url, text)| (url, text.replace("{head}", head.unwrap_or("{head}"))));
    check(job, &hosts)?;
    let timeout = settings.gate_timeout;
    if let Some((url, text)) = version {
        let tasks = plan.lanes.iter().flat_map(|lane| &lane.tasks);
        let planned = tasks.filter_map(|task| url::host_of_subject(&task.task.subject)).map(str::to_lowercase);
        let listed = settings.allow_hosts.iter().flatten().cloned();
        let known = planned.chain(listed).chain(hosts.iter().cloned()).collect();
        console
            .note(LogLevel::Normal, &format!("waiting until `{url}` contains `{text}` (at most {})", words(timeout)));
        let origin = connect::origin(job, known);
        if let Err(why) = origin_gate::wait_for(&origin, url, &text, timeout).await {
            return Err(Error::Provider {
                message: format!("`{url}` didn't contain `{text}` within {}: {why}", words(timeout)),
                help: "deploy before this step, or correct `wait-for`; nothing was sent".to_owned(),
                exit_code: ExitCode::Failed,
            });
        }
    }
    let Some(verify) = verify.filter(|_| !settings.origins.is_empty()) else { return Ok(()) };
    let mut keys: Vec<(LaneIndex, TaskIndex)> = verify.expected.keys().copied().collect();
    keys.sort_unstable();
    let value =
        |(lane, task): (LaneIndex, TaskIndex)| &plan.lanes[usize::from(lane)].tasks[task as usize].task.subject.value;
    let urls = keys.iter().filter_map(|&key| Some((key, origin_of(&settings.origins, value(key))?)));
    let (keys, urls): (Vec<_>, Vec<_>) = urls.map(|(key, url)| (key, (url, &verify.expected[&key]))).unzip();
    let count = counted(urls.len(), "URL", "URLs");
    console.note(
        LogLevel::Normal,
        &format!("waiting until the origin serves {count} as deployed (at most {})", words(timeout)),
    );
    let passages = origin_gate::pass(&connect::origin(job, hosts), &urls, timeout).await;
    let mut held = 0;
    for ((lane, task), passage) in keys.into_iter().zip(passages) {
        let tasks = &mut plan.lanes[usize::from(lane)].tasks;
        match passage {
            Passage::Open => {}
            Passage::Closed(why) => {
                let why = format!("its origin doesn't serve the new version: {why}");
                // A directory that covers it would purge it all the same.
                let wider = tasks[task as usize].covered_by;
                for task in wider.into_iter().chain([task]) {
                    tasks[task as usize].held.get_or_insert_with(|| why.clone());
                }
                held += 1;
            }
            Passage::Down(why) => {
                let why = format!("the origin is down, and a purge would remove the last good copy: {why}");
                tasks.iter_mut().filter(|task| task.held.is_none()).for_each(|task| task.held = Some(why.clone()));
                held += 1;
            }
        }
    }
    if held > 0 {
        let count = counted(held, "URL isn't", "URLs aren't");
        console.announce(
            Severity::Warning,
            &format!("{count} served as deployed by the origin after {}: not purged", words(timeout)),
        );
    }
    Ok(())
}

fn words(timeout: Duration) -> String {
    duration(timeout)
}

fn host(url: &str) -> Option<String> {
    Some(Url::parse(url).ok()?.host_str()?.to_lowercase())
}

/// Refuses an origin that the user's own list of hosts doesn't name.
fn check(job: &Job<'_>, hosts: &BTreeSet<String>) -> Result<(), Error> {
    let Some(listed) = &job.settings.allow_hosts else { return Ok(()) };
    match hosts.iter().find(|host| !listed.contains(host)) {
        None => Ok(()),
        Some(host) => Err(Error::PlanRefused {
            message: format!("the origin's host `{host}` isn't one that `allow-hosts` names"),
            help: "add the host to `allow-hosts`, or correct `origin`; nothing was sent".into(),
            exit_code: ExitCode::Usage,
        }),
    }
}

/// The URL at its origin: that of its host, or that of all others.
fn origin_of(origins: &[(Option<String>, Url)], url: &str) -> Option<String> {
    let host = host(url)?;
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
