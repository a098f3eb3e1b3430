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
use crate::error::Error;
use crate::exec::Access;
use crate::exec::journal::Identity;
use crate::inputs::{Mode, Target, credentials};
use crate::plan::Plan;
use crate::provider::clock::Clock;
use crate::provider::credentials::{Credentials, Keys};
use crate::provider::emulation::EmulatorSettings;
use crate::provider::emulation::faults::Faults;
use crate::provider::emulation::gateway::Emulation;
use crate::provider::emulation::rehearsal::RehearsalApi;
use crate::provider::http::HttpApi;
use crate::provider::{Api, Opening, Spec};
use crate::providers::PROVIDERS;

/// There and back, in a rehearsal.
const REHEARSED_LATENCY: Duration = Duration::from_millis(50);

/// The lanes' ways, and what a journal of theirs belongs to.
pub(super) struct Opened {
    pub(super) accesses: Vec<Access>,
    pub(super) identity: Identity,
    /// The proxy that the environment names, as host and port.
    pub(super) proxy: Option<String>,
}

/// Opens the way to every lane's provider.
///
/// # Errors
/// [`Error::Credentials`] and [`Error::Network`].
pub(super) fn open(job: &Job<'_>, plan: &Plan) -> Result<Opened, Error> {
    // By provider and where it is served: each is an account of its own.
    let mut ways: HashMap<(&str, &str), Way> = HashMap::new();
    let identity = Identity { plan: plan.digest.clone(), lanes: Vec::new() };
    let mut opened = Opened { accesses: Vec::new(), identity, proxy: None };
    for lane in &plan.lanes {
        let spec = lane.target.provider;
        let own = spec.endpoint(&lane.target.options);
        let way = match ways.entry((spec.name, own)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let rehearses = job.settings.mode == Mode::Rehearse;
                place.insert(if rehearses {
                    rehearsed(own, job.started)
                } else {
                    real(job, spec, own, &mut opened.proxy)?
                })
            }
        };
        let Way { endpoint, keys, api } = way.clone();
        let key = account(&keys.current());
        opened.identity.lanes.push(format!("{} {} {endpoint} {key}", lane.target.name, spec.name));
        let opening = Opening { spec, options: lane.target.options.clone(), endpoint, keys };
        opened.accesses.push(Access { provider: (spec.open)(opening), api });
    }
    Ok(opened)
}

/// Opens the way to one target over the network, for a question. Gives the proxy that it goes through too.
///
/// # Errors
/// [`Error::Credentials`] and [`Error::Network`].
pub fn reach(job: &Job<'_>, target: &Target) -> Result<(Access, Option<String>), Error> {
    let spec = target.provider;
    let mut proxy = None;
    let Way { endpoint, keys, api } = real(job, spec, spec.endpoint(&target.options), &mut proxy)?;
    let opening = Opening { spec, options: target.options.clone(), endpoint, keys };
    Ok((Access { provider: (spec.open)(opening), api }, proxy))
}

/// What the lanes of one provider share: its account.
#[derive(Clone)]
struct Way {
    endpoint: Url,
    keys: Keys,
    api: Rc<dyn Api>,
}

/// Over the network, with real keys.
fn real(job: &Job<'_>, spec: &'static Spec, own: &str, proxy: &mut Option<String>) -> Result<Way, Error> {
    let credentials = credentials::credentials(spec, &job.settings.credentials, job.environment)?;
    let given = job.settings.endpoints.iter().find(|(given, _)| given.name == spec.name);
    let endpoint = given.map_or_else(|| own_endpoint(own), |(_, endpoint)| endpoint.clone());
    let api = HttpApi::new(std::slice::from_ref(&endpoint), job.environment, Clock::new(job.started))?;
    *proxy = proxy.take().or_else(|| api.proxy(&endpoint));
    Ok(Way { endpoint, keys: Keys::new(credentials), api: Rc::new(api) })
}

/// To the vendor in memory, whose tasks take as long as the vendor says they do.
fn rehearsed(own: &str, started: Timestamp) -> Way {
    let emulator = EmulatorSettings { task_duration: None, ..EmulatorSettings::default() };
    let keys = Keys::new(emulator.credentials());
    let emulation = Rc::new(RefCell::new(Emulation::new(PROVIDERS, |_| emulator.clone(), Faults::none())));
    let api = RehearsalApi::new(emulation, REHEARSED_LATENCY, Clock::new(started), 0);
    Way { endpoint: own_endpoint(own), keys, api: Rc::new(api) }
}

fn own_endpoint(own: &str) -> Url {
    Url::parse(own).expect("a provider's own endpoint is an address")
}

/// An account by its key's id, which the journal need not spell.
fn account(credentials: &Credentials) -> String {
    let hash = Sha256::digest(credentials.access_key_id.as_bytes());
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
