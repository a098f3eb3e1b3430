//! The provider against the emulator, in process, and against canned answers.

use bytes::Bytes;
use emulators::{Emulator, EmulatorSettings};
use http::Request;
use jiff::{SignedDuration, Timestamp};

use super::{ALIBABA_CDN, ALIBABA_DCDN, ALIBABA_VOD, open};
use crate::model::{Operation, PurgeMode, RefreshKind, Subject};
use crate::provider::credentials::SharedCredentials;
use crate::provider::simulation::access_key;
use crate::provider::test_harness::{Canned, Line, Nonces, block_on, start};
use crate::provider::{Accepted, Api, ApiError, OptionValue, Options, Provider, ProviderContext, Spec, Submission};

mod answers;
mod calls;
mod credentials;
mod gateway;
mod products;
mod refusals;

const FILES: Operation = Operation::Refresh(RefreshKind::Url);

/// A target with these options, and the emulator's default access key.
fn provider(options: &[(&'static str, OptionValue)]) -> Box<dyn Provider> {
    provider_with(options, None)
}

fn provider_with(options: &[(&'static str, OptionValue)], token: Option<&str>) -> Box<dyn Provider> {
    provider_of(&ALIBABA_CDN, options, token)
}

fn provider_of(spec: &'static Spec, options: &[(&'static str, OptionValue)], token: Option<&str>) -> Box<dyn Provider> {
    let settings = EmulatorSettings::default();
    let options = options.iter().cloned().collect::<Options>();
    open(ProviderContext {
        spec,
        hosts: Vec::new(),
        endpoint: url::Url::parse(spec.endpoint(&options)).unwrap(),
        options,
        credentials: SharedCredentials::new(access_key(&settings).with_token(token.map(Into::into))),
    })
}

fn v1() -> (&'static str, OptionValue) {
    ("signature", OptionValue::Word("v1".into()))
}

fn emulator(spec: &Spec, settings: &EmulatorSettings) -> Box<dyn Emulator> {
    let make = [emulators::alibaba::cdn, emulators::alibaba::dcdn, emulators::alibaba::vod];
    let place = [&ALIBABA_CDN, &ALIBABA_DCDN, &ALIBABA_VOD].iter().position(|known| known.name == spec.name);
    make[place.unwrap()](settings)
}

/// The way to the emulator of CDN.
fn line(settings: EmulatorSettings) -> Line {
    line_to(&ALIBABA_CDN, settings)
}

fn line_to(spec: &'static Spec, settings: EmulatorSettings) -> Line {
    Line::to(emulator(spec, &settings), Nonces::New)
}

fn friendly() -> Line {
    line(EmulatorSettings::default())
}

/// A server that refuses everything with this code.
fn refusing(status: u16, code: &str) -> Canned {
    Canned::new(status, &[], format!(r#"{{"Code":"{code}","Message":"words","RequestId":"R-1","HostId":"h"}}"#))
}

trait Submit {
    /// What comes of a URL that is to be refreshed.
    fn submit(&self) -> Result<Accepted, ApiError>;
}

impl Submit for Canned {
    fn submit(&self) -> Result<Accepted, ApiError> {
        let submission = Submission {
            operation: FILES,
            mode: PurgeMode::Default,
            subjects: &[&Subject::url("http://example.com/1")],
            reference: "cdn-purge-test-1",
        };
        block_on(provider(&[]).submit(submission, self))
    }
}
