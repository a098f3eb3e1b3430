//! Where the keys of a provider were found, in words that hold none of them.

use secrecy::ExposeSecret as _;

use super::suggest::all_of;
use super::{CredentialInputs, Environment};
use crate::provider::Spec;

/// The names of the place that holds a provider's keys, the same that a run takes them from; `None` where nothing is found.
pub fn key_source(spec: &Spec, inputs: &CredentialInputs, environment: &Environment) -> Option<String> {
    let is_there = |text: &str| !text.trim().is_empty();
    let secret =
        |secret: &Option<secrecy::SecretString>| secret.as_ref().is_some_and(|secret| is_there(secret.expose_secret()));
    let found = |names: [&'static str; 3], there: [bool; 3]| {
        // A token alone is no key.
        (there[0] || there[1])
            .then(|| names.into_iter().zip(there).filter_map(|(name, is)| is.then_some(name)).collect::<Vec<_>>())
    };
    let given = [
        inputs.access_key_id.as_deref().is_some_and(is_there),
        secret(&inputs.access_key_secret),
        secret(&inputs.security_token),
    ];
    if let Some(names) = found(["access-key-id", "access-key-secret", "security-token"], given) {
        return Some(format!("{}, as they were given", all_of(names)));
    }
    spec.credentials.iter().find_map(|names| {
        let names = [names.access_key_id, names.access_key_secret, names.security_token];
        let there = names.map(|name| !name.is_empty() && environment.get(name).is_some_and(|text| is_there(text)));
        Some(format!("{} of the environment", all_of(found(names, there)?)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::SWIFT;
    use super::*;

    fn find(given: &CredentialInputs, environment: &[(&str, &str)]) -> Option<String> {
        let environment = environment.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        key_source(&SWIFT, given, &environment)
    }

    #[test]
    fn the_place_that_counts_is_named_without_what_it_holds() {
        let none = CredentialInputs::default();
        assert_eq!(find(&none, &[("SWIFT_KEY", " "), ("SWIFT_TOKEN", "t")]), None);
        let old = [("SWIFT_KEY", ""), ("OLD_KEY", "hunter2"), ("OLD_SECRET", "s"), ("OLD_TOKEN", "t")];
        assert_eq!(find(&none, &old).unwrap(), "`OLD_KEY`, `OLD_SECRET` and `OLD_TOKEN` of the environment");
        let given = CredentialInputs {
            access_key_id: Some("hunter2".into()),
            access_key_secret: Some("s".into()),
            security_token: None,
        };
        assert_eq!(find(&given, &old).unwrap(), "`access-key-id` and `access-key-secret`, as they were given");
    }
}
