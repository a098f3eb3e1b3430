//! Parses the body of an answer: JSON, or XML as the JSON that says the same.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use serde_json::{Map, Value};

/// Deeper elements than any vendor's answer has.
const DEEPEST: usize = 32;

/// The format of a vendor's good answers. Errors may come in either: gateways have their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFormat {
    /// An object.
    Json,
    /// A root element.
    Xml,
}

impl BodyFormat {
    /// The format's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Xml => "XML",
        }
    }
}

/// The format and the value of a body that is well-formed in one of the two.
///
/// # Errors
/// Why it isn't JSON, of a body that is neither.
pub(super) fn parse(body: &[u8]) -> Result<(BodyFormat, Value), serde_json::Error> {
    match serde_json::from_slice(body) {
        Ok(value) => Ok((BodyFormat::Json, value)),
        Err(error) => std::str::from_utf8(body).ok().and_then(xml).map(|value| (BodyFormat::Xml, value)).ok_or(error),
    }
}

/// The content of an XML document's root element: an element with text is a string, one with elements an object of them, and
/// elements of one name are a list. Attributes are left out.
fn xml(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with('<') {
        return None;
    }
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if open.len() < DEEPEST => {
                let name = start.local_name().as_ref().to_owned();
                open.push(Element { name, children: Map::new(), text: String::new() });
            }
            Event::Empty(start) => {
                let name = start.local_name().as_ref().to_owned();
                open.last_mut()?.add(name, Value::String(String::new()));
            }
            Event::End(_) => {
                let element = open.pop()?;
                let (name, value) = element.close();
                match open.last_mut() {
                    Some(parent) => parent.add(name, value),
                    None => return Some(value),
                }
            }
            Event::Text(part) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&part);
                }
            }
            Event::CData(part) => open.last_mut()?.text.push_str(&part),
            Event::GeneralRef(reference) => open.last_mut()?.text.push(character(&reference)?),
            Event::Start(_) | Event::Eof => return None,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
        }
    }
}

/// The character of a reference: by number, or one of the five that XML knows. Others would be declared in the document,
/// which is not trusted with that.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character);
    }
    match &**reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// An element that isn't closed yet.
struct Element {
    name: String,
    children: Map<String, Value>,
    text: String,
}

impl Element {
    fn add(&mut self, name: String, value: Value) {
        match self.children.get_mut(&name) {
            Some(Value::Array(list)) => list.push(value),
            Some(known) => *known = Value::Array(vec![known.take(), value]),
            None => drop(self.children.insert(name, value)),
        }
    }

    fn close(self) -> (String, Value) {
        let value = match self.children.is_empty() {
            true => Value::String(self.text.trim().to_owned()),
            false => Value::Object(self.children),
        };
        (self.name, value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn xml_becomes_the_json_that_says_the_same() {
        let body = br#"<?xml version="1.0"?><ErrorResponse xmlns="https://x"><Error><Code>A&amp;B</Code><Message><![CDATA[<b>]]> &#233;</Message>
            </Error><Item>1</Item><Item>2</Item><Empty/></ErrorResponse>"#;
        let value = json!({"Error": {"Code": "A&B", "Message": "<b> \u{e9}"}, "Item": ["1", "2"], "Empty": ""});
        assert_eq!(parse(body).unwrap(), (BodyFormat::Xml, value));
        assert_eq!(parse(br#"{"a": 1}"#).unwrap(), (BodyFormat::Json, json!({"a": 1})));
    }

    #[test]
    fn what_is_neither_well_formed_nor_bounded_is_no_value() {
        let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        let bomb = r#"<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>"#;
        for body in ["", "<a>", "<a><b></a></b>", "text", "<a>&unknown;</a>", bomb, &deep, "<p>one<br>two</p>"] {
            assert!(parse(body.as_bytes()).is_err(), "{}", &body[..body.len().min(60)]);
        }
        assert!(parse(b"<a>\xff</a>").is_err());
    }
}
