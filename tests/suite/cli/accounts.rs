//! Several accounts of one vendor in one configuration: each request is signed by its own, and one without credentials stops no other.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use super::stage::{Finished, KEY, SECRET, Site};
use super::vendor::{Trap, Vendor};

const CONFIGURATION: &str = r#"version: 1
targets:
  brand-a: {provider: alibaba-cdn, credentials: brand-a}
  brand-b: {provider: alibaba-cdn, credentials: brand-b}
rules:
  - {files: "public/**", urls: "https://a.example.com/{tail}", targets: brand-a, prefetch: true}
  - {files: "public/**", urls: "https://b.example.com/{tail}", targets: brand-b}
"#;

/// The id and the secret of each account.
const ACCOUNTS: [[&str; 2]; 2] = [["KeyOfBrandA", "SecretOfBrandA"], ["KeyOfBrandB", "SecretOfBrandB"]];

const VARIABLES: [[&str; 2]; 2] = [
    ["BRAND_A_ALIBABA_CLOUD_ACCESS_KEY_ID", "BRAND_A_ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
    ["BRAND_B_ALIBABA_CLOUD_ACCESS_KEY_ID", "BRAND_B_ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
];

/// One endpoint for two accounts of a vendor: each request goes to the emulator of the account whose key it names.
fn endpoint_of(accounts: [SocketAddr; 2]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || forward(stream, accounts));
        }
    });
    address
}

/// Forwards one request, and closes the connection after it: the next one may be another account's.
fn forward(mut client: TcpStream, accounts: [SocketAddr; 2]) -> Option<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let text = String::from_utf8(head).ok()?;
    let length = text
        .to_lowercase()
        .split("content-length: ")
        .nth(1)
        .map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    client.read_exact(&mut body).ok()?;
    let account = ACCOUNTS.iter().position(|[id, _]| text.contains(&format!("Credential={id},")))?;
    let mut vendor = TcpStream::connect(accounts[account]).ok()?;
    vendor.write_all(text.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes()).ok()?;
    vendor.write_all(&body).ok()?;
    std::io::copy(&mut vendor, &mut client).ok()?;
    Some(())
}

/// Two accounts of one vendor, and a site whose configuration has a target for each.
struct Brands {
    vendors: [Vendor; 2],
    endpoint: SocketAddr,
    site: Site,
}

impl Brands {
    fn new() -> Self {
        let vendors = ACCOUNTS.map(|[id, secret]| {
            let key = [("ALIBABA_CLOUD_ACCESS_KEY_ID", id), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)];
            Vendor::with_environment(&[], &key)
        });
        let endpoint = endpoint_of([vendors[0].address(), vendors[1].address()]);
        let site = Site::new();
        site.write("cdn-purge.yml", CONFIGURATION);
        Self { vendors, endpoint, site }
    }

    /// A run with the credentials of these accounts alone.
    fn run(&self, arguments: &[&str], accounts: &[usize]) -> Finished {
        let report = self.site.sibling("report.json");
        let run = self.site.bare_run(arguments).args(&["--base", "HEAD~1", "--report-file", report.to_str().unwrap()]);
        let run = run.args(&["--endpoint", &format!("alibaba-cdn=http://{}", self.endpoint)]);
        // The account that no target names must never sign.
        let run = run.keys(KEY, SECRET);
        let set = |run: super::stage::Run, &account: &usize| {
            let [id, secret] = VARIABLES[account];
            run.env(id, ACCOUNTS[account][0]).env(secret, ACCOUNTS[account][1])
        };
        accounts.iter().fold(run, set).finish()
    }

    /// How many URLs of each host each account accepted.
    fn accepted(&self) -> [BTreeMap<String, usize>; 2] {
        self.vendors.each_ref().map(|vendor| {
            let mut hosts = BTreeMap::new();
            for entry in vendor.ledger() {
                *hosts.entry(entry.split('/').nth(2).unwrap().to_owned()).or_default() += 1;
            }
            hosts
        })
    }
}

fn of(host: &str, count: usize) -> BTreeMap<String, usize> {
    [(host.to_owned(), count)].into()
}

#[test]
fn each_request_is_signed_by_the_account_of_its_target() {
    let brands = Brands::new();
    let finished = brands.run(&["run", "--log-level", "verbose"], &[0, 1]);
    finished.is_all_done();
    finished.says(&[
        "credentials from `BRAND_A_ALIBABA_CLOUD_ACCESS_KEY_ID`",
        "from `BRAND_B_ALIBABA_CLOUD_ACCESS_KEY_ID`",
    ]);
    assert_eq!(brands.accepted(), [of("a.example.com", 6), of("b.example.com", 4)]);
    for secret in [ACCOUNTS[0][1], ACCOUNTS[1][1], SECRET] {
        assert!(!finished.out.contains(secret) && !finished.err.contains(secret), "{}{}", finished.out, finished.err);
    }
}

