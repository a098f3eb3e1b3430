//! The environment variables of one account. A target that names its credentials reads the vendor's own variables with that name
//! before theirs: `credentials: brand-a` reads `BRAND_A_ALIBABA_CLOUD_ACCESS_KEY_ID`.
//!
//! The name comes from the configuration file, which a stranger may have written. So it selects a prefix of the known variables and
//! nothing else: no variable that isn't a credential of that vendor can be read by it.

use crate::config::CredentialChoice;
use crate::environment::{Environment, nonempty};
use crate::provider::Spec;
use crate::text::suggest::{all_of, did_you_mean};

/// The variables of the account that a target chose.
#[derive(Clone)]
pub struct AccountVariables<'a> {
    environment: &'a Environment,
    /// Empty, or a name's prefix.
    prefix: String,
    /// Whether the target chose a profile: variables hold another account's credentials then.
    is_profile: bool,
}

impl<'a> AccountVariables<'a> {
    /// The variables of a choice.
    pub fn new(environment: &'a Environment, choice: &CredentialChoice) -> Self {
        let prefix = if let CredentialChoice::Named(name) = choice { prefix(name) } else { String::new() };
        Self { environment, prefix, is_profile: matches!(choice, CredentialChoice::Profile(_)) }
    }

    /// What a vendor's variable is called here.
    pub(super) fn name(&self, variable: &str) -> String {
        format!("{}{variable}", self.prefix)
    }

    /// A variable that says who the account is. An empty name is none.
    pub(super) fn own(&self, variable: &str) -> Option<String> {
        let is_one = !variable.is_empty() && !self.is_profile;
        is_one.then(|| nonempty(self.environment, &self.name(variable))).flatten()
    }

    /// A variable about the job or the vendor's services, with its name: an account's own takes precedence.
    pub(super) fn shared(&self, variable: &str) -> Option<(String, String)> {
        let names = [self.name(variable), variable.to_owned()];
        names.into_iter().filter(|_| !variable.is_empty()).find_map(|name| {
            let value = nonempty(self.environment, &name)?;
            Some((name, value))
        })
    }

    /// The whole environment.
    pub(super) fn environment(&self) -> &'a Environment {
        self.environment
    }
}

/// What the variables of a name begin with.
fn prefix(name: &str) -> String {
    format!("{}_", name.to_ascii_uppercase().replace('-', "_"))
}

/// Names whose credentials for this vendor are in the environment, near ones first: the rest of a sentence about a name that has none.
pub(super) fn other_names(spec: &Spec, environment: &Environment, name: &str) -> Option<String> {
    let variables: Vec<&str> = spec.credentials.iter().filter_map(|set| set.required().next()).collect();
    let named = environment.iter().filter(|(_, value)| !value.trim().is_empty()).filter_map(|(full, _)| {
        let name = variables.iter().find_map(|variable| full.strip_suffix(variable)?.strip_suffix('_'))?;
        Some(name.to_ascii_lowercase().replace('_', "-"))
    });
    let mut names: Vec<String> = named.filter(|other| !other.is_empty()).collect();
    names.dedup();
    let known = || names.iter().map(String::as_str);
    (!names.is_empty()).then(|| did_you_mean(name, known(), || format!("the environment has {}", all_of(known()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CredentialInputs;
    use crate::credentials::secrets;
    use crate::providers::{PROVIDERS, REGISTRY, Registration};
    use secrecy::ExposeSecret;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// What a name can read of a vendor: whoever writes it into a configuration file must not reach anything else.
    fn known(spec: &Spec) -> Vec<&'static str> {
        let credentials = spec.credentials.iter().flat_map(|set| set.0).map(|field| field.name);
        let roles = Registration::of(spec).and_then(|entry| entry.roles).map(|service| &service.spec().variables);
        let roles = roles
            .into_iter()
            .flat_map(|names| [names.role, names.oidc_provider, names.oidc_token, names.credentials_url]);
        credentials.chain(roles).filter(|name| !name.is_empty()).collect()
    }

    #[test]
    fn no_name_reads_the_credentials_of_another_vendor() {
        for spec in PROVIDERS {
            for other in
                PROVIDERS.iter().filter(|other| other.credentials[0].0[0].name != spec.credentials[0].0[0].name)
            {
                for variable in known(spec) {
                    let suffix = format!("_{variable}");
                    assert!(
                        known(other).iter().all(|name| !name.ends_with(&suffix)),
                        "{} {}: {suffix}",
                        spec.name,
                        other.name
                    );
                }
            }
        }
    }

    #[test]
    fn a_name_reads_the_variables_with_its_prefix_alone() {
        let environment = environment(&[
            ("KEY", "plain"),
            ("BRAND_A_KEY", " a \n"),
            ("BRAND_B_KEY", ""),
            ("STS", "s"),
            ("BRAND_B_STS", "b"),
        ]);
        let own = |choice: CredentialChoice| AccountVariables::new(&environment, &choice).own("KEY");
        assert_eq!(own(CredentialChoice::Default).as_deref(), Some("plain"));
        assert_eq!(own(CredentialChoice::Named("brand-a".into())).as_deref(), Some("a"));
        assert_eq!(own(CredentialChoice::Named("Brand_A".into())).as_deref(), Some("a"));
        assert_eq!(own(CredentialChoice::Named("brand-b".into())), None);
        assert_eq!(own(CredentialChoice::Profile("brand-a".into())), None);
        let shared = |name: &str| {
            AccountVariables::new(&environment, &CredentialChoice::Named(name.into())).shared("STS").unwrap()
        };
        assert_eq!(shared("brand-a"), ("STS".to_owned(), "s".to_owned()));
        assert_eq!(shared("brand-b"), ("BRAND_B_STS".to_owned(), "b".to_owned()));
        let none = AccountVariables::new(&environment, &CredentialChoice::Named("brand-a".into()));
        assert_eq!((none.own(""), none.shared("")), (None, None));
    }

    #[test]
    fn secrets_are_masked_under_every_prefix() {
        let environment = environment(&[
            ("BRAND_A_CLOUDFLARE_API_TOKEN", "masked-1"),
            ("CLOUDFLARE_API_TOKEN", "masked-2"),
            ("X_HUAWEICLOUD_SDK_SK", "masked-3"),
            ("BRAND_A_ALIBABA_CLOUD_ACCESS_KEY_ID", "shown"),
            ("NOCLOUDFLARE_API_TOKEN", "shown"),
            ("HOME_", "shown"),
        ]);
        let found = secrets(REGISTRY, &CredentialInputs::default(), &environment);
        let mut found: Vec<&str> = found.iter().map(|secret| secret.expose_secret()).collect();
        found.sort_unstable();
        assert_eq!(found, ["masked-1", "masked-2", "masked-3"]);
    }
}
