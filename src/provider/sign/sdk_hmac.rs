//! SDK-HMAC-SHA256: what Huawei Cloud's gateway takes for CDN and for IAM, with no region and no service in it.
//!
//! We sign the fewest headers that serve (host, the content type of a body, everything `x-`), since a proxy may alter any
//! other. Source: huaweicloudsdkcore 3.1.219 and the vendor's signature guide, which agree.

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use url::Url;

use super::Signed;
use super::canonical::{self, encode, hash, names, signature};
use crate::provider::credentials::AccessKey;

const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// A call of a REST-style API, before it is signed.
#[derive(Debug)]
pub struct Call<'a> {
    /// `GET` or `POST`.
    pub method: Method,
    /// Scheme, host and port.
    pub endpoint: &'a Url,
    /// Begins with `/`, decoded: `/v1.0/cdn/quota`.
    pub path: &'a str,
    /// Decoded, in any order.
    pub query: Vec<(&'static str, String)>,
    /// A JSON body; `None` for no body.
    pub body: Option<String>,
}

/// Signs a call. The account's id goes with it where the access key names it.
///
/// # Errors
/// When the access key holds a character that can't travel in a header, or the URL can't be built.
pub fn sign(call: &Call<'_>, key: &AccessKey, now: Timestamp) -> Result<Signed, http::Error> {
    let endpoint = call.endpoint;
    let (host, date) = (canonical::host(endpoint), canonical::compact_time(now));
    let body = call.body.as_deref().unwrap_or_default();
    let mut headers = vec![("host", host.as_str()), ("x-sdk-date", date.as_str())];
    if call.body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    if let Some(id) = &key.account_id {
        headers.push(("x-domain-id", id));
    }
    if let Some(token) = &key.security_token {
        headers.push(("x-security-token", token.expose_secret()));
    }
    headers.sort_unstable();

    let path = encoded_path(call.path);
    let query = canonical::query(call.query.iter().map(|(name, value)| (*name, value.as_str())));
    let canonical = canonical_request(call.method.as_str(), &path, &query, &headers, body.as_bytes());
    let string_to_sign = string_to_sign(&date, &canonical);
    let signature = signature(&string_to_sign, &key.secret);
    let authorization =
        format!("{ALGORITHM} Access={}, SignedHeaders={}, Signature={signature}", key.id, names(&headers));
    let mut request = http::Request::builder().method(&call.method).uri(canonical::url(endpoint, &path, &query));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.header("accept", "application/json").header("authorization", authorization);
    Ok(Signed { request: request.body(Bytes::from(body.to_owned()))?, string_to_sign })
}

/// Each segment percent-encoded; no `/` is added here, so it is the path that is sent.
fn encoded_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// `path`: encoded, as it is sent; `headers`: the signed ones, lower-case names, sorted.
fn canonical_request(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
    // The path is signed with a slash at its end, and sent without.
    let end = if path.ends_with('/') { "" } else { "/" };
    canonical::request(method, &format!("{path}{end}"), query, headers, &hash(body))
}

