//! Requests to STS as the vendor's libraries make them, its answers, and the files of its tools.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response};
use jiff::Timestamp;
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::super::credentials::{PROFILES, Sts};
use crate::provider::assume_role::{Proof, RoleRequest, RoleService as _};
use crate::provider::credentials::{AccessKey, Issued};
use crate::provider::json::Row;
use crate::provider::profile::{AssumeRoleOptions, ProfileCredentials};
use crate::provider::test_harness::Canned;
use crate::provider::{ApiError, ApiErrorKind};

const ROLE: &str = "acs:ram::123:role/ci";

fn role(external_id: Option<&str>, policy: Option<&str>) -> RoleRequest {
    RoleRequest {
        endpoint: Url::parse("https://sts.aliyuncs.com").unwrap(),
        role: ROLE.into(),
        session: "s1".into(),
        external_id: external_id.map(Into::into),
        duration: None,
        policy: policy.map(Into::into),
    }
}

fn request(proof: Proof<'_>, external_id: Option<&str>, now: &str, nonce: &str) -> Request<Bytes> {
    super::super::credentials::request(&role(external_id, None), proof, now.parse().unwrap(), nonce).unwrap()
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
    let key = AccessKey::new("testAccessKeyId", "testAccessKeySecret".into());
    let external_id = theirs["ExternalId"].as_str();
    let ours = request(Proof::AccessKey(&key), Some(external_id), &theirs["Timestamp"], &theirs["SignatureNonce"]);
    let mut all = pairs(ours.uri().query().unwrap());
    all.extend(pairs(std::str::from_utf8(ours.body()).unwrap()));
    // Theirs is a GET, so that the signatures differ.
    theirs.remove("Signature");
    assert!(all.remove("Signature").is_some());
    assert_eq!(all, theirs);
}

