//! The provider against the emulator, against requests of the vendor's client, and against canned answers.

use emulators::EmulatorSettings;
use http::Request;
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::Value;

use super::credentials::{API, PROFILES, Sts};
use super::{CLOUDFRONT, DISTRIBUTIONS, open};
use crate::credentials::profile::read;
use crate::model::Operation::Refresh;
use crate::model::RefreshKind::{self, Directory, Everything, Prefix, Tag, Url};
use crate::model::{PurgeMode, Subject};
use crate::provider::ApiErrorKind::{
    self, Ambiguous, Clock, Credentials as Keys, Denied, Expired, Forbidden, Refused, Server, Throttled, TooLarge,
    Undocumented,
};
use crate::provider::assume_role::{Proof, RoleRequest, RoleService};
use crate::provider::credentials::{AccessKey, Credentials, SharedCredentials};
use crate::provider::profile::ProfileCredentials;
use crate::provider::simulation::access_key;
use crate::provider::test_harness::{Canned, Line, Nonces, block_on, start};
use crate::provider::{Accepted, Api, ApiError, OptionValue, Provider, ProviderContext, Submission, TaskState};

const ID: &str = "EDFDVBD6EXAMPLE";
const SITE: &str = "https://www.example.com";

fn provider(hosts: &[&str], distribution: Option<&str>, key: AccessKey) -> Box<dyn Provider> {
    open(ProviderContext {
        spec: &CLOUDFRONT,
        options: distribution.map(|id| ("distribution", OptionValue::Word(id.to_owned()))).into_iter().collect(),
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        endpoint: url::Url::parse("https://cloudfront.amazonaws.com").unwrap(),
        credentials: SharedCredentials::new(key),
    })
}

fn prepared(mut provider: Box<dyn Provider>, api: &dyn Api) -> Result<Box<dyn Provider>, ApiError> {
    block_on(async { provider.prepare(api).await }).map(|()| provider)
}

fn settings(aliases: &[&str]) -> EmulatorSettings {
    EmulatorSettings { zones: aliases.iter().map(|alias| (*alias).to_owned()).collect(), ..EmulatorSettings::default() }
}

fn line(settings: &EmulatorSettings) -> Line {
    Line::to(emulators::cloudfront::cdn(settings), Nonces::Unneeded)
}

fn friendly() -> Box<dyn Provider> {
    let settings = EmulatorSettings::default();
    prepared(provider(&[], Some(ID), access_key(&settings)), &line(&settings)).unwrap()
}

fn submit_as(
    reference: &str,
    api: &dyn Api,
    provider: &dyn Provider,
    kind: RefreshKind,
    texts: &[String],
) -> Result<Accepted, ApiError> {
    let subjects: Vec<Subject> = texts.iter().map(|text| Subject::of(kind, text)).collect();
    let subjects: Vec<&Subject> = subjects.iter().collect();
    let submission = Submission { operation: Refresh(kind), mode: PurgeMode::Default, subjects: &subjects, reference };
    block_on(provider.submit(submission, api))
}

fn submit(api: &dyn Api, kind: RefreshKind, paths: &[&str]) -> Result<Accepted, ApiError> {
    let texts: Vec<String> = paths.iter().map(|path| format!("{SITE}{path}")).collect();
    submit_as("r", api, &*friendly(), kind, &texts)
}

fn sent_paths(line: &Line) -> Vec<String> {
    let request = line.last_request();
    let body = std::str::from_utf8(request.body()).unwrap();
    body.split("<Path>").skip(1).map(|part| part.split("</Path>").next().unwrap().to_owned()).collect()
}

