//! Tencent Cloud's CDN and EdgeOne: our calls as the vendor's, each one signed request.
//!
//! `spec.rs` is the vendor as data, `client.rs` signs and sends, `cdn.rs` and `edgeone.rs` make the calls, `answer.rs` reads what comes back, and
//! `credentials.rs` finds credentials. `README.md` holds links, permissions and what is unproven.

mod answer;
mod cdn;
mod client;
mod codes;
mod credentials;
mod edgeone;
mod spec;
#[cfg(test)]
mod tests;

pub use cdn::open as open_cdn;
pub(super) use credentials::{PROFILES, Sts};
pub use edgeone::open as open_edgeone;
pub use spec::{TENCENT_CDN, TENCENT_EDGEONE};
