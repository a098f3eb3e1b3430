//! `check --online`: the output of `check`, the permissions that each target's credentials lack, and the smallest policy for what the
//! configuration does. Nothing is changed anywhere.

use std::time::Duration;

use jiff::Timestamp;

use super::query::Refusals;
use super::run;
use crate::ci::Console;
use crate::config::{Flags, RequiredPermissions, Settings, Target, check};
use crate::credentials::exchange::PendingMasks;
use crate::environment::Environment;
use crate::error::{Error, ExitCode};
use crate::pipeline::{Job, connect};
use crate::provider::http::Network;
use crate::provider::{ApiError, ApiErrorKind, Domain, Spec};
use crate::query::{Permission, PermissionStatus, PermissionsReport, QueryClient, permissions};

/// How long a question is tried: somebody waits for the answer, and may simply ask again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the configuration as `check` does, and queries each target that a rule uses.
///
/// # Errors
/// [`Error::Inputs`] with every problem; then nothing is queried.
pub(super) fn run(
    flags: &Flags,
    environment: &Environment,
    console: &mut Console,
    is_terminal: bool,
    now: Timestamp,
) -> Result<ExitCode, Error> {
    let (text, mut settings) = check::read(flags, environment)?;
    // The text has them.
    settings.notes.clear();
    run::prepare(&settings, environment, console, is_terminal);
    console.summary(&text);
    let network = Network::new(environment);
    let job = Job { settings: &settings, environment, network: &network, started: now };
    let mut code = ExitCode::Success;
    let refusals = Refusals::default();
    for target in &settings.targets {
        let needs = settings.required_permissions(target);
        console.summary(&format!("\n{}: {}", target.name, target.provider.title));
        if needs.operations.is_empty() {
            console.summary("  no rule is about it: nothing is needed");
            continue;
        }
        if let Some(why) = refusals.forbid(target) {
            console.summary(&format!("  {why}"));
            continue;
        }
        let found = match run::block_on(false, ask(&job, target, &needs, &refusals, console))? {
            Ok(report) => print_report(target, &needs, &report, console),
            Err(error) => {
                console.error(&error);
                error.exit_code()
            }
        };
        code = code.worst(found);
    }
    policies(&settings, console);
    Ok(code)
}

/// QuerySpec one target.
async fn ask(
    job: &Job<'_>,
    target: &Target,
    needs: &RequiredPermissions,
    refusals: &Refusals,
    console: &mut Console,
) -> Result<PermissionsReport, Error> {
    let masks = PendingMasks::default();
    let reached = connect::reach(job, target, needs.hosts.iter().cloned().collect(), &masks).await;
    connect::mask(&masks, console);
    let (connection, notes) = reached?;
    for (_, note) in &notes {
        console.summary(&format!("  {note}"));
    }
    let client = QueryClient::new(&connection, job.seed(), &|_| {}).with_timeout(PATIENCE);
    let client = client.with_refusals(refusals.of(target));
    Ok(permissions(&client, &needs.operations).await)
}

/// Reports what was found: all of it as a result, and what keeps a run from its work as an error too.
fn print_report(
    target: &Target,
    needs: &RequiredPermissions,
    report: &PermissionsReport,
    console: &mut Console,
) -> ExitCode {
    let mut problems: Vec<(String, String, ExitCode)> = Vec::new();
    for permission in &report.permissions {
        console.summary(&line(permission));
        let Some((code, help)) = judged(permission) else { continue };
        let error = match &permission.status {
            PermissionStatus::Missing(error) | PermissionStatus::Unknown(error) => error,
            PermissionStatus::Granted | PermissionStatus::Untested(_) => continue,
        };
        // One error may cover all permissions that weren't checked after it.
        let message = words(error);
        if problems.iter().all(|(known, ..)| *known != message) {
            problems.push((message, help, code));
        }
    }
    if let Some(domains) = &report.domains {
        for host in &needs.hosts {
            let (state, is_good) = state(host, domains);
            console.summary(&format!("  host {host}: {state}"));
            if !is_good {
                let help = format!(
                    "the provider refuses URLs of domains that aren't {ONLINE} in the account of the credentials"
                );
                problems.push((format!("`{host}` is {state}"), help, ExitCode::Failed));
            }
        }
    }
    problems.into_iter().fold(ExitCode::Success, |code, (message, help, exit_code)| {
        let message = format!("target `{}`: {message}", target.name);
        console.error(&Error::Provider { message, help, exit_code });
        code.worst(exit_code)
    })
}

/// The line of one permission.
fn line(permission: &Permission) -> String {
    let Permission { name, purposes, is_needed, status } = permission;
    let purposes = purposes.join(", ");
    match status {
        PermissionStatus::Granted => format!("  granted   {name} ({purposes})"),
        PermissionStatus::Missing(_) if !is_needed => {
            format!("  not given {name} ({purposes}): only this check would use it, a run doesn't")
        }
        PermissionStatus::Missing(error) => format!("  missing   {name} ({purposes}): {}", words(error)),
        PermissionStatus::Untested(why) => format!("  untested  {name} ({purposes}): {why}"),
        PermissionStatus::Unknown(error) => format!("  unknown   {name} ({purposes}): {}", words(error)),
    }
}