#[test]
fn requests_are_those_of_the_vendors_client() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../tests/vectors/cloudfront.json")).unwrap();
    for vector in &vectors {
        let (name, request) = (vector["name"].as_str().unwrap(), &vector["request"]);
        let body = request["body"].as_str().unwrap();
        let keys = &vector["credentials"];
        let text = |name: &str| keys[name].as_str();
        let key = AccessKey::new(text("access_key_id").unwrap(), text("secret_access_key").unwrap().into());
        let key = key.with_token(text("session_token").map(Into::into));
        let theirs = url::Url::parse(request["url"].as_str().unwrap()).unwrap();
        let id = theirs.path().split('/').nth(3).unwrap();
        let context = ProviderContext {
            spec: &CLOUDFRONT,
            options: [("distribution", OptionValue::Word(id.to_owned()))].into(),
            hosts: Vec::new(),
            endpoint: theirs.clone(),
            credentials: SharedCredentials::new(key),
        };
        let mut line = line(&EmulatorSettings::default());
        // Their clock.
        line.now.set("2025-01-02T03:04:05Z".parse().unwrap());
        line.tamper = None;
        let provider = prepared(open(context), &line).unwrap();
        if body.is_empty() {
            let _ = block_on(provider.status(&["IDFDVBD632BHDS5".to_owned()], 1, &line));
        } else {
            let reference = body.split("<CallerReference>").nth(1).unwrap().split('<').next().unwrap();
            let plain = |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            let paths = body.split("<Path>").skip(1).map(|part| plain(part.split("</Path>").next().unwrap()));
            let paths: Vec<String> = paths.collect();
            // A client mixes what we send in batches of one kind.
            if paths.iter().any(|path| path.ends_with('*')) {
                continue;
            }
            let texts: Vec<String> = paths.iter().map(|path| format!("{SITE}{path}")).collect();
            let _ = submit_as(reference, &line, &*provider, Url, &texts);
            assert_eq!(line.last_request().body(), body, "{name}");
        }
        let sent = line.last_request();
        assert_eq!((sent.method().as_str(), sent.uri().path()), (request["method"].as_str().unwrap(), theirs.path()));
        let authorization = sent.headers()["authorization"].to_str().unwrap();
        assert!(authorization.ends_with(vector["expected"]["signature"].as_str().unwrap()), "{name}");
    }
    assert_eq!(vectors.len(), 8);
}

#[test]
fn a_search_for_the_distribution_that_is_throttled_continues_after_the_pages_that_came() {
    let settings = EmulatorSettings { calls_per_second: Some(1.0), ..settings(&["www.example.com"]) };
    let line = line(&settings);
    let mut provider = provider(&["www.example.com"], None, access_key(&settings));
    let mut prepare = || block_on(provider.prepare(&line)).map_err(|error| error.kind);
    assert_eq!(prepare(), Err(Throttled), "the second page");
    line.now.set(line.now.get() + SignedDuration::from_secs(1));
    assert_eq!(prepare(), Ok(()));
}

#[test]
fn each_kind_becomes_its_path() {
    let line = line(&EmulatorSettings::default());
    for (number, (kind, text, path)) in [
        (Url, "/a%20b/c.html?x=1&y=2", "/a%20b/c.html?x=1&amp;y=2"),
        (Url, "/dir/", "/dir/"),
        (Directory, "/dir/", "/dir/*"),
        (Prefix, "/di", "/di*"),
        (Tag, "/#page-1", "#page-1"),
        (Everything, "/", "/*"),
    ]
    .into_iter()
    .enumerate()
    {
        let accepted = submit_as(&number.to_string(), &line, &*friendly(), kind, &[format!("{SITE}{text}")]).unwrap();
        assert_eq!((accepted.task_ids().len(), sent_paths(&line)), (1, vec![path.to_owned()]), "{text}");
        line.pass(10);
    }
    let other = ["https://www.example.com/x".to_owned(), "http://img.example.com/x".to_owned()];
    submit_as("hosts", &line, &*friendly(), Url, &other).unwrap();
    assert_eq!(sent_paths(&line), ["/x"], "one distribution has one path");
}

