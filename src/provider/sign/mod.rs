//! Signatures: pure functions of a request, keys, a time and a nonce, one file per scheme.

pub mod acs;
pub mod acs1;
pub mod acs3;

#[cfg(test)]
mod acs_vectors;
