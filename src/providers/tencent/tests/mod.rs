//! The provider against the emulator, in process, and against canned answers.

use bytes::Bytes;
use emulators::EmulatorSettings;
use http::Request;
use jiff::SignedDuration;

use super::{TENCENT_CDN, open_cdn};
use crate::model::{Operation, PurgeMode, RefreshKind, Subject};
use crate::provider::credentials::{AccessKey, SharedCredentials};
use crate::provider::simulation::access_key;
use crate::provider::test_harness::{Canned, Line, Nonces, block_on, start};
use crate::provider::{
    Accepted, Api, ApiError, ApiErrorKind, OptionValue, Options, Provider, ProviderContext, Submission,
};

mod cdn;
mod credentials;
mod edgeone;
mod gateway;

const FILES: Operation = Operation::Refresh(RefreshKind::Url);
const DIRECTORIES: Operation = Operation::Refresh(RefreshKind::Directory);
const URL: &str = "https://www.example.com/1";

fn word(text: &str) -> OptionValue {
    OptionValue::Word(text.into())
}

fn context(options: &[(&'static str, OptionValue)], key: AccessKey) -> ProviderContext {
    let options: Options = options.iter().cloned().collect();
    let endpoint = url::Url::parse(TENCENT_CDN.endpoint(&options)).unwrap();
    let credentials = SharedCredentials::new(key);
    ProviderContext { spec: &TENCENT_CDN, options, hosts: Vec::new(), endpoint, credentials }
}

/// A target with these options, and the emulator's default access key.
fn provider(options: &[(&'static str, OptionValue)]) -> Box<dyn Provider> {
    open_cdn(context(options, access_key(&EmulatorSettings::default())))
}

/// The way to the emulator. No call may ask for a nonce: the signature has none.
fn line(settings: &EmulatorSettings) -> Line {
    Line::to(emulators::tencent::cdn(settings), Nonces::Unneeded)
}

fn friendly() -> Line {
    line(&EmulatorSettings::default())
}

fn last_body(line: &Line) -> serde_json::Value {
    serde_json::from_slice(line.last_request().body()).unwrap()
}

/// A server that answers everything like this.
fn ok(body: impl Into<Bytes>) -> Canned {
    Canned::new(200, &[], body)
}

/// A server that refuses everything with this code.
fn refusing(code: &str) -> Canned {
    ok(format!(r#"{{"Response":{{"Error":{{"Code":"{code}","Message":"words"}},"RequestId":"R-7"}}}}"#))
}

trait Submit {
    /// What comes of a URL that is to be refreshed.
    fn submit(&self) -> Result<Accepted, ApiError>;
}

impl Submit for Canned {
    fn submit(&self) -> Result<Accepted, ApiError> {
        let subject = Subject::url(URL);
        let submission = Submission {
            operation: FILES,
            mode: PurgeMode::Default,
            subjects: &[&subject],
            reference: "cdn-purge-test-1",
        };
        block_on(provider(&[]).submit(submission, self))
    }
}