#[test]
fn what_would_be_another_path_than_was_meant_is_refused_before_it_is_sent() {
    let line = line(&EmulatorSettings::default());
    for (kind, path) in [(Url, "/a*"), (Url, "/a*b"), (Directory, "/a*/"), (Prefix, "/a*")] {
        let error = submit(&line, kind, &["/ok", path]).unwrap_err();
        assert!(error.kind == Refused && error.to_string().contains("use the kind `prefix`"), "{error}");
    }
    let long = format!("/#{}", "x".repeat(257));
    for tag in ["/#caf%C3%A9", &long] {
        let error = submit(&line, Tag, &[tag]).unwrap_err();
        assert!(error.kind == Refused && error.to_string().contains("the vendor matches no such tag"), "{error}");
    }
    let unknown = provider(&[], None, access_key(&EmulatorSettings::default()));
    let error = submit_as("r", &line, &*unknown, Url, &[format!("{SITE}/a")]).unwrap_err();
    assert!(error.kind == Denied && error.to_string().contains("set the target's `distribution`"), "{error}");
    assert!(line.last.borrow().is_none());
}

#[test]
fn the_distribution_is_found_by_the_alias_that_spells_out_most_of_each_host() {
    let settings = settings(&["www.example.com", "*.example.com"]);
    let line = line(&settings);
    let found = |hosts: &[&str], id: Option<&str>| {
        let provider = prepared(provider(hosts, id, access_key(&settings)), &line)?;
        submit_as(&format!("{hosts:?}"), &line, &*provider, Url, &[format!("{SITE}/a")])?;
        Ok::<_, ApiError>(line.last_request().uri().path().split('/').nth(3).unwrap().to_owned())
    };
    assert_eq!(found(&["www.example.com", "a.b.example.com"], None).unwrap(), ID);
    assert_eq!(found(&["d222222abcdef8.cloudfront.net"], None).unwrap_err().kind, Denied, "that is another account's");
    let problem = |hosts: &[&str], id: Option<&str>| found(hosts, id).unwrap_err().to_string();
    let none = problem(&["example.com"], None);
    assert!(none.contains("no distribution of the account has the alias `example.com`"), "{none}");
    let two = problem(&["www.example.com", "d222222abcdef8.cloudfront.net"], None);
    assert!(
        two.contains("`d222222abcdef8.cloudfront.net` isn't an alias of the distribution of `www.example.com`"),
        "{two}"
    );
    assert!(problem(&[], Some("../x")).contains("which is no id"));
    let foreign = found(&[], Some("E2FOREIGN")).unwrap_err();
    assert!(foreign.kind == Denied && foreign.to_string().contains("one of the account's distributions"), "{foreign}");
    let tenant = submit_as(
        "t",
        &line,
        &*prepared(provider(&[], Some("dt_1"), access_key(&settings)), &line).unwrap(),
        Url,
        &[SITE.to_owned() + "/a"],
    );
    assert_eq!(tenant.unwrap_err().code.as_deref(), Some("EntityNotFound"));
}

#[test]
fn without_the_permission_to_list_the_remedy_names_it_and_the_option() {
    let settings = EmulatorSettings { forbid: vec!["ListDistributions".into()], ..EmulatorSettings::default() };
    let error = prepared(provider(&["www.example.com"], None, access_key(&settings)), &line(&settings)).err().unwrap();
    assert_eq!(error.kind, Forbidden);
    assert!(
        error.to_string().contains("grant `cloudfront:ListDistributions`, or set the target's `distribution`"),
        "{error}"
    );
}

#[test]
fn the_names_of_all_distributions_are_the_domains() {
    let settings = settings(&["www.example.com", "*.example.com"]);
    let (provider, line) = (provider(&[], None, access_key(&settings)), line(&settings));
    let mut names = Vec::new();
    for page in 1..=2 {
        let found = block_on(provider.domains(&DISTRIBUTIONS, page, &line)).unwrap();
        let has_next = DISTRIBUTIONS.has_next_page(found.rows.len(), names.len() + found.rows.len(), found.total);
        assert_eq!(has_next, page == 1);
        names.extend(found.rows.into_iter().map(|row| (row.name, row.status)));
    }
    let expected =
        ["d222222abcdef8.cloudfront.net", "www.example.com", "*.example.com", "d111111abcdef8.cloudfront.net"];
    assert_eq!(names, expected.map(|name| (name.to_owned(), "online".to_owned())));
}