#[test]
fn one_account_without_credentials_stops_no_other_and_the_next_run_makes_up_for_it() {
    let brands = Brands::new();
    let first = brands.run(&["run", "--journal", "../journal"], &[0]);
    first.ends_with(6);
    let end = |target: &str, outcome: &str, count| ((target.to_owned(), outcome.to_owned()), count);
    assert_eq!(first.ends(), [end("brand-a", "done", 6), end("brand-b", "unsubmitted", 4)].into());
    first.says(&["no credentials named `brand-b` for `alibaba-cdn`", "BRAND_B_ALIBABA_CLOUD_ACCESS_KEY_SECRET"]);
    assert_eq!(brands.accepted(), [of("a.example.com", 6), BTreeMap::new()]);

    let second = brands.run(&["run", "--journal", "../journal"], &[0, 1]);
    second.is_all_done();
    assert_eq!(brands.accepted(), [of("a.example.com", 6), of("b.example.com", 4)]);
}

#[test]
fn a_name_without_variables_lists_those_that_it_needs_and_the_names_that_have_theirs() {
    let (site, trap) = (Site::new(), Trap::new());
    site.write("cdn-purge.yml", CONFIGURATION.replace("credentials: brand-b", "credentials: brnad-a"));
    let run = |arguments: &[&str]| {
        let run = site.run(trap.address(), arguments).args(&["--base", "HEAD~1"]);
        run.env(VARIABLES[0][0], "x").env(VARIABLES[0][1], "y")
    };
    run(&["run", "--target", "brand-b"]).finish().complains(
        6,
        &[
            "no credentials named `brnad-a` for `alibaba-cdn`",
            "`BRNAD_A_ALIBABA_CLOUD_ROLE_ARN` and `BRNAD_A_ALIBABA_CLOUD_OIDC_PROVIDER_ARN` in a job with an OIDC token",
            "did you mean `brand-a`?",
            "set `BRNAD_A_ALIBABA_CLOUD_ACCESS_KEY_ID` and `BRNAD_A_ALIBABA_CLOUD_ACCESS_KEY_SECRET`",
        ],
    );
    trap.is_untouched();
    // A plan needs none.
    run(&["plan"]).finish().ends_with(0);
}

#[test]
fn a_target_is_run_alone_and_one_that_is_not_there_is_refused() {
    let brands = Brands::new();
    brands.run(&["run", "--target", "brand-b"], &[0, 1]).is_all_done();
    assert_eq!(brands.accepted(), [BTreeMap::new(), of("b.example.com", 4)]);
    brands.run(&["run", "--target", "brand-a,brand-b"], &[0, 1]).is_all_done();
    let planned = brands.run(&["plan", "--target", "brand-a"], &[]);
    planned.ends_with(0).says(&["https://a.example.com/index.html"]);
    assert!(!planned.out.contains("b.example.com"), "{}", planned.out);
    for command in ["run", "plan", "check", "explain", "refresh", "quota"] {
        let site = &brands.site;
        let rest: &[&str] = match command {
            "explain" => &["public/index.html"],
            "refresh" => &["https://a.example.com/"],
            _ => &[],
        };
        let run = site.bare_run(&[command, "--target", "brnd-a"]).args(rest);
        run.finish().complains(2, &["there is no target `brnd-a`", "did you mean `brand-a`?"]);
    }
}

#[test]
fn a_profile_of_the_vendors_file_signs_for_the_target_that_names_it() {
    let brands = Brands::new();
    let profile = |name: &str, [id, secret]: [&str; 2]| {
        format!(r#"{{"name":"{name}","mode":"AK","access_key_id":"{id}","access_key_secret":"{secret}"}}"#)
    };
    let [a, b] = [profile("a", ACCOUNTS[0]), profile("b", ACCOUNTS[1])];
    let folder = brands.site.sibling("home").join(".aliyun");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(Path::new(&folder).join("config.json"), format!(r#"{{"current":"a","profiles":[{a},{b}]}}"#))
        .unwrap();
    let by_profile = CONFIGURATION.replace("credentials: brand-", "profile: ");
    brands.site.write("cdn-purge.yml", &by_profile);
    brands.run(&["run"], &[]).is_all_done();
    assert_eq!(brands.accepted(), [of("a.example.com", 6), of("b.example.com", 4)]);

    brands.site.write("cdn-purge.yml", by_profile.replace("profile: b", "profile: ops"));
    let finished = brands.run(&["run", "--target", "brand-b"], &[0, 1]);
    finished.complains(6, &["no file of the vendor has the profile `ops` for `alibaba-cdn`", "correct the name"]);
}

#[test]
fn a_manifest_of_all_targets_is_not_written_by_a_run_of_a_part() {
    let (site, trap) = (Site::new(), Trap::new());
    site.write("cdn-purge.yml", format!("changes: directory\ndirectory: public\n{CONFIGURATION}"));
    let run = |arguments: &[&str]| site.run(trap.address(), arguments).finish();
    run(&["run", "--target", "brand-a"])
        .complains(2, &["would write the manifest `.cdn-purge/manifest.txt` of all targets", "--manifest file:PATH"]);
    trap.is_untouched();
    run(&["plan", "--target", "brand-a", "--without-manifest", "all"]).ends_with(0);
    run(&["plan", "--target", "brand-a", "--target", "brand-b", "--without-manifest", "all"]).ends_with(0);
}
