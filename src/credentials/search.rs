//! Inputs, environment and a person's own files become the one place where a provider's keys come from: found, or still to
//! be asked for with a proof of who asks.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Url;

use super::sources::{Evidence, Role, Source, Teller, Token, Who};
use super::{found, nothing, present, profile};
use crate::config::{CredentialInputs, network};
use crate::environment::Environment;
use crate::error::Error;
use crate::provider::Spec;
use crate::provider::exchange::ExchangeSpec;
use crate::provider::profile::{Holds, Terms};
use crate::text::suggest::all_of;

/// Finds where a provider's keys come from. The first that holds anything counts: the inputs of an access key; the role of the
/// inputs; the provider's own names of keys in the environment; its own names of a role; its own files in the home of who
/// runs this; an address that its own name tells. An empty value is absent.
///
/// # Errors
/// [`Error::Credentials`], never with a value of a secret: nothing is found, something is half there or can't be read, or a
/// role has no proof.
pub fn source(
    spec: &Spec,
    providers: &[&'static Spec],
    inputs: &CredentialInputs,
    environment: &Environment,
    repository: &Path,
) -> Result<Source, Error> {
    let mut search = Search { spec, inputs, environment, repository, vain: Vec::new() };
    if let Some(role) = search.given_role(providers)? {
        return Ok(Source::Role(role));
    }
    if let Some((keys, from)) = found(spec, inputs, environment)? {
        return Ok(Source::Keys { keys, from });
    }
    if let Some(role) = search.own_role()? {
        return Ok(Source::Role(role));
    }
    if let Some(source) = search.profile()? {
        return Ok(source);
    }
    search.address()?.ok_or_else(|| nothing(spec, &search.vain))
}

struct Search<'a> {
    spec: &'a Spec,
    inputs: &'a CredentialInputs,
    environment: &'a Environment,
    repository: &'a Path,
    /// Places that seemed to hold something, each with why that gave no keys.
    vain: Vec<String>,
}

