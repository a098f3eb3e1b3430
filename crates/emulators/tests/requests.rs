//! Requests of the vendors' own SDKs are accepted; requests of nobody make no emulator panic.
#![expect(clippy::unwrap_used, reason = "a vector that can't be read should fail the test")]

use bytes::Bytes;
use emulators::EmulatorSettings;
use http::{HeaderValue, Request};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::Value;

fn start() -> Timestamp {
    "2026-11-22T00:51:54Z".parse().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The request of a vector.
fn request(vector: &Value) -> Request<Bytes> {
    let vector = &vector["request"];
    let mut request = Request::builder().method(&*text(&vector["method"])).uri(text(&vector["url"]));
    for header in vector["headers"].as_array().unwrap() {
        request = request.header(text(&header[0]), text(&header[1]));
    }
    request.body(Bytes::from(text(&vector["body"]))).unwrap()
}

/// The settings that accept the credentials of a vector.
fn settings(vector: &Value, id: &str, secret: &str) -> EmulatorSettings {
    let credentials = &vector["credentials"];
    EmulatorSettings {
        access_key_id: text(&credentials[id]),
        access_key_secret: text(&credentials[secret]).into(),
        security_token: credentials["security_token"].as_str().map(Into::into),
        ..EmulatorSettings::default()
    }
}

#[test]
fn requests_of_alibabas_sdks_are_accepted_by_the_one_product_that_they_are_for() {
    let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/alibaba.json")).unwrap();
    let mut served = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        // Those of the documentation and of the token service are of other products, and one call is for chosen accounts only.
        let elsewhere = ["AssumeRole", "DescribePreloadDetailById"];
        if name.starts_with("doc-") || elsewhere.contains(&vector["action"].as_str().unwrap()) {
            continue;
        }
        let (request, settings) = (request(vector), settings(vector, "access_key_id", "access_key_secret"));
        let product = name.split('-').find(|part| ["cdn", "dcdn", "vod"].contains(part)).unwrap_or("cdn");
        let products = [("cdn", emulators::alibaba::cdn(&settings)), ("dcdn", emulators::alibaba::dcdn(&settings))];
        let products = products.into_iter().chain([("vod", emulators::alibaba::vod(&settings))]);
        let mut claiming: Vec<_> = products.filter(|(_, emulator)| emulator.claims(&request)).collect();
        assert_eq!(claiming.len(), 1, "{name}");
        let (claimed, mut emulator) = claiming.remove(0);
        assert_eq!(claimed, product, "{name}");
        let response = emulator.handle(&request, start());
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        // Some ask for a time that is a year ago, and some call files directories: refused, but after authentication.
        let served_well =
            response.status() == 200 || ["InvalidTime", "InvalidObjectPath.Malformed"].contains(&&*text(&body["Code"]));
        assert!(served_well, "{name}: {body}");
        assert!(body["RequestId"].is_string(), "{name}");
        served += 1;

        // Half an hour later the same request is too old, and a second time its nonce is known.
        assert_eq!(emulator.handle(&request, start()).status(), 400, "{name}");
        let old = emulator.handle(&request, start() + SignedDuration::from_mins(30));
        assert!(String::from_utf8_lossy(old.body()).contains("InvalidTimeStamp.Expired"), "{name}");
    }
    assert_eq!(served, 70);
}

#[test]
fn requests_of_huaweis_sdk_are_accepted() {
    let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/huawei.json")).unwrap();
    let mut served = 0;
    for vector in vectors.as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        let request = request(vector);
        let mut emulator = emulators::huawei::cdn(&settings(vector, "ak", "sk"));
        if !emulator.claims(&request) {
            assert_eq!(name, "iam_auth_domains_lookup");
            continue;
        }
        let now: Timestamp = request.headers()["x-sdk-date"].to_str().unwrap().parse().unwrap();
        let response = emulator.handle(&request, now);
        let body = String::from_utf8_lossy(response.body()).into_owned();
        // Some name a task that isn't there: answered as somebody else's, after authentication.
        assert!(response.status() == 200 && !body.contains("APIG"), "{name}: {body}");
        served += 1;
        let old = emulator.handle(&request, now + SignedDuration::from_mins(16));
        assert!(String::from_utf8_lossy(old.body()).contains("APIGW.0303"), "{name}");
        let mut touched = request.clone();
        touched.headers_mut().insert("x-sdk-date", HeaderValue::from_static("20250102T030406Z"));
        assert_eq!(emulator.handle(&touched, now).status(), 401, "{name}");
    }
    assert_eq!(served, 19);
}