#[test]
fn the_last_page_of_distributions_ends_the_list_and_a_failed_one_is_read_again() {
    let cname = |number: usize| format!("<CNAME>{number}.example.com</CNAME>");
    let aliases: String = (0..150).map(cname).collect();
    let last = format!(
        "<DistributionList><IsTruncated>false</IsTruncated><Items><DistributionSummary><Id>E1</Id><DomainName>d1.cloudfront.net\
         </DomainName><Aliases><Items>{aliases}</Items></Aliases></DistributionSummary></Items></DistributionList>"
    );
    let (list, friendly) = (Canned::new(200, &[], last), friendly());
    let domains = |api: &dyn Api, page| block_on(friendly.domains(&DISTRIBUTIONS, page, api));
    assert_eq!((domains(&list, 1).unwrap().rows.len(), domains(&list, 2).unwrap().rows.len()), (151, 0));
    let line = line(&settings(&["www.example.com"]));
    let first = domains(&line, 1).unwrap().rows;
    assert_eq!(domains(&Canned::new(503, &[], ""), 2).err().unwrap().kind, Server);
    let second = domains(&line, 2).unwrap().rows;
    assert!(!second.is_empty() && second.iter().all(|domain| first.iter().all(|known| known.name != domain.name)));
}

#[test]
fn an_invalidation_is_followed_until_it_is_completed() {
    let settings = EmulatorSettings { listing_lag: std::time::Duration::from_secs(2), ..EmulatorSettings::default() };
    let line = line(&settings);
    let ids = submit(&line, Url, &["/a&b", "/c"]).unwrap().task_ids().to_vec();
    let state = || block_on(friendly().status(&ids, 1, &line)).unwrap().rows.pop().map(|row| (row.state, row.url));
    assert_eq!(state(), None, "it isn't visible yet");
    line.pass(3);
    assert_eq!(state(), Some((TaskState::Running, "/a&b\n/c".to_owned())));
    line.pass(3);
    assert_eq!(state().unwrap().0, TaskState::Complete);
    let odd = block_on(friendly().status(&["../x".to_owned()], 1, &line)).unwrap_err();
    assert_eq!(odd.kind, Refused);
}

#[test]
fn the_same_reference_is_executed_once_and_never_for_other_paths() {
    let line = line(&EmulatorSettings::default());
    let first = submit(&line, Url, &["/a", "/b"]).unwrap();
    let again = submit(&line, Url, &["/a", "/b"]).unwrap();
    assert_eq!((first.task_ids(), line.accepted()), (again.task_ids(), 2));
    let other = submit(&line, Url, &["/a"]).unwrap_err();
    assert_eq!(
        (other.kind, other.code.as_deref(), line.accepted()),
        (Denied, Some("InvalidationBatchAlreadyExists"), 2)
    );
}

#[test]
fn more_than_may_be_in_a_call_or_in_progress_is_refused_and_executes_nothing() {
    let line = line(&EmulatorSettings::default());
    let paths: Vec<String> = (0..3_001).map(|number| format!("{SITE}/{number}")).collect();
    let submit = |reference: &str, kind, texts: &[String]| submit_as(reference, &line, &*friendly(), kind, texts);
    let error = submit("all", Url, &paths).unwrap_err();
    assert_eq!((error.kind, line.accepted()), (TooLarge, 0));
    submit("most", Url, &paths[..3_000]).unwrap();
    let error = submit("one more", Url, &paths[3_000..]).unwrap_err();
    assert_eq!((error.kind, error.retry_after.map(|wait| wait.as_secs())), (Throttled, Some(20)));
    // Of wildcards, the other limit.
    submit("wildcards", Prefix, &paths[..15]).unwrap();
    assert_eq!(submit("one more wildcard", Prefix, &paths[15..16]).unwrap_err().kind, Throttled);
    assert_eq!(line.accepted(), 3_015);
    line.pass(6);
    submit("one more", Url, &paths[3_000..]).unwrap();
    submit("one more wildcard", Prefix, &paths[15..16]).unwrap();
}

