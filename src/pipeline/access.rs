//! The way to each lane's provider: over the network with real keys, or to its emulator in memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use url::Url;

use crate::error::Error;
use crate::exec::Access;
use crate::exec::journal::Identity;
use crate::inputs::{Environment, Mode, Settings, credentials};
use crate::plan::Plan;
use crate::provider::clock::Clock;
use crate::provider::credentials::Credentials;
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
}

/// Opens the way to every lane's provider.
///
/// # Errors
/// [`Error::Credentials`] and [`Error::Network`].
pub(super) fn open(
    settings: &Settings,
    environment: &Environment,
    plan: &Plan,
    started: Timestamp,
) -> Result<Opened, Error> {
    let mut ways: HashMap<&str, (Url, Credentials, Rc<dyn Api>)> = HashMap::new();
    let mut opened =
        Opened { accesses: Vec::new(), identity: Identity { plan: plan.digest.clone(), lanes: Vec::new() } };
    for lane in &plan.lanes {
        let spec = lane.target.provider;
        let (endpoint, credentials, api) = match ways.get(spec.name) {
            Some(way) => way.clone(),
            None => {
                let way = way(settings, environment, spec, started)?;
                ways.insert(spec.name, way.clone());
                way
            }
        };
        let key = account(&credentials);
        opened.identity.lanes.push(format!("{} {} {endpoint} {key}", lane.target.name, spec.name));
        let opening = Opening { spec, options: lane.target.options.clone(), endpoint, credentials };
        opened.accesses.push(Access { provider: (spec.open)(opening), api });
    }
    Ok(opened)
}

fn way(
    settings: &Settings,
    environment: &Environment,
    spec: &'static Spec,
    started: Timestamp,
) -> Result<(Url, Credentials, Rc<dyn Api>), Error> {
    let own = || Url::parse(spec.endpoint).expect("a provider's own endpoint is an address");
    let clock = Clock::new(started);
    if settings.mode == Mode::Rehearse {
        let emulator = EmulatorSettings { task_duration: None, ..EmulatorSettings::default() };
        let keys = Credentials {
            access_key_id: emulator.access_key_id.clone(),
            access_key_secret: emulator.access_key_secret.clone(),
            security_token: emulator.security_token.clone(),
        };
        let emulation = Emulation::new(PROVIDERS, |_| emulator.clone(), Faults::none());
        let api = RehearsalApi::new(Rc::new(RefCell::new(emulation)), REHEARSED_LATENCY, clock, 0);
        return Ok((own(), keys, Rc::new(api)));
    }
    let credentials = credentials::credentials(spec, &settings.credentials, environment)?;
    let given = settings.endpoints.iter().find(|(given, _)| given.name == spec.name);
    let endpoint = given.map_or_else(own, |(_, endpoint)| endpoint.clone());
    let api = HttpApi::new(std::slice::from_ref(&endpoint), environment, clock)?;
    Ok((endpoint, credentials, Rc::new(api)))
}

/// An account by its key's id, which the journal need not spell.
fn account(credentials: &Credentials) -> String {
    let hash = Sha256::digest(credentials.access_key_id.as_bytes());
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
