//! CloudFront in memory: invalidations of one distribution, with what may be in progress, and the Security Token Service.
//!
//! Sources, as the comments name them:
//! - `model 2020-05-31`: the published model of the API, as botocore 1.44.5 has it, November 2026
//! - `limits 2026`, `paths 2026`, `tags 2026`: the pages of the developer guide about what is in progress, about paths and about tags

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};

use crate::account::Account;
use crate::request::Received;
use crate::response::{ErrorCode, dated, retry_after};
use crate::session_credentials::{Flaw, flaw};
use crate::signing::escape;
use crate::tasks::Progress;
use crate::{DocumentedErrors, Emulator, EmulatorSettings, LedgerEntry, Operation, Rows};
use errors::{error, escaped, xml};
use signature::SESSION_PREFIX;

mod errors;
mod signature;

/// The account's distribution. Where any host is its alias, any other id of the vendor's form is one too.
const DISTRIBUTION: &str = "EDFDVBD6EXAMPLE";
/// Its domain name, by which the ledger calls it.
const DOMAIN: &str = "d111111abcdef8.cloudfront.net";
const NAMESPACE: &str = "http://cloudfront.amazonaws.com/doc/2020-05-31/";
const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const ASSUME: &str = "AssumeRoleWithWebIdentity";

/// In progress at once: limits 2026.
const FILES: usize = 3_000;
const WILDCARDS: usize = 15;

/// Calls in a second; not published.
const CALLS_PER_SECOND: f64 = 20.0;

/// CloudFront, API version 2020-05-31.
pub fn cdn(settings: &EmulatorSettings) -> Box<dyn Emulator> {
    let settings = EmulatorSettings { rows: Rows::PerUrl, ..settings.clone() };
    Box::new(CloudFront {
        account: Account::new(settings, 5_000_000_000_001, SignedDuration::from_hours(24 * 30)),
        references: HashMap::new(),
    })
}

/// The vendor in memory.
struct CloudFront {
    account: Account,
    /// The id of each invalidation, and its paths, by distribution and the caller's reference.
    references: HashMap<(String, String), (u64, Vec<String>)>,
}

/// A body with its status.
type Reply = Result<(u16, String), ErrorCode>;

fn refused(code: &'static str, text: &str) -> ErrorCode {
    ErrorCode::new(code, text)
}

/// The contents of all elements of a name, which have none inside.
fn elements(body: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = body.split(&open).skip(1).filter_map(|part| Some(part.split_once(&close)?.0));
    let plain = |text: &str| {
        let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
        pairs.iter().fold(text.to_owned(), |text, (escape, character)| text.replace(escape, character))
    };
    parts.map(plain).collect()
}

/// The vendor's name of a call, by its method and the parts of its path.
fn call_name(method: &str, path: &str) -> &'static str {
    let parts: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
    match (method, &parts[..]) {
        ("POST", [_, _, "invalidation"]) => "CreateInvalidation",
        ("GET", [_, _, "invalidation", _]) => "GetInvalidation",
        ("GET", [_, _, "invalidation"]) => "ListInvalidations",
        ("GET", ["distribution"]) => "ListDistributions",
        ("POST", []) => ASSUME,
        _ => "",
    }
}

fn is_wildcard(path: &str) -> bool {
    path.starts_with('#') || path.ends_with('*')
}

impl CloudFront {
    fn answer(&mut self, request: &Received<'_>, now: Timestamp) -> Reply {
        let name = call_name(request.method, request.path);
        if name == ASSUME {
            return self.assume(request, now);
        }
        signature::authenticate(request, &self.account.settings, now)?;
        if name.is_empty() {
            return Err(refused("InvalidArgument", "There is no such call."));
        }
        if self.account.is_forbidden(name) {
            let text =
                format!("User: arn:aws:iam::123456789012:user/ci is not authorized to perform: cloudfront:{name}");
            return Err(ErrorCode::new("AccessDenied", text));
        }
        if !self.account.admits(name, CALLS_PER_SECOND, now) {
            return Err(refused("Throttling", "Rate exceeded"));
        }
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').skip(1).collect();
        if name == "ListDistributions" {
            return Ok((200, self.distributions(request)));
        }
        let (kind, id) = (parts[0], parts[1]);
        let is_any = self.account.settings.zones.is_empty()
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if kind == "distribution-tenant" && !(is_any && id.starts_with("dt_")) {
            return Err(refused("EntityNotFound", "The entity was not found."));
        }
        if kind == "distribution" && id != DISTRIBUTION && !(is_any && id.starts_with('E')) {
            return Err(refused("NoSuchDistribution", "The specified distribution does not exist."));
        }
        match name {
            "CreateInvalidation" => self.create(id, request, now),
            "GetInvalidation" => self.get(parts[3], now),
            _ => Ok((200, self.list(now))),
        }
    }