/// The vendor's error with this code and message.
fn kind(status: u16, code: &str, message: &str) -> ApiErrorKind {
    let body = format!(
        "<ErrorResponse xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>7</RequestId></ErrorResponse>"
    );
    let headers = [("date", "Sun, 22 Nov 2026 00:51:54 GMT")];
    submit(&Canned::new(status, &headers, body), Url, &["/a"]).unwrap_err().kind
}

#[test]
fn an_error_allows_what_its_code_says() {
    for (status, code, expected) in [
        (400, "TooManyInvalidationsInProgress", Throttled),
        (429, "ThrottlingException", Throttled),
        (413, "BatchTooLarge", TooLarge),
        (400, "InvalidArgument", Refused),
        (404, "NoSuchDistribution", Denied),
        (403, "AccessDenied", Forbidden),
        (403, "Novel", Forbidden),
        (403, "SignatureDoesNotMatch", Keys),
        (403, "ExpiredToken", Expired),
        (403, "RequestExpired", Clock),
        (400, "Novel", Undocumented),
        (500, "InternalFailure", Server),
        (503, "ServiceUnavailable", Server),
    ] {
        assert_eq!(kind(status, code, "no"), expected, "{status} {code}");
    }
    assert_eq!(kind(403, "SignatureDoesNotMatch", "Signature expired: 1 is now earlier than 2"), Clock);
    for body in ["", "{}", "<html>login</html>", "<Invalidation/>", "<Invalidation><Id> </Id></Invalidation>"] {
        let error = submit(&Canned::new(201, &[], body), Url, &["/a"]).unwrap_err();
        assert_eq!(error.kind, Ambiguous, "{body}");
    }
    let page = Canned::new(403, &[("content-type", "text/html")], "<html>blocked</html>");
    assert_eq!(submit(&page, Url, &["/a"]).unwrap_err().kind, Ambiguous);
}

#[test]
fn the_signature_is_checked_with_its_clock_and_its_token() {
    let settings = EmulatorSettings::default();
    let submit = |line: &Line, key: AccessKey| {
        let provider = prepared(provider(&[], Some(ID), key), line)?;
        submit_as("r", line, &*provider, Url, &[format!("{SITE}/a")])
    };
    let late = line(&settings);
    late.skew.set(SignedDuration::from_mins(-20));
    let error = submit(&late, access_key(&settings)).unwrap_err();
    assert_eq!((error.kind, error.server_time), (Clock, Some(start())));
    let wrong = submit(&line(&settings), AccessKey::new("demonstration-key", "wrong".into())).unwrap_err();
    assert_eq!((wrong.kind, wrong.code.as_deref()), (Keys, Some("SignatureDoesNotMatch")));
    let mut altered = line(&settings);
    altered.tamper = Some(Box::new(|request: Request<bytes::Bytes>| request.map(|_| "<InvalidationBatch/>".into())));
    assert_eq!(submit(&altered, access_key(&settings)).unwrap_err().kind, Keys);
}

#[test]
fn in_china_the_signature_is_for_its_region() {
    let settings = EmulatorSettings::default();
    let word = |text: &str| OptionValue::Word(text.to_owned());
    let context = ProviderContext {
        spec: &CLOUDFRONT,
        options: [("distribution", word(ID)), ("region", word("china"))].into(),
        hosts: Vec::new(),
        endpoint: url::Url::parse(CLOUDFRONT.endpoints[1].url).unwrap(),
        credentials: SharedCredentials::new(access_key(&settings)),
    };
    let line = line(&settings);
    let provider = prepared(open(context), &line).unwrap();
    submit_as("r", &line, &*provider, Url, &[format!("{SITE}/a")]).unwrap();
    assert!(line.last_request().headers()["authorization"].to_str().unwrap().contains("/cn-northwest-1/cloudfront/"));
}

#[test]
fn a_tenants_calls_and_permissions_have_names_of_their_own() {
    let settings = EmulatorSettings::default();
    let line = line(&settings);
    let tenant = prepared(provider(&[], Some("dt_2example"), access_key(&settings)), &line).unwrap();
    let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
    let forbidden = Canned::new(403, &[], body);
    let error = submit_as("r", &forbidden, &*tenant, Url, &[format!("{SITE}/a")]).unwrap_err();
    assert_eq!((error.kind, error.api), (Forbidden, "CreateInvalidationForDistributionTenant"));
    assert!(error.to_string().contains("`cloudfront:CreateInvalidationForDistributionTenant`"), "{error}");
    let error = block_on(tenant.status(&["I1".to_owned()], 1, &forbidden)).err().unwrap();
    assert!(error.to_string().contains("`cloudfront:GetInvalidationForDistributionTenant`"), "{error}");
}