#[test]
fn with_a_token_nothing_is_signed_and_the_token_travels_in_the_body() {
    let token = SecretString::from("eyJ.a+b/c=.s");
    let ours = request(
        Proof::OidcToken { provider: "acs:ram::123:oidc-provider/gh", token: &token },
        Some("of no use"),
        "2026-11-22T00:51:56Z",
        "n",
    );
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

fn assume(status: u16, body: &str) -> Result<Issued, ApiError> {
    let response = Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap();
    let proof = Proof::OidcToken { provider: "p", token: &"t".into() };
    Sts.assume(&role(None, None), proof, &Canned(response)).now_or_never().unwrap()
}

fn key_of(issued: &Issued) -> &AccessKey {
    issued.credentials.access_key("test").unwrap()
}

#[test]
fn good_responses_are_credentials_with_their_end_and_others_are_errors_with_the_vendors_words() {
    let good = r#"{"RequestId":"R","Credentials":{"AccessKeyId":"STS.a","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2026-11-22T01:51:56Z"}}"#;
    let issued = assume(200, good).unwrap();
    let key = key_of(&issued);
    assert_eq!((key.id.as_str(), key.secret.expose_secret()), ("STS.a", "s"));
    assert_eq!(key.security_token.as_ref().unwrap().expose_secret(), "t");
    assert_eq!(issued.expires, Some("2026-11-22T01:51:56Z".parse::<Timestamp>().unwrap()));
    for bad in ["", "{}", "[]", r#"{"Credentials":{"AccessKeyId":"x"}}"#, r#"{"Credentials":7}"#] {
        assert_eq!(assume(200, bad).err().unwrap().kind, ApiErrorKind::Server, "{bad}");
    }
    for (status, code, kind) in [
        (401, "AuthenticationFail.OIDCToken.Expired", ApiErrorKind::Credentials),
        (401, "AuthenticationFail.NoPermission", ApiErrorKind::Credentials),
        (404, "EntityNotExist.Role", ApiErrorKind::Credentials),
        (403, "NoPermission", ApiErrorKind::Forbidden),
        (400, "Throttling.User", ApiErrorKind::Throttled),
        (500, "InternalError", ApiErrorKind::Server),
    ] {
        let error = assume(status, &format!(r#"{{"Code":"{code}","Message":"no","RequestId":"R-1"}}"#)).err().unwrap();
        assert_eq!((error.kind, error.code.as_deref(), error.request_id.as_deref()), (kind, Some(code), Some("R-1")));
    }
}

type Found = Result<(String, ProfileCredentials), String>;

fn profile(file: usize, text: &str, chosen: Option<&str>) -> Result<Found, String> {
    let environment = chosen.map(|name| ("ALIBABA_CLOUD_PROFILE".to_owned(), name.to_owned()));
    crate::credentials::profile::read(&PROFILES[file], text, None, &environment.into_iter().collect())
}

/// The credentials of a profile, secrets included: values of tests.
fn shown(credentials: &ProfileCredentials) -> String {
    let session = |options: &AssumeRoleOptions| {
        let AssumeRoleOptions { session, external_id, duration, region, policy } = options;
        let duration = duration.map(|seconds| seconds.to_string());
        let parts = [("as", session), ("for", external_id), ("during", &duration), ("in", region), ("within", policy)];
        parts.iter().filter_map(|(word, part)| Some(format!(" {word} {}", part.as_ref()?))).collect::<String>()
    };
    match credentials {
        ProfileCredentials::Key(key) => {
            let token =
                key.security_token.as_ref().map_or(String::new(), |token| format!("+{}", token.expose_secret()));
            format!("{}:{}{token}", key.id, key.secret.expose_secret())
        }
        ProfileCredentials::Role { role, options, by } => format!("{role}{} by {}", session(options), shown(by)),
        ProfileCredentials::Federated { role, options, provider, token_file } => {
            format!("{role}{} by the token of {provider} in {}", session(options), token_file.display())
        }
        ProfileCredentials::Command(command) => command.join("|"),
    }
}

fn external(text: &str) -> Result<Issued, String> {
    Sts.read(Row(&serde_json::from_str(text).unwrap()), Timestamp::UNIX_EPOCH)
}

#[test]
fn a_command_or_a_url_gives_credentials_or_a_reason_without_a_value() {
    let issued =
        external(r#"{"mode":"StsToken","access_key_id":"id","access_key_secret":"s","sts_token":"t"}"#).unwrap();
    let key = key_of(&issued);
    assert_eq!((key.id.as_str(), key.security_token.as_ref().unwrap().expose_secret()), ("id", "t"));
    let url = r#"{"Code":"Success","AccessKeyId":"id","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2026-11-22T13:00:00Z"}"#;
    assert_eq!(external(url).unwrap().expires, Some("2026-11-22T13:00:00Z".parse().unwrap()));
    for (text, why) in [
        ("[]", "it lacks the access key's id or its secret"),
        (r#"{"access_key_id":7,"access_key_secret":["hunter2"]}"#, "it lacks the access key's id or its secret"),
        (r#"{"mode":"hunter2","access_key_id":"hunter2"}"#, "its `mode` is neither `AK` nor `StsToken`"),
        (r#"{"Code":"Failed","AccessKeySecret":"hunter2"}"#, "it says that it has none"),
        (r#"{"AccessKeyId":"hunter2","AccessKeySecret":"hunter2","Expiration":"soon"}"#, "its `Expiration` is no time"),
    ] {
        assert_eq!(external(text).err().as_deref(), Some(why), "{text}");
    }
}

proptest! {
    #[test]
    fn no_file_makes_the_readers_panic(text in "(?s).{0,200}", name in "[a-z]{0,4}") {
        for file in 0..PROFILES.len() {
            let _ = profile(file, &text, Some(&name));
        }
    }
}

#[test]
fn the_command_lines_file_gives_a_key_a_token_or_a_role_and_refuses_other_modes_by_name() {
    let text = r#"{"current":"a","profiles":[
        {"name":"a","mode":"AK","access_key_id":"i","access_key_secret":"s","sts_token":"old"},
        {"name":"t","mode":"StsToken","access_key_id":"i","access_key_secret":"s","sts_token":"t"},
        {"name":"r","mode":"RamRoleArn","access_key_id":"i","access_key_secret":"s","ram_role_arn":"acs:ram::1:role/x","ram_session_name":"n","external_id":"out","expired_seconds":900,"sts_region":"cn-beijing"},
        {"name":"w","mode":"RamRoleArn","access_key_id":"i","access_key_secret":"s","ram_role_arn":"acs:ram::1:role/x","expired_seconds":"hunter2"},
        {"name":"c","mode":"ChainableRamRoleArn","source_profile":"r","ram_role_arn":"acs:ram::2:role/y","expired_seconds":0},
        {"name":"round","mode":"ChainableRamRoleArn","source_profile":"round","ram_role_arn":"acs:ram::2:role/y"},
        {"name":"lost","mode":"ChainableRamRoleArn","source_profile":"nowhere","ram_role_arn":"acs:ram::2:role/y"},
        {"name":"o","mode":"OIDC","ram_role_arn":"acs:ram::3:role/z","oidc_provider_arn":"p","oidc_token_file":"/t"},
        {"name":"p","mode":"External","process_command":"/bin/keys  --for ;me"},
        {"name":"e","mode":"EcsRamRole","ram_role_name":"x"},
        {"name":"h","mode":"AK","access_key_id":"hunter2"},
        {"name":"n","mode":"AK","access_key_id":"","access_key_secret":""}]}"#;
    let read = |chosen| profile(0, text, chosen);
    let shown = |chosen| shown(&read(chosen).unwrap().unwrap().1);
    assert_eq!(read(None).unwrap().unwrap().0, "a");
    assert_eq!(shown(None), "i:s");
    assert_eq!(shown(Some("t")), "i:s+t");
    assert_eq!(shown(Some("r")), "acs:ram::1:role/x as n for out during 900 in cn-beijing by i:s");
    let error = read(Some("w")).err().unwrap();
    assert!(error.contains("no number in `expired_seconds`") && !error.contains("hunter2"), "{error}");
    assert_eq!(shown(Some("c")), "acs:ram::2:role/y by acs:ram::1:role/x as n for out during 900 in cn-beijing by i:s");
    assert_eq!(shown(Some("o")), "acs:ram::3:role/z by the token of p in /t");
    assert_eq!(shown(Some("p")), "/bin/keys|--for|;me");
    assert!(read(Some("round")).err().unwrap().contains("form a circle"));
    assert!(read(Some("lost")).err().unwrap().contains("no profile `nowhere`, which `lost` names"));
    assert!(read(Some("e")).err().unwrap().contains("the mode `EcsRamRole`"));
    assert!(
        read(Some("h"))
            .err()
            .is_some_and(|error| error.contains("lacks `access_key_secret`") && !error.contains("hunter2"))
    );
    assert_eq!(read(Some("n")).unwrap().err().unwrap(), "its profile `n` holds no credentials");
    // Another file may have it.
    assert!(read(Some("z")).unwrap().err().unwrap().contains("no profile `z`"));
    assert!(profile(0, "no json", None).is_err() && profile(0, "{}", None).unwrap().is_err());
}

#[test]
fn the_libraries_file_is_read_by_its_section() {
    let text = "[default]\ntype = access_key\naccess_key_id = i\naccess_key_secret = s\n[r]\ntype=ram_role_arn\naccess_key_id=i\naccess_key_secret=s\nrole_arn=acs:ram::1:role/x\n[o]\ntype=oidc_role_arn\nrole_arn=acs:ram::1:role/x\noidc_provider_arn=p\noidc_token_file_path=/t\n[e]\ntype=ecs_ram_role\n";
    assert_eq!(shown(&profile(1, text, None).unwrap().unwrap().1), "i:s");
    assert_eq!(shown(&profile(1, text, Some("r")).unwrap().unwrap().1), "acs:ram::1:role/x by i:s");
    assert_eq!(shown(&profile(2, text, Some("o")).unwrap().unwrap().1), "acs:ram::1:role/x by the token of p in /t");
    assert!(profile(1, text, Some("e")).err().unwrap().contains("`ecs_ram_role`"));
    assert!(profile(1, text, Some("z")).unwrap().is_err() && profile(1, "", None).unwrap().is_err());
}

#[test]
fn a_policy_that_restricts_a_roles_credentials_goes_with_the_request() {
    let text = "[default]\ntype=ram_role_arn\naccess_key_id=i\naccess_key_secret=s\nrole_arn=acs:ram::1:role/x\npolicy={\"Version\":\"1\"}\n";
    let held = profile(1, text, None).unwrap().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(shown(&held.1), "acs:ram::1:role/x within {\"Version\":\"1\"} by i:s");
    let key = AccessKey::new("i", "s".into());
    let restricted = role(None, Some("{ }"));
    let request =
        super::super::credentials::request(&restricted, Proof::AccessKey(&key), Timestamp::UNIX_EPOCH, "n").unwrap();
    assert_eq!(pairs(std::str::from_utf8(request.body()).unwrap())["Policy"], "{ }");
}
