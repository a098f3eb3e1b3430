//! A target of the file: its name, its provider and the provider's own options.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::keys::TARGET_KEYS;
use super::read::{Map, boolean, keys_of, map, text, texts, unknown_key, word};
use super::source::Findings;
use super::tree::{Key, Node, NodeValue};
use crate::config::parse_value::{self, quoted};
use crate::config::settings::{CredentialChoice, Target};
use crate::provider::{OptionValue, OptionValueSpec, Options, Spec};
use crate::providers::Registration;
use crate::text::suggest::{any_of, did_you_mean};

/// Targets by name. Where the target itself has a problem only its name is kept, so that rules that name it aren't blamed.
pub(super) type Targets = Vec<(Arc<str>, Option<Target>)>;

/// Reads a target; `None` where a problem leaves nothing to use.
pub(super) fn read(key: &Key, node: &Node, providers: &[&'static Spec], findings: &mut Findings<'_>) -> Option<Target> {
    if !is_name(&key.text) {
        let help = "use letters, digits, `-`, `_` and `.`, beginning with a letter or digit, at most 64";
        findings.report(&key.span, format!("{} isn't a name for a target", quoted(&key.text)), help);
    }
    let fields = map(node, &key.text, || "write `provider: …` below it".into(), findings)?;
    let Some(provider_node) = fields.node("provider") else {
        let help = format!("add `provider:` with {}", any_of(providers.iter().map(|spec| spec.name)));
        findings.report(&key.span, format!("the target `{}` has no `provider`", key.text), help);
        return None;
    };
    let provider = provider(provider_node, providers, findings)?;
    let options = options(&fields, provider, findings);
    let credentials = credentials(&fields, findings);
    Some(Target { name: Arc::from(key.text.as_str()), provider, options, credentials })
}

/// A provider by its name.
fn provider(node: &Node, providers: &[&'static Spec], findings: &mut Findings<'_>) -> Option<&'static Spec> {
    let name = &text(node, "provider", findings)?.text;
    let found = providers.iter().copied().find(|spec| spec.name == *name);
    if found.is_none() {
        let names = || providers.iter().map(|spec| spec.name);
        let help = did_you_mean(name, names(), || format!("known are {}", any_of(names())));
        findings.report(&node.span, format!("unknown provider {}", quoted(name)), help);
    }
    found
}

/// Whose credentials the target uses. Errors don't show the value: somebody may have written a secret there.
fn credentials(fields: &Map<'_>, findings: &mut Findings<'_>) -> CredentialChoice {
    let (name, profile) = (fields.node("credentials"), fields.node("profile"));
    if let (Some(_), Some(node)) = (name, profile) {
        let help = "drop one of the two: `credentials` reads variables, `profile` the vendor's own files";
        findings.report(&node.span, "`profile` can't be combined with `credentials`", help);
    }
    if let Some(node) = name {
        let Some(scalar) = text(node, "credentials", findings) else { return CredentialChoice::Default };
        if !is_variable(&scalar.text) {
            let help = "write letters, digits, `-` and `_`, beginning with a letter: `brand-a` reads the variables `BRAND_A_…`; a secret \
                        doesn't belong in this file";
            findings.report(&node.span, "`credentials` isn't a name for credentials", help);
        }
        return CredentialChoice::Named(scalar.text.clone());
    }
    let Some(node) = profile else { return CredentialChoice::Default };
    let text = text(node, "profile", findings);
    text.map_or_else(CredentialChoice::default, |scalar| CredentialChoice::Profile(scalar.text.trim().to_owned()))
}

/// Whether the vendor's own tools keep credentials in files.
pub(in crate::config) fn has_profiles(provider: &Spec) -> bool {
    Registration::of(provider).is_some_and(|entry| !entry.profiles.is_empty())
}

/// Whether a name, in capitals, can begin the name of a variable.
fn is_variable(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
}

fn options(fields: &Map<'_>, provider: &'static Spec, findings: &mut Findings<'_>) -> Options {
    let own = keys_of(TARGET_KEYS).filter(|key| *key != "profile" || has_profiles(provider));
    let known: Vec<&str> = own.chain(provider.options.iter().map(|option| option.name)).collect();
    let mut options = Options::new();
    for (key, node) in fields.entries {
        if let Some(spec) = provider.options.iter().find(|option| option.name == key.text) {
            if let Some(value) = option(spec.name, &spec.value, node, findings) {
                options.insert(spec.name, value);
            }
        } else if !known.contains(&key.text.as_str()) {
            unknown_key(key, &known, &format!("a target of `{}`", provider.name), findings);
        }
    }
    options
}

fn option(name: &str, spec: &OptionValueSpec, node: &Node, findings: &mut Findings<'_>) -> Option<OptionValue> {
    match spec {
        OptionValueSpec::Boolean => boolean(node, name, findings).map(OptionValue::Boolean),
        OptionValueSpec::OneOf(words) => {
            word(node, name, words, findings).map(|word| OptionValue::Word(word.to_owned()))
        }
        OptionValueSpec::Text => {
            text(node, name, findings).map(|scalar| OptionValue::Word(scalar.text.trim().to_owned()))
        }
        OptionValueSpec::Duration => duration(node, name, findings).map(OptionValue::Duration),
        OptionValueSpec::Headers => headers(name, node, findings).map(OptionValue::Headers),
        OptionValueSpec::Number(least, most) => {
            let given = parse_value::number(&text(node, name, findings)?.text, *least, *most);
            let report = |problem: parse_value::ValueProblem| {
                findings.report(&node.span, format!("`{name}` {}", problem.message), problem.help);
            };
            given.map_err(report).map(OptionValue::Number).ok()
        }
    }
}

fn duration(node: &Node, name: &str, findings: &mut Findings<'_>) -> Option<Duration> {
    let given = parse_value::duration_or_none(&text(node, name, findings)?.text);
    given.map_err(|problem| findings.report(&node.span, format!("`{name}` {}", problem.message), problem.help)).ok()
}

fn headers(name: &str, node: &Node, findings: &mut Findings<'_>) -> Option<BTreeMap<String, Vec<String>>> {
    let fields = map(node, name, || "write a header's name, a colon and its value below it".into(), findings)?;
    let before = findings.count();
    let mut headers = BTreeMap::new();
    for (key, node) in fields.entries {
        if http::HeaderName::from_bytes(key.text.as_bytes()).is_err() {
            let help = "a header's name is made of letters, digits and `-`";
            findings.report(&key.span, format!("{} isn't a header's name", quoted(&key.text)), help);
        }
        // A quoted blank means no value, by which a vendor leaves out a header that it sends otherwise.
        let is_blank =
            matches!(&node.value, NodeValue::Scalar(scalar) if !scalar.plain && scalar.text.trim().is_empty());
        let items = if is_blank { Vec::new() } else { texts(node, &key.text, findings).unwrap_or_default() };
        for item in &items {
            if http::HeaderValue::from_str(item.text).is_err() {
                let help = "a header's value is one line of visible ASCII characters";
                findings.report(&item.node.span, "this can't be a header's value", help);
            }
        }
        let values: Vec<String> = items.iter().map(|item| item.text.to_owned()).collect();
        headers.insert(key.text.clone(), if is_blank { vec![" ".to_owned()] } else { values });
    }
    (findings.count() == before).then_some(headers)
}

/// Names of targets go into outputs, reports and file names.
fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
}
