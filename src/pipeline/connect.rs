//! Connects to the providers: over the network with real credentials, or to their emulators in memory.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ::url::Url;
use async_trait::async_trait;
use bytes::Bytes;
use emulators::EmulatorSettings;
use emulators::faults::Faults;
use emulators::gateway::Gateway;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::job::Job;
use crate::ci::Console;
use crate::client::connection::{Connection, Unusable};
use crate::client::credential_refresh::CredentialRefresh;
use crate::config::{CredentialChoice, LogLevel, Mode, Settings, Target};
use crate::credentials::exchange::{PendingMasks, TokenExchange, unobtainable};
use crate::credentials::sources::Source;
use crate::credentials::{self, AccountVariables, search};
use crate::error::{Error, ExitCode};
use crate::exec::PointOfPresence;
use crate::exec::journal::{Identity, NO_ACCOUNT};
use crate::mapping::url;
use crate::plan::Plan;
use crate::provider::clock::Clock;
use crate::provider::credentials::SharedCredentials;
use crate::provider::edge::Edge;
use crate::provider::http::edge::{ConnectTo, EdgeLimits, HttpEdge};
use crate::provider::simulation::{SimulatedEdge, SimulationApi, credentials};
use crate::provider::{Api, ApiError, ApiErrorKind, ProviderContext, Spec};
use crate::providers::{self, REGISTRY};

/// There and back, in a simulation.
const SIMULATED_LATENCY: Duration = Duration::from_millis(50);

/// The lanes' connections, and what their journal belongs to.
pub(super) struct Connections {
    pub(super) connections: Vec<Connection<'static>>,
    pub(super) identity: Identity,
    /// Notes about them for the log.
    pub(super) notes: Vec<Note>,
}

/// A note for the log, and its level.
pub type Note = (LogLevel, String);

/// Connects to every lane's provider, for a plan about the files of this commit, or about none. Adds new secrets to `masks`,
/// also where it fails.
///
/// # Errors
/// [`Error::Credentials`], [`Error::Network`], and [`Error::Provider`] where credentials can't be obtained.
pub(super) async fn connect(
    job: &Job<'_>,
    plan: &Plan,
    head: Option<String>,
    masks: &PendingMasks,
) -> Result<Connections, Error> {
    let mut accounts: HashMap<Arc<str>, Result<Account, ApiError>> = HashMap::new();
    let mut first_error = None;
    let identity = Identity { plan: plan.digest().to_owned(), head, lanes: Vec::new() };
    let mut all = Connections { connections: Vec::new(), identity, notes: Vec::new() };
    for lane in &plan.lanes {
        let hosts = lane.tasks.iter().filter_map(|task| url::host_of_subject(&task.task.subject));
        let hosts: BTreeSet<String> = hosts.map(str::to_lowercase).collect();
        let (spec, default_endpoint) = (lane.target.provider, lane.target.provider.endpoint(&lane.target.options));
        let key: Arc<str> = lane.target.account().into();
        let account = match accounts.entry(Arc::clone(&key)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(match job.settings.mode {
                Mode::Simulate => Ok(Account::simulated(spec, default_endpoint, job.started)),
                Mode::Real | Mode::DryRun | Mode::Verify => {
                    match Account::real(job, &lane.target, default_endpoint, masks, &mut all.notes).await {
                        Ok(account) => Ok(account),
                        Err(error @ (Error::Credentials { .. } | Error::Provider { .. })) => {
                            let unusable = unusable(&error);
                            first_error.get_or_insert(error);
                            Err(unusable)
                        }
                        Err(error) => return Err(error),
                    }
                }
            }),
        };
        let edge = edge(job, hosts.clone());
        let lane_at = |endpoint: &Url, key: &str| format!("{} {} {endpoint} {key}", lane.target.name, spec.name);
        let connection = match account {
            Ok(account) => {
                all.identity.lanes.push(lane_at(&account.endpoint, &hashed(&account.name)));
                let mut connection = account.connection(&lane.target, hosts.into_iter().collect(), edge);
                // Where that fails, the other targets go ahead, and each task of this one ends with the error.
                drop(prepare(&mut connection, job, &mut all.notes).await);
                connection
            }
            // The other targets go ahead.
            Err(error) => {
                let endpoint = endpoint(job.settings, spec, default_endpoint);
                all.identity.lanes.push(lane_at(&endpoint, NO_ACCOUNT));
                let (error, api) = (error.clone(), Rc::new(NoAccount { error: error.clone(), now: job.started }));
                let provider = Box::new(Unusable { spec, error });
                Connection { target: lane.target.name.clone(), account: key, provider, api, refresh: None, edge }
            }
        };
        all.connections.push(connection);
    }
    match first_error {
        // Nothing could be sent at all.
        Some(error) if accounts.values().all(Result::is_err) => Err(error),
        _ => Ok(all),
    }
}

