//! Finds where a provider's credentials come from, among the options, the environment and the files in a person's home.

use std::path::Path;

use url::Url;

use super::account_variables::{AccountVariables, other_names};
use super::configured::configured;
use super::oidc::OidcToken;
use super::profile;
use super::sources::{ExternalSource, Place, ProofSource, Role, Source};
use crate::config::{CredentialChoice, CredentialInputs, network};
use crate::environment::Environment;
use crate::error::Error;
use crate::provider::Spec;
use crate::provider::assume_role::{RoleRequest, RoleService};
use crate::provider::profile::{AssumeRoleOptions, ProfileCredentials};
use crate::providers::{REGISTRY, Registration};
use crate::text::suggest::all_of;

/// Finds where a provider's credentials come from. Unless the target chose, the first place that holds any counts: the option `role`;
/// the options of an access key; the provider's own variables of credentials; its own variables of a role; its own files in the home
/// folder; its own variable of a URL. An empty value is absent. A name stands for the variables with its prefix alone, and a profile
/// for the files alone: nothing else may sign for that account.
///
/// # Errors
/// [`Error::Credentials`], never with the value of a secret: nothing is found, something is incomplete or can't be read, or a role
/// has no proof.
pub fn source(
    spec: &Spec,
    choice: &CredentialChoice,
    inputs: &CredentialInputs,
    environment: &Environment,
    repository: &Path,
) -> Result<Source, Error> {
    let registration = Registration::of(spec);
    let service = registration.and_then(|entry| entry.roles);
    let variables = AccountVariables::new(environment, choice);
    let of_the_job;
    let inputs = if *choice == CredentialChoice::Default {
        inputs
    } else {
        // The other options are another account's.
        let (oidc_audience, oidc_token) = (inputs.oidc_audience.clone(), inputs.oidc_token.clone());
        of_the_job = CredentialInputs { oidc_audience, oidc_token, ..CredentialInputs::default() };
        &of_the_job
    };
    let mut search = Search { spec, service, inputs, variables, rejected: Vec::new() };
    if let Some(role) = search.role_of_options()? {
        return Ok(Source::Role(role));
    }
    if let Some((credentials, from)) = configured(spec, inputs, &search.variables)? {
        return Ok(Source::Configured { credentials, from });
    }
    if let Some(role) = search.role_of_environment()? {
        return Ok(Source::Role(role));
    }
    let (files, profile) = match choice {
        CredentialChoice::Default => (registration.map_or(&[][..], |entry| entry.profiles), None),
        CredentialChoice::Profile(name) => (registration.map_or(&[][..], |entry| entry.profiles), Some(&**name)),
        CredentialChoice::Named(_) => (&[][..], None),
    };
    let held = profile::find(spec.name, files, profile, environment, repository, &mut search.rejected)?;
    if let Some((held, from)) = held {
        return search.of_profile(held, from);
    }
    search.url()?.ok_or_else(|| match choice {
        CredentialChoice::Named(name) => search.no_credentials_named(name),
        _ => no_credentials(spec, service.is_some(), &search.rejected),
    })
}

/// The error for no credentials at all: what to set, what needs none, and why other places had none.
fn no_credentials(spec: &Spec, has_roles: bool, rejected: &[String]) -> Error {
    let variables = spec.credentials.first().map(|variables| format!("set {}", all_of(variables.required())));
    let role = has_roles.then(|| "`role` and `oidc-provider` in a job with an OIDC token".to_owned());
    let ways: Vec<String> = variables.into_iter().chain(role).collect();
    Error::Credentials { message: format!("no credentials for `{}`", spec.name), help: with_rejected(&ways, rejected) }
}

fn with_rejected(ways: &[String], rejected: &[String]) -> String {
    let mut help = format!("{}\n`--dry-run` and `--simulate` need none", ways.join(", or "));
    if !rejected.is_empty() {
        help.push_str(&format!("\nalso tried: {}", rejected.join("; ")));
    }
    help
}

struct Search<'a> {
    spec: &'a Spec,
    service: Option<&'static dyn RoleService>,
    inputs: &'a CredentialInputs,
    variables: AccountVariables<'a>,
    /// Places that could have held credentials, each with why it had none.
    rejected: Vec<String>,
}

