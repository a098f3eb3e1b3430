//! Requests to STS as the vendor's libraries make them, its answers, and the files of its tools.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::super::credentials::{PROFILES, Sts};
use crate::provider::ApiErrorKind;
use crate::provider::credentials::Credentials;
use crate::provider::exchange::{Asked, Exchange, Profile, Proof};

const ROLE: &str = "acs:ram::123:role/ci";

fn request(proof: Proof<'_>, now: &str, nonce: &str) -> Request<Bytes> {
    let endpoint = Url::parse("https://sts.aliyuncs.com").unwrap();
    let asked = Asked { endpoint: &endpoint, role: ROLE, session: "s1", proof };
    Sts.request(&asked, now.parse().unwrap(), nonce).unwrap()
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

#[test]
fn with_a_key_it_asks_as_the_vendors_library_does() {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/vectors/alibaba.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let vector = vectors.iter().find(|vector| vector["name"] == "v1-credentials-AssumeRole").unwrap();
    let theirs = Url::parse(vector["request"]["url"].as_str().unwrap()).unwrap();
    let mut theirs = pairs(theirs.query().unwrap());
    let keys = Credentials::fixed("testAccessKeyId", "testAccessKeySecret".into());
    let ours = request(Proof::Keys(&keys), &theirs["Timestamp"], &theirs["SignatureNonce"]);
    let mut all = pairs(ours.uri().query().unwrap());
    all.extend(pairs(std::str::from_utf8(ours.body()).unwrap()));
    // Theirs has an optional parameter more, and is a GET, so that the signatures differ.
    theirs.remove("ExternalId");
    theirs.remove("Signature");
    assert!(all.remove("Signature").is_some());
    assert_eq!(all, theirs);
}

#[test]
fn with_a_token_nothing_is_signed_and_the_token_travels_in_the_body() {
    let token = SecretString::from("eyJ.a+b/c=.s");
    let ours =
        request(Proof::Token { provider: "acs:ram::123:oidc-provider/gh", token: &token }, "2026-11-22T00:51:56Z", "n");
    assert_eq!(
        ours.uri().to_string(),
        "https://sts.aliyuncs.com/?Action=AssumeRoleWithOIDC&Format=JSON&Timestamp=2026-11-22T00%3A51%3A56Z&Version=2015-04-01"
    );
    let body = pairs(std::str::from_utf8(ours.body()).unwrap());
    let expected = [
        ("DurationSeconds", "3600"),
        ("OIDCProviderArn", "acs:ram::123:oidc-provider/gh"),
        ("OIDCToken", "eyJ.a+b/c=.s"),
        ("RoleArn", ROLE),
        ("RoleSessionName", "s1"),
    ];
    assert_eq!(body, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert!(ours.headers().get("authorization").is_none());
}

fn read(status: u16, body: &str) -> Result<Credentials, crate::provider::ApiError> {
    let endpoint = Url::parse("https://sts.aliyuncs.com").unwrap();
    let token = SecretString::from("t");
    let asked =
        Asked { endpoint: &endpoint, role: ROLE, session: "s1", proof: Proof::Token { provider: "p", token: &token } };
    Sts.read(&asked, Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap())
}

#[test]
fn good_answers_are_keys_with_their_end_and_others_are_errors_with_the_vendors_words() {
    let good = r#"{"RequestId":"R","Credentials":{"AccessKeyId":"STS.a","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2026-11-22T01:51:56Z"}}"#;
    let keys = read(200, good).unwrap();
    assert_eq!((keys.access_key_id.as_str(), keys.access_key_secret.expose_secret()), ("STS.a", "s"));
    assert_eq!(keys.security_token.unwrap().expose_secret(), "t");
    assert_eq!(keys.expires, Some("2026-11-22T01:51:56Z".parse::<Timestamp>().unwrap()));
    for bad in ["", "{}", "[]", r#"{"Credentials":{"AccessKeyId":"x"}}"#, r#"{"Credentials":7}"#] {
        assert_eq!(read(200, bad).err().unwrap().kind, ApiErrorKind::Server, "{bad}");
    }
    for (status, code, kind) in [
        (401, "AuthenticationFail.OIDCToken.Expired", ApiErrorKind::Credentials),
        (401, "AuthenticationFail.NoPermission", ApiErrorKind::Credentials),
        (404, "EntityNotExist.Role", ApiErrorKind::Credentials),
        (403, "NoPermission", ApiErrorKind::Forbidden),
        (400, "Throttling.User", ApiErrorKind::Throttled),
        (500, "InternalError", ApiErrorKind::Server),
    ] {
        let error = read(status, &format!(r#"{{"Code":"{code}","Message":"no","RequestId":"R-1"}}"#)).err().unwrap();
        assert_eq!((error.kind, error.code.as_deref(), error.request_id.as_deref()), (kind, Some(code), Some("R-1")));
    }
}

fn profile(file: usize, text: &str, chosen: Option<&str>) -> Result<Option<Profile>, String> {
    (PROFILES[file].read)(text, &|name| chosen.filter(|_| name == "ALIBABA_CLOUD_PROFILE").map(str::to_owned))
}

#[test]
fn the_command_lines_file_gives_keys_a_token_or_a_role_and_refuses_other_modes_by_name() {
    let text = r#"{"current":"a","profiles":[
        {"name":"a","mode":"AK","access_key_id":"i","access_key_secret":"s","sts_token":"old"},
        {"name":"t","mode":"StsToken","access_key_id":"i","access_key_secret":"s","sts_token":"t"},
        {"name":"r","mode":"RamRoleArn","access_key_id":"i","access_key_secret":"s","ram_role_arn":"acs:ram::1:role/x","ram_session_name":"n"},
        {"name":"e","mode":"EcsRamRole","ram_role_name":"x"},
        {"name":"h","mode":"AK","access_key_id":"hunter2"},
        {"name":"n","mode":"AK","access_key_id":"","access_key_secret":""}]}"#;
    let read = |chosen| profile(0, text, chosen);
    let usual = read(None).unwrap().unwrap();
    assert_eq!((usual.name.as_str(), usual.keys.access_key_id.as_str()), ("a", "i"));
    assert!(usual.keys.security_token.is_none() && usual.role.is_none());
    assert!(read(Some("t")).unwrap().unwrap().keys.security_token.is_some());
    let role = read(Some("r")).unwrap().unwrap().role;
    assert_eq!(role, Some(("acs:ram::1:role/x".to_owned(), Some("n".to_owned()))));
    assert!(read(Some("e")).err().unwrap().contains("the mode `EcsRamRole`"));
    assert!(read(Some("h")).err().is_some_and(|told| told.contains("lacks a key") && !told.contains("hunter2")));
    assert!(read(Some("n")).unwrap().is_none());
    assert!(read(Some("z")).err().unwrap().contains("no profile `z`"));
    assert!(profile(0, "no json", None).is_err() && profile(0, "{}", None).unwrap().is_none());
}

#[test]
fn the_libraries_file_is_read_by_its_section() {
    let text = "[default]\ntype = access_key\naccess_key_id = i\naccess_key_secret = s\n[r]\ntype=ram_role_arn\naccess_key_id=i\naccess_key_secret=s\nrole_arn=acs:ram::1:role/x\n[e]\ntype=ecs_ram_role\n";
    assert_eq!(profile(1, text, None).unwrap().unwrap().keys.access_key_id, "i");
    assert_eq!(profile(1, text, Some("r")).unwrap().unwrap().role, Some(("acs:ram::1:role/x".to_owned(), None)));
    assert!(profile(1, text, Some("e")).err().unwrap().contains("`ecs_ram_role`"));
    assert!(profile(1, text, Some("z")).is_err() && profile(1, "", None).unwrap().is_none());
}
