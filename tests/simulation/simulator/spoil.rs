//! Spoils the rows of a list, whatever the vendor's shape of it.

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use super::faults::Fault;
use super::shared::Shared;

/// The names that vendors have for a total, a row's state, an error's message, and a row's URL.
const TOTALS: [&str; 2] = ["TotalCount", "total"];
/// What some have around the whole answer.
const ENVELOPE: &str = "Response";
const STATES: [&str; 2] = ["Status", "status"];
const MESSAGES: [&str; 4] = ["Message", "message", "error_msg", "msg"];
const URLS: [&str; 4] = ["ObjectPath", "url", "Url", "Target"];

/// An answer whose rows are spoiled; one that can't be read or has no rows stays as it is.
pub fn rows(response: Response<Bytes>, fault: Fault, shared: &Shared) -> Response<Bytes> {
    let (head, body) = response.into_parts();
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else {
        let body = match fault {
            Fault::Backwards => element(&body, "Status", "InProgress"),
            Fault::UnknownWord => element(&body, "Status", "Complted"),
            Fault::NoRows => element(&body, "Status", ""),
            _ => body,
        };
        return Response::from_parts(head, body);
    };
    if fault == Fault::WrongTotal {
        let total = [0, 1, 7, 1_000][shared.draw(4) as usize];
        let is_wrapped = value.get(ENVELOPE).is_some();
        let fields = if is_wrapped { &mut value[ENVELOPE] } else { &mut value };
        for name in TOTALS.into_iter().filter(|name| fields.get(name).is_some()).collect::<Vec<_>>() {
            fields[name] = Value::from(total);
        }
    } else if let Some(rows) = list(&mut value) {
        spoil(rows, fault, shared);
    }
    Response::from_parts(head, value.to_string().into())
}

fn spoil(rows: &mut Vec<Value>, fault: Fault, shared: &Shared) {
    let set = |row: &mut Value, names: &[&str], to: &str| {
        for name in names {
            if let Some(field) = row.get_mut(*name).filter(|field| field.is_string()) {
                *field = Value::from(to);
            }
        }
    };
    match fault {
        Fault::NoRows => rows.clear(),
        Fault::RowsMissing => rows.retain(|_| shared.happens(0.5)),
        Fault::Backwards => {
            rows.iter_mut().filter(|_| shared.happens(0.5)).for_each(|row| set(row, &STATES, "Refreshing"));
        }
        Fault::UnknownWord => {
            rows.iter_mut().filter(|_| shared.happens(0.5)).for_each(|row| set(row, &STATES, "Complte"));
        }
        Fault::RowsTwice => {
            let again: Vec<Value> = rows.iter().filter(|_| shared.happens(0.5)).cloned().collect();
            rows.extend(again);
        }
        _ => {
            let foreign: Vec<Value> = rows.iter().take(1).cloned().collect();
            for mut row in foreign {
                set(&mut row, &URLS, "https://www.example.com/stranger/page.html");
                set(&mut row, &STATES, "Failed");
                // A refresh of everything names no URL, so it can be nobody else's.
                if row.get("Type").is_some_and(|kind| kind == "purge_all") {
                    set(&mut row, &["Type"], "purge_url");
                }
                rows.insert(0, row);
            }
        }
    }
}

/// An error's body whose message is another.
pub fn message(body: &Bytes, text: &str) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return element(body, "Message", text) };
    put(&mut value, text);
    value.to_string().into()
}

/// An XML body in which the first element of a name has another text; one without such an element stays as it is.
fn element(body: &Bytes, name: &str, text: &str) -> Bytes {
    let (body_text, open) = (String::from_utf8_lossy(body), format!("<{name}>"));
    let found = body_text.split_once(&open).and_then(|(before, rest)| Some((before, rest.find("</")?, rest)));
    let Some((before, end, rest)) = found else { return body.clone() };
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("{before}{open}{text}{}", &rest[end..]).into()
}

/// Puts a text wherever a vendor has its message.
fn put(value: &mut Value, text: &str) {
    value.as_array_mut().into_iter().flatten().for_each(|item| put(item, text));
    for (name, field) in value.as_object_mut().into_iter().flatten() {
        match field {
            Value::String(message) if MESSAGES.contains(&&**name) => text.clone_into(message),
            other => put(other, text),
        }
    }
}

/// The first list of objects in a value, however deep.
fn list(value: &mut Value) -> Option<&mut Vec<Value>> {
    match value {
        Value::Array(rows) => Some(rows),
        Value::Object(fields) => fields.values_mut().find_map(list),
        _ => None,
    }
}
