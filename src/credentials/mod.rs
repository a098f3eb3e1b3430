//! Inputs and the environment become the keys of one provider, or a sentence that says where they were looked for.

pub mod process;
mod profile;
pub mod search;
pub mod sources;

use secrecy::{ExposeSecret, SecretString};

use crate::config::CredentialInputs;
use crate::environment::Environment;
use crate::error::Error;
use crate::provider::Spec;
use crate::provider::credentials::Credentials;
use crate::text::suggest::all_of;

/// Finds a provider's keys where they are given whole: the inputs first, then each set of its own environment names, in
/// order. Gives where they were too. An empty value is absent; the first place that holds anything is the one that counts.
fn found(
    spec: &Spec,
    inputs: &CredentialInputs,
    environment: &Environment,
) -> Result<Option<(Credentials, String)>, Error> {
    let lookup =
        |name: &str| environment.get(name).filter(|_| !name.is_empty()).map(|text| SecretString::from(text.as_str()));
    let given = Candidate {
        names: ["access-key-id", "access-key-secret", "security-token"],
        values: [
            inputs.access_key_id.as_deref().map(SecretString::from),
            inputs.access_key_secret.clone(),
            inputs.security_token.clone(),
        ],
        account_id: None,
    };
    let own = spec.credentials.iter().map(|names| {
        let account_id = search::own(environment, names.account_id);
        let names = [names.access_key_id, names.access_key_secret, names.security_token];
        Candidate { names, values: names.map(lookup), account_id }
    });
    for candidate in std::iter::once(given).chain(own) {
        let from = format!("`{}`", candidate.names[0]);
        if let Some(credentials) = candidate.credentials(spec)? {
            return Ok(Some((credentials, from)));
        }
    }
    Ok(None)
}

/// The account's id under the name that the vendor's own libraries read: it goes with keys from elsewhere, too.
pub fn account_id(spec: &Spec, environment: &Environment) -> Option<String> {
    spec.credentials.first().and_then(|names| search::own(environment, names.account_id))
}

/// The same keys, of this account unless they say of which they are.
#[must_use]
pub fn of_account(keys: Credentials, account_id: Option<&str>) -> Credentials {
    let account_id = keys.account_id.clone().or_else(|| account_id.map(str::to_owned));
    Credentials { account_id, ..keys }
}

/// That no keys are found, with every name that was looked for, and why other places gave none.
fn nothing(spec: &Spec, vain: &[String]) -> Error {
    let pairs = spec.credentials.iter().map(|names| all_of([names.access_key_id, names.access_key_secret]));
    let role = spec.exchange.map(|_| "give `role` and `oidc-provider` to a job that has an OIDC token".to_owned());
    let vain = if vain.is_empty() { String::new() } else { format!("; looked at in vain: {}", vain.join("; ")) };
    Error::Credentials {
        message: format!("no keys for `{}`", spec.name),
        help: std::iter::once("give the inputs `access-key-id` and `access-key-secret`".to_owned())
            .chain(pairs.map(|pair| format!("set {pair} in the environment")))
            .chain(role)
            .collect::<Vec<_>>()
            .join(", or ")
            + "; `--dry-run` and `--simulate` need none"
            + &vain,
    }
}

