//! AWS4-HMAC-SHA256, version 4 of AWS's signatures: a key derived for the day, the region and the service.
//!
//! We sign the headers that the vendor's own clients sign, the host, the date and the token: any other may be altered by a proxy.
//! Sources: botocore 1.44.5, whose requests are in `tests/vectors/cloudfront.json`, and the vendor's published test vectors, those
//! of awslabs/aws-c-auth in November 2026.

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use url::Url;

use super::canonical::{self, hash, names, scoped_signature};
use super::{Signed, secret_header};
use crate::provider::ApiError;
use crate::provider::credentials::AccessKey;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Ends the scope of a signature.
const TERMINATOR: &str = "aws4_request";

/// A call, before it is signed.
#[derive(Debug)]
pub struct Call<'a> {
    /// The vendor's name of it.
    pub api: &'static str,
    /// The method.
    pub method: Method,
    /// Scheme, host and port.
    pub endpoint: &'a Url,
    /// The path: letters, digits and `/-._~`, of which nothing is encoded.
    pub path: &'a str,
    /// The parameters of the query, decoded.
    pub query: &'a [(&'static str, String)],
    /// The service in the signature: `cloudfront`.
    pub service: &'a str,
    /// The region in the signature: `us-east-1`.
    pub region: &'a str,
    /// The body.
    pub body: String,
}

/// Signs a call.
///
/// # Errors
/// When the access key holds a character that can't travel in a header, or the URL can't be built.
pub fn sign(call: Call<'_>, key: &AccessKey, now: Timestamp) -> Result<Signed, ApiError> {
    let Call { api, method, endpoint, path, query, service, region, body } = call;
    let host = canonical::host(endpoint);
    let time = canonical::compact_time(now);
    let date = &time[..8];
    let query = canonical::query(query.iter().map(|(name, value)| (*name, value.as_str())));
    let token = key.security_token.as_ref().map(|token| token.expose_secret());
    let mut headers = vec![("host", host.as_str()), ("x-amz-date", &time)];
    headers.extend(token.map(|token| ("x-amz-security-token", token)));
    let canonical = canonical::request(method.as_str(), path, &query, &headers, &hash(body.as_bytes()));
    let steps = [date, region, service, TERMINATOR];
    let scope = steps.join("/");
    let string_to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hash(canonical.as_bytes()));
    let signature = scoped_signature(&string_to_sign, "AWS4", &key.secret, &steps);
    let authorization =
        format!("{ALGORITHM} Credential={}/{scope}, SignedHeaders={}, Signature={signature}", key.id, names(&headers));
    let mut request = http::Request::builder()
        .method(method)
        .uri(canonical::url(endpoint, path, &query))
        .header("host", &host)
        .header("x-amz-date", &time)
        .header("authorization", authorization);
    if let Some(token) = token {
        request = secret_header(request, "x-amz-security-token", token, api)?;
    }
    let request = request.body(Bytes::from(body)).map_err(|error| ApiError::unsignable(api, &error))?;
    Ok(Signed { request, string_to_sign })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn text<'v>(value: &'v Value, name: &str) -> &'v str {
        value[name].as_str().unwrap_or_else(|| panic!("no {name}"))
    }

    #[test]
    fn every_request_of_the_official_sdk_is_signed_as_it_was() {
        let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../tests/vectors/cloudfront.json")).unwrap();
        assert_eq!(vectors.len(), 8);
        for vector in &vectors {
            let (name, request) = (text(vector, "name"), &vector["request"]);
            let header = |name: &str| {
                let headers = request["headers"].as_array().unwrap();
                headers.iter().find(|header| text_of(&header[0]).eq_ignore_ascii_case(name)).map(|it| text_of(&it[1]))
            };
            let keys = &vector["credentials"];
            let token = keys["session_token"].as_str().map(Into::into);
            let key = AccessKey::new(text(keys, "access_key_id"), text(keys, "secret_access_key").into());
            let url = Url::parse(text(request, "url")).unwrap();
            let call = Call {
                api: "Ask",
                method: text(request, "method").parse().unwrap(),
                endpoint: &url,
                path: url.path(),
                query: &[],
                service: text(vector, "service"),
                region: text(vector, "region"),
                body: text(request, "body").to_owned(),
            };
            let now = "2025-01-02T03:04:05Z".parse().unwrap();
            let signed = sign(call, &key.with_token(token), now).unwrap();
            assert_eq!(signed.string_to_sign, text(&vector["expected"], "string_to_sign"), "{name}");
            assert_eq!(signed.request.uri(), text(request, "url"), "{name}");
            for same in ["host", "x-amz-date", "x-amz-security-token", "authorization"] {
                let ours = signed.request.headers().get(same).map(|value| value.to_str().unwrap());
                assert_eq!(ours, header(same), "{name}: {same}");
            }
        }
    }

    fn text_of(value: &Value) -> &str {
        value.as_str().unwrap()
    }

    #[test]
    fn the_published_vectors_have_our_signatures() {
        const UNRESERVED: &str = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
        let endpoint = Url::parse("https://example.amazonaws.com").unwrap();
        let signature = |path: &str, query: &[(&'static str, String)], token: Option<&str>| {
            let key = AccessKey::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into());
            let (method, body) = (Method::GET, String::new());
            let (service, region) = ("service", "us-east-1");
            let call = Call { api: "Ask", method, endpoint: &endpoint, path, query, service, region, body };
            let signed = sign(call, &key.with_token(token.map(Into::into)), "2015-08-30T12:36:00Z".parse().unwrap());
            let request = signed.unwrap().request;
            let authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
            authorization.rsplit_once("Signature=").unwrap().1.to_owned()
        };
        for (name, path, query, token, expected) in [
            ("get-vanilla", "/", vec![], None, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                "get-vanilla-query-order-key-case",
                "/",
                vec![("Param2", "value2".to_owned()), ("Param1", "value1".to_owned())],
                None,
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "get-vanilla-query-unreserved",
                "/",
                vec![(UNRESERVED, UNRESERVED.to_owned())],
                None,
                "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
            ),
            (
                "get-vanilla-utf8-query",
                "/",
                vec![("\u{1234}", "bar".to_owned())],
                None,
                "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
            ),
            (
                "get-unreserved",
                &format!("/{UNRESERVED}"),
                vec![],
                None,
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            ),
            (
                "get-vanilla-with-session-token",
                "/",
                vec![],
                Some(token),
                "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
            ),
        ] {
            assert_eq!(signature(path, &query, token), expected, "{name}");
        }
    }

    #[test]
    fn keys_that_no_header_can_carry_are_an_error_and_not_a_panic() {
        let endpoint = Url::parse("https://cloudfront.amazonaws.com").unwrap();
        let token = Some("token\n".into());
        for key in [AccessKey::new("id\n", "s".into()), AccessKey::new("id", "s".into()).with_token(token)] {
            let (method, body) = (Method::GET, String::new());
            let (path, query, service, region) = ("/", &[][..], "cloudfront", "us-east-1");
            let call = Call { api: "Ask", method, endpoint: &endpoint, path, query, service, region, body };
            assert!(sign(call, &key, Timestamp::UNIX_EPOCH).is_err());
        }
    }
}
