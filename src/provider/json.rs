//! Reads texts, numbers, times and rows from vendors' JSON, tolerant of its variants: numbers as text, ids as numbers, empty
//! lists that are omitted, lists that are nested one level deeper in some calls.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

/// An object of an answer.
#[derive(Clone, Copy)]
pub struct Row<'a>(pub &'a Value);

impl Row<'_> {
    /// A field's text; `None` of empty text, and of what is neither text nor a number.
    pub fn text(self, name: &str) -> Option<String> {
        text(&self.0[name])
    }

    /// A field's text; empty where there is none.
    pub fn word(self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// The first of some fields that has text.
    pub fn first(self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.text(name))
    }

    /// Whether a field is true.
    pub fn is_true(self, name: &str) -> bool {
        self.0[name] == Value::Bool(true)
    }

    /// A field's finite number.
    pub fn number(self, name: &str) -> Option<f64> {
        number(&self.0[name])
    }

    /// A field's number without a sign: what is below zero is zero.
    pub fn count(self, name: &str) -> Option<u64> {
        self.number(name).map(|number| number.max(0.0) as u64)
    }

    /// A field's point in time: a time with its offset, or without one in UTC; or seconds or milliseconds since the epoch, where 0
    /// means none.
    pub fn moment(self, name: &str) -> Option<Timestamp> {
        if let Some(number) = self.number(name) {
            let number = number as i64;
            let moment = if number >= 100_000_000_000 { Timestamp::from_millisecond } else { Timestamp::from_second };
            return moment(number).ok().filter(|_| number > 0);
        }
        let text = self.text(name)?;
        let civil = || Some(text.trim().parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
        text.trim().parse().ok().or_else(civil)
    }

    /// A field's object, to be read further.
    pub fn object(self, name: &str) -> Self {
        Self(&self.0[name])
    }

    /// A field's list of objects, plain or one level down (`"Tasks":{"Task":[…]}`); `Some(None)` where it is left out or null,
    /// `None` if the value is something else.
    pub fn rows(self, name: &str) -> Option<Option<Vec<Self>>> {
        match &self.0[name] {
            Value::Null => Some(None),
            Value::Array(rows) => objects(rows).map(Some),
            Value::Object(lists) => {
                let mut all = Vec::new();
                for list in lists.values().filter(|list| !list.is_null()) {
                    all.append(&mut objects(list.as_array()?)?);
                }
                Some(Some(all))
            }
            _ => None,
        }
    }
}

fn objects(list: &[Value]) -> Option<Vec<Row<'_>>> {
    list.iter().map(|row| row.is_object().then_some(Row(row))).collect()
}

/// Text or a number, as text; nothing of anything else, nor of empty text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A finite number, or text that is one.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_read_in_every_spelling() {
        let value = json!({"a": "7", "b": 7, "c": " -2.5 ", "d": "", "e": null, "f": ["x"], "g": true, "h": "NaN"});
        let row = Row(&value);
        let texts = ["a", "b", "d", "e", "f", "g", "none"].map(|name| row.text(name));
        assert_eq!(texts, [Some("7".into()), Some("7".into()), None, None, None, None, None]);
        assert_eq!(
            ["a", "b", "c", "d", "h"].map(|name| row.number(name)),
            [Some(7.0), Some(7.0), Some(-2.5), None, None]
        );
        assert_eq!((row.count("c"), row.count("e"), row.first(&["d", "e", "b"])), (Some(0), None, Some("7".into())));
        assert_eq!((Row(&json!(7)).text("a"), Row(&json!([1])).word("a")), (None, String::new()));
    }

    #[test]
    fn a_moment_is_seconds_milliseconds_or_a_time() {
        let value = json!({"s": 1_795_348_800, "ms": "1795348800000", "t": "2026-11-22T20:00:00+08:00", "local": "2026-11-22 12:00:00", "zero": 0, "no": "soon", "far": 1e300});
        let noon: Option<Timestamp> = "2026-11-22T12:00:00Z".parse().ok();
        for (name, expected) in
            [("s", noon), ("ms", noon), ("t", noon), ("local", noon), ("zero", None), ("no", None), ("far", None)]
        {
            assert_eq!(Row(&value).moment(name), expected, "{name}");
        }
    }

    #[test]
    fn a_list_is_plain_one_level_down_left_out_or_none() {
        let value =
            json!({"plain": [{}], "deep": {"x": [{}, {}], "y": null}, "null": null, "seven": 7, "mixed": [{}, 1]});
        let length = |name: &str| Row(&value).rows(name).map(|rows| rows.map(|rows| rows.len()));
        let expected = [Some(Some(1)), Some(Some(2)), Some(None), Some(None), None, None];
        assert_eq!(["plain", "deep", "null", "none", "seven", "mixed"].map(length), expected);
    }
}
