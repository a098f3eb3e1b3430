//! Credentials of a provider: where they come from ([`search`]), and how temporary ones are obtained ([`exchange`]).

mod account_variables;
mod configured;
pub mod exchange;
mod oidc;
mod process;
pub mod profile;
pub mod search;
pub mod sources;

pub use account_variables::AccountVariables;
pub use configured::{account_id, secrets};