/// What keeps an account from being used, for the tasks of its lanes.
fn unusable(error: &Error) -> ApiError {
    let shown = error.diagnostics().swap_remove(0);
    let kind = match error.exit_code() {
        ExitCode::Credentials => ApiErrorKind::Credentials,
        _ => ApiErrorKind::Denied,
    };
    // The first line says what to set.
    let help = shown.help.and_then(|help| help.lines().next().map(str::to_owned));
    ApiError { help, ..ApiError::new(kind, "credentials", shown.title) }
}

/// Connects to one target over the network, for queries about these hosts; gives notes for the log, too. Adds new secrets to `masks`, also where it
/// fails.
///
/// # Errors
/// [`Error::Credentials`], [`Error::Network`], and [`Error::Provider`] where credentials can't be obtained.
pub async fn reach(
    job: &Job<'_>,
    target: &Target,
    hosts: Vec<String>,
    masks: &PendingMasks,
) -> Result<(Connection<'static>, Vec<Note>), Error> {
    let mut notes = Vec::new();
    let endpoint = target.provider.endpoint(&target.options);
    let account = Account::real(job, target, endpoint, masks, &mut notes).await?;
    let mut connection = account.connection(target, hosts, edge(job, BTreeSet::new()));
    match prepare(&mut connection, job, &mut notes).await {
        Ok(()) => Ok((connection, notes)),
        Err(error) => {
            let exit_code = match error.kind {
                ApiErrorKind::Credentials | ApiErrorKind::Forbidden => ExitCode::Credentials,
                _ => ExitCode::Failed,
            };
            let help = error.help.clone().unwrap_or_else(|| "check the target's options".to_owned());
            let message = format!("target `{}` can't be prepared: {}", target.name, ApiError { help: None, ..error });
            Err(Error::Provider { message, help, exit_code })
        }
    }
}

/// Looks up what the target needs.
async fn prepare(connection: &mut Connection<'_>, job: &Job<'_>, notes: &mut Vec<Note>) -> Result<(), ApiError> {
    let said: RefCell<Vec<Note>> = RefCell::default();
    let note = |text: &str| said.borrow_mut().push((LogLevel::Normal, text.to_owned()));
    let prepared = connection.prepare(&note, &mut fastrand::Rng::with_seed(job.seed())).await;
    notes.append(&mut said.into_inner());
    prepared
}

/// The network of an account that can't be used: nothing goes out.
struct NoAccount {
    error: ApiError,
    now: Timestamp,
}

