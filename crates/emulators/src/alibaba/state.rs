//! The state of a product's emulator, and who may change it.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::products::Product;
use super::signature;
use crate::account::Account;
use crate::request::Received;
use crate::response::ErrorCode;
use crate::{EmulatorSettings, Operation};

/// One of the products.
pub(super) struct Alibaba {
    pub(super) product: &'static Product,
    pub(super) account: Account,
    /// The id that further URLs of an operation and host get within the same second.
    pub(super) open_ids: HashMap<(Operation, String), OpenId>,
    nonces: Nonces,
}

pub(super) struct OpenId {
    pub(super) second: i64,
    pub(super) id: u64,
    pub(super) size: usize,
}

/// The first task id; the vendor's are of this size: guide 2021-07.
const FIRST_ID: u64 = 18_392_588_710;

/// How long tasks are listed: reference 2026-04.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(72);

/// How the ids of session credentials begin: STS page 2024-12.
pub(super) const SESSION_PREFIX: &str = "STS.";

impl Alibaba {
    pub(super) fn new(product: &'static Product, settings: &EmulatorSettings) -> Self {
        let account = Account::new(settings.clone(), FIRST_ID, KEPT);
        Self { product, account, open_ids: HashMap::new(), nonces: Nonces::default() }
    }

    /// Key, clock, signature, nonce and token, in the order in which the gateway checks them.
    pub(super) fn authenticate(&mut self, request: &Received<'_>, now: Timestamp) -> Result<(), ErrorCode> {
        let claim = signature::claim(request)?;
        let key = self.account.settings.key(SESSION_PREFIX, claim.access_key_id);
        let key =
            key.ok_or_else(|| ErrorCode::new("InvalidAccessKeyId.NotFound", "Specified access key is not found."))?;
        let time = signature::time(claim.time).ok_or_else(|| {
            ErrorCode::new("InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
        })?;
        // A request is good for 15 minutes: signature 2023-10.
        if (now - time).get_seconds().abs() > 15 * 60 {
            return Err(ErrorCode::new("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."));
        }
        if claim.signature != claim.expected(&key.secret) {
            let message = "Specified signature is not matched with our calculation. server string to sign is:";
            return Err(ErrorCode::new("SignatureDoesNotMatch", format!("{message}{}", claim.string_to_sign)));
        }
        if !self.nonces.is_new(claim.nonce, now) {
            return Err(ErrorCode::new("SignatureNonceUsed", "Specified signature nonce was used already."));
        }
        let refused = |code, message| Err(ErrorCode::new(code, message));
        match (key.token.as_deref(), claim.token) {
            (None, None) => Ok(()),
            (Some(right), Some(token)) if right == token => match key.expires {
                Some(expires) if now >= expires => {
                    refused("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
                }
                _ => Ok(()),
            },
            (Some(_), None) => refused("MissingSecurityToken", "SecurityToken is mandatory."),
            _ => refused(
                "InvalidSecurityToken.MismatchWithAccessKey",
                "Specified SecurityToken mismatch with the AccessKey.",
            ),
        }
    }
}

/// The nonces of the last half hour: as long as a signature can be good, whichever way the caller's clock is off.
#[derive(Default)]
struct Nonces {
    known: HashSet<String>,
    by_age: VecDeque<(Timestamp, String)>,
}

impl Nonces {
    fn is_new(&mut self, nonce: &str, now: Timestamp) -> bool {
        while self.by_age.front().is_some_and(|(seen, _)| now.duration_since(*seen) > SignedDuration::from_mins(30)) {
            if let Some((_, old)) = self.by_age.pop_front() {
                self.known.remove(&old);
            }
        }
        let new = self.known.insert(nonce.to_owned());
        if new {
            self.by_age.push_back((now, nonce.to_owned()));
        }
        new
    }
}
