//! The front matter of a page: the values at the beginning of its file from which generators make URLs.
//!
//! YAML between lines of `---`, TOML between lines of `+++`, or a JSON object. Only the keys at the top count, with texts or
//! lists of texts. A page may come from a stranger, so what is read is bounded, and no alias of YAML is followed.

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle};

mod toml;

/// How many bytes of a file are looked at, at most.
pub const MOST_BYTES: usize = 64 * 1024;
/// Values of a front matter, nested ones included.
const MOST_VALUES: usize = 4096;
/// Values of one list.
const MOST_ITEMS: usize = 100;
/// Lists and mappings inside each other.
const MOST_DEPTH: usize = 32;

/// The values of a page's front matter; none where it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrontMatter {
    entries: Vec<(String, Entry)>,
}

/// The values of a key, or why they can't be used.
type Entry = Result<Vec<String>, &'static str>;

const NESTED: &str = "is a mapping, not a text";
const ALIAS: &str = "is an alias of YAML, which isn't followed";
const LONG_LIST: &str = "is a list of more than 100 values";

impl FrontMatter {
    /// Reads the front matter of a file from its first [`MOST_BYTES`].
    ///
    /// # Errors
    /// A lowercase fragment: `it isn't closed`, `line 3 isn't TOML`.
    pub fn parse(content: &[u8]) -> Result<Self, String> {
        let is_cut = content.len() > MOST_BYTES;
        let content = &content[..content.len().min(MOST_BYTES)];
        let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
        let first = content.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
        let read = match first {
            b"---" => yaml,
            b"+++" => toml,
            b"---json" => json,
            _ if content.starts_with(b"{") && !matches!(content.get(1), Some(b'{' | b'%' | b'#')) => {
                return json_object(content);
            }
            _ => return Ok(Self::default()),
        };
        let fence = &first[..3];
        match fenced(content, first.len(), fence) {
            Some(inner) => {
                let text = std::str::from_utf8(inner).map_err(|_| "it isn't UTF-8".to_owned())?;
                Ok(Self { entries: read(text)? })
            }
            None if is_cut => Err(format!("it isn't closed within {} KiB", MOST_BYTES / 1024)),
            // A line across the page, and no front matter.
            None => Ok(Self::default()),
        }
    }

    /// The values of a key; none if it is absent or empty.
    ///
    /// # Errors
    /// Why its value can't be used: `is a mapping, not a text`.
    pub(super) fn get(&self, key: &str) -> Result<&[String], &'static str> {
        match self.entries.iter().find(|(known, _)| known == key) {
            Some((_, Ok(values))) => Ok(values),
            Some((_, Err(problem))) => Err(problem),
            None => Ok(&[]),
        }
    }
}

impl FrontMatter {
    /// Each key with its values, or with why they can't be used, for people.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&str, String)> {
        self.entries.iter().map(|(key, values)| {
            let shown = values.as_ref().map_or_else(|problem| format!("({problem})"), |values| values.join(", "));
            (key.as_str(), shown)
        })
    }
}

/// The text between the first line and a line that is the fence; `...` ends YAML too.
fn fenced<'c>(content: &'c [u8], first: usize, fence: &[u8]) -> Option<&'c [u8]> {
    let begin = first + content[first..].iter().position(|&byte| byte == b'\n')? + 1;
    let mut at = begin;
    for line in content[begin..].split(|&byte| byte == b'\n') {
        let trimmed = line.trim_ascii_end();
        if trimmed == fence || (fence == b"---" && trimmed == b"...") {
            return Some(&content[begin..at]);
        }
        at += line.len() + 1;
    }
    None
}

/// A list's or a text's values as an entry; empty texts are no values.
fn entry(values: Vec<String>) -> Entry {
    if values.len() > MOST_ITEMS {
        Err(LONG_LIST)
    } else {
        Ok(values.into_iter().filter(|value| !value.is_empty()).collect())
    }
}

