//! Signatures: pure functions of a request, credentials, a time and a nonce, one file per scheme.

use bytes::Bytes;

pub mod acs;
pub mod acs1;
pub mod acs3;
pub mod canonical;
pub mod sdk_hmac;
pub mod tc3;

/// A request that is ready to go. Neither part is ever printed.
pub struct Signed {
    /// To be sent once, as it is.
    pub request: http::Request<Bytes>,
    /// What the signature covers, to be compared with what the server says it covers.
    pub string_to_sign: String,
}

#[cfg(test)]
mod acs_vectors;
