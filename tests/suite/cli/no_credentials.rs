//! Credentials that nobody stored: a job proves who it is by a token, on GitHub and on GitLab, and no secret of it gets out.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::stage::{Finished, Run, STALE, Site, WARM};
use super::vendor::Vendor;

const ROLE: &str = "acs:ram::1234567890123456:role/cdn-purge";
const PROVIDER: &str = "acs:ram::1234567890123456:oidc-provider/ci";

/// A token with these claims; nobody here knows the issuer's keys.
pub fn token(audience: &str, ends: i64) -> String {
    let claims = format!(r#"{{"iss":"https://ci.example","aud":"{audience}","exp":{ends}}}"#);
    format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
}

fn good_token() -> String {
    token("sts.aliyuncs.com", 4_000_000_000)
}

/// A run without any key, that reaches one gateway for everything.
fn run(site: &Site, vendor: &Vendor) -> Run {
    let gateway = vendor.address();
    let report = site.sibling("report.json");
    site.bare_run(&["run", "--base", "HEAD~1", "--log-level", "verbose"])
        .args(&["--endpoint", &format!("alibaba-cdn=http://{gateway}"), "--report-file", report.to_str().unwrap()])
        .env("ALIBABA_CLOUD_STS_ENDPOINT", format!("http://{gateway}"))
}

/// Nothing of it is said; GitHub's masks aside, which must name it.
#[track_caller]
pub fn hides(finished: &Finished, secret: &str) {
    for line in finished.out.lines().chain(finished.err.lines()) {
        assert!(line.starts_with("::add-mask::") || !line.contains(secret), "{line}");
    }
}

/// Answers one request as GitHub's token service does; returns the request.
fn token_service(token: &str) -> (String, std::thread::JoinHandle<String>) {
    let (address, served) = service(format!(r#"{{"count":1,"value":"{token}"}}"#));
    (format!("http://{address}/token?api-version=2.0"), served)
}

/// Answers one request with this; returns the request.
fn service(body: String) -> (SocketAddr, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            head.push(byte[0]);
        }
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

/// A vendor may want it with credentials that don't contain it.
#[test]
fn the_accounts_id_of_the_environment_goes_with_credentials_from_anywhere() {
    let site = Site::empty();
    let sets = [
        ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"),
        ("CLOUD_SDK_AK", "CLOUD_SDK_SK"),
        ("CDN_PURGE_ACCESS_KEY_ID", "CDN_PURGE_ACCESS_KEY_SECRET"),
    ];
    for (id, secret) in sets {
        let (gateway, served) = service(r#"{"quotas":[]}"#.into());
        let run = site.bare_run(&["quota", "--provider", "huawei-cdn"]);
        let run = run.args(&["--endpoint", &format!("huawei-cdn=http://{gateway}")]);
        run.envs(&[(id, "key"), (secret, "secret"), ("HUAWEICLOUD_SDK_DOMAIN_ID", "0a1b2c")]).finish().ends_with(0);
        let requested = served.join().unwrap();
        assert!(requested.contains("x-domain-id: 0a1b2c\r\n"), "{id}: {requested}");
    }
}

#[test]
fn a_job_of_gitlab_gets_credentials_for_its_token_and_purges_with_them() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let finished = run(&site, &vendor)
        .envs(&[
            ("CDN_PURGE_OIDC_TOKEN", &good_token()),
            ("CDN_PURGE_ROLE", ROLE),
            ("CDN_PURGE_OIDC_PROVIDER", PROVIDER),
        ])
        .finish();
    finished.is_all_done().says(&[&format!(
        "`alibaba-cdn`: credentials of the role {ROLE}, with the OIDC token in `oidc-token`, valid until "
    )]);
    vendor.accepted(&STALE, &WARM);
    hides(&finished, &good_token());
}

#[test]
fn a_job_of_github_asks_for_a_token_that_is_for_the_vendor() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let (url, served) = token_service(&good_token());
    let bearer = "bearer-of-the-runner-0123456789";
    std::fs::write(site.sibling("output"), "").unwrap();
    std::fs::write(site.sibling("summary"), "").unwrap();
    let finished = run(&site, &vendor)
        .env("GITHUB_OUTPUT", site.sibling("output"))
        .env("GITHUB_STEP_SUMMARY", site.sibling("summary"))
        .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "77"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", bearer)])
        .envs(&[("ACTIONS_ID_TOKEN_REQUEST_URL", &url), ("INPUT_ROLE", ROLE), ("INPUT_OIDC-PROVIDER", PROVIDER)])
        .finish();
    finished.is_all_done().says(&[&format!("credentials of the role {ROLE}, with GitHub's OIDC token, valid until ")]);
    let requested = served.join().unwrap();
    assert!(requested.starts_with("GET /token?api-version=2.0&audience=sts.aliyuncs.com HTTP/1.1\r\n"), "{requested}");
    assert!(requested.contains(&format!("authorization: Bearer {bearer}\r\n")), "{requested}");
    assert!(finished.out.contains(&format!("::add-mask::{}", good_token())), "{}", finished.out);
    for secret in [&good_token(), bearer] {
        hides(&finished, secret);
    }
    vendor.accepted(&STALE, &WARM);
}

#[test]
fn a_job_of_github_that_may_not_request_a_token_learns_the_permission() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let finished = run(&site, &vendor)
        .envs(&[("GITHUB_ACTIONS", "true"), ("INPUT_ROLE", ROLE), ("INPUT_OIDC-PROVIDER", PROVIDER)])
        .finish();
    finished
        .ends_with(6)
        .says(&["the job may not request an OIDC token", "`permissions: {id-token: write, contents: read}`"]);
    vendor.accepted(&[], &[]);
}

#[test]
fn reports_a_refusal_of_the_service_with_its_code_and_help() {
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
            .says(&[&format!("no credentials of the role `{ROLE}` for `alibaba-cdn`: AssumeRoleWithOIDC: {said}")]);
        finished.says(&["request id", "help: "]);
        hides(&finished, &token);
    }
    vendor.accepted(&[], &[]);
}