fn json(text: &str) -> Result<Vec<(String, Entry)>, String> {
    json_object(text.as_bytes()).map(|front| front.entries)
}

/// The object at the beginning of a text.
fn json_object(content: &[u8]) -> Result<FrontMatter, String> {
    use serde_json::Value;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let first = serde_json::Deserializer::from_slice(content).into_iter::<serde_json::Map<String, Value>>().next();
    let object = first.and_then(Result::ok).ok_or_else(|| "it isn't an object of JSON".to_owned())?;
    let entry_of = |value: &Value| match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.iter().map(text).collect::<Option<Vec<_>>>().ok_or(NESTED).and_then(entry),
        Value::Object(_) => Err(NESTED),
        plain => entry(text(plain).into_iter().collect()),
    };
    Ok(FrontMatter { entries: object.iter().map(|(key, value)| (key.clone(), entry_of(value))).collect() })
}

/// Reads the keys at the top of a TOML document.
fn toml(text: &str) -> Result<Vec<(String, Entry)>, String> {
    let text_of = |value| match value {
        toml::Value::Text(text) => Ok(text),
        toml::Value::List(_) | toml::Value::Table => Err(NESTED),
    };
    let entry_of = |value| match value {
        toml::Value::List(items) => items.into_iter().map(text_of).collect::<Result<Vec<_>, _>>().and_then(entry),
        other => text_of(other).and_then(|text| entry(vec![text])),
    };
    Ok(toml::read(text)?.into_iter().map(|(key, value)| (key, entry_of(value))).collect())
}

/// Reads the keys at the top of a YAML mapping.
fn yaml(text: &str) -> Result<Vec<(String, Entry)>, String> {
    let mut options = Options::default();
    options.emit_unresolved_aliases = true;
    options.emit_comments = false;
    options.flow_nesting_limit = MOST_DEPTH;
    options.block_nesting_limit = MOST_DEPTH;
    let parser = Parser::new_from_str_with_options(text, options);
    let mut entries: Vec<(String, Entry)> = Vec::new();
    let mut depth = 0_usize;
    // The key at the top whose value is being read, and the values so far.
    let mut key: Option<String> = None;
    let mut value: Entry = Ok(Vec::new());
    for (count, event) in parser.enumerate() {
        if count > MOST_VALUES {
            return Err(format!("it has more than {MOST_VALUES} values"));
        }
        let (event, _) = event.map_err(|error| format!("it can't be read as YAML: {}", error.info()))?;
        let begins_value = depth == 1 && key.is_some();
        let mut is_complete = false;
        match event {
            Event::Scalar(text, style, ..) => match (depth, &key) {
                (0, _) if text.trim().is_empty() => {}
                (0, _) => return Err("it is no mapping of keys".into()),
                (1, None) => key = Some(text.into_owned()),
                (1, Some(_)) | (2, Some(_)) => {
                    let is_null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                    if let Ok(values) = &mut value
                        && !is_null
                    {
                        values.push(text.into_owned());
                    }
                    is_complete = begins_value;
                }
                _ => {}
            },
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let is_mapping = matches!(event, Event::MappingStart(..));
                if depth == 0 && !is_mapping {
                    return Err("it is a list, not a mapping of keys".into());
                }
                if depth == 1 && key.is_none() {
                    return Err("a key is no text".into());
                }
                if depth > 1 || (depth == 1 && is_mapping) {
                    value = Err(NESTED);
                }
                depth += 1;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                depth = depth.saturating_sub(1);
                is_complete = depth == 1;
            }
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::DocumentStart(..) => {}
            event if event.is_node() => {
                value = Err(ALIAS);
                is_complete = begins_value;
            }
            _ => {}
        }
        if is_complete && let Some(key) = key.take() {
            let value = std::mem::replace(&mut value, Ok(Vec::new()));
            if !entries.iter().any(|(known, _)| *known == key) {
                entries.push((key, value.and_then(entry)));
            }
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests;