/// Every secret that a run could come to hold, whether it is used or not, to be masked before anything is said.
pub fn secrets(providers: &[&Spec], inputs: &CredentialInputs, environment: &Environment) -> Vec<SecretString> {
    let names = providers.iter().flat_map(|spec| spec.credentials);
    let names = names.flat_map(|names| [names.access_key_secret, names.security_token]);
    let tokens = providers.iter().filter_map(|spec| spec.exchange).map(|exchange| exchange.token);
    let names = names.chain(tokens).chain(["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]);
    let found = names.filter_map(|name| environment.get(name)).map(|text| SecretString::from(text.as_str()));
    let given = [&inputs.access_key_secret, &inputs.security_token, &inputs.oidc_token].into_iter().flatten().cloned();
    given.chain(found).filter_map(|secret| present(Some(secret))).collect()
}

/// One place where keys may be: id, secret and token, with their names.
struct Candidate {
    names: [&'static str; 3],
    values: [Option<SecretString>; 3],
    account_id: Option<String>,
}

impl Candidate {
    fn credentials(self, spec: &Spec) -> Result<Option<Credentials>, Error> {
        let [id, secret, token] = self.values.map(present);
        for (name, value) in self.names.iter().zip([&id, &secret, &token]) {
            if value.as_ref().is_some_and(|value| !is_key(value.expose_secret())) {
                return Err(Error::Credentials {
                    message: format!(
                        "`{name}` for `{}` holds a space, a line break or a character that no key has",
                        spec.name
                    ),
                    help: "store the key alone: without quotes, line breaks or its name before it".into(),
                });
            }
        }
        let half = |missing: &str, present: &str| Error::Credentials {
            message: format!("`{present}` for `{}` is given without `{missing}`", spec.name),
            help: format!("set both; a secret that a workflow may not read arrives empty: is `{missing}` one?"),
        };
        match (id, secret) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(half(self.names[1], self.names[0])),
            (None, Some(_)) => Err(half(self.names[0], self.names[1])),
            (Some(id), Some(secret)) => {
                let keys = Credentials::fixed(id.expose_secret(), secret).with_token(token);
                Ok(Some(Credentials { account_id: self.account_id, ..keys }))
            }
        }
    }
}

/// The value without surrounding white space, which stored secrets often end in; `None` when nothing is left.
fn present(value: Option<SecretString>) -> Option<SecretString> {
    let value = value?;
    let text = value.expose_secret().trim();
    (!text.is_empty()).then(|| SecretString::from(text))
}

/// Keys travel in HTTP headers: visible ASCII only.
fn is_key(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fixtures::SWIFT;

    fn find(inputs: &[&str; 3], environment: &[(&str, &str)]) -> Result<Credentials, Error> {
        let secret = |text: &str| Some(SecretString::from(text));
        let inputs = CredentialInputs {
            access_key_id: Some(inputs[0].into()),
            access_key_secret: secret(inputs[1]),
            security_token: secret(inputs[2]),
            ..CredentialInputs::default()
        };
        let environment = environment.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        found(&SWIFT, &inputs, &environment)?.map(|(keys, _)| keys).ok_or_else(|| nothing(&SWIFT, &[]))
    }

    fn message(found: Result<Credentials, Error>) -> String {
        let error = found.err().unwrap();
        assert_eq!(error.exit_code(), crate::error::ExitCode::Credentials);
        let told = error.diagnostics().remove(0);
        format!("{}: {}", told.title, told.help.unwrap())
    }

    #[test]
    fn inputs_beat_the_environment_and_the_first_names_beat_the_second() {
        let environment = [
            ("SWIFT_KEY", "id1"),
            ("SWIFT_SECRET", "s1"),
            ("OLD_KEY", "id2"),
            ("OLD_SECRET", "s2"),
            ("OLD_TOKEN", "t2"),
        ];
        let found = find(&["id0", " s0\n", ""], &environment).unwrap();
        assert_eq!((found.access_key_id.as_str(), found.access_key_secret.expose_secret()), ("id0", "s0"));
        assert!(found.security_token.is_none());
        assert_eq!(find(&["", "", ""], &environment).unwrap().access_key_id, "id1");
        let old = find(
            &["", "", ""],
            &[("SWIFT_KEY", ""), ("SWIFT_SECRET", " "), environment[2], environment[3], environment[4]],
        )
        .unwrap();
        assert_eq!((old.access_key_id.as_str(), old.security_token.unwrap().expose_secret()), ("id2", "t2"));
    }

    #[test]
    fn a_token_alone_is_no_key() {
        assert!(find(&["", "", "t"], &[("SWIFT_TOKEN", "t")]).is_err());
    }

    #[test]
    fn half_a_pair_names_what_is_missing() {
        assert_eq!(
            message(find(&["", "", ""], &[("SWIFT_KEY", "id"), ("OLD_KEY", "id"), ("OLD_SECRET", "s")])),
            "`SWIFT_KEY` for `swift-cdn` is given without `SWIFT_SECRET`: set both; a secret that a workflow may not read \
             arrives empty: is `SWIFT_SECRET` one?"
        );
        assert!(
            message(find(&["", "s", ""], &[]))
                .starts_with("`access-key-secret` for `swift-cdn` is given without `access-key-id`")
        );
    }

    #[test]
    fn a_key_with_a_space_or_a_line_break_is_refused_and_not_shown() {
        for bad in ["hunter 2", "hunter\n2", "hunter\u{0}2", "hunter\u{e9}", "hunter\t2"] {
            let told = message(find(&["id", bad, ""], &[]));
            assert!(told.starts_with("`access-key-secret`") && !told.contains("hunter"), "{told}");
            assert!(message(find(&[bad, "s", ""], &[])).starts_with("`access-key-id`"));
            assert!(message(find(&["id", "s", bad], &[])).starts_with("`security-token`"));
        }
    }

    #[test]
    fn nothing_found_lists_every_name() {
        assert_eq!(
            message(find(&["", "", ""], &[])),
            "no keys for `swift-cdn`: give the inputs `access-key-id` and `access-key-secret`, or set `SWIFT_KEY` and \
             `SWIFT_SECRET` in the environment, or set `OLD_KEY` and `OLD_SECRET` in the environment; `--dry-run` and \
             `--simulate` need none"
        );
    }
}