fn role() -> RoleRequest {
    RoleRequest {
        endpoint: url::Url::parse("https://sts.amazonaws.com").unwrap(),
        role: "arn:aws:iam::123456789012:role/ci".into(),
        session: "cdn-purge".into(),
        external_id: None,
        duration: Some(900),
        policy: None,
    }
}

#[test]
fn a_role_is_assumed_by_an_oidc_token_and_its_credentials_sign() {
    use base64::Engine;
    let token = |audience: &str, expires: i64| {
        let claims = format!(r#"{{"aud":"{audience}","exp":{expires}}}"#);
        SecretString::from(format!("e30.{}.c2ln", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims)))
    };
    let line = line(&EmulatorSettings::default());
    let assume = |token: &SecretString| block_on(Sts.assume(&role(), Proof::OidcToken { provider: "", token }, &line));
    let issued = assume(&token("sts.amazonaws.com", 4_000_000_000)).unwrap();
    assert_eq!(issued.expires, Some(start() + SignedDuration::from_mins(15)));
    let body = line.last_request();
    let body = std::str::from_utf8(body.body()).unwrap();
    assert!(
        body.starts_with("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1234"),
        "{body}"
    );
    let Credentials::AccessKey(key) = issued.credentials else { panic!("no access key") };
    let provider = prepared(provider(&[], Some(ID), key), &line).unwrap();
    submit_as("r", &line, &*provider, Url, &[format!("{SITE}/a")]).unwrap();
    line.pass(901);
    assert_eq!(submit_as("s", &line, &*provider, Url, &[format!("{SITE}/a")]).unwrap_err().kind, Expired);
    for (wrong, code) in [
        (token("elsewhere", 4_000_000_000), "InvalidIdentityToken"),
        (token("sts.amazonaws.com", 1), "ExpiredTokenException"),
    ] {
        let error = assume(&wrong).err().unwrap();
        assert_eq!((error.kind, error.code.as_deref(), error.api), (Keys, Some(code), API));
        assert!(error.to_string().contains("the role's trust policy"), "{error}");
    }
    for (status, code, expected) in
        [(500, "InternalFailure", Server), (503, "ServiceUnavailable", Server), (400, "Novel", Keys)]
    {
        let body = format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>");
        let (answer, token) = (Canned::new(status, &[], body), token("sts.amazonaws.com", 4_000_000_000));
        let proof = Proof::OidcToken { provider: "", token: &token };
        let error = block_on(Sts.assume(&role(), proof, &answer)).err().unwrap();
        assert_eq!(error.kind, expected, "{status} {code}");
    }
    let key = access_key(&EmulatorSettings::default());
    assert!(block_on(Sts.assume(&role(), Proof::AccessKey(&key), &line)).is_err());
    assert_eq!(Sts.endpoint(Some("eu-west-1")), "https://sts.eu-west-1.amazonaws.com");
    assert!(Sts.serves("global") && !Sts.serves("china"));
    assert!(Sts.spec().is_role(&role().role) && !Sts.spec().is_role("acs:ram::1:role/x"));
}

#[test]
fn the_file_of_the_vendors_tools_is_read_by_its_profile() {
    let read = |text: &str| read(&PROFILES[0], text, None, &Default::default());
    let text =
        "[default]\naws_access_key_id = i\naws_secret_access_key = s\naws_session_token = t\n[other]\nrole_arn = x\n";
    let (_, ProfileCredentials::Key(key)) = read(text).unwrap().unwrap() else { panic!("no access key") };
    assert_eq!((key.id.as_str(), key.security_token.is_some()), ("i", true));
    assert!(read("[default]\nsso_session = x\n").is_err());
}