/// The exit code for a permission, and what to do; `None` if nothing is wrong.
fn judged(permission: &Permission) -> Option<(ExitCode, String)> {
    use ApiErrorKind::{Ambiguous, Credentials, Server, Throttled, Unsent};
    match &permission.status {
        PermissionStatus::Missing(_) if permission.is_needed => Some((
            ExitCode::Credentials,
            format!("grant `{}`: the policy below has all that is needed", permission.name),
        )),
        PermissionStatus::Unknown(error) => match error.kind {
            Credentials => {
                let help = error.help.clone();
                Some((
                    ExitCode::Credentials,
                    help.unwrap_or_else(|| "check the credentials, and the account they belong to".into()),
                ))
            }
            Unsent | Ambiguous | Server | Throttled => {
                Some((ExitCode::Checkout, "check the network and the endpoint, and run the command again".into()))
            }
            _ if permission.is_needed => {
                let help = error.help.clone();
                Some((ExitCode::Failed, help.unwrap_or_else(|| "look in the provider's console".into())))
            }
            _ => None,
        },
        PermissionStatus::Missing(_) | PermissionStatus::Granted | PermissionStatus::Untested(_) => None,
    }
}

/// The provider's own words, on one line and without what to do.
fn words(error: &ApiError) -> String {
    let text = ApiError { help: None, ..error.clone() }.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The word for a domain that serves, the same in the pages of every vendor here.
const ONLINE: &str = "online";
/// The word for one that serves while its settings are spread; it will be online soon.
const CONFIGURING: &str = "configuring";

/// The word for a zone that serves.
const ACTIVE: &str = "active";

/// What the account's domains say of a host, and whether it serves. A domain `.example.com` or `*.example.com` is all below.
fn state(host: &str, domains: &[Domain]) -> (String, bool) {
    let is_below = |domain: &Domain| {
        let name = domain.name.to_ascii_lowercase();
        let wild = if domain.is_zone { format!(".{name}") } else { name.strip_prefix('*').unwrap_or(&name).to_owned() };
        wild.starts_with('.') && host.len() > wild.len() && host.ends_with(&wild)
    };
    let exact = domains.iter().find(|domain| domain.name.eq_ignore_ascii_case(host));
    match exact.or_else(|| domains.iter().find(|domain| is_below(domain))) {
        None => ("not among the account's domains".to_owned(), false),
        Some(domain) => {
            let serves = [ONLINE, CONFIGURING, ACTIVE].iter().any(|word| domain.status.eq_ignore_ascii_case(word));
            (domain.status.clone(), serves)
        }
    }
}

/// Prints the smallest policy for each provider's credentials: its targets share them.
fn policies(settings: &Settings, console: &mut Console) {
    let mut providers: Vec<(&'static Spec, Vec<&'static str>)> = Vec::new();
    for target in &settings.targets {
        let permissions = settings.required_permissions(target).permissions(target.provider);
        match providers.iter_mut().find(|(spec, _)| spec.name == target.provider.name) {
            Some((_, known)) => {
                let new: Vec<_> = permissions.into_iter().filter(|permission| !known.contains(permission)).collect();
                known.extend(new);
            }
            None => providers.push((target.provider, permissions)),
        }
    }
    for (spec, permissions) in providers.iter().filter(|(_, permissions)| !permissions.is_empty()) {
        let policy = spec.policy.granting(permissions);
        console.result(&format!("\n{} for the credentials of {}\n{policy}", spec.policy.title(), spec.title));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_looked_for_among_the_domains_and_below_those_that_stand_for_all() {
        let domain = |name: &str, status: &str| Domain {
            name: name.into(),
            status: status.into(),
            service: String::new(),
            cname: None,
            is_zone: false,
        };
        let domains = [
            domain("www.example.com", "offline"),
            domain(".example.com", "online"),
            domain("*.shop.test", "Configuring"),
            Domain { is_zone: true, ..domain("zone.test", "active") },
        ];
        for (host, expected) in [
            ("www.example.com", ("offline", false)),
            ("img.example.com", ("online", true)),
            ("a.b.shop.test", ("Configuring", true)),
            ("zone.test", ("active", true)),
            ("www.zone.test", ("active", true)),
            ("anotherzone.test", ("not among the account's domains", false)),
            ("example.com", ("not among the account's domains", false)),
            ("shop.test", ("not among the account's domains", false)),
            ("wwwexample.com", ("not among the account's domains", false)),
        ] {
            let (print_report, serves) = state(host, &domains);
            assert_eq!((&*print_report, serves), expected, "{host}");
        }
    }
}
