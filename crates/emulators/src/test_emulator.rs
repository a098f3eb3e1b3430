//! The smallest vendor there can be, for tests of what serves emulators.

use bytes::Bytes;
use jiff::Timestamp;

use crate::{Emulator, LedgerEntry, Operation, response};

/// Takes `/test?url=…` by the call `Take` and nothing else, without signature or limit.
#[derive(Default)]
pub struct TestEmulator {
    ledger: Vec<LedgerEntry>,
}

impl Emulator for TestEmulator {
    fn claims(&self, request: &http::Request<Bytes>) -> bool {
        request.uri().path() == "/test"
    }

    fn handle(&mut self, request: &http::Request<Bytes>, now: Timestamp) -> http::Response<Bytes> {
        let url = request.uri().query().and_then(|query| query.strip_prefix("url=")).unwrap_or_default().to_owned();
        let task_id = (self.ledger.len() + 1).to_string();
        let response = response::json(200, format!(r#"{{"task":"{task_id}"}}"#));
        self.ledger.push(LedgerEntry { at: now, operation: Operation::Prefetch, url, task_id });
        response
    }

    fn ledger(&self) -> &[LedgerEntry] {
        &self.ledger
    }

    fn call_name(&self, request: &http::Request<Bytes>) -> String {
        if request.method() == "POST" { "Take".to_owned() } else { format!("{} /test", request.method()) }
    }
}
