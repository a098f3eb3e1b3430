//! TC3-HMAC-SHA256: Tencent Cloud's API 3.0, where the action is a header and the parameters are a JSON body.
//!
//! We sign the headers that the vendor's own clients sign, the host and the content type: any other may be altered by a proxy.
//! Source: tencentcloud-sdk-python-common 3.1.195, whose requests are in `tests/vectors/tencent.json`.

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use url::Url;

use super::Signed;
use super::canonical::{self, hash, names, scoped_signature};
use crate::provider::credentials::AccessKey;

const ALGORITHM: &str = "TC3-HMAC-SHA256";

/// Ends the scope of a signature.
const TERMINATOR: &str = "tc3_request";

/// A call, before it is signed.
#[derive(Debug)]
pub struct Call<'a> {
    /// Scheme, host and port.
    pub endpoint: &'a Url,
    /// The product in the signature: `cdn`.
    pub service: &'a str,
    /// The API's version: `2018-06-06`.
    pub version: &'a str,
    /// The vendor's name of the call: `PurgeUrlsCache`.
    pub action: &'a str,
    /// The parameters as JSON.
    pub body: String,
}

impl Call<'_> {
    /// The request before it is signed.
    pub fn unsigned(&self) -> http::request::Builder {
        let uri = format!("{}://{}/", self.endpoint.scheme(), canonical::host(self.endpoint));
        http::Request::post(uri)
            .header("content-type", "application/json")
            .header("x-tc-action", self.action)
            .header("x-tc-version", self.version)
            .header("x-tc-language", "en-US")
    }
}

/// Signs a call.
///
/// # Errors
/// When the access key holds a character that can't travel in a header, or the URL can't be built.
pub fn sign(call: &Call<'_>, key: &AccessKey, now: Timestamp) -> Result<Signed, http::Error> {
    let (host, date) = (canonical::host(call.endpoint), now.strftime("%Y-%m-%d").to_string());
    let headers = [("content-type", "application/json"), ("host", host.as_str())];
    let canonical = canonical::request("POST", "/", "", &headers, &hash(call.body.as_bytes()));
    let string_to_sign = format!(
        "{ALGORITHM}\n{}\n{date}/{}/{TERMINATOR}\n{}",
        now.as_second(),
        call.service,
        hash(canonical.as_bytes())
    );
    let signature = scoped_signature(&string_to_sign, "TC3", &key.secret, &[&date, call.service, TERMINATOR]);
    let authorization = format!(
        "{ALGORITHM} Credential={}/{date}/{}/{TERMINATOR}, SignedHeaders={}, Signature={signature}",
        key.id,
        call.service,
        names(&headers)
    );
    let mut request = call
        .unsigned()
        .header("host", &host)
        .header("x-tc-timestamp", now.as_second())
        .header("authorization", authorization);
    if let Some(token) = &key.security_token {
        request = request.header("x-tc-token", token.expose_secret());
    }
    Ok(Signed { request: request.body(Bytes::from(call.body.clone()))?, string_to_sign })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn vectors() -> Vec<Value> {
        let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../tests/vectors/tencent.json")).unwrap();
        assert_eq!(vectors.len(), 14);
        vectors
    }

    fn text<'v>(value: &'v Value, name: &str) -> &'v str {
        value[name].as_str().unwrap_or_else(|| panic!("no {name}"))
    }

    fn header<'v>(vector: &'v Value, name: &str) -> Option<&'v str> {
        let headers = vector["request"]["headers"].as_array().unwrap();
        let found =
            headers.iter().find(|header| header[0].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)));
        found?[1].as_str()
    }

    #[test]
    fn every_request_of_the_official_sdk_is_signed_as_it_was() {
        for vector in vectors() {
            let name = text(&vector, "name");
            let keys = &vector["credentials"];
            let token = keys["token"].as_str().map(Into::into);
            let key = AccessKey::new(text(keys, "secret_id"), text(keys, "secret_key").into()).with_token(token);
            let endpoint = Url::parse(text(&vector["request"], "url")).unwrap();
            let call = Call {
                endpoint: &endpoint,
                service: text(&vector, "service"),
                version: header(&vector, "x-tc-version").unwrap(),
                action: header(&vector, "x-tc-action").unwrap(),
                body: text(&vector["request"], "body").to_owned(),
            };
            let now = Timestamp::from_second(vector["timestamp"].as_i64().unwrap()).unwrap();
            let signed = sign(&call, &key, now).unwrap();
            assert_eq!(signed.string_to_sign, text(&vector["expected"], "string_to_sign"), "{name}");
            for same in
                ["content-type", "host", "x-tc-action", "x-tc-version", "x-tc-timestamp", "x-tc-token", "authorization"]
            {
                let ours = signed.request.headers().get(same).map(|value| value.to_str().unwrap());
                assert_eq!(ours, header(&vector, same), "{name}: {same}");
            }
        }
    }

    #[test]
    fn keys_that_no_header_can_carry_are_an_error_and_not_a_panic() {
        let endpoint = Url::parse("https://cdn.tencentcloudapi.com").unwrap();
        let call = Call { endpoint: &endpoint, service: "cdn", version: "1", action: "Ask", body: "{}".into() };
        let token = Some("token\n".into());
        for key in [AccessKey::new("id\n", "s".into()), AccessKey::new("id", "s".into()).with_token(token)] {
            assert!(sign(&call, &key, Timestamp::UNIX_EPOCH).is_err());
        }
    }
}
