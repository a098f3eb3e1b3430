//! Keys that nobody stored: a job proves who it is by a token, on GitHub and on GitLab, and no secret of it gets out.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::stage::{Finished, Run, STALE, Site, WARM};
use super::vendor::Vendor;

const ROLE: &str = "acs:ram::1234567890123456:role/cdn-purge";
const PROVIDER: &str = "acs:ram::1234567890123456:oidc-provider/ci";

/// A token with these claims; nobody here knows the issuer's keys.
fn token(audience: &str, ends: i64) -> String {
    let claims = format!(r#"{{"iss":"https://ci.example","aud":"{audience}","exp":{ends}}}"#);
    format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
}

fn good_token() -> String {
    token("sts.aliyuncs.com", 4_000_000_000)
}

/// A run without any key, that reaches one gateway for everything.
fn run(site: &Site, vendor: &Vendor) -> Run {
    let gateway = vendor.address();
    let report = site.beside("report.json");
    site.bare_run(&["run", "--base", "HEAD~1", "--log-level", "verbose"])
        .args(&["--endpoint", &format!("alibaba-cdn=http://{gateway}"), "--report", report.to_str().unwrap()])
        .env("ALIBABA_CLOUD_STS_ENDPOINT", format!("http://{gateway}"))
}

/// Nothing of it is said; GitHub's masks aside, which must name it.
#[track_caller]
fn hides(finished: &Finished, secret: &str) {
    for line in finished.out.lines().chain(finished.err.lines()) {
        assert!(line.starts_with("::add-mask::") || !line.contains(secret), "{line}");
    }
}

/// Answers one request as GitHub's token service does; gives what was asked.
fn token_service(token: String) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/token?api-version=2.0", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            head.push(byte[0]);
        }
        let body = format!(r#"{{"count":1,"value":"{token}"}}"#);
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        String::from_utf8(head).unwrap()
    });
    (address, served)
}

#[test]
fn a_job_of_gitlab_gets_keys_for_its_token_and_purges_with_them() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let finished = run(&site, &vendor)
        .envs(&[
            ("CDN_PURGE_OIDC_TOKEN", &good_token()),
            ("CDN_PURGE_ROLE", ROLE),
            ("CDN_PURGE_OIDC_PROVIDER", PROVIDER),
        ])
        .finish();
    finished
        .is_all_done()
        .says(&[&format!("`alibaba-cdn`: keys of the role {ROLE}, by the OIDC token in `oidc-token`, until ")]);
    vendor.accepted(&STALE, &WARM);
    hides(&finished, &good_token());
}

#[test]
fn a_job_of_github_asks_for_a_token_that_is_for_the_vendor() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let (url, served) = token_service(good_token());
    let bearer = "bearer-of-the-runner-0123456789";
    std::fs::write(site.beside("output"), "").unwrap();
    std::fs::write(site.beside("summary"), "").unwrap();
    let finished = run(&site, &vendor)
        .env("GITHUB_OUTPUT", site.beside("output"))
        .env("GITHUB_STEP_SUMMARY", site.beside("summary"))
        .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "77"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", bearer)])
        .envs(&[("ACTIONS_ID_TOKEN_REQUEST_URL", &url), ("INPUT_ROLE", ROLE), ("INPUT_OIDC-PROVIDER", PROVIDER)])
        .finish();
    finished.is_all_done().says(&[&format!("keys of the role {ROLE}, by GitHub's OIDC token, until ")]);
    let asked = served.join().unwrap();
    assert!(asked.starts_with("GET /token?api-version=2.0&audience=sts.aliyuncs.com HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("authorization: Bearer {bearer}\r\n")), "{asked}");
    assert!(finished.out.contains(&format!("::add-mask::{}", good_token())), "{}", finished.out);
    for secret in [&good_token(), bearer] {
        hides(&finished, secret);
    }
    vendor.accepted(&STALE, &WARM);
}

#[test]
fn a_job_of_github_that_may_not_ask_is_told_the_permission() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let finished = run(&site, &vendor)
        .envs(&[("GITHUB_ACTIONS", "true"), ("INPUT_ROLE", ROLE), ("INPUT_OIDC-PROVIDER", PROVIDER)])
        .finish();
    finished.ends_with(6).says(&["the job may not ask GitHub for the token", "`permissions: id-token: write`"]);
    vendor.accepted(&[], &[]);
}

#[test]
fn what_the_service_refuses_is_told_with_its_code_and_what_to_do() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    for (token, said) in [
        (token("somebody.else", 4_000_000_000), "AuthenticationFail.OIDCToken.AudienceNotMatch"),
        (token("sts.aliyuncs.com", 1_000_000_000), "AuthenticationFail.OIDCToken.Expired"),
    ] {
        let finished = run(&site, &vendor)
            .envs(&[("CDN_PURGE_OIDC_TOKEN", &*token), ("CDN_PURGE_ROLE", ROLE), ("CDN_PURGE_OIDC_PROVIDER", PROVIDER)])
            .finish();
        finished
            .ends_with(6)
            .says(&[&format!("no keys of the role `{ROLE}` for `alibaba-cdn`: AssumeRoleWithOIDC: {said}")]);
        finished.says(&["request id", "help: "]);
        hides(&finished, &token);
    }
    vendor.accepted(&[], &[]);
}

#[test]
fn a_key_plays_a_role_and_its_keys_are_renewed_while_the_run_goes_on() {
    let (site, vendor) = (Site::new(), Vendor::start(&["--token-seconds", "3", "--task-seconds", "5"]));
    let finished =
        run(&site, &vendor).keys(super::stage::KEY, super::stage::SECRET).env("CDN_PURGE_ROLE", ROLE).finish();
    finished.is_all_done().says(&[&format!("keys of the role {ROLE}, by the keys of `ALIBABA_CLOUD_ACCESS_KEY_ID`")]);
    finished.says(&["`alibaba-cdn`: new keys, which end at "]);
    vendor.accepted(&STALE, &WARM);
}

#[test]
fn keys_of_the_vendors_own_profile_are_used_unless_it_lies_in_the_checkout() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let profile = format!(
        r#"{{"current":"ci","profiles":[{{"name":"ci","mode":"AK","access_key_id":"{}","access_key_secret":"{}"}}]}}"#,
        super::stage::KEY,
        super::stage::SECRET
    );
    for home in ["site", "home"] {
        let folder = site.beside(home).join(".aliyun");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.json"), &profile).unwrap();
    }
    let stranger = run(&site, &vendor).env("HOME", site.repository()).finish();
    stranger.ends_with(6).says(&["no keys for `alibaba-cdn`"]);
    vendor.accepted(&[], &[]);
    let finished = run(&site, &vendor).finish();
    finished.is_all_done().says(&["`alibaba-cdn`: the keys of the profile `ci` in "]);
    hides(&finished, super::stage::SECRET);
    vendor.accepted(&STALE, &WARM);
}
