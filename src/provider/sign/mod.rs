//! Signatures: pure functions of a request, keys, a time and a nonce, one file per scheme.

pub mod acs;
pub mod acs1;
pub mod acs3;
pub mod canonical;
pub mod sdk_hmac;

#[cfg(test)]
mod acs_vectors;
