//! Writes the HTML report: one file with everything in it, made from the JSON report.
//!
//! The page is a script and a style sheet of ours, which its content security policy names by their digests, and the data as JSON
//! in an element that no browser executes. Texts of others are sanitized here, and shown by the script as text, never as markup.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::report::json::VERSION;
use crate::text::sanitize;

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");
const BODY: &str = include_str!("html/report.html");

/// Writes the page of a JSON report.
///
/// # Errors
/// What isn't a JSON report of this version is [`io::ErrorKind::InvalidData`]; the others are those of the writer.
pub fn write(report: &[u8], writer: &mut dyn Write) -> io::Result<()> {
    let document = read(report).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text));
    writeln!(
        writer,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>cdn-purge report</title>\n<style>{STYLE}</style>\n{BODY}<script type=\"application/json\" id=\"data\">",
        digest(SCRIPT),
        digest(STYLE)
    )?;
    document.write(writer)?;
    writeln!(writer, "</script>\n<script>{SCRIPT}</script>\n</html>")
}

/// A JSON report, its URLs apart from the rest.
#[derive(Default)]
struct Document<'a> {
    rest: Map<String, Value>,
    urls: Vec<Url<'a>>,
}

/// As `report.schema.json` has it.
#[derive(Deserialize)]
struct Url<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow)]
    target: Cow<'a, str>,
    #[serde(borrow)]
    operation: Cow<'a, str>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    outcome: Cow<'a, str>,
    #[serde(borrow)]
    task_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    verification: Option<Verified<'a>>,
    #[serde(borrow)]
    sources: Vec<Source<'a>>,
}

/// What a fetch through the CDN showed.
#[derive(Deserialize)]
struct Verified<'a> {
    #[serde(borrow)]
    verdict: Cow<'a, str>,
    #[serde(borrow)]
    evidence: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(borrow)]
    rule: Cow<'a, str>,
    #[serde(borrow)]
    file: Option<Cow<'a, str>>,
}

/// The report, if it is one.
fn read(report: &[u8]) -> serde_json::Result<Document<'_>> {
    let mut json = serde_json::Deserializer::from_slice(report);
    let document = json.deserialize_map(ReadDocument)?;
    json.end()?;
    if document.rest.get("version").and_then(Value::as_u64) != Some(VERSION.into()) {
        return Err(serde_json::Error::custom(format!("no report of version {VERSION}")));
    }
    for name in ["counts", "targets", "notes", "skipped"] {
        if document.rest.get(name).is_none_or(|field| !field.is_object() && !field.is_array()) {
            return Err(serde_json::Error::custom(format!("no report: `{name}` is missing")));
        }
    }
    Ok(document)
}

struct ReadDocument;

impl<'de> Visitor<'de> for ReadDocument {
    type Value = Document<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON report")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document<'de>, A::Error> {
        let mut document = Document::default();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if name == "urls" {
                document.urls = map.next_value()?;
            } else {
                document.rest.insert(name.into_owned(), map.next_value()?);
            }
        }
        Ok(document)
    }
}

impl Document<'_> {
    /// Texts repeat themselves, so each is written once, and a URL is a list of their places:
    /// URL, target, operation, outcome, task id, reason, then a rule and a file for each source.
    fn write(self, writer: &mut dyn Write) -> io::Result<()> {
        let Self { rest, urls } = self;
        let rest = inert(Value::Object(rest)).to_string();
        write!(writer, "{{\"report\":{},\"urls\":[", escaped(&rest))?;
        let mut texts = Texts { places: HashMap::new(), all: Vec::new() };
        for (index, url) in urls.iter().enumerate() {
            let operation = match url.kind.as_deref() {
                None | Some("url") => Cow::Borrowed(&*url.operation),
                Some(kind) => format!("{} ({kind})", url.operation).into(),
            };
            let mut row = vec![
                texts.place(Some(&url.url)),
                texts.place(Some(&url.target)),
                texts.place_of(operation),
                texts.place(Some(&url.outcome)),
                texts.place(url.task_id.as_deref()),
                texts.place_of(match (&url.reason, &url.verification) {
                    (Some(reason), _) => Cow::Borrowed(&**reason),
                    (None, Some(Verified { verdict, evidence })) => format!("{verdict}: {evidence}").into(),
                    (None, None) => Cow::Borrowed(""),
                }),
            ];
            for source in &url.sources {
                row.extend([texts.place(Some(&source.rule)), texts.place(source.file.as_deref())]);
            }
            let row: Vec<String> = row.iter().map(usize::to_string).collect();
            write!(writer, "{}[{}]", if index > 0 { "," } else { "" }, row.join(","))?;
        }
        writer.write_all(b"],\"texts\":[")?;
        for (index, text) in texts.all.iter().enumerate() {
            let text = Value::from(sanitize(text)).to_string();
            write!(writer, "{}{}", if index > 0 { "," } else { "" }, escaped(&text))?;
        }
        writer.write_all(b"]}")
    }
}

/// Texts, each with its place.
struct Texts<'a> {
    places: HashMap<Cow<'a, str>, usize>,
    all: Vec<Cow<'a, str>>,
}

impl<'a> Texts<'a> {
    /// The empty text stands for none.
    fn place(&mut self, text: Option<&'a str>) -> usize {
        self.place_of(Cow::Borrowed(text.unwrap_or_default()))
    }

    fn place_of(&mut self, text: Cow<'a, str>) -> usize {
        if let Some(place) = self.places.get(&text) {
            return *place;
        }
        let place = self.all.len();
        self.all.push(text.clone());
        self.places.insert(text, place);
        place
    }
}

/// The same value with nothing in its texts that is invisible.
fn inert(value: Value) -> Value {
    match value {
        Value::String(text) => sanitize(&text).into(),
        Value::Array(items) => items.into_iter().map(inert).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, inert(value))).collect(),
        other => other,
    }
}

/// JSON that ends no element and opens no comment: `<` is in its strings alone, where it can be written as an escape.
fn escaped(json: &str) -> Cow<'_, str> {
    if json.contains('<') { json.replace('<', "\\u003c").into() } else { json.into() }
}

#[cfg(test)]
mod tests;