impl Search<'_> {
    /// The role of the inputs, if it is one of this vendor's.
    fn given_role(&self, providers: &[&'static Spec]) -> Result<Option<Box<Role>>, Error> {
        let Some(role) = self.inputs.role.clone() else { return Ok(None) };
        let Some(exchange) = self.spec.exchange.filter(|exchange| exchange.is_role(&role)) else {
            if providers.iter().filter_map(|other| other.exchange).any(|other| other.is_role(&role)) {
                return Ok(None);
            }
            let help = self.spec.exchange.map_or_else(
                || "give keys instead".to_owned(),
                |exchange| format!("write it as `{}`", exchange.role_shape),
            );
            let message = format!("`role` is no role that `{}` has", self.spec.name);
            return Err(Error::Credentials { message, help });
        };
        let is_keyed = self.inputs.access_key_id.is_some() || self.inputs.access_key_secret.is_some();
        if is_keyed && self.inputs.oidc_provider.is_some() {
            return Err(Error::Credentials {
                message: format!("the role for `{}` is given with two proofs of who asks for it", self.spec.name),
                help: "leave out `oidc-provider` or the access key: a key would be used, and the OIDC token ignored"
                    .into(),
            });
        }
        let provider = self.inputs.oidc_provider.clone().or_else(|| self.own(exchange.provider)).filter(|_| !is_keyed);
        if let Some(provider) = provider {
            let Some(token) = self.token(exchange)? else { return Err(self.no_token(exchange)) };
            return self.role(exchange, role, Terms::default(), Evidence::Token(provider, token)).map(Some);
        }
        if let Some((keys, from)) = found(self.spec, self.inputs, self.environment)?
            && exchange.takes_keys()
        {
            return self.role(exchange, role, Terms::default(), Evidence::Keys(keys, from)).map(Some);
        }
        let help = format!("give `oidc-provider`, as `{}`", exchange.provider_shape);
        let keys = if exchange.takes_keys() { ", or an access key that may play the role" } else { "" };
        let message = format!("the role for `{}` is given without a proof of who asks for it", self.spec.name);
        Err(Error::Credentials { message, help: help + keys })
    }

    /// The role that the vendor's own names tell, if there is a token for it.
    fn own_role(&mut self) -> Result<Option<Box<Role>>, Error> {
        let Some(exchange) = self.spec.exchange else { return Ok(None) };
        let provider = self.inputs.oidc_provider.clone().or_else(|| self.own(exchange.provider));
        let Some(role) = self.own(exchange.role) else { return Ok(None) };
        let Some(provider) = provider else {
            self.vain.push(format!("`{}` is set without `{}`", exchange.role, exchange.provider));
            return Ok(None);
        };
        match self.token(exchange)? {
            Some(token) => self.role(exchange, role, Terms::default(), Evidence::Token(provider, token)).map(Some),
            None if self.is_on_github() => Err(self.no_token(exchange)),
            None => {
                self.vain.push(format!(
                    "`{}` is set without an OIDC token, as one in `{}`, or on GitLab in `CDN_PURGE_OIDC_TOKEN` by `id_tokens`",
                    exchange.role, exchange.token_file
                ));
                Ok(None)
            }
        }
    }

    /// What the person's own files hold.
    fn profile(&mut self) -> Result<Option<Source>, Error> {
        match profile::find(self.spec, self.environment, self.repository, &mut self.vain)? {
            Some((profile, from)) => self.held(profile.holds, from).map(Some),
            None => Ok(None),
        }
    }

    fn held(&self, holds: Holds, from: String) -> Result<Source, Error> {
        let no_role = || Error::Credentials {
            message: format!("what {from} tells to use is nothing that `{}` has", self.spec.name),
            help: "correct the file, or give keys by other means".into(),
        };
        let (role, terms, evidence) = match holds {
            Holds::Keys(keys) => return Ok(Source::Keys { keys, from }),
            Holds::Program(command) => {
                let exchange = self.spec.exchange.ok_or_else(no_role)?;
                let home = ["HOME", "USERPROFILE"].into_iter().find_map(|name| self.own(name)).map(PathBuf::from);
                return Ok(Source::Told(Teller { who: Who::Program(command, home), exchange, from }));
            }
            Holds::Federated { role, terms, provider, token_file } => {
                (role, terms, Evidence::Token(provider, Token::File(token_file)))
            }
            Holds::Role { role, terms, by } => {
                let evidence = match self.held(*by, from.clone())? {
                    Source::Keys { keys, from } => Evidence::Keys(keys, from),
                    other => Evidence::Source(Box::new(other)),
                };
                (role, terms, evidence)
            }
        };
        let exchange = self.spec.exchange.filter(|exchange| exchange.is_role(&role)).ok_or_else(no_role)?;
        self.role(exchange, role, terms, evidence).map(Source::Role)
    }

    /// The address that answers with keys.
    fn address(&self) -> Result<Option<Source>, Error> {
        let Some(exchange) = self.spec.exchange else { return Ok(None) };
        let name = exchange.address;
        let Some(text) = self.own(name) else { return Ok(None) };
        // Whether it may be asked is the network's to say: plain http to this machine alone.
        let url = Url::parse(&text).ok().filter(Url::has_host).ok_or_else(|| Error::Credentials {
            message: format!("`{name}` is no address"),
            help: "write it as `https://HOST/PATH`".into(),
        })?;
        Ok(Some(Source::Told(Teller { who: Who::Address(url), exchange, from: format!("`{name}`") })))
    }

    fn role(
        &self,
        exchange: &'static ExchangeSpec,
        role: String,
        terms: Terms,
        evidence: Evidence,
    ) -> Result<Box<Role>, Error> {
        let Terms { session, external_id, life, region, policy } = terms;
        if let Some(name) = exchange.unread.iter().find(|name| self.own(name).is_some()) {
            return Err(Error::Credentials {
                message: format!(
                    "`{name}` is set, and isn't read: the keys for `{}` could do more than it allows",
                    self.spec.name
                ),
                help: format!("unset it; `{}` is read", exchange.policy),
            });
        }
        let life = match self.own(exchange.life).map(|text| text.parse()) {
            None => life,
            Some(Ok(seconds)) => Some(seconds),
            Some(Err(_)) => {
                return Err(Error::Credentials {
                    message: format!("`{}` is no number of seconds", exchange.life),
                    help: "write it as `900`, or unset it".into(),
                });
            }
        };
        let policy = self.own(exchange.policy).or(policy);
        let region = region.or_else(|| self.own(exchange.region)).filter(|_| !exchange.regional.is_empty());
        // Whatever isn't a region's name makes no address either.
        let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let regional =
            region.map(|name| exchange.regional.replace("{region}", if is_name(&name) { &name } else { "?" }));
        let endpoint = match self.own(exchange.endpoint_name).or(regional) {
            // The vendors' libraries take a bare host too.
            Some(text) if !text.contains("://") => network::endpoint(&format!("https://{text}")),
            Some(text) => network::endpoint(&text),
            None => Ok(Url::parse(exchange.endpoint).expect("a vendor's own endpoint is an address")),
        };
        let endpoint = endpoint.map_err(|help| Error::Credentials {
            message: format!(
                "roles for `{}` can't be asked for at the address or in the region that was given",
                self.spec.name
            ),
            help: format!("look at `{}`, and at the region of the profile: {help}", exchange.endpoint_name),
        })?;
        let session = self.own(exchange.session).or(session).unwrap_or_else(|| self.session());
        Ok(Box::new(Role { exchange, role, session, external_id, life, policy, endpoint, evidence }))
    }

    /// The token: given, in a file, or to be had from GitHub.
    fn token(&self, exchange: &'static ExchangeSpec) -> Result<Option<Token>, Error> {
        if let Some(token) = self.inputs.oidc_token.clone() {
            return Ok(Some(Token::Given("oidc-token", token)));
        }
        let name = exchange.token;
        if let Some(token) = self.own(name) {
            return Ok(Some(Token::Given(name, token.into())));
        }
        if let Some(file) = self.own(exchange.token_file) {
            return Ok(Some(Token::File(file.into())));
        }
        let request = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN");
        let (Some(url), Some(bearer)) = (self.own(request.0), self.own(request.1)) else { return Ok(None) };
        let url = Url::parse(&url).map_err(|_| Error::Credentials {
            message: format!("`{}` is no address", request.0),
            help: "this variable is the runner's: let nothing else set it".into(),
        })?;
        let audience = self.inputs.oidc_audience.clone().unwrap_or_else(|| exchange.audience.to_owned());
        Ok(Some(Token::GitHub { url, bearer: bearer.into(), audience }))
    }

    fn no_token(&self, exchange: &'static ExchangeSpec) -> Error {
        let name = self.spec.name;
        if self.is_on_github() {
            return Error::Credentials {
                message: format!("the job may not ask GitHub for the token that gives keys for `{name}`"),
                help: "give the job `permissions: id-token: write`, and `contents: read` beside it; a pull request from a fork \
                       never gets one"
                    .into(),
            };
        }
        let file = exchange.token_file;
        Error::Credentials {
            message: format!("there is a role for `{name}` and no OIDC token that proves who asks for it"),
            help: format!(
                "on GitLab let the job's `id_tokens` name `CDN_PURGE_OIDC_TOKEN`; elsewhere give `oidc-token`, or a file in {}",
                all_of([file])
            ),
        }
    }

    fn is_on_github(&self) -> bool {
        self.own("GITHUB_ACTIONS").is_some_and(|text| text == "true")
    }

    /// Which run it is, for the vendor's logs: letters and digits that every vendor takes.
    fn session(&self) -> String {
        let run = ["GITHUB_RUN_ID", "CI_PIPELINE_ID"].into_iter().find_map(|name| self.own(name)).unwrap_or_default();
        let run: String = run.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
        if run.is_empty() { "cdn-purge".into() } else { format!("cdn-purge-{run}") }
    }

    /// A variable that isn't empty.
    fn own(&self, name: &str) -> Option<String> {
        own(self.environment, name)
    }
}

