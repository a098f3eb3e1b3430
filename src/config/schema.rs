//! The JSON schema of the configuration file, printed from the option table, the file's keys and the providers.
//!
//! For editors: it knows shapes and words. What it can't know (globs, templates, names of targets) `check` does.

use serde_json::{Map, Value, json};

use super::file::keys::{FILE_KEYS, Key, KeyShape, RULE_KEYS, SITE_KEYS, TARGET_KEYS};
use super::file::target::has_profiles;
use super::options::{ENTRIES, Entry, Shape};
use crate::provider::{OptionSpec, OptionValueSpec, Spec};
use crate::providers::PROVIDERS;

/// The schema as text, ending in a line break.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&schema(PROVIDERS)).expect("a JSON value can be written");
    text.push('\n');
    text
}

fn schema(providers: &[&'static Spec]) -> Value {
    let mut properties: Map<String, Value> =
        FILE_KEYS.iter().map(|known| (known.name.to_owned(), key(known, providers))).collect();
    properties.extend(ENTRIES.iter().filter(|entry| entry.in_file).map(|entry| (entry.name.to_owned(), option(entry))));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of cdn-purge",
        "type": "object",
        "properties": properties,
        "required": ["version", "targets"],
        "anyOf": [{ "required": ["rules"] }, { "required": ["site"] }],
        "additionalProperties": false,
    })
}

fn key(key: &Key, providers: &[&'static Spec]) -> Value {
    let shape = match key.shape {
        KeyShape::Version => json!({ "const": 1 }),
        KeyShape::Targets => json!({
            "type": "object",
            "minProperties": 1,
            "propertyNames": { "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" },
            "additionalProperties": { "oneOf": providers.iter().map(|spec| target(spec)).collect::<Vec<_>>() },
        }),
        KeyShape::Rules => json!({ "type": "array", "minItems": 1, "items": rule(providers) }),
        KeyShape::Site => json!({
            "type": "object",
            "properties": SITE_KEYS
                .iter()
                .map(|known| (known.name.to_owned(), self::key(known, providers)))
                .collect::<Map<String, Value>>(),
            "required": ["generator", "url"],
            "additionalProperties": false,
        }),
        KeyShape::Provider => json!({ "enum": providers.iter().map(|spec| spec.name).collect::<Vec<_>>() }),
        KeyShape::Name => json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$" }),
        KeyShape::Text => json!({ "type": "string", "minLength": 1 }),
        KeyShape::Texts => one_or_several(&json!({ "type": "string", "minLength": 1 })),
        KeyShape::Boolean => json!({ "type": "boolean" }),
        KeyShape::OneOf(words) => json!({ "enum": words }),
        KeyShape::SomeOf(words) => one_or_several(&json!({ "enum": words })),
    };
    described(shape, key.help, None)
}

fn target(spec: &Spec) -> Value {
    let mut properties = Map::new();
    for known in TARGET_KEYS.iter().filter(|known| has_profiles(spec) || known.name != "profile") {
        let shape = match known.shape {
            KeyShape::Provider => described(json!({ "const": spec.name }), spec.title, None),
            _ => key(known, &[]),
        };
        properties.insert(known.name.to_owned(), shape);
    }
    properties.extend(spec.options.iter().map(|known| (known.name.to_owned(), target_option(known))));
    json!({
        "title": spec.title,
        "type": "object",
        "properties": properties,
        "required": ["provider"],
        "additionalProperties": false,
    })
}

fn target_option(option: &OptionSpec) -> Value {
    let shape = match option.value {
        OptionValueSpec::Boolean => json!({ "type": "boolean" }),
        OptionValueSpec::OneOf(words) => json!({ "enum": words }),
        OptionValueSpec::Text => json!({ "type": "string" }),
        OptionValueSpec::Duration => duration(0),
        OptionValueSpec::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        OptionValueSpec::Headers => json!({
            "type": "object",
            "additionalProperties": one_or_several(&json!({ "type": "string" })),
        }),
    };
    described(shape, option.help, None)
}

fn rule(providers: &[&'static Spec]) -> Value {
    let mut properties: Map<String, Value> =
        RULE_KEYS.iter().map(|known| (known.name.to_owned(), key(known, providers))).collect();
    properties.insert("purge".to_owned(), described(json!({ "type": "boolean" }), "Another word for `refresh`", None));
    json!({
        "type": "object",
        "properties": properties,
        "required": ["files"],
        "anyOf": [{ "required": ["urls"] }, { "required": ["directories"] }, { "required": ["tags"] }, { "required": ["warning"] }],
        "additionalProperties": false,
    })
}

fn option(entry: &Entry) -> Value {
    let shape = match entry.shape {
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Count(least) => json!({ "type": "integer", "minimum": least }),
        Shape::Choice(words) => json!({ "enum": words }),
        Shape::Duration => duration(1),
        Shape::List(..) => one_or_several(&json!({ "type": "string" })),
        Shape::Text(_) | Shape::Path(_) | Shape::Secret => json!({ "type": "string" }),
    };
    described(shape, entry.help, entry.default.filter(|_| matches!(entry.shape, Shape::Choice(_) | Shape::Duration)))
}

/// A time span of at least so many seconds.
fn duration(least: u64) -> Value {
    json!({
        "anyOf": [
            { "type": "integer", "minimum": least },
            { "type": "string", "pattern": "^([0-9]+|([0-9]+h)?([0-9]+m)?([0-9]+s)?)$", "minLength": 1 },
        ],
    })
}

fn one_or_several(one: &Value) -> Value {
    json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
}

fn described(mut shape: Value, help: &str, default: Option<&str>) -> Value {
    shape["description"] = Value::from(help);
    if let Some(default) = default {
        shape["default"] = Value::from(default);
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    #[test]
    fn the_schema_knows_every_key_of_the_file_and_no_other_option() {
        let schema = schema(fixtures::PROVIDERS);
        let top = schema["properties"].as_object().unwrap();
        assert!(top.contains_key("timeout") && top.contains_key("rules"));
        for option in ["endpoint", "access-key-secret", "base", "dry-run"] {
            assert!(!top.contains_key(option), "{option}");
        }
        let rule = top["rules"]["items"]["properties"].as_object().unwrap();
        assert_eq!(rule.len(), RULE_KEYS.len() + 1);
        assert!(rule.values().all(|value| value["description"].is_string()));
        let target = &top["targets"]["additionalProperties"]["oneOf"][0];
        assert_eq!(target["properties"]["provider"]["const"], "swift-cdn");
        assert_eq!(target["properties"]["area"]["enum"], json!(["domestic", "overseas"]));
    }
}