#[test]
fn an_access_key_assumes_a_role_and_its_credentials_are_refreshed_during_the_run() {
    let (site, vendor) = (Site::new(), Vendor::start(&["--token-seconds", "3", "--task-seconds", "5"]));
    let finished =
        run(&site, &vendor).keys(super::stage::KEY, super::stage::SECRET).env("CDN_PURGE_ROLE", ROLE).finish();
    finished
        .is_all_done()
        .says(&[&format!("credentials of the role {ROLE}, with the credentials from `ALIBABA_CLOUD_ACCESS_KEY_ID`")]);
    finished.says(&["`alibaba-cdn`: credentials refreshed, valid until "]);
    vendor.accepted(&STALE, &WARM);
}

#[test]
fn credentials_of_the_vendors_own_profile_are_used_unless_it_is_in_the_checkout() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let profile = format!(
        r#"{{"current":"ci","profiles":[{{"name":"ci","mode":"AK","access_key_id":"{}","access_key_secret":"{}"}}]}}"#,
        super::stage::KEY,
        super::stage::SECRET
    );
    for home in ["site", "home"] {
        let folder = site.sibling(home).join(".aliyun");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.json"), &profile).unwrap();
    }
    let stranger = run(&site, &vendor).env("HOME", site.repository()).finish();
    stranger.ends_with(6).says(&["no credentials for `alibaba-cdn`"]);
    vendor.accepted(&[], &[]);
    let finished = run(&site, &vendor).finish();
    finished.is_all_done().says(&["`alibaba-cdn`: credentials from the profile `ci` in "]);
    hides(&finished, super::stage::SECRET);
    vendor.accepted(&STALE, &WARM);
}

