//! The state of the emulator, its limits, and who may change it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::response::unauthenticated;
use super::signature;
use crate::account::{Account, Limit};
use crate::request::Received;
use crate::response::ErrorCode;
use crate::{EmulatorSettings, Operation, Rows};

/// The vendor in memory.
pub(super) struct Huawei {
    pub(super) account: Account,
    /// The mode of each task, in the order of ids.
    pub(super) modes: Vec<String>,
    /// Wrong signatures in a row, and until when the key is locked because of them.
    wrong_signatures: u32,
    locked_until: Option<Timestamp>,
}

/// The first task id; those of new examples are numbers of about this size.
pub(super) const FIRST_ID: u64 = 2_000_345;

/// How long tasks are listed: reference 2025-11.
const KEPT: SignedDuration = SignedDuration::from_hours(15 * 24);

/// The longest URL, in characters: sdk 3.1.219.
pub(super) const URL_CHARACTERS: usize = 4_096;

/// How the ids of session credentials begin here; the vendor's are not documented.
pub(super) const SESSION_PREFIX: &str = "HST";

/// In a call: sdk 3.1.219; in a day: quotas 2026; how long a task takes: reference 2025-11.
pub(super) static LIMITS: [Limit; 3] = [
    limit(Operation::RefreshUrl, 1_000, 2_000, "file_refresh", 300),
    limit(Operation::RefreshDirectory, 100, 100, "dir_refresh", 300),
    limit(Operation::Prefetch, 1_000, 1_000, "preheat", 600),
];

const fn limit(operation: Operation, per_call: usize, per_day: u64, quota: &'static str, typical: u64) -> Limit {
    Limit { operation, per_call, per_day: Some(per_day), quota, typical: Duration::from_secs(typical) }
}

impl Huawei {
    pub(super) fn new(settings: &EmulatorSettings) -> Self {
        let settings = EmulatorSettings { rows: Rows::PerUrl, ..settings.clone() };
        let account = Account::new(settings, FIRST_ID, KEPT);
        Self { account, modes: Vec::new(), wrong_signatures: 0, locked_until: None }
    }

    /// Key, clock, signature and token. Five wrong signatures in a row lock the key for five minutes: gateway FAQ 2026.
    pub(super) fn authenticate(&mut self, request: &Received<'_>, now: Timestamp) -> Result<(), ErrorCode> {
        let claim = signature::claim(request)?;
        if self.locked_until.is_some_and(|until| now < until) {
            return Err(unauthenticated("AK access failed to reach the limit,forbidden."));
        }
        let key = self.account.settings.key(SESSION_PREFIX, claim.access_key_id);
        let key = key.ok_or_else(|| unauthenticated("get secretKey failed,ak is not exist"))?;
        let skew = signature::time(claim.date).map(|time| now.duration_since(time).abs());
        if skew.is_none_or(|skew| skew > SignedDuration::from_mins(15)) {
            return Err(ErrorCode::new("APIGW.0303", "Incorrect app authentication information: the date has expired"));
        }
        if claim.signature != claim.expected(&key.secret) {
            self.wrong_signatures += 1;
            if self.wrong_signatures >= 5 {
                self.wrong_signatures = 0;
                self.locked_until = Some(now + SignedDuration::from_mins(5));
            }
            return Err(unauthenticated("verify aksk signature fail"));
        }
        self.wrong_signatures = 0;
        if key.expires.is_some_and(|expires| now >= expires) {
            return Err(unauthenticated("the security token has expired"));
        }
        if key.token.as_deref() == claim.token { Ok(()) } else { Err(unauthenticated("verify security token fail")) }
    }
}