    fn create(&mut self, distribution: &str, request: &Received<'_>, now: Timestamp) -> Reply {
        let malformed = || refused("MalformedXML", "The XML you provided was not well-formed.");
        let body = std::str::from_utf8(request.body).map_err(|_| malformed())?;
        if body.is_empty() {
            return Err(refused("MissingBody", "This operation requires a body."));
        }
        if !body.contains(&format!("<InvalidationBatch xmlns=\"{NAMESPACE}\">")) {
            return Err(malformed());
        }
        let paths = elements(body, "Path");
        let reference = elements(body, "CallerReference").pop().ok_or_else(malformed)?;
        let quantity = elements(body, "Quantity").pop().ok_or_else(malformed)?;
        if quantity != paths.len().to_string() {
            return Err(refused("InconsistentQuantities", "The value of Quantity and the size of Items don't match."));
        }
        if paths.len() > self.account.settings.per_call.unwrap_or(FILES) {
            return Err(refused("BatchTooLarge", "The batch specified is too large."));
        }
        let is_path = |path: &String| match path.strip_prefix('#') {
            Some(tag) => {
                (1..=256).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
            }
            None => {
                path.starts_with('/')
                    && path.len() <= 4_000
                    && path.bytes().all(|byte| byte.is_ascii_graphic())
                    && path.find('*').is_none_or(|star| star + 1 == path.len())
            }
        };
        let is_wrong = |path: &String| !is_path(path) || self.account.refuses(path);
        if paths.is_empty() || reference.is_empty() || paths.iter().any(is_wrong) {
            return Err(refused("InvalidArgument", "Your request contains one or more invalid invalidation paths."));
        }
        // The same once more is the first one: model 2020-05-31.
        let key = (distribution.to_owned(), reference);
        if let Some((id, known)) = self.references.get(&key) {
            if *known != paths {
                let text = "An invalidation batch with this caller reference and other paths exists.";
                return Err(refused("InvalidationBatchAlreadyExists", text));
            }
            return Ok((201, self.invalidation(*id, now)));
        }
        let (wildcards, files) = self.in_progress(now);
        let new = paths.iter().filter(|path| is_wildcard(path)).count();
        if (new > 0 && wildcards + new > WILDCARDS) || (paths.len() > new && files + paths.len() - new > FILES) {
            let text =
                "Processing your request will cause you to exceed the maximum number of in-progress invalidations.";
            return Err(refused("TooManyInvalidationsInProgress", text));
        }
        let id = self.account.tasks.next_id();
        // No path names its host.
        for path in &paths {
            let (operation, url) = match path.strip_prefix('#') {
                Some(tag) => (Operation::RefreshTag, format!("https://{DOMAIN}/#{}", escape(tag))),
                None if path == "/*" => (Operation::RefreshEverything, format!("https://{DOMAIN}/")),
                None => match path.strip_suffix('*') {
                    Some(start) => (Operation::RefreshPrefix, format!("https://{DOMAIN}{start}")),
                    None => (Operation::RefreshUrl, format!("https://{DOMAIN}{path}")),
                },
            };
            self.account.tasks.accept(id, operation, &url, now, Duration::from_secs(60));
        }
        self.references.insert(key, (id, paths));
        Ok((201, self.invalidation(id, now)))
    }

