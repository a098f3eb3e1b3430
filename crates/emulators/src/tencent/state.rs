//! The state of a product, and how bodies are read.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::account::Account;
use crate::response::{Answer, ErrorCode};
use crate::{EmulatorSettings, Rows};

/// How the ids of session credentials begin here.
pub(super) const SESSION_PREFIX: &str = "AKID-session-";

/// How long tasks are listed; not documented, the console shows a month.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Calls of a product in a second: reference 2024-12.
pub(super) const CALLS_PER_SECOND: f64 = 20.0;

/// One of the vendor's products.
pub(super) struct Product {
    /// Of its API.
    pub(super) version: &'static str,
    /// Its name in signatures.
    pub(super) service: &'static str,
    /// The calls that it knows.
    pub(super) actions: &'static [&'static str],
    /// Answers one of them.
    pub(super) answer: fn(&mut Tencent, &str, &Value, Timestamp) -> Answer,
}

/// A product in memory.
pub(super) struct Tencent {
    pub(super) account: Account,
    pub(super) product: &'static Product,
}

impl Tencent {
    pub(super) fn new(settings: &EmulatorSettings, product: &'static Product) -> Self {
        let settings = EmulatorSettings { rows: Rows::PerUrl, ..settings.clone() };
        Self { account: Account::new(settings, 1_516_179_012, KEPT), product }
    }
}

/// A parameter that the product refuses.
pub(super) fn malformed(why: &str) -> ErrorCode {
    ErrorCode::new("InvalidParameter.CdnParamError", format!("Parameter error: {why}"))
}

/// A text of the body; empty where there is none.
pub(super) fn text<'b>(body: &'b Value, name: &str) -> &'b str {
    body[name].as_str().unwrap_or_default()
}

/// The texts in a list of the body, which has some.
pub(super) fn texts<'b>(body: &'b Value, name: &str) -> Result<Vec<&'b str>, ErrorCode> {
    let list = body[name].as_array().and_then(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    list.filter(|list| !list.is_empty()).ok_or_else(|| malformed(&format!("{name} is no list of texts")))
}

/// How many rows come before a page, and the most that it has.
pub(super) fn paging(body: &Value, most: usize) -> Result<(usize, usize), ErrorCode> {
    let number = |name: &str, default: usize| match &body[name] {
        Value::Null => Some(default),
        value => value.as_u64().and_then(|number| usize::try_from(number).ok()),
    };
    match (number("Offset", 0), number("Limit", 20)) {
        (Some(offset), Some(limit)) if (1..=most).contains(&limit) => Ok((offset, limit)),
        _ => Err(malformed("Offset or Limit is out of range")),
    }
}