/// Profiles of the vendor's command line in the home folder.
fn profiles(site: &Site, profiles: &str) {
    let folder = site.sibling("home").join(".aliyun");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.json"), format!(r#"{{"profiles":[{profiles}]}}"#)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_command_of_the_profile_gives_credentials_and_no_shell_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let program = site.sibling("keys");
    let (key, secret) = (super::stage::KEY, super::stage::SECRET);
    let answer = format!(r#"{{"mode":"AK","access_key_id":"{key}","access_key_secret":"{secret}"}}"#);
    std::fs::write(&program, format!("#!/bin/sh\n[ \"$1\" = ';touch' ] && printf '%s' '{answer}'\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let external = |command: &str| format!(r#"{{"name":"default","mode":"External","process_command":"{command}"}}"#);
    profiles(&site, &external(&format!("{} ;touch x", program.display())));
    let finished = run(&site, &vendor).finish();
    finished.is_all_done().says(&["`alibaba-cdn`: credentials from the command of the profile `default` in "]);
    hides(&finished, secret);
    vendor.accepted(&STALE, &WARM);
    for (command, why) in
        [("/nowhere/keys", "can't be started"), ("./keys", "neither an absolute path"), ("false", "ended with")]
    {
        profiles(&site, &external(command));
        run(&site, &vendor).finish().ends_with(6).says(&[
            "no credentials from the command",
            why,
            "run or open it by hand",
        ]);
    }
}

#[test]
fn a_role_may_be_assumed_by_the_role_of_another_profile_and_by_a_token_in_a_file() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let file = site.sibling("token");
    std::fs::write(&file, format!("{}\n", good_token())).unwrap();
    profiles(
        &site,
        &format!(
            r#"{{"name":"inner","mode":"OIDC","ram_role_arn":"{ROLE}","oidc_provider_arn":"{PROVIDER}","oidc_token_file":"{}"}},
            {{"name":"outer","mode":"ChainableRamRoleArn","source_profile":"inner","ram_role_arn":"acs:ram::1:role/outer"}}"#,
            file.display()
        ),
    );
    let finished = run(&site, &vendor).env("ALIBABA_CLOUD_PROFILE", "outer").finish();
    let message = format!(
        "credentials of the role acs:ram::1:role/outer, with the credentials of the role {ROLE}, with the OIDC token in a file, valid until "
    );
    finished.is_all_done().says(&[&message]);
    hides(&finished, &good_token());
    vendor.accepted(&STALE, &WARM);
}

#[test]
fn a_url_of_the_environment_answers_with_credentials() {
    let (site, vendor) = (Site::new(), Vendor::start(&[]));
    let (key, secret) = (super::stage::KEY, super::stage::SECRET);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/keys", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 1024];
        let _ = stream.read(&mut head).unwrap();
        let body = format!(r#"{{"Code":"Success","AccessKeyId":"{key}","AccessKeySecret":"{secret}"}}"#);
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
    });
    let finished = run(&site, &vendor).env("ALIBABA_CLOUD_CREDENTIALS_URI", &address).finish();
    finished.is_all_done().says(&["credentials from `127.0.0.1`, set in `ALIBABA_CLOUD_CREDENTIALS_URI`"]);
    hides(&finished, secret);
    let plain = run(&site, &vendor).env("ALIBABA_CLOUD_CREDENTIALS_URI", "http://keys.example/x").finish();
    assert_ne!(plain.code, Some(0));
    plain.says(&["won't send", "over http"]);
}

#[test]
fn an_agency_of_huawei_cloud_gives_credentials_that_are_refreshed_during_the_run() {
    let (site, vendor) = (Site::new(), Vendor::start(&["--token-seconds", "3", "--task-seconds", "5"]));
    let gateway = format!("http://{}", vendor.address());
    let target = "{provider: huawei-cdn, prefetch-delay: 0s}";
    site.write("cdn-purge.yml", super::stage::CONFIGURATION.replace("{provider: alibaba-cdn}", target));
    let token = token("sts.myhuaweicloud.com", 4_000_000_000);
    let report = site.sibling("report.json");
    let finished = site
        .bare_run(&["run", "--base", "HEAD~1", "--endpoint", &format!("huawei-cdn={gateway}")])
        .args(&["--report-file", report.to_str().unwrap()])
        .envs(&[
            ("HUAWEICLOUD_OIDC_AGENCY_URN", "iam::0123:agency:ci"),
            ("HUAWEICLOUD_OIDC_PROVIDER_URN", "iam::0123:oidc-provider:gitlab"),
            ("HUAWEICLOUD_OIDC_ID_TOKEN", &token),
            ("HUAWEICLOUD_SDK_STS_ENDPOINT", &gateway),
        ])
        .finish();
    finished.is_all_done().says(&[
        "`huawei-cdn`: credentials of the role iam::0123:agency:ci, with the OIDC token in `HUAWEICLOUD_OIDC_ID_TOKEN`, valid until ",
        "`huawei-cdn`: credentials refreshed, valid until ",
    ]);
    hides(&finished, &token);
    vendor.accepted(&STALE, &WARM);
}

/// A token isn't sent to another cloud, and a policy that narrows the credentials isn't ignored.
#[test]
fn a_token_goes_to_its_own_cloud_alone_and_no_policy_is_ignored() {
    let site = Site::empty();
    let token = token("sts.myhuaweicloud.com", 4_000_000_000);
    let role = [
        ("HUAWEICLOUD_OIDC_AGENCY_URN", "iam::0123:agency:ci"),
        ("HUAWEICLOUD_OIDC_PROVIDER_URN", "iam::0123:oidc-provider:gitlab"),
        ("HUAWEICLOUD_OIDC_ID_TOKEN", &token),
    ];
    let quota = |more: &[(&str, &str)]| {
        let run = site.bare_run(&["quota", "--provider", "huawei-cdn"]);
        run.envs(&role).envs(more).finish()
    };
    site.write("europe.yml", "version: 1\ntargets: {main: {provider: huawei-cdn, region: europe}}\nrules: [{files: '**', urls: 'https://a.test/{tail}'}]\n");
    let europe = site.bare_run(&["quota", "--config", "europe.yml"]).envs(&role).finish();
    europe.ends_with(6).says(&["in the region `europe`", "`HUAWEICLOUD_SDK_STS_ENDPOINT`"]);
    let ids = quota(&[("HUAWEICLOUD_OIDC_POLICY_IDS", "a,b")]);
    ids.ends_with(6).says(&["`HUAWEICLOUD_OIDC_POLICY_IDS` isn't supported", "set `HUAWEICLOUD_OIDC_POLICY`"]);
    let life = quota(&[("HUAWEICLOUD_OIDC_DURATION_SECONDS", "soon")]);
    life.ends_with(6).says(&["`HUAWEICLOUD_OIDC_DURATION_SECONDS` is no number of seconds"]);

    let (address, served) = service(r#"{"error_code":"APIGW.0301","error_msg":"no"}"#.into());
    let endpoint = format!("http://{address}");
    let policy = r#"{"Version":"5.0"}"#;
    quota(&[
        ("HUAWEICLOUD_SDK_STS_ENDPOINT", &endpoint),
        ("HUAWEICLOUD_OIDC_POLICY", policy),
        ("HUAWEICLOUD_OIDC_DURATION_SECONDS", "900"),
    ]);
    assert!(served.join().unwrap().starts_with("POST /v5/agencies/assume-with-oidc"));
}