fn string_to_sign(date: &str, canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{date}\n{}", hash(canonical_request.as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vector {
        name: String,
        credentials: Keys,
        request: Sent,
        expected: Expected,
    }

    #[derive(Deserialize)]
    struct Keys {
        ak: String,
        sk: String,
        security_token: Option<String>,
        domain_id: Option<String>,
    }

    #[derive(Deserialize)]
    struct Sent {
        method: String,
        url: String,
        headers: Vec<(String, String)>,
        body: String,
    }

    #[derive(Deserialize)]
    struct Expected {
        canonical_request: String,
        string_to_sign: String,
        signature: String,
    }

    impl Vector {
        fn header(&self, name: &str) -> &str {
            let found = self.request.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
            found.map_or("", |(_, value)| value)
        }

        fn url(&self) -> Url {
            Url::parse(&self.request.url).unwrap()
        }

        fn path(&self) -> String {
            percent_encoding::percent_decode_str(self.url().path()).decode_utf8().unwrap().into_owned()
        }

        fn query(&self) -> Vec<(String, String)> {
            self.url().query_pairs().into_owned().collect()
        }

        fn key(&self) -> AccessKey {
            let Keys { ak, sk, security_token, domain_id } = &self.credentials;
            let key = AccessKey::new(ak.clone(), sk.clone().into());
            AccessKey { account_id: domain_id.clone(), ..key.with_token(security_token.clone().map(Into::into)) }
        }
    }

    fn vectors() -> Vec<Vector> {
        let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../../tests/vectors/huawei.json")).unwrap();
        assert_eq!(vectors.len(), 20);
        vectors
    }

    #[test]
    fn every_request_of_the_official_sdk_is_signed_as_it_was() {
        for vector in vectors() {
            let authorization = vector.header("authorization");
            let signed = authorization.split_once("SignedHeaders=").unwrap().1.split(',').next().unwrap();
            let headers: Vec<_> = signed.split(';').map(|name| (name, vector.header(name))).collect();
            let query = vector.query();
            let query = canonical::query(query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let path = encoded_path(&vector.path());
            let canonical =
                canonical_request(&vector.request.method, &path, &query, &headers, vector.request.body.as_bytes());
            assert_eq!(canonical, vector.expected.canonical_request, "{}", vector.name);
            let string_to_sign = string_to_sign(vector.header("x-sdk-date"), &canonical);
            assert_eq!(string_to_sign, vector.expected.string_to_sign, "{}", vector.name);
            let signature = signature(&string_to_sign, &vector.key().secret);
            assert_eq!(signature, vector.expected.signature, "{}", vector.name);
            assert!(authorization.ends_with(&signature), "{}", vector.name);
        }
    }

    #[test]
    fn a_whole_request_is_the_one_of_the_sdk_but_for_the_headers_that_need_no_signature() {
        for vector in vectors() {
            let time = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", vector.header("x-sdk-date")).unwrap();
            let now = time.to_datetime().unwrap().to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
            let query = vector.query().into_iter().map(|(name, value)| (&*name.leak(), value)).collect();
            let call = Call {
                method: vector.request.method.parse().unwrap(),
                endpoint: &vector.url(),
                path: &vector.path(),
                query,
                body: Some(vector.request.body.clone()).filter(|body| !body.is_empty()),
            };
            let request = sign(&call, &vector.key(), now).unwrap().request;
            assert_eq!(request.uri().to_string(), vector.request.url, "{}", vector.name);
            assert_eq!(request.body(), &vector.request.body, "{}", vector.name);
            for name in ["host", "x-sdk-date", "x-domain-id", "x-security-token"] {
                let ours = request.headers().get(name).map_or("", |value| value.to_str().unwrap());
                assert_eq!(ours, vector.header(name), "{}: {name}", vector.name);
            }
            assert!(!request.headers().contains_key("user-agent"), "{}", vector.name);
        }
    }

    #[test]
    fn the_worked_example_of_the_vendors_guide_comes_out() {
        let headers = [
            ("content-type", "application/json"),
            ("host", "service.region.example.com"),
            ("x-sdk-date", "20191115T033655Z"),
        ];
        let canonical = canonical_request(
            "GET",
            "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs",
            "limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
            &headers,
            b"",
        );
        let string_to_sign = string_to_sign("20191115T033655Z", &canonical);
        assert!(
            string_to_sign.ends_with("b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a"),
            "{string_to_sign}"
        );
        assert_eq!(
            signature(&string_to_sign, &"MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc".into()),
            "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
        );
    }

    #[test]
    fn keys_that_no_header_can_carry_are_an_error_and_not_a_panic() {
        let endpoint = Url::parse("https://cdn.myhuaweicloud.com").unwrap();
        let call =
            Call { method: Method::GET, endpoint: &endpoint, path: "/v1.0/cdn/quota", query: Vec::new(), body: None };
        let key = AccessKey::new("key\n", "secret".into());
        assert!(sign(&call, &key, Timestamp::UNIX_EPOCH).is_err());
        let key = AccessKey { account_id: Some("a\0".into()), ..AccessKey::new("key", "secret".into()) };
        assert!(sign(&call, &key, Timestamp::UNIX_EPOCH).is_err());
    }
}
