//! Requests to STS as the vendor's libraries make them, its answers, and the files of its tools.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::super::credentials::{EXCHANGE, PROFILES};
use crate::provider::ApiErrorKind;
use crate::provider::credentials::Credentials;
use crate::provider::exchange::{Asked, Proof};
use crate::provider::profile::{Holds, Profile, Terms};

const ROLE: &str = "acs:ram::123:role/ci";

fn request(proof: Proof<'_>, external_id: Option<&str>, now: &str, nonce: &str) -> Request<Bytes> {
    let endpoint = Url::parse("https://sts.aliyuncs.com").unwrap();
    let asked = Asked { endpoint: &endpoint, role: ROLE, session: "s1", external_id, life: None, policy: None, proof };
    (EXCHANGE.request)(&asked, now.parse().unwrap(), nonce).unwrap()
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
    let external_id = theirs["ExternalId"].as_str();
    let ours = request(Proof::Keys(&keys), Some(external_id), &theirs["Timestamp"], &theirs["SignatureNonce"]);
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
        Proof::Token { provider: "acs:ram::123:oidc-provider/gh", token: &token },
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

fn read(status: u16, body: &str) -> Result<Credentials, crate::provider::ApiError> {
    let endpoint = Url::parse("https://sts.aliyuncs.com").unwrap();
    let token = SecretString::from("t");
    let asked = Asked {
        endpoint: &endpoint,
        role: ROLE,
        session: "s1",
        external_id: None,
        policy: None,
        life: None,
        proof: Proof::Token { provider: "p", token: &token },
    };
    EXCHANGE.read(&asked, &Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap())
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

fn profile(file: usize, text: &str, chosen: Option<&str>) -> Result<Result<Profile, String>, String> {
    PROFILES[file].read(text, &|name| chosen.filter(|_| name == "ALIBABA_CLOUD_PROFILE").map(str::to_owned))
}

/// What a profile holds, secrets included: values of tests.
fn shown(holds: &Holds) -> String {
    let session = |terms: &Terms| {
        let Terms { session, external_id, life, region, policy } = terms;
        let life = life.map(|seconds| seconds.to_string());
        let told = [("as", session), ("for", external_id), ("during", &life), ("in", region), ("within", policy)];
        told.iter().filter_map(|(word, told)| Some(format!(" {word} {}", told.as_ref()?))).collect::<String>()
    };
    match holds {
        Holds::Keys(keys) => {
            let token =
                keys.security_token.as_ref().map_or(String::new(), |token| format!("+{}", token.expose_secret()));
            format!("{}:{}{token}", keys.access_key_id, keys.access_key_secret.expose_secret())
        }
        Holds::Role { role, terms, by } => format!("{role}{} by {}", session(terms), shown(by)),
        Holds::Federated { role, terms, provider, token_file } => {
            format!("{role}{} by the token of {provider} in {}", session(terms), token_file.display())
        }
        Holds::Program(command) => command.join("|"),
    }
}

#[test]
fn what_a_program_or_an_address_tells_is_keys_or_a_reason_without_a_value() {
    let keys =
        EXCHANGE.told(br#"{"mode":"StsToken","access_key_id":"id","access_key_secret":"s","sts_token":"t"}"#).unwrap();
    assert_eq!((keys.access_key_id.as_str(), keys.security_token.unwrap().expose_secret()), ("id", "t"));
    let address = r#"{"Code":"Success","AccessKeyId":"id","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2026-11-22T13:00:00Z"}"#;
    assert_eq!(EXCHANGE.told(address.as_bytes()).unwrap().expires, Some("2026-11-22T13:00:00Z".parse().unwrap()));
    for (text, why) in [
        ("", "it isn't JSON"),
        ("[]", "it lacks the access key's id or its secret"),
        (r#"{"access_key_id":7,"access_key_secret":["hunter2"]}"#, "it lacks the access key's id or its secret"),
        (r#"{"mode":"hunter2","access_key_id":"hunter2"}"#, "its `mode` is neither `AK` nor `StsToken`"),
        (r#"{"Code":"Failed","AccessKeySecret":"hunter2"}"#, "it says that it has none"),
        (r#"{"AccessKeyId":"hunter2","AccessKeySecret":"hunter2","Expiration":"soon"}"#, "its `Expiration` is no time"),
    ] {
        assert_eq!(EXCHANGE.told(text.as_bytes()).err().as_deref(), Some(why), "{text}");
    }
}

proptest! {
    #[test]
    fn no_file_makes_the_readers_panic(text in "(?s).{0,200}", name in "[a-z]{0,4}") {
        for file in 0..PROFILES.len() {
            let _ = profile(file, &text, Some(&name));
        }
        let _ = EXCHANGE.told(text.as_bytes());
    }
}

#[test]
fn the_command_lines_file_gives_keys_a_token_or_a_role_and_refuses_other_modes_by_name() {
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
    let shown = |chosen| shown(&read(chosen).unwrap().unwrap().holds);
    assert_eq!(read(None).unwrap().unwrap().name, "a");
    assert_eq!(shown(None), "i:s");
    assert_eq!(shown(Some("t")), "i:s+t");
    assert_eq!(shown(Some("r")), "acs:ram::1:role/x as n for out during 900 in cn-beijing by i:s");
    let told = read(Some("w")).err().unwrap();
    assert!(told.contains("no number in `expired_seconds`") && !told.contains("hunter2"), "{told}");
    assert_eq!(shown(Some("c")), "acs:ram::2:role/y by acs:ram::1:role/x as n for out during 900 in cn-beijing by i:s");
    assert_eq!(shown(Some("o")), "acs:ram::3:role/z by the token of p in /t");
    assert_eq!(shown(Some("p")), "/bin/keys|--for|;me");
    assert!(read(Some("round")).err().unwrap().contains("form a circle"));
    assert!(read(Some("lost")).err().unwrap().contains("no profile `nowhere`, which another one names"));
    assert!(read(Some("e")).err().unwrap().contains("the mode `EcsRamRole`"));
    assert!(
        read(Some("h"))
            .err()
            .is_some_and(|told| told.contains("lacks `access_key_secret`") && !told.contains("hunter2"))
    );
    assert_eq!(read(Some("n")).unwrap().err().unwrap(), "its profile `n` holds no key");
    // Another file may have it.
    assert!(read(Some("z")).unwrap().err().unwrap().contains("no profile `z`"));
    assert!(profile(0, "no json", None).is_err() && profile(0, "{}", None).unwrap().is_err());
}

#[test]
fn the_libraries_file_is_read_by_its_section() {
    let text = "[default]\ntype = access_key\naccess_key_id = i\naccess_key_secret = s\n[r]\ntype=ram_role_arn\naccess_key_id=i\naccess_key_secret=s\nrole_arn=acs:ram::1:role/x\n[o]\ntype=oidc_role_arn\nrole_arn=acs:ram::1:role/x\noidc_provider_arn=p\noidc_token_file_path=/t\n[e]\ntype=ecs_ram_role\n";
    assert_eq!(shown(&profile(1, text, None).unwrap().unwrap().holds), "i:s");
    assert_eq!(shown(&profile(1, text, Some("r")).unwrap().unwrap().holds), "acs:ram::1:role/x by i:s");
    assert_eq!(
        shown(&profile(2, text, Some("o")).unwrap().unwrap().holds),
        "acs:ram::1:role/x by the token of p in /t"
    );
    assert!(profile(1, text, Some("e")).err().unwrap().contains("`ecs_ram_role`"));
    assert!(profile(1, text, Some("z")).unwrap().is_err() && profile(1, "", None).unwrap().is_err());
}

#[test]
fn what_narrows_a_roles_keys_goes_with_the_question_for_them() {
    let text = "[default]\ntype=ram_role_arn\naccess_key_id=i\naccess_key_secret=s\nrole_arn=acs:ram::1:role/x\npolicy={\"Version\":\"1\"}\n";
    let held = profile(1, text, None).unwrap().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(shown(&held.holds), "acs:ram::1:role/x within {\"Version\":\"1\"} by i:s");
    let endpoint = Url::parse("https://sts.aliyuncs.com").unwrap();
    let keys = Credentials::fixed("i", "s".into());
    let (external_id, life, policy, proof) = (None, None, Some("{ }"), Proof::Keys(&keys));
    let asked = Asked { endpoint: &endpoint, role: ROLE, session: "s1", external_id, life, policy, proof };
    let request = (EXCHANGE.request)(&asked, Timestamp::UNIX_EPOCH, "n").unwrap();
    assert_eq!(pairs(std::str::from_utf8(request.body()).unwrap())["Policy"], "{ }");
}