/// A variable that isn't empty.
pub(super) fn own(environment: &Environment, name: &str) -> Option<String> {
    environment.get(name).map(|text| text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The token in a file.
///
/// # Errors
/// A sentence fragment: it can't be read, or holds no token.
pub fn read_token(file: &Path) -> Result<SecretString, String> {
    let text =
        profile::read(file).map_err(|reason| format!("can't read the token in `{}`: {reason}", file.display()))?;
    present(Some(text.into())).ok_or_else(|| format!("the file `{}` holds no token", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::credentials::Credentials;
    use crate::providers::PROVIDERS;

    type Variables = &'static [(&'static str, &'static str)];

    const ROLE: (&str, &str) = ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/env");
    const PROVIDER: (&str, &str) = ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/env");
    const FILE: (&str, &str) = ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/run/token");
    const KEY: [(&str, &str); 2] = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "i"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s")];
    const GITHUB: [(&str, &str); 3] = [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://github.example/?v=2"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "b"),
    ];

    fn inputs(role: &str, provider: &str, token: &str, key: bool) -> CredentialInputs {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        CredentialInputs {
            access_key_id: key.then(|| "given".into()),
            access_key_secret: key.then(|| "s".into()),
            security_token: None,
            role: text(role),
            oidc_provider: text(provider),
            oidc_audience: None,
            oidc_token: text(token).map(Into::into),
        }
    }

    /// Where the keys for the first provider come from, in a few words.
    fn chosen(inputs: &CredentialInputs, environment: &[&[(&str, &str)]]) -> String {
        let environment: Environment =
            environment.concat().iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        match source(PROVIDERS[0], PROVIDERS, inputs, &environment, Path::new(".")) {
            Ok(Source::Keys { from, .. }) => from,
            Ok(Source::Role(role)) => format!("{} {}", role.role, role.evidence.words()),
            Ok(Source::Told(teller)) => teller.words(),
            Err(error) => error.diagnostics().remove(0).title,
        }
    }

    #[test]
    fn the_first_place_that_holds_anything_counts() {
        let (none, given) = (inputs("", "", "", false), "acs:ram::1:role/given");
        let by_file = "acs:ram::1:role/env by the OIDC token of a file";
        let cases: &[(CredentialInputs, &[Variables], &str)] = &[
            (inputs("", "", "", true), &[&KEY, &[ROLE, PROVIDER, FILE]], "`access-key-id`"),
            (none.clone(), &[&KEY, &[ROLE, PROVIDER, FILE]], "`ALIBABA_CLOUD_ACCESS_KEY_ID`"),
            (none.clone(), &[&[ROLE, PROVIDER, FILE]], by_file),
            (none.clone(), &[&[("ALIBABA_CLOUD_ACCESS_KEY_ID", ""), ROLE, PROVIDER, FILE]], by_file),
            (none.clone(), &[&[ROLE, PROVIDER], &GITHUB], "acs:ram::1:role/env by GitHub's OIDC token"),
            (
                none.clone(),
                &[&[ROLE, PROVIDER], &GITHUB[..1]],
                "the job may not ask GitHub for the token that gives keys for `alibaba-cdn`",
            ),
            (none, &[&[ROLE, PROVIDER]], "no keys for `alibaba-cdn`"),
            (inputs("", "", "t", false), &[&[ROLE]], "no keys for `alibaba-cdn`"),
            (inputs(given, "p", "t", false), &[&KEY], "acs:ram::1:role/given by the OIDC token in `oidc-token`"),
            (inputs(given, "p", "", false), &[&KEY, &GITHUB], "acs:ram::1:role/given by GitHub's OIDC token"),
            (
                inputs(given, "", "", false),
                &[&KEY],
                "acs:ram::1:role/given by the keys of `ALIBABA_CLOUD_ACCESS_KEY_ID`",
            ),
            (inputs(given, "", "t", true), &[&KEY], "acs:ram::1:role/given by the keys of `access-key-id`"),
            (
                inputs(given, "", "t", true),
                &[&[PROVIDER, FILE]],
                "acs:ram::1:role/given by the keys of `access-key-id`",
            ),
            (
                inputs(given, "p", "t", true),
                &[&KEY],
                "the role for `alibaba-cdn` is given with two proofs of who asks for it",
            ),
            (
                inputs(given, "", "t", false),
                &[],
                "the role for `alibaba-cdn` is given without a proof of who asks for it",
            ),
            (
                inputs(given, "p", "", false),
                &[],
                "there is a role for `alibaba-cdn` and no OIDC token that proves who asks for it",
            ),
            (inputs("admin", "p", "t", false), &[&KEY], "`role` is no role that `alibaba-cdn` has"),
            // Another vendor's, which has its own targets in the same run.
            (inputs("iam::1:agency:ci", "p", "t", false), &[&KEY], "`ALIBABA_CLOUD_ACCESS_KEY_ID`"),
        ];
        for (inputs, environment, expected) in cases {
            assert_eq!(chosen(inputs, environment), *expected, "{environment:?}");
        }
    }

    #[test]
    fn the_session_names_the_run_in_letters_that_every_vendor_takes() {
        let environment: Environment = [KEY[0], KEY[1], ("GITHUB_RUN_ID", "12/../3")]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into();
        let inputs = inputs("acs:ram::1:role/x", "", "", false);
        let Ok(Source::Role(role)) = source(PROVIDERS[0], PROVIDERS, &inputs, &environment, Path::new(".")) else {
            panic!("a role with a key")
        };
        assert_eq!((role.session.as_str(), role.endpoint.as_str()), ("cdn-purge-123", "https://sts.aliyuncs.com/"));
    }

    #[test]
    fn a_region_of_the_profile_or_the_environment_is_where_the_role_is_asked_for() {
        let asked = |region: Option<&str>, environment: &[(&str, &str)]| {
            let environment: Environment =
                environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            let inputs = inputs("", "", "", false);
            let search = Search {
                spec: PROVIDERS[0],
                inputs: &inputs,
                environment: &environment,
                repository: Path::new("."),
                vain: Vec::new(),
            };
            let terms = Terms {
                session: None,
                external_id: Some("out".into()),
                life: Some(900),
                region: region.map(str::to_owned),
                policy: None,
            };
            let by = Box::new(Holds::Keys(Credentials::fixed("i", "s".into())));
            let holds = Holds::Role { role: "acs:ram::1:role/x".into(), terms, by };
            match search.held(holds, "the profile".into()) {
                Ok(Source::Role(role)) => {
                    assert_eq!((role.external_id.as_deref(), role.life), (Some("out"), Some(900)));
                    role.endpoint.to_string()
                }
                Ok(_) => panic!("a role is held"),
                Err(error) => error.diagnostics().remove(0).title,
            }
        };
        let region = ("ALIBABA_CLOUD_STS_REGION", "cn-beijing");
        assert_eq!(asked(None, &[]), "https://sts.aliyuncs.com/");
        assert_eq!(asked(None, &[region]), "https://sts.cn-beijing.aliyuncs.com/");
        assert_eq!(asked(Some("eu-central-1"), &[region]), "https://sts.eu-central-1.aliyuncs.com/");
        let endpoint = ("ALIBABA_CLOUD_STS_ENDPOINT", "sts.example");
        assert_eq!(asked(Some("eu-central-1"), &[region, endpoint]), "https://sts.example/");
        for bad in ["a b", "x/../y", "evil.example/", "@evil.example"] {
            assert!(asked(Some(bad), &[]).starts_with("roles for `alibaba-cdn` can't be asked for"), "{bad}");
        }
    }

    #[test]
    fn where_nothing_is_found_each_place_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        let at = |file: &str| home.join(file).display().to_string();
        std::fs::create_dir_all(home.join(".aliyun")).unwrap();
        std::fs::create_dir_all(home.join(".alibabacloud")).unwrap();
        std::fs::write(home.join(".aliyun/config.json"), r#"{"current":"ci","profiles":[{"name":"ci","mode":"AK"}]}"#)
            .unwrap();
        std::fs::write(home.join(".alibabacloud/credentials"), "[other]\naccess_key_id = x\n").unwrap();
        let help = |more: &[(&str, &str)]| {
            let mut environment: Environment =
                more.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            environment.insert("HOME".into(), home.display().to_string());
            let repository = home.join("checkout");
            let found = source(PROVIDERS[0], PROVIDERS, &inputs("", "", "", false), &environment, &repository);
            let told = found.err().unwrap().diagnostics().remove(0);
            assert_eq!(told.title, "no keys for `alibaba-cdn`");
            told.help.unwrap()
        };
        let told = help(&[ROLE]);
        for why in [
            "`ALIBABA_CLOUD_ROLE_ARN` is set without `ALIBABA_CLOUD_OIDC_PROVIDER_ARN`".to_owned(),
            format!("`{}`: its profile `ci` holds no key", at(".aliyun/config.json")),
            format!("`{}`: there is no such file", at(".alibabacloud/credentials.ini")),
            format!("`{}`: it has no section `default`", at(".alibabacloud/credentials")),
        ] {
            assert!(told.contains(&why), "{why} isn't in {told}");
        }
        let told = help(&[ROLE, PROVIDER, ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "TRUE")]);
        assert!(told.contains("`ALIBABA_CLOUD_ROLE_ARN` is set without an OIDC token"), "{told}");
        assert!(told.contains("`ALIBABA_CLOUD_CLI_PROFILE_DISABLED` forbids it"), "{told}");
        let told = help(&[("ALIBABA_CLOUD_CREDENTIALS_FILE", "keys.ini")]);
        assert!(told.contains("`keys.ini`: its path isn't a full one"), "{told}");
    }
}