    fn is_running(&self, id: u64, now: Timestamp) -> bool {
        let places = self.account.tasks.of_id(id);
        // There is no failed state.
        places.iter().any(|&place| matches!(self.account.tasks.progress(place, now), Progress::Running(_)))
    }

    /// The wildcards and tags that are in progress, and the files.
    fn in_progress(&self, now: Timestamp) -> (usize, usize) {
        let running = self.references.values().filter(|(id, _)| self.is_running(*id, now));
        running.fold((0, 0), |(wildcards, files), (_, paths)| {
            let wide = paths.iter().filter(|path| is_wildcard(path)).count();
            (wildcards + wide, files + paths.len() - wide)
        })
    }

    /// An invalidation; the id is one of ours.
    fn invalidation(&self, id: u64, now: Timestamp) -> String {
        let status = if self.is_running(id, now) { "InProgress" } else { "Completed" };
        let found = self.references.iter().find(|(_, (known, _))| *known == id);
        let (reference, paths) = found.map_or(("", &[][..]), |((_, reference), (_, paths))| (reference, paths));
        let created = self.account.tasks.of_id(id).first().map(|&place| self.account.tasks.created(place));
        let items: String = paths.iter().map(|path| format!("<Path>{}</Path>", escaped(path))).collect();
        format!(
            "<Invalidation xmlns=\"{NAMESPACE}\"><Id>I{id}</Id><Status>{status}</Status><CreateTime>{}</CreateTime><InvalidationBatch>\
             <Paths><Quantity>{}</Quantity><Items>{items}</Items></Paths><CallerReference>{}</CallerReference></InvalidationBatch>\
             </Invalidation>",
            created.unwrap_or(now).strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
            paths.len(),
            escaped(reference)
        )
    }

    fn get(&self, id: &str, now: Timestamp) -> Reply {
        let number = id.strip_prefix('I').and_then(|id| id.parse().ok()).unwrap_or(0);
        let place = self.account.tasks.of_id(number).first();
        if place.is_none_or(|&place| !self.account.tasks.is_listed(place, now)) {
            return Err(refused("NoSuchInvalidation", "The specified invalidation does not exist."));
        }
        Ok((200, self.invalidation(number, now)))
    }

    fn list(&self, now: Timestamp) -> String {
        let ids = self.account.tasks.ids().rev().take(100);
        let row = |id: u64| {
            let status = if self.is_running(id, now) { "InProgress" } else { "Completed" };
            format!("<InvalidationSummary><Id>I{id}</Id><Status>{status}</Status></InvalidationSummary>")
        };
        let items: String = ids.map(row).collect();
        format!(
            "<InvalidationList xmlns=\"{NAMESPACE}\"><Marker/><MaxItems>100</MaxItems><IsTruncated>false</IsTruncated>\
             <Quantity>{}</Quantity><Items>{items}</Items></InvalidationList>",
            items.matches("<Id>").count()
        )
    }

    /// Two distributions, each on a page of its own. The second one has the aliases.
    fn distributions(&mut self, request: &Received<'_>) -> String {
        let zones = &self.account.settings.zones;
        let any = ["www.example.com".to_owned(), "*.example.com".to_owned()];
        let aliases = if zones.is_empty() { &any[..] } else { &zones[..] };
        let summary = |id: &str, domain: &str, aliases: &[String]| {
            let items: String = aliases.iter().map(|alias| format!("<CNAME>{alias}</CNAME>")).collect();
            let items = if items.is_empty() { String::new() } else { format!("<Items>{items}</Items>") };
            format!(
                "<DistributionSummary><Id>{id}</Id><ARN>arn:aws:cloudfront::123456789012:distribution/{id}</ARN><Status>Deployed</Status>\
                 <DomainName>{domain}</DomainName><Aliases><Quantity>{}</Quantity>{items}</Aliases><Enabled>true</Enabled>\
                 </DistributionSummary>",
                aliases.len()
            )
        };
        let other = "E2OTHEREXAMPLE";
        let marker = request.parameter("Marker").unwrap_or_default();
        let (more, row) = match marker {
            "" => (true, summary(other, "d222222abcdef8.cloudfront.net", &[])),
            _ => (false, summary(DISTRIBUTION, DOMAIN, aliases)),
        };
        let next = if more { format!("<NextMarker>{other}</NextMarker>") } else { String::new() };
        format!(
            "<DistributionList xmlns=\"{NAMESPACE}\"><Marker>{marker}</Marker>{next}<MaxItems>1</MaxItems><IsTruncated>{more}</IsTruncated>\
             <Quantity>1</Quantity><Items>{row}</Items></DistributionList>"
        )
    }

