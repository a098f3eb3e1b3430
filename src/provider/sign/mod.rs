//! Signatures: pure functions of a request, credentials, a time and a nonce, one file per scheme.

use bytes::Bytes;
use http::header::HeaderValue;
use http::request::Builder;

use super::ApiError;

pub mod acs;
pub mod acs1;
pub mod acs3;
pub mod canonical;
pub mod sdk_hmac;
pub mod sigv4;
pub mod tc3;

/// A request that is ready to go. Neither part is ever printed.
pub struct Signed {
    /// To be sent once, as it is.
    pub request: http::Request<Bytes>,
    /// What the signature covers, to be compared with what the server says it covers.
    pub string_to_sign: String,
}

/// Adds a header whose value is a secret.
///
/// # Errors
/// `Credentials` where no request can carry it.
pub fn secret_header(
    request: Builder,
    name: &'static str,
    value: &str,
    api: &'static str,
) -> Result<Builder, ApiError> {
    let mut value = HeaderValue::try_from(value).map_err(|error| ApiError::unsignable(api, &error.into()))?;
    value.set_sensitive(true);
    Ok(request.header(name, value))
}

/// A request of which nothing is signed.
///
/// # Errors
/// `TooLarge` or `Credentials` where no request can be made of it.
pub fn unsigned(request: Builder, body: impl Into<Bytes>, api: &'static str) -> Result<Signed, ApiError> {
    let request = request.body(body.into()).map_err(|error| ApiError::unsignable(api, &error))?;
    Ok(Signed { request, string_to_sign: String::new() })
}

#[cfg(test)]
mod acs_vectors;
