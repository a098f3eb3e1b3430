//! CDN vendors in memory: a request in, the vendor's response out, and a ledger of what was accepted.
//!
//! Written from the vendors' documentation, with names, limits and error codes of its own, so that a mistake of a client doesn't
//! be hidden by the same mistake here. Time is passed in. [`gateway`] serves several emulators and breaks responses on request. [`cache`] is
//! a cache in front of an origin, and [`edge`] has caches purged when a task is complete.

mod account;
pub mod alibaba;
pub mod bunny;
pub mod cache;
pub mod cloudflare;
pub mod cloudfront;
pub mod edge;
mod emulator;
pub mod fastly;
pub mod faults;
pub mod gateway;
pub mod huawei;
mod rate_window;
mod request;
mod response;
mod sample;
mod session_credentials;
mod settings;
mod signing;
mod tasks;
pub mod tencent;
pub mod test_emulator;

pub use emulator::{DocumentedErrors, Emulator, LedgerEntry, Meaning, Operation};
pub use session_credentials::SessionCredentials;
pub use settings::{EmulatorSettings, Ids, Rows};