    fn assume(&self, request: &Received<'_>, now: Timestamp) -> Reply {
        let text = |name: &str| request.parameter(name).unwrap_or_default();
        let seconds = request.number("DurationSeconds", 3_600, 900..=43_200);
        let seconds = seconds.map_err(|why| ErrorCode::new("ValidationError", why))?;
        if !text("RoleArn").starts_with("arn:aws:iam::") || text("RoleSessionName").len() < 2 {
            return Err(refused("ValidationError", "RoleArn or RoleSessionName is invalid."));
        }
        match flaw(text("WebIdentityToken"), "sts.amazonaws.com", now) {
            Some(Flaw::Expired) => {
                return Err(refused("ExpiredTokenException", "Token expired"));
            }
            Some(flaw) => return Err(ErrorCode::new("InvalidIdentityToken", format!("the token is {flaw:?}"))),
            None => {}
        }
        if self.account.is_forbidden(ASSUME) {
            return Err(refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"));
        }
        let key = self.account.settings.issue(SESSION_PREFIX, now, Duration::from_secs(seconds as u64));
        let body = format!(
            "<{ASSUME}Response xmlns=\"{STS_NAMESPACE}\"><{ASSUME}Result><Credentials><AccessKeyId>{}</AccessKeyId>\
             <SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken><Expiration>{}</Expiration></Credentials>\
             <Audience>sts.amazonaws.com</Audience></{ASSUME}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\
             </{ASSUME}Response>",
            key.id,
            key.secret,
            key.token,
            key.expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        );
        Ok((200, body))
    }
}

impl Emulator for CloudFront {
    fn claims(&self, request: &Request<Bytes>) -> bool {
        let is_form = || {
            let form = form_urlencoded::parse(request.body());
            request.uri().path() == "/" && form.into_iter().any(|(name, value)| name == "Action" && value == ASSUME)
        };
        request.uri().path().starts_with("/2020-05-31/") || (request.method() == http::Method::POST && is_form())
    }

    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let number = self.account.next_request();
        let request_id = format!("{:08x}-0000-4000-8000-{number:012x}", now.as_second());
        let now = self.account.vendors_clock(now);
        let received = Received::read(request);
        let namespace = if received.path == "/" { STS_NAMESPACE } else { NAMESPACE };
        let response = match self.answer(&received, now) {
            Ok((status, body)) => xml(status, &request_id, body),
            Err(ErrorCode { code, message }) => error(code, &message, namespace, &request_id),
        };
        dated(response, now)
    }

    fn ledger(&self) -> &[LedgerEntry] {
        self.account.tasks.ledger()
    }

    fn takes(&self, place: usize) -> Option<Duration> {
        self.account.tasks.takes(place)
    }

    fn call_name(&self, request: &Request<Bytes>) -> String {
        call_name(request.method().as_str(), request.uri().path()).to_owned()
    }

    fn errors(&self) -> &'static [DocumentedErrors] {
        errors::DOCUMENTED
    }

    fn error(&self, code: &str, now: Timestamp) -> Response<Bytes> {
        let response = error(code, "This refusal was requested with --fault.", NAMESPACE, "refused");
        dated(response, self.account.vendors_clock(now))
    }

    fn throttled(&self, wait: Option<Duration>) -> Response<Bytes> {
        retry_after(error("Throttling", "Rate exceeded", NAMESPACE, "throttled"), wait)
    }

    fn server_error(&self) -> Response<Bytes> {
        error("InternalError", "We encountered an internal error. Please try again.", NAMESPACE, "failed")
    }
}