impl Search<'_> {
    /// The error for a name of which no variable is set: the variables that it needs, and names that have theirs.
    fn no_credentials_named(&self, name: &str) -> Error {
        let full = |names: Vec<&str>| {
            let names: Vec<String> = names.into_iter().map(|name| self.variables.name(name)).collect();
            all_of(names.iter().map(String::as_str))
        };
        let key = self.spec.credentials.first().map(|set| format!("set {}", full(set.required().collect())));
        let role = self.service.map(|service| &service.spec().variables).filter(|names| !names.role.is_empty());
        let role = role.map(|names| {
            let names = [names.role, names.oidc_provider].into_iter().filter(|name| !name.is_empty());
            format!("{} in a job with an OIDC token", full(names.collect()))
        });
        let ways: Vec<String> = key.into_iter().chain(role).collect();
        let mut help = with_rejected(&ways, &self.rejected);
        if let Some(others) = other_names(self.spec, self.variables.environment(), name) {
            help.push_str(&format!("\n{others}"));
        }
        Error::Credentials { message: format!("no credentials named `{name}` for `{}`", self.spec.name), help }
    }

    /// The role of the options, if it is one of this vendor's.
    fn role_of_options(&self) -> Result<Option<Box<Role>>, Error> {
        let (spec, inputs) = (self.spec, self.inputs);
        let Some(role) = inputs.role.clone() else { return Ok(None) };
        let Some(service) = self.service.filter(|service| service.spec().is_role(&role)) else {
            if REGISTRY.iter().filter_map(|other| other.roles).any(|other| other.spec().is_role(&role)) {
                return Ok(None);
            }
            let help = self.service.map_or_else(
                || "set other credentials".to_owned(),
                |service| format!("write it as `{}`", service.spec().role_form),
            );
            return Err(Error::Credentials { message: format!("`role` is no role of `{}`", spec.name), help });
        };
        let names = service.spec();
        let has_key = inputs.access_key_id.is_some() || inputs.access_key_secret.is_some();
        if has_key && (inputs.oidc_provider.is_some() || names.provider_form.is_empty()) {
            let help = match names.takes_access_key {
                true => "remove the access key or `oidc-provider`: one of them is enough to assume the role",
                false => "remove the access key: an OIDC token assumes the role",
            };
            return Err(Error::Credentials {
                message: format!("the role for `{}` has both an access key and an OIDC provider", spec.name),
                help: help.into(),
            });
        }
        let proof = match self.oidc_provider(service).filter(|_| !has_key) {
            Some(provider) => {
                let token = OidcToken::find(names, inputs, &self.variables)?;
                Some(ProofSource::OidcToken { provider, token: token.ok_or_else(|| self.no_token(service))? })
            }
            None => configured(spec, inputs, &self.variables)?.filter(|_| names.takes_access_key).map(
                |(credentials, from)| ProofSource::Credentials(Box::new(Source::Configured { credentials, from })),
            ),
        };
        if let Some(proof) = proof {
            return self.role(service, role, AssumeRoleOptions::default(), proof).map(Some);
        }
        let key = if names.takes_access_key { ", or an access key that may assume the role" } else { "" };
        Err(Error::Credentials {
            message: format!("the role for `{}` has no OIDC provider or access key", spec.name),
            help: format!("set `oidc-provider` to `{}`{key}", names.provider_form),
        })
    }

    /// The role in the vendor's own variables, if there is a token for it.
    fn role_of_environment(&mut self) -> Result<Option<Box<Role>>, Error> {
        let Some(service) = self.service else { return Ok(None) };
        let variables = &service.spec().variables;
        let Some(role) = self.variables.own(variables.role) else { return Ok(None) };
        let Some(provider) = self.oidc_provider(service) else {
            self.rejected.push(format!(
                "`{}` (set without `{}`)",
                self.variables.name(variables.role),
                self.variables.name(variables.oidc_provider)
            ));
            return Ok(None);
        };
        match OidcToken::find(service.spec(), self.inputs, &self.variables)? {
            Some(token) => {
                let proof = ProofSource::OidcToken { provider, token };
                self.role(service, role, AssumeRoleOptions::default(), proof).map(Some)
            }
            None if self.is_on_github() => Err(self.no_token(service)),
            None => {
                let (role, file) = (self.variables.name(variables.role), variables.oidc_token_file);
                self.rejected.push(format!("`{role}` (set without an OIDC token, as in `{file}`)"));
                Ok(None)
            }
        }
    }

    fn oidc_provider(&self, service: &'static dyn RoleService) -> Option<String> {
        let names = service.spec();
        let named = self.inputs.oidc_provider.clone().or_else(|| self.variables.own(names.variables.oidc_provider));
        // A vendor without names for them finds it by the token.
        named.or_else(|| names.provider_form.is_empty().then(String::new))
    }

    fn of_profile(&self, held: ProfileCredentials, from: String) -> Result<Source, Error> {
        let no_role = || Error::Credentials {
            message: format!("{from} names a role or a command that `{}` doesn't support", self.spec.name),
            help: "correct the file, or set other credentials".into(),
        };
        let service = self.service.ok_or_else(no_role);
        let (role, options, proof) = match held {
            ProfileCredentials::Key(key) => return Ok(Source::Configured { credentials: key.into(), from }),
            ProfileCredentials::Command(command) => {
                let place = Place::Command(command, profile::home(self.variables.environment()));
                return Ok(Source::External(ExternalSource { place, service: service?, from }));
            }
            ProfileCredentials::Federated { role, options, provider, token_file } => {
                (role, options, ProofSource::OidcToken { provider, token: OidcToken::File(token_file) })
            }
            ProfileCredentials::Role { role, options, by } => {
                (role, options, ProofSource::Credentials(Box::new(self.of_profile(*by, from.clone())?)))
            }
        };
        let service = service?;
        if !service.spec().is_role(&role) {
            return Err(no_role());
        }
        self.role(service, role, options, proof).map(Source::Role)
    }

    /// The URL that answers with credentials.
    fn url(&self) -> Result<Option<Source>, Error> {
        let Some(service) = self.service else { return Ok(None) };
        let name = service.spec().variables.credentials_url;
        let Some(text) = self.variables.own(name) else { return Ok(None) };
        let name = self.variables.name(name);
        // The network refuses plain http to other machines.
        let url = Url::parse(&text).ok().filter(Url::has_host).ok_or_else(|| Error::Credentials {
            message: format!("`{name}` is no valid URL"),
            help: "write it as `https://HOST/PATH`".into(),
        })?;
        Ok(Some(Source::External(ExternalSource { place: Place::Url(url), service, from: format!("`{name}`") })))
    }

    fn role(
        &self,
        service: &'static dyn RoleService,
        role: String,
        options: AssumeRoleOptions,
        proof: ProofSource,
    ) -> Result<Box<Role>, Error> {
        let variables = &service.spec().variables;
        if let Some(name) = variables.unsupported.iter().find(|name| self.variable(name).is_some()) {
            return Err(Error::Credentials {
                message: format!("`{name}` isn't supported: the credentials for `{}` could do more", self.spec.name),
                help: format!("unset it, and set `{}`", variables.policy),
            });
        }
        let duration = match self.variable(variables.duration).map(|text| text.parse()) {
            None => options.duration,
            Some(Ok(seconds)) => Some(seconds),
            Some(Err(_)) => {
                return Err(Error::Credentials {
                    message: format!("`{}` is no number of seconds", variables.duration),
                    help: "write it as `900`, or unset it".into(),
                });
            }
        };
        let request = RoleRequest {
            endpoint: self.endpoint(service, options.region)?,
            role,
            session: self.variable(variables.session).or(options.session).unwrap_or_else(|| self.session()),
            external_id: options.external_id,
            duration,
            policy: self.variable(variables.policy).or(options.policy),
        };
        Ok(Box::new(Role { service, request, proof }))
    }

    /// Where a role is requested: at the endpoint of the environment, or in the region of a profile or of the environment.
    fn endpoint(&self, service: &'static dyn RoleService, region: Option<String>) -> Result<Url, Error> {
        let variables = &service.spec().variables;
        let region = region.or_else(|| self.variable(variables.region));
        // Other text would make another host's name.
        let is_name = |text: &String| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let endpoint = match self.variable(variables.endpoint) {
            // The vendors' libraries take a bare host, too.
            Some(text) if !text.contains("://") => network::endpoint(&format!("https://{text}")),
            Some(text) => network::endpoint(&text),
            None if !region.iter().all(is_name) => Err("a region is a name like `cn-beijing`"),
            None => network::endpoint(&service.endpoint(region.as_deref())),
        };
        endpoint.map_err(|help| Error::Credentials {
            message: format!("the endpoint or region of the token service for `{}` is invalid", self.spec.name),
            help: format!("check `{}`, and the region of the profile: {help}", variables.endpoint),
        })
    }

    fn no_token(&self, service: &'static dyn RoleService) -> Error {
        let name = self.spec.name;
        if self.is_on_github() {
            return Error::Credentials {
                message: format!("the job may not request an OIDC token, which the role for `{name}` needs"),
                help: "add `permissions: {id-token: write, contents: read}` to the job; a pull request from a fork never gets a \
                       token"
                    .into(),
            };
        }
        let file = service.spec().variables.oidc_token_file;
        Error::Credentials {
            message: format!("the role for `{name}` needs an OIDC token, and there is none"),
            help: format!(
                "on GitLab add `CDN_PURGE_OIDC_TOKEN` to the job's `id_tokens`; elsewhere set `oidc-token`, or a file in `{file}`"
            ),
        }
    }

    fn is_on_github(&self) -> bool {
        self.variable("GITHUB_ACTIONS").is_some_and(|text| text == "true")
    }

    /// Names the run in the vendor's logs, in letters and digits that every vendor takes.
    fn session(&self) -> String {
        let run = ["GITHUB_RUN_ID", "CI_PIPELINE_ID"].into_iter().find_map(|name| self.variable(name));
        let run: String = run.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).take(32).collect();
        if run.is_empty() { "cdn-purge".into() } else { format!("cdn-purge-{run}") }
    }

    /// A variable about the job or the vendor's services.
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.shared(name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::credentials::AccessKey;
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

    /// Where the credentials for the first provider come from, in a few words.
    fn chosen(inputs: &CredentialInputs, environment: &[&[(&str, &str)]]) -> String {
        let environment: Environment =
            environment.concat().iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        match source(PROVIDERS[0], &CredentialChoice::Default, inputs, &environment, Path::new(".")) {
            Ok(Source::Configured { from, .. }) => from,
            Ok(Source::Role(role)) => format!("{} with {}", role.request.role, role.proof.words()),
            Ok(Source::External(external)) => external.words(),
            Err(error) => error.diagnostics().remove(0).title,
        }
    }

    #[test]
    fn the_first_place_that_holds_anything_counts() {
        let (none, given) = (inputs("", "", "", false), "acs:ram::1:role/given");
        let by_file = "acs:ram::1:role/env with the OIDC token in a file";
        let cases: &[(CredentialInputs, &[Variables], &str)] = &[
            (inputs("", "", "", true), &[&KEY, &[ROLE, PROVIDER, FILE]], "`access-key-id`"),
            (none.clone(), &[&KEY, &[ROLE, PROVIDER, FILE]], "`ALIBABA_CLOUD_ACCESS_KEY_ID`"),
            (none.clone(), &[&[ROLE, PROVIDER, FILE]], by_file),
            (none.clone(), &[&[("ALIBABA_CLOUD_ACCESS_KEY_ID", ""), ROLE, PROVIDER, FILE]], by_file),
            (none.clone(), &[&[ROLE, PROVIDER], &GITHUB], "acs:ram::1:role/env with GitHub's OIDC token"),
            (
                none.clone(),
                &[&[ROLE, PROVIDER], &GITHUB[..1]],
                "the job may not request an OIDC token, which the role for `alibaba-cdn` needs",
            ),
            (none, &[&[ROLE, PROVIDER]], "no credentials for `alibaba-cdn`"),
            (inputs("", "", "t", false), &[&[ROLE]], "no credentials for `alibaba-cdn`"),
            (inputs(given, "p", "t", false), &[&KEY], "acs:ram::1:role/given with the OIDC token in `oidc-token`"),
            (inputs(given, "p", "", false), &[&KEY, &GITHUB], "acs:ram::1:role/given with GitHub's OIDC token"),
            (
                inputs(given, "", "", false),
                &[&KEY],
                "acs:ram::1:role/given with the credentials from `ALIBABA_CLOUD_ACCESS_KEY_ID`",
            ),
            (inputs(given, "", "t", true), &[&KEY], "acs:ram::1:role/given with the credentials from `access-key-id`"),
            (
                inputs(given, "", "t", true),
                &[&[PROVIDER, FILE]],
                "acs:ram::1:role/given with the credentials from `access-key-id`",
            ),
            (
                inputs(given, "p", "t", true),
                &[&KEY],
                "the role for `alibaba-cdn` has both an access key and an OIDC provider",
            ),
            (inputs(given, "", "t", false), &[], "the role for `alibaba-cdn` has no OIDC provider or access key"),
            (inputs(given, "p", "", false), &[], "the role for `alibaba-cdn` needs an OIDC token, and there is none"),
            (inputs("admin", "p", "t", false), &[&KEY], "`role` is no role of `alibaba-cdn`"),
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
        let Ok(Source::Role(role)) =
            source(PROVIDERS[0], &CredentialChoice::Default, &inputs, &environment, Path::new("."))
        else {
            panic!("a role with a key")
        };
        assert_eq!(
            (role.request.session.as_str(), role.request.endpoint.as_str()),
            ("cdn-purge-123", "https://sts.aliyuncs.com/")
        );
    }

    #[test]
    fn a_region_of_the_profile_or_the_environment_is_where_the_role_is_requested() {
        let endpoint = |region: Option<&str>, environment: &[(&str, &str)]| {
            let environment: Environment =
                environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            let inputs = inputs("", "", "", false);
            let service = Registration::of(PROVIDERS[0]).unwrap().roles;
            let (spec, inputs, rejected) = (PROVIDERS[0], &inputs, Vec::new());
            let variables = AccountVariables::new(&environment, &CredentialChoice::Default);
            let search = Search { spec, service, inputs, variables, rejected };
            let options = AssumeRoleOptions {
                session: None,
                external_id: Some("out".into()),
                duration: Some(900),
                region: region.map(str::to_owned),
                policy: None,
            };
            let by = Box::new(ProfileCredentials::Key(AccessKey::new("i", "s".into())));
            let held = ProfileCredentials::Role { role: "acs:ram::1:role/x".into(), options, by };
            match search.of_profile(held, "the profile".into()) {
                Ok(Source::Role(role)) => {
                    assert_eq!((role.request.external_id.as_deref(), role.request.duration), (Some("out"), Some(900)));
                    role.request.endpoint.to_string()
                }
                Ok(_) => panic!("a role is held"),
                Err(error) => error.diagnostics().remove(0).title,
            }
        };
        let region = ("ALIBABA_CLOUD_STS_REGION", "cn-beijing");
        assert_eq!(endpoint(None, &[]), "https://sts.aliyuncs.com/");
        assert_eq!(endpoint(None, &[region]), "https://sts.cn-beijing.aliyuncs.com/");
        assert_eq!(endpoint(Some("eu-central-1"), &[region]), "https://sts.eu-central-1.aliyuncs.com/");
        let set = ("ALIBABA_CLOUD_STS_ENDPOINT", "sts.example");
        assert_eq!(endpoint(Some("eu-central-1"), &[region, set]), "https://sts.example/");
        for bad in ["a b", "x/../y", "evil.example/", "@evil.example"] {
            assert!(endpoint(Some(bad), &[]).starts_with("the endpoint or region of the token service for"), "{bad}");
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
            let found =
                source(PROVIDERS[0], &CredentialChoice::Default, &inputs("", "", "", false), &environment, &repository);
            let shown = found.err().unwrap().diagnostics().remove(0);
            assert_eq!(shown.title, "no credentials for `alibaba-cdn`");
            shown.help.unwrap()
        };
        let shown = help(&[ROLE]);
        for why in [
            "`ALIBABA_CLOUD_ROLE_ARN` (set without `ALIBABA_CLOUD_OIDC_PROVIDER_ARN`)".to_owned(),
            format!("`{}` (its profile `ci` holds no credentials)", at(".aliyun/config.json")),
            format!("`{}` (not found)", at(".alibabacloud/credentials.ini")),
            format!("`{}` (it has no section `default`)", at(".alibabacloud/credentials")),
        ] {
            assert!(shown.contains(&why), "{why} isn't in {shown}");
        }
        let shown = help(&[ROLE, PROVIDER, ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "TRUE")]);
        assert!(shown.contains("`ALIBABA_CLOUD_ROLE_ARN` (set without an OIDC token"), "{shown}");
        assert!(shown.contains("(disabled by `ALIBABA_CLOUD_CLI_PROFILE_DISABLED`)"), "{shown}");
        let shown = help(&[("ALIBABA_CLOUD_CREDENTIALS_FILE", "keys.ini")]);
        assert!(shown.contains("`keys.ini` (not an absolute path)"), "{shown}");
    }

    #[test]
    fn no_credentials_at_all_says_what_to_set_in_at_most_four_lines() {
        let spec = PROVIDERS[0];
        let lines = |rejected: &[String]| {
            let shown = no_credentials(spec, true, rejected).diagnostics().remove(0);
            format!("{}\n{}", shown.title, shown.help.unwrap())
        };
        let expected = "no credentials for `alibaba-cdn`\n\
                        set `ALIBABA_CLOUD_ACCESS_KEY_ID` and `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, or `role` and `oidc-provider` in a \
                        job with an OIDC token\n\
                        `--dry-run` and `--simulate` need none";
        assert_eq!(lines(&[]), expected);
        assert_eq!(lines(&["a".into(), "b".into()]), format!("{expected}\nalso tried: a; b"));
        let swift = no_credentials(&crate::config::fixtures::SWIFT, false, &[]).diagnostics().remove(0);
        assert_eq!(swift.help.unwrap(), "set `SWIFT_KEY` and `SWIFT_SECRET`\n`--dry-run` and `--simulate` need none");
    }
}
