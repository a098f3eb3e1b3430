//! The provider against the emulator, in process, and against canned answers.

use bytes::Bytes;
use emulators::EmulatorSettings;
use http::Request;
use jiff::{SignedDuration, Timestamp};

use super::{HUAWEI_CDN, open};
use crate::model::{Operation, PurgeMode, RefreshKind, Subject};
use crate::provider::credentials::{AccessKey, SharedCredentials};
use crate::provider::simulation::access_key;
use crate::provider::test_harness::{Canned, Line, Nonces, block_on, start};
use crate::provider::{Accepted, Api, ApiError, OptionValue, Options, Provider, ProviderContext, Submission};

mod answers;
mod calls;
mod gateway;
mod refusals;

const FILES: Operation = Operation::Refresh(RefreshKind::Url);
const DIRECTORIES: Operation = Operation::Refresh(RefreshKind::Directory);
const URL: &str = "https://www.example.com/1";

fn word(text: &str) -> OptionValue {
    OptionValue::Word(text.into())
}

/// A target with these options, and the emulator's default access key.
fn provider(options: &[(&'static str, OptionValue)]) -> Box<dyn Provider> {
    provider_with(options, access_key(&EmulatorSettings::default()))
}

fn provider_with(options: &[(&'static str, OptionValue)], key: AccessKey) -> Box<dyn Provider> {
    let options: Options = options.iter().cloned().collect();
    let endpoint = url::Url::parse(HUAWEI_CDN.endpoint(&options)).unwrap();
    open(ProviderContext {
        spec: &HUAWEI_CDN,
        options,
        hosts: Vec::new(),
        endpoint,
        credentials: SharedCredentials::new(key),
    })
}

/// The way to the emulator. No call may ask for a nonce: the signature has none.
fn line(settings: EmulatorSettings) -> Line {
    Line::to(emulators::huawei::cdn(&settings), Nonces::Unneeded)
}

fn last_parameters(line: &Line) -> std::collections::BTreeMap<String, String> {
    let request = line.last_request();
    url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn last_body(line: &Line) -> serde_json::Value {
    serde_json::from_slice(line.last_request().body()).unwrap()
}

fn friendly() -> Line {
    line(EmulatorSettings::default())
}

/// A server that refuses everything with this code.
fn refusing(status: u16, code: &str) -> Canned {
    Canned::new(status, &[], format!(r#"{{"error":{{"error_code":"{code}","error_msg":"words"}}}}"#))
}

trait Submit {
    /// What comes of a URL that is to be refreshed.
    fn submit(&self) -> Result<Accepted, ApiError>;
}

impl Submit for Canned {
    fn submit(&self) -> Result<Accepted, ApiError> {
        block_on(provider(&[]).submit(
            Submission {
                operation: FILES,
                mode: PurgeMode::Default,
                subjects: &[&Subject::url(URL)],
                reference: "cdn-purge-test-1",
            },
            self,
        ))
    }
}
