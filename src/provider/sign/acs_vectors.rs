//! Both schemes against requests that the vendor's own SDKs really sent, and against its documentation's examples.

use serde::Deserialize;
use url::Url;

use super::acs::{Call, Sign};
use super::{acs1, acs3, canonical};
use crate::provider::credentials::AccessKey;

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    action: String,
    credentials: Keys,
    request: Request,
    expected: Expected,
}

#[derive(Deserialize)]
struct Keys {
    access_key_id: String,
    access_key_secret: String,
    security_token: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Deserialize)]
struct Expected {
    scheme: String,
    signature: String,
    string_to_sign: String,
    canonical_request: Option<String>,
}

fn vectors(scheme: &str) -> Vec<Vector> {
    let file: File = serde_json::from_str(include_str!("../../../tests/vectors/alibaba.json")).unwrap();
    assert_eq!(file.vectors.len(), 74);
    file.vectors.into_iter().filter(|vector| vector.expected.scheme == scheme).collect()
}

impl Vector {
    fn header(&self, name: &str) -> &str {
        self.request.headers.iter().find(|(header, _)| header == name).map_or("", |(_, value)| value)
    }

    fn key(&self) -> AccessKey {
        let given = &self.credentials;
        AccessKey::new(given.access_key_id.clone(), given.access_key_secret.clone().into())
            .with_token(given.security_token.clone().map(Into::into))
    }

    fn url(&self) -> Url {
        Url::parse(&self.request.url).unwrap()
    }

    fn query(&self) -> Vec<(String, String)> {
        self.url().query_pairs().into_owned().filter(|(name, _)| name != "Signature").collect()
    }

    fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.request.body.as_bytes()).into_owned().collect()
    }
}

fn borrowed(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

#[test]
fn v1_signs_as_the_sdks_and_the_documentation_do() {
    let vectors = vectors("V1");
    assert_eq!(vectors.len(), 37);
    for vector in vectors {
        let mut parameters = vector.query();
        parameters.extend(vector.form());
        let string_to_sign = acs1::string_to_sign(&vector.request.method, borrowed(&parameters));
        assert_eq!(string_to_sign, vector.expected.string_to_sign, "{}", vector.name);
        let signature = acs1::signature(&string_to_sign, &vector.key().secret);
        assert_eq!(signature, vector.expected.signature, "{}", vector.name);
    }
}

#[test]
fn v3_signs_as_the_sdks_and_the_documentation_do() {
    let vectors = vectors("V3");
    assert_eq!(vectors.len(), 37);
    for vector in vectors {
        let authorization = vector.header("authorization");
        let names = authorization.split_once("SignedHeaders=").unwrap().1.split(',').next().unwrap();
        let headers: Vec<_> = names.split(';').map(|name| (name, vector.header(name))).collect();
        let body_hash = canonical::hash(vector.request.body.as_bytes());
        let query = canonical::query(borrowed(&vector.query()));
        let canonical = canonical::request(&vector.request.method, "/", &query, &headers, &body_hash);
        assert_eq!(Some(&canonical), vector.expected.canonical_request.as_ref(), "{}", vector.name);
        let string_to_sign = acs3::string_to_sign(&canonical);
        assert_eq!(string_to_sign, vector.expected.string_to_sign, "{}", vector.name);
        let signature = canonical::signature(&string_to_sign, &vector.key().secret);
        assert_eq!(signature, vector.expected.signature, "{}", vector.name);
    }
}

/// The parameters that `sign` sets by itself; what is left of a vector's query goes in as the caller's.
const COMMON: [&str; 9] = [
    "AccessKeyId",
    "Action",
    "Format",
    "SecurityToken",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

fn signed_anew(vector: &Vector, sign: Sign, version: &str, time: &str, nonce: &str) -> http::Request<bytes::Bytes> {
    fn leaked(pairs: Vec<(String, String)>) -> Vec<(&'static str, String)> {
        pairs.into_iter().map(|(name, value)| (&*name.leak(), value)).collect()
    }
    let query = vector.query().into_iter().filter(|(name, _)| !COMMON.contains(&name.as_str())).collect();
    let call = Call {
        method: vector.request.method.parse().unwrap(),
        endpoint: &vector.url(),
        action: &vector.action,
        version,
        query: leaked(query),
        form: leaked(vector.form()),
    };
    sign(&call, &vector.key(), time.parse().unwrap(), nonce).map(|signed| signed.request).unwrap()
}

#[test]
fn a_whole_v1_request_carries_the_signature_and_the_parameters_of_the_sdk() {
    let mut compared = 0;
    for vector in vectors("V1") {
        let query: std::collections::BTreeMap<_, _> = vector.query().into_iter().collect();
        if query["Format"] != "JSON" {
            continue;
        }
        let request =
            signed_anew(&vector, acs1::sign, &query["Version"], &query["Timestamp"], &query["SignatureNonce"]);
        let ours = Url::parse(&request.uri().to_string()).unwrap();
        let mut ours: Vec<_> = ours.query_pairs().into_owned().collect();
        let mut theirs: Vec<_> = vector.url().query_pairs().into_owned().collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{}", vector.name);
        assert_eq!(request.headers()["host"], vector.header("host").to_ascii_lowercase(), "{}", vector.name);
        compared += 1;
    }
    assert_eq!(compared, 23);
}

#[test]
fn a_whole_v3_request_is_the_one_of_the_documentation() {
    let vector = vectors("V3").into_iter().find(|vector| vector.name == "doc-v3-ecs-RunInstances").unwrap();
    let version = vector.header("x-acs-version").to_owned();
    let nonce = vector.header("x-acs-signature-nonce").to_owned();
    let request = signed_anew(&vector, acs3::sign, &version, vector.header("x-acs-date"), &nonce);
    assert_eq!(request.uri().to_string(), vector.request.url);
    for (name, value) in &vector.request.headers {
        assert_eq!(request.headers()[name], value, "{name}");
    }
}

#[test]
fn a_key_that_no_header_can_carry_is_an_error_and_not_a_panic() {
    let endpoint = Url::parse("https://cdn.aliyuncs.com").unwrap();
    let call = Call {
        method: http::Method::POST,
        endpoint: &endpoint,
        action: "DescribeRefreshQuota",
        version: "2018-05-10",
        query: Vec::new(),
        form: Vec::new(),
    };
    let key = AccessKey::new("key\n", "secret".into());
    assert!(acs3::sign(&call, &key, jiff::Timestamp::UNIX_EPOCH, "nonce").is_err());
    assert!(acs1::sign(&call, &key, jiff::Timestamp::UNIX_EPOCH, "nonce").is_ok());
}