#[async_trait(?Send)]
impl Api for NoAccount {
    async fn call(&self, _: ::http::Request<Bytes>) -> Result<::http::Response<Bytes>, ApiError> {
        Err(self.error.clone())
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn nonce(&self) -> String {
        String::new()
    }

    fn correct_clock(&self, _: Timestamp) {}
}

/// The CDN as visitors reach it who are sent to an edge, or who are near this machine; for these hosts.
fn edge_at(job: &Job<'_>, hosts: BTreeSet<String>, connect_to: Option<&ConnectTo>) -> Rc<dyn Edge> {
    let settings = job.settings;
    match settings.mode {
        Mode::Simulate => Rc::new(SimulatedEdge(SIMULATED_LATENCY)),
        Mode::Real | Mode::DryRun | Mode::Verify => Rc::new(job.network.edge(EdgeLimits {
            hosts,
            connect_to: connect_to.cloned(),
            allow_loopback: false,
            are_hosts_listed: settings.allow_hosts.is_some(),
        })),
    }
}

/// The first edge that `edge` names, or the one near this machine.
fn edge(job: &Job<'_>, hosts: BTreeSet<String>) -> Rc<dyn Edge> {
    edge_at(job, hosts, job.settings.edges.first())
}

/// All edges that `edge` names, or the one near this machine, which has no name.
pub(super) fn edges(job: &Job<'_>, hosts: &BTreeSet<String>) -> Vec<PointOfPresence> {
    match &job.settings.edges[..] {
        nearest if nearest.len() < 2 && nearest.iter().all(is_here) => {
            vec![PointOfPresence { name: None, edge: edge(job, hosts.clone()) }]
        }
        named => named
            .iter()
            .map(|to| PointOfPresence { name: Some(to.to_string()), edge: edge_at(job, hosts.clone(), Some(to)) })
            .collect(),
    }
}

/// Whether an edge is on this machine.
fn is_here(edge: &ConnectTo) -> bool {
    matches!(edge, ConnectTo::Address(address) if address.ip().is_loopback())
}

/// The origins, at these hosts. One on this machine is fetched from where `edge`, which only the user gives, is on it too.
pub(super) fn origin(job: &Job<'_>, hosts: BTreeSet<String>) -> HttpEdge {
    let listed = job.settings.allow_hosts.as_deref();
    let are_hosts_listed = listed.is_some_and(|listed| hosts.iter().all(|host| listed.contains(host)));
    let allow_loopback = job.settings.edges.iter().any(is_here);
    job.network.edge(EdgeLimits { hosts, connect_to: None, allow_loopback, are_hosts_listed })
}

/// Makes a console mask the secrets that are new since the last time.
pub fn mask(masks: &PendingMasks, console: &mut Console) {
    masks.take().iter().for_each(|secret| console.mask(secret));
}

/// What the lanes of one account share.
struct Account {
    endpoint: Url,
    credentials: SharedCredentials,
    api: Rc<dyn Api>,
    refresh: Option<Rc<CredentialRefresh>>,
    /// What stays the same when the credentials are refreshed: the role, or the access key's id.
    name: String,
}

impl Account {
    /// Over the network, with real credentials.
    async fn real(
        job: &Job<'_>,
        target: &Target,
        default_endpoint: &str,
        masks: &PendingMasks,
        notes: &mut Vec<Note>,
    ) -> Result<Self, Error> {
        let (settings, spec, choice) = (job.settings, target.provider, &target.credentials);
        let source = search::source(spec, choice, &settings.credentials, job.environment, &settings.repository)?;
        let region = spec.endpoints.iter().find(|endpoint| endpoint.url == default_endpoint);
        if let Source::Role(role) = &source {
            role.check_region(spec.name, region.map_or("", |endpoint| endpoint.region))?;
        }
        let endpoint = endpoint(settings, spec, default_endpoint);
        let api = job.network.open(std::slice::from_ref(&endpoint), Clock::new(job.started))?;
        if let Some(proxy) = api.proxy(&endpoint) {
            let text = format!("requests go through the proxy {proxy}, as set in the environment");
            if !notes.iter().any(|(_, known)| *known == text) {
                notes.push((LogLevel::Normal, text));
            }
        }
        // A token has no id of its own.
        let name = match choice {
            CredentialChoice::Default => source.account(),
            CredentialChoice::Named(name) | CredentialChoice::Profile(name) => format!("{name} {}", source.account()),
        };
        let words = source.words();
        let account_id = credentials::account_id(spec, &AccountVariables::new(job.environment, choice));
        let (credentials, refresh, level) = match source {
            Source::Configured { credentials, .. } => {
                masks.add(&credentials);
                let credentials = credentials.of_account(account_id.as_deref());
                (SharedCredentials::new(credentials), None, LogLevel::Verbose)
            }
            source => {
                let short = source.short();
                let service = job.network.open(&source.endpoints(), Clock::new(job.started))?;
                let exchange = Box::new(TokenExchange::new(source, account_id, masks.clone()));
                let refresh = CredentialRefresh::start(exchange, Rc::new(service), job.seed()).await;
                let refresh = refresh.map_err(|error| unobtainable(spec.name, &short, error))?;
                (refresh.credentials(), Some(Rc::new(refresh)), LogLevel::Normal)
            }
        };
        let expires = refresh.as_ref().and_then(|refresh| refresh.expires());
        let until = expires.map(|expires| format!(", valid until {}", expires.strftime("%H:%M:%SZ")));
        notes.push((level, format!("`{}`: credentials {words}{}", spec.name, until.unwrap_or_default())));
        Ok(Self { endpoint, credentials, api: Rc::new(api), refresh, name })
    }

    /// To the emulators in memory, whose tasks take as long as the vendor says they do.
    fn simulated(spec: &Spec, endpoint: &str, started: Timestamp) -> Self {
        let emulator = EmulatorSettings { task_duration: None, ..EmulatorSettings::default() };
        let credentials = credentials(spec, &emulator);
        let name = credentials.id().to_owned();
        let emulators = providers::emulators(REGISTRY, |_| emulator.clone());
        let gateway = Rc::new(RefCell::new(Gateway::new(emulators, Faults::none())));
        let api = Rc::new(SimulationApi::new(gateway, SIMULATED_LATENCY, Clock::new(started), 0));
        Self { endpoint: parsed(endpoint), credentials: SharedCredentials::new(credentials), api, refresh: None, name }
    }

    fn connection(&self, target: &Target, hosts: Vec<String>, edge: Rc<dyn Edge>) -> Connection<'static> {
        let provider = providers::open(ProviderContext {
            spec: target.provider,
            options: target.options.clone(),
            hosts,
            endpoint: self.endpoint.clone(),
            credentials: self.credentials.clone(),
        });
        let (api, refresh) = (Rc::clone(&self.api), self.refresh.clone());
        let account = target.account().into();
        Connection { target: target.name.clone(), account, provider, api, refresh, edge }
    }
}

/// Where a provider's API is: as the option `endpoint` says, else its own.
pub fn endpoint(settings: &Settings, spec: &Spec, default_endpoint: &str) -> Url {
    let set = settings.endpoints.iter().find(|(set, _)| set.name == spec.name);
    set.map_or_else(|| parsed(default_endpoint), |(_, endpoint)| endpoint.clone())
}

fn parsed(endpoint: &str) -> Url {
    Url::parse(endpoint).expect("a provider's own endpoint is a URL")
}

/// An account's name, which the journal need not spell.
fn hashed(account: &str) -> String {
    let hash = Sha256::digest(account.as_bytes());
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
