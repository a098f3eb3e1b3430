//! The smallest vendor there can be, for the tests of what stands around vendors.

use bytes::Bytes;
use jiff::Timestamp;

use super::{Emulator, LedgerEntry, json};
use crate::model::Operation;

/// Takes `/fake?url=…` and nothing else, without signature or limit.
#[derive(Default)]
pub(crate) struct Fake {
    ledger: Vec<LedgerEntry>,
}

impl Emulator for Fake {
    fn claims(&self, request: &http::Request<Bytes>) -> bool {
        request.uri().path() == "/fake"
    }

    fn handle(&mut self, request: &http::Request<Bytes>, now: Timestamp) -> http::Response<Bytes> {
        let url = request.uri().query().and_then(|query| query.strip_prefix("url=")).unwrap_or_default().to_owned();
        let task_id = (self.ledger.len() + 1).to_string();
        let mut response = json(http::StatusCode::OK, "");
        *response.body_mut() = format!(r#"{{"task":"{task_id}"}}"#).into();
        self.ledger.push(LedgerEntry { at: now, operation: Operation::Prefetch, url, task_id });
        response
    }

    fn ledger(&self) -> &[LedgerEntry] {
        &self.ledger
    }
}
