//! The way to each lane's provider: over the network with real keys, or to its emulator in memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use url::Url;

use super::Job;
use super::keys::{self, Exchanger, Unmasked};
use crate::client::connection::Connection;
use crate::client::credential_refresh::CredentialRefresh;
use crate::config::{LogLevel, Mode, Target};
use crate::credentials::sources::Source;
use crate::credentials::{self, search};
use crate::error::Error;
use crate::exec::journal::Identity;
use crate::plan::Plan;
use crate::provider::clock::Clock;
use crate::provider::credentials::Keys;
use crate::provider::emulation::EmulatorSettings;
use crate::provider::emulation::faults::Faults;
use crate::provider::emulation::gateway::Emulation;
use crate::provider::emulation::simulation::SimulationApi;
use crate::provider::{Api, ProviderContext, Spec};
use crate::providers::{self, PROVIDERS, REGISTRY};

/// There and back, in a simulation.
const SIMULATED_LATENCY: Duration = Duration::from_millis(50);

/// The lanes' ways, and what a journal of theirs belongs to.
pub(super) struct Opened {
    pub(super) connections: Vec<Connection>,
    pub(super) identity: Identity,
    /// What a person should know of the ways.
    pub(super) notes: Vec<Note>,
}

/// What a person should know of a way, and how much it matters.
pub type Note = (LogLevel, String);

/// Opens the way to every lane's provider, for a plan of what these commits, if it is about any, made stale: the one that was live
/// before, if any, and the one that is now.
///
/// # Errors
/// [`Error::Credentials`], [`Error::Network`], and [`Error::Provider`] where a role gives no keys.
pub(super) async fn open(
    job: &Job<'_>,
    plan: &Plan,
    commits: Option<(Option<String>, String)>,
    unmasked: &Unmasked,
) -> Result<Opened, Error> {
    // By provider and where it is served: each is an account of its own.
    let mut ways: HashMap<(&str, &str), Way> = HashMap::new();
    let (base, head) = commits.map_or((None, None), |(base, head)| (base, Some(head)));
    let identity = Identity { plan: plan.digest().to_owned(), head, lanes: Vec::new(), base };
    let mut opened = Opened { connections: Vec::new(), identity, notes: Vec::new() };
    for lane in &plan.lanes {
        let spec = lane.target.provider;
        let own = spec.endpoint(&lane.target.options);
        let way = match ways.entry((spec.name, own)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let simulates = job.settings.mode == Mode::Simulate;
                place.insert(if simulates {
                    simulated(own, job.started)
                } else {
                    real(job, spec, own, unmasked, &mut opened.notes).await?
                })
            }
        };
        let Way { endpoint, keys, api, renewal, account } = way.clone();
        let key = hashed(&account);
        opened.identity.lanes.push(format!("{} {} {endpoint} {key}", lane.target.name, spec.name));
        let context = ProviderContext { spec, options: lane.target.options.clone(), endpoint, keys };
        opened.connections.push(Connection { provider: providers::open(context), api, refresh: renewal });
    }
    Ok(opened)
}

/// Opens the way to one target over the network, for a question. Gives what a person should know of it too. Secrets that
/// come to be are added to `unmasked`, also where it fails.
///
/// # Errors
/// [`Error::Credentials`], [`Error::Network`], and [`Error::Provider`] where a role gives no keys.
pub async fn reach(job: &Job<'_>, target: &Target, unmasked: &Unmasked) -> Result<(Connection, Vec<Note>), Error> {
    let spec = target.provider;
    let mut notes = Vec::new();
    let way = real(job, spec, spec.endpoint(&target.options), unmasked, &mut notes).await?;
    let context = ProviderContext { spec, options: target.options.clone(), endpoint: way.endpoint, keys: way.keys };
    Ok((Connection { provider: providers::open(context), api: way.api, refresh: way.renewal }, notes))
}

/// What the lanes of one provider share: its account.
#[derive(Clone)]
struct Way {
    endpoint: Url,
    keys: Keys,
    api: Rc<dyn Api>,
    renewal: Option<Rc<CredentialRefresh>>,
    /// What stays the same when keys are renewed: the role, or the key's id.
    account: String,
}

/// Over the network, with real keys.
async fn real(
    job: &Job<'_>,
    spec: &'static Spec,
    own: &str,
    unmasked: &Unmasked,
    notes: &mut Vec<Note>,
) -> Result<Way, Error> {
    let settings = job.settings;
    let source = search::source(spec, PROVIDERS, &settings.credentials, job.environment, &settings.repository)?;
    let region = spec.endpoints.iter().find(|endpoint| endpoint.url == own).map_or("", |endpoint| endpoint.region);
    if let Source::Role(role) = &source {
        role.check_region(spec.name, region)?;
    }
    let given = settings.endpoints.iter().find(|(given, _)| given.name == spec.name);
    let endpoint = given.map_or_else(|| own_endpoint(own), |(_, endpoint)| endpoint.clone());
    let api = job.network.open(std::slice::from_ref(&endpoint), Clock::new(job.started))?;
    if let Some(proxy) = api.proxy(&endpoint) {
        let text = format!("requests go through the proxy {proxy}, as the environment says");
        if !notes.iter().any(|(_, known)| *known == text) {
            notes.push((LogLevel::Normal, text));
        }
    }
    let (account, words) = (source.account(), source.words());
    let account_id = credentials::account_id(spec, job.environment);
    let (keys, renewal, level) = match source {
        Source::Keys { keys, .. } => {
            unmasked.add(&keys);
            (Keys::new(credentials::of_account(keys, account_id.as_deref())), None, LogLevel::Verbose)
        }
        source => {
            let whose = source.whose();
            let exchanger = Exchanger::new(source, account_id, job.network, Clock::new(job.started), unmasked.clone())?;
            let renewal = CredentialRefresh::start(Box::new(exchanger), job.seed()).await;
            let renewal = renewal.map_err(|error| keys::no_keys(spec.name, &whose, error))?;
            (renewal.keys(), Some(Rc::new(renewal)), LogLevel::Normal)
        }
    };
    let until = keys.current().expires.map(|end| format!(", until {}", end.strftime("%H:%M:%SZ")));
    notes.push((level, format!("`{}`: {words}{}", spec.name, until.unwrap_or_default())));
    Ok(Way { endpoint, keys, api: Rc::new(api), renewal, account })
}

/// To the vendor in memory, whose tasks take as long as the vendor says they do.
fn simulated(own: &str, started: Timestamp) -> Way {
    let emulator = EmulatorSettings { task_duration: None, ..EmulatorSettings::default() };
    let keys = Keys::new(emulator.credentials());
    let emulators = providers::emulators(REGISTRY, |_| emulator.clone());
    let emulation = Rc::new(RefCell::new(Emulation::new(emulators, Faults::none())));
    let api = SimulationApi::new(emulation, SIMULATED_LATENCY, Clock::new(started), 0);
    let account = keys.current().access_key_id;
    Way { endpoint: own_endpoint(own), keys, api: Rc::new(api), renewal: None, account }
}

fn own_endpoint(own: &str) -> Url {
    Url::parse(own).expect("a provider's own endpoint is an address")
}

/// An account's name, which the journal need not spell.
fn hashed(account: &str) -> String {
    let hash = Sha256::digest(account.as_bytes());
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
