//! JSON in which a CI runner finds no command, whatever the strings hold.
//!
//! File names come from whoever opens a pull request. JSON that is printed, or written to a device, must not turn them into
//! workflow commands, so the characters that a runner looks for are written as escapes of JSON (`\u005b` for `[`). A
//! program that reads the JSON gets the same strings.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use crate::text::sanitize::{completes_a_command_prefix, is_invisible};

/// Writes a value as indented JSON.
///
/// # Errors
/// Those of the writer.
pub fn to_writer_pretty<W: Write, T: Serialize>(writer: W, value: &T) -> io::Result<()> {
    // Each key, quote and indentation is a write of its own.
    let mut writer = BufWriter::new(writer);
    value.serialize(&mut Serializer::with_formatter(&mut writer, Inert(PrettyFormatter::new())))?;
    writer.flush()
}

/// A value as JSON in one line.
pub fn to_string(value: &serde_json::Value) -> String {
    let mut text = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut text, Inert(CompactFormatter)))
        .expect("a JSON value is written to memory");
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// Another formatter, with escapes for everything that a runner could obey.
struct Inert<F>(F);

/// Hands a call to the inner formatter.
macro_rules! inner {
    ($($name:ident($($argument:ident: $type:ty),*)),* $(,)?) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.0.$name(writer $(, $argument)*)
        })*
    };
}

impl<F: Formatter> Formatter for Inert<F> {
    inner!(
        begin_array(),
        end_array(),
        begin_array_value(first: bool),
        end_array_value(),
        begin_object(),
        end_object(),
        begin_object_key(first: bool),
        begin_object_value(),
        end_object_value(),
    );

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Few characters are ever obeyed, so the others are passed over quickly.
        let may_be_obeyed = |byte: &u8| matches!(byte, b'[' | b':') || !matches!(byte, b' '..=b'~');
        let (mut written, mut at) = (0, 0);
        while let Some(plain) = fragment.as_bytes()[at..].iter().position(may_be_obeyed) {
            let (before, rest) = fragment.split_at(at + plain);
            let Some(character) = rest.chars().next() else { break };
            let is_obeyed = match character {
                '[' => completes_a_command_prefix(before),
                ':' => before.ends_with(':'),
                other => is_invisible(other),
            };
            if is_obeyed {
                writer.write_all(&fragment.as_bytes()[written..before.len()])?;
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
                written = before.len() + character.len_utf8();
            }
            at = before.len() + character.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::text::sanitize::tests::{HOSTILE, hostile_text, runner_sees_a_command};

    fn pretty(value: &Value) -> String {
        let mut text = Vec::new();
        to_writer_pretty(&mut text, value).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn plain_text_and_names_in_any_script_stay_readable() {
        let value = json!({ "urls": ["https://www.example.com/größe/日本語.html#[1]", "a [b] ## c"], "more": {} });
        assert_eq!(pretty(&value), serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(to_string(&value), serde_json::to_string(&value).unwrap());
    }

    #[test]
    fn what_a_runner_obeys_is_escaped() {
        assert_eq!(
            to_string(&json!("##[error]x ::set-output name=a::b")),
            r###""##\u005berror]x :\u003aset-output name=a:\u003ab""###
        );
        assert_eq!(to_string(&json!("##vso[task]\u{ad}\u{e0041}")), r###""##vso\u005btask]\u00ad\udb40\udc41""###);
        for text in HOSTILE {
            let written = pretty(&json!({ "file": text, "list": [text] }));
            assert!(
                !runner_sees_a_command(&written) && !written.contains("::") && !written.contains("##["),
                "{written}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in hostile_text()) {
            let value = json!({ &text: [text] });
            let written = pretty(&value);
            prop_assert!(!runner_sees_a_command(&written), "{written}");
            prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
        }
    }
}