#[test]
fn requests_of_tencents_sdks_are_accepted_by_the_one_product_that_they_are_for() {
    let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/tencent.json")).unwrap();
    let mut served = 0;
    for vector in vectors.as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        let credentials = &vector["credentials"];
        let settings = EmulatorSettings {
            access_key_id: text(&credentials["secret_id"]),
            access_key_secret: text(&credentials["secret_key"]).into(),
            security_token: credentials["token"].as_str().map(Into::into),
            ..EmulatorSettings::default()
        };
        let request = request(vector);
        let products = [("cdn", emulators::tencent::cdn(&settings)), ("teo", emulators::tencent::edgeone(&settings))];
        let mut claiming: Vec<_> = products.into_iter().filter(|(_, emulator)| emulator.claims(&request)).collect();
        assert_eq!(claiming.len(), 1, "{name}");
        let (service, mut emulator) = claiming.remove(0);
        assert_eq!(vector["service"], service, "{name}");
        let now = Timestamp::from_second(vector["timestamp"].as_i64().unwrap()).unwrap();
        let mut answer = |request: &Request<Bytes>, now| -> Value {
            serde_json::from_slice::<Value>(emulator.handle(request, now).body()).unwrap()["Response"].take()
        };
        let response = answer(&request, now);
        assert!(response["Error"].is_null() && response["RequestId"].is_string(), "{name}: {response}");
        served += 1;
        let old = answer(&request, now + SignedDuration::from_mins(6));
        assert_eq!(old["Error"]["Code"], "AuthFailure.SignatureExpire", "{name}");
        let mut touched = request.clone();
        *touched.body_mut() = Bytes::from_static(b"{}");
        let refused = answer(&touched, now);
        let is_same = vector["request"]["body"] == "{}";
        assert_eq!(refused["Error"]["Code"] == "AuthFailure.SignatureFailure", !is_same, "{name}: {refused}");
    }
    assert_eq!(served, 14);
}

#[test]
fn a_response_of_alibabas_has_its_shape() {
    let mut emulator = emulators::alibaba::cdn(&EmulatorSettings::default());
    let mut ask = |uri: &str| {
        let request = Request::post(uri).header("host", "cdn.aliyuncs.com").body(Bytes::new()).unwrap();
        emulator.handle(&request, start())
    };
    let response = ask("/?Action=DescribeRefreshQuota&Version=2018-05-10&Format=JSON");
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["date"], "Sun, 22 Nov 2026 00:51:54 GMT");
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!((&body["Code"], &body["HostId"]), (&"MissingParameter".into(), &"cdn.aliyuncs.com".into()));
    assert_eq!(body["RequestId"].as_str().unwrap(), response.headers()["x-acs-request-id"]);

    let response = ask("/?Action=DescribeRefreshQuota&Version=2018-05-10");
    assert_eq!(response.headers()["content-type"], "text/xml;charset=utf-8");
    assert!(String::from_utf8_lossy(response.body()).contains("<Code>MissingParameter</Code>"));
    let response = ask("/?Action=DescribeRefreshQuota&Version=2015-01-01&Format=JSON");
    assert!(String::from_utf8_lossy(response.body()).contains("InvalidVersion"));
}

proptest! {
    #[test]
    fn no_request_makes_the_emulator_of_tencent_panic(
        authorization in "[ -~]{0,80}", time in "[ -~]{0,12}", body in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let request = Request::post("/").header("x-tc-action", "PurgeUrlsCache").header("x-tc-version", "2018-06-06");
        let request = request.header("authorization", format!("TC3-HMAC-SHA256 Credential={authorization}"));
        if let Ok(request) = request.header("x-tc-timestamp", time).body(Bytes::from(body)) {
            let mut emulator = emulators::tencent::cdn(&EmulatorSettings::default());
            prop_assert!(String::from_utf8_lossy(emulator.handle(&request, start()).body()).contains("AuthFailure"));
        }
    }

    #[test]
    fn no_request_makes_the_emulator_of_alibaba_panic(
        query in "[!$-;=?-\\[\\]_a-z~]{0,80}",
        body: Vec<u8>,
        authorization in "[ -~]{0,80}",
    ) {
        let uri = format!("/?Action=PushObjectCache&Version=2018-05-10&{query}");
        let request = Request::post(uri)
            .header("authorization", format!("ACS3-HMAC-SHA256 {authorization}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .unwrap();
        let mut emulator = emulators::alibaba::cdn(&EmulatorSettings::default());
        prop_assert!(emulator.handle(&request, start()).status().is_client_error());
    }

    #[test]
    fn no_request_makes_the_emulator_of_huawei_panic(
        path in "/v1.0/cdn/[!-~]{0,60}", authorization in "[ -~]{0,80}", date in "[ -~]{0,20}",
        body in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let request = Request::post(path).header("authorization", authorization).header("x-sdk-date", date);
        if let Ok(request) = request.body(Bytes::from(body)) {
            emulators::huawei::cdn(&EmulatorSettings::default()).handle(&request, start());
        }
    }
}
