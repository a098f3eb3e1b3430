//! Paces, retries and signs again what is sent: shared by everything that calls a provider.

pub mod connection;
pub mod credential_refresh;
pub mod rate_limit;
pub mod retry;
