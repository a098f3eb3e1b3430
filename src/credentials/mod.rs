//! Credentials of a provider: where they come from ([`search`]), and how temporary ones are obtained ([`exchange`]).

mod configured;
pub mod exchange;
mod oidc;
mod process;
pub mod profile;
pub mod search;
pub mod sources;

pub use configured::{account_id, secrets};
