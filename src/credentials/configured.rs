//! Credentials that a person configures: in the options, or in the provider's own environment variables.

use secrecy::{ExposeSecret, SecretString};

use super::account_variables::AccountVariables;
use super::oidc;
use crate::config::CredentialInputs;
use crate::environment::Environment;
use crate::error::Error;
use crate::provider::Spec;
use crate::provider::credentials::{CredentialSpec, Credentials, Part};
use crate::providers::Registration;

/// The options of an access key.
const OPTIONS: CredentialSpec = CredentialSpec(&[
    Part::Id.from("access-key-id"),
    Part::Secret.from("access-key-secret"),
    Part::SecurityToken.from("security-token"),
]);

/// Finds a provider's credentials in the options, or else in the first set of its environment variables that holds any. Gives
/// the place, too. An empty value is absent.
///
/// # Errors
/// [`Error::Credentials`], without any value: a part is missing, or has a character that no request can carry.
pub(super) fn configured(
    spec: &Spec,
    inputs: &CredentialInputs,
    variables: &AccountVariables<'_>,
) -> Result<Option<(Credentials, String)>, Error> {
    let option = |part| match part {
        Part::Id => inputs.access_key_id.as_deref().map(SecretString::from),
        Part::Secret => inputs.access_key_secret.clone(),
        Part::SecurityToken => inputs.security_token.clone(),
        Part::AccountId | Part::Token => None,
    };
    // They are for the providers that have an access key.
    let has_key = spec.credentials.first().is_some_and(|variables| variables.name(Part::Id).is_some());
    if let Some(found) = read(spec, &OPTIONS, str::to_owned, option)?.filter(|_| has_key) {
        return Ok(Some(found));
    }
    for set in spec.credentials {
        let variable = |part| variables.own(set.name(part)?).map(SecretString::from);
        if let Some(found) = read(spec, set, |name| variables.name(name), variable)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The credentials in one set of options or variables, and its name; `None` where no required part is set.
fn read(
    spec: &Spec,
    names: &CredentialSpec,
    shown: impl Fn(&str) -> String,
    value: impl Fn(Part) -> Option<SecretString>,
) -> Result<Option<(Credentials, String)>, Error> {
    let value = |part| value(part).and_then(present);
    let (mut first_set, mut first_missing) = (None, None);
    for field in names.0 {
        let value = value(field.part);
        // Credentials travel in HTTP headers.
        if value.as_ref().is_some_and(|value| !value.expose_secret().bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(Error::Credentials {
                message: format!(
                    "`{}` for `{}` holds a space, a line break or an invalid character",
                    shown(field.name),
                    spec.name
                ),
                help: "store the value alone: without quotes, line breaks or its name before it".into(),
            });
        }
        if field.part.is_required() {
            let first = if value.is_some() { &mut first_set } else { &mut first_missing };
            first.get_or_insert_with(|| shown(field.name));
        }
    }
    match (first_set, first_missing) {
        (None, _) => Ok(None),
        (Some(set), Some(missing)) => Err(Error::Credentials {
            message: format!("`{set}` for `{}` is set without `{missing}`", spec.name),
            help: format!("set both; a secret that a workflow may not read arrives empty: is `{missing}` one?"),
        }),
        (Some(set), None) => Ok(names.credentials(value).map(|credentials| (credentials, format!("`{set}`")))),
    }
}

/// The account's id in the first variable that the vendor's own libraries read: it goes with credentials from anywhere.
pub fn account_id(spec: &Spec, variables: &AccountVariables<'_>) -> Option<String> {
    variables.own(spec.credentials.first()?.name(Part::AccountId)?)
}

/// Every secret that a run may use, to be masked before anything is logged; those of named credentials too, whatever their names.
pub fn secrets(registry: &[Registration], inputs: &CredentialInputs, environment: &Environment) -> Vec<SecretString> {
    let fields = registry.iter().flat_map(|entry| entry.spec.credentials).flat_map(|spec| spec.0);
    let names = fields.filter(|field| field.part.is_secret()).map(|field| field.name);
    let tokens = registry.iter().filter_map(|entry| entry.roles).map(|roles| roles.spec().variables.oidc_token);
    let names = names.chain(tokens).chain([oidc::GITHUB_BEARER]).filter(|name| !name.is_empty());
    let names: Vec<&str> = names.collect();
    let is_one = |name: &str| names.iter().any(|known| name == *known || name.ends_with(&format!("_{known}")));
    let found = environment.iter().filter(|(name, _)| is_one(name)).map(|(_, text)| SecretString::from(text.as_str()));
    let given = [&inputs.access_key_secret, &inputs.security_token, &inputs.oidc_token].into_iter().flatten().cloned();
    given.chain(found).filter_map(present).collect()
}

/// The value without surrounding white space, which stored secrets often end in; `None` when nothing is left.
fn present(value: SecretString) -> Option<SecretString> {
    let text = value.expose_secret().trim();
    (!text.is_empty()).then(|| SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CredentialChoice;
    use crate::config::fixtures::SWIFT;
    use crate::provider::credentials::AccessKey;

    fn find(inputs: &[&str; 3], environment: &[(&str, &str)]) -> Result<Option<AccessKey>, Error> {
        let secret = |text: &str| Some(SecretString::from(text));
        let inputs = CredentialInputs {
            access_key_id: Some(inputs[0].into()),
            access_key_secret: secret(inputs[1]),
            security_token: secret(inputs[2]),
            ..CredentialInputs::default()
        };
        let environment = environment.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        let found = configured(&SWIFT, &inputs, &AccountVariables::new(&environment, &CredentialChoice::Default))?;
        Ok(found.map(|(credentials, _)| credentials.access_key("test").unwrap().clone()))
    }

    fn message(found: Result<Option<AccessKey>, Error>) -> String {
        let error = found.err().unwrap();
        assert_eq!(error.exit_code(), crate::error::ExitCode::Credentials);
        let shown = error.diagnostics().remove(0);
        format!("{}: {}", shown.title, shown.help.unwrap())
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
        let found = find(&["id0", " s0\n", ""], &environment).unwrap().unwrap();
        assert_eq!((found.id.as_str(), found.secret.expose_secret()), ("id0", "s0"));
        assert!(found.security_token.is_none());
        assert_eq!(find(&["", "", ""], &environment).unwrap().unwrap().id, "id1");
        let old = find(
            &["", "", ""],
            &[("SWIFT_KEY", ""), ("SWIFT_SECRET", " "), environment[2], environment[3], environment[4]],
        )
        .unwrap()
        .unwrap();
        assert_eq!((old.id.as_str(), old.security_token.unwrap().expose_secret()), ("id2", "t2"));
    }

    #[test]
    fn a_security_token_alone_is_no_access_key() {
        assert!(find(&["", "", "t"], &[("SWIFT_TOKEN", "t")]).unwrap().is_none());
    }

    #[test]
    fn half_a_pair_names_what_is_missing() {
        assert_eq!(
            message(find(&["", "", ""], &[("SWIFT_KEY", "id"), ("OLD_KEY", "id"), ("OLD_SECRET", "s")])),
            "`SWIFT_KEY` for `swift-cdn` is set without `SWIFT_SECRET`: set both; a secret that a workflow may not read \
             arrives empty: is `SWIFT_SECRET` one?"
        );
        assert!(
            message(find(&["", "s", ""], &[]))
                .starts_with("`access-key-secret` for `swift-cdn` is set without `access-key-id`")
        );
    }

    #[test]
    fn a_value_with_a_space_or_a_line_break_is_refused_and_not_shown() {
        for bad in ["hunter 2", "hunter\n2", "hunter\u{0}2", "hunter\u{e9}", "hunter\t2"] {
            let shown = message(find(&["id", bad, ""], &[]));
            assert!(shown.starts_with("`access-key-secret`") && !shown.contains("hunter"), "{shown}");
            assert!(message(find(&[bad, "s", ""], &[])).starts_with("`access-key-id`"));
            assert!(message(find(&["id", "s", bad], &[])).starts_with("`security-token`"));
        }
    }
}
