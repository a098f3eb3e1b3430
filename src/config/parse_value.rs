//! Parses the text of an option into its type; the error says which values are valid.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::options::{Entry, Separators, Shape};
use crate::text::duration;
use crate::text::suggest::{any_of, did_you_mean};

/// An option's value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
    Boolean(bool),
    Duration(Duration),
    Count(u64),
    Choice(&'static str),
    Path(PathBuf),
    Secret(SecretString),
}

/// Why a text isn't a value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ValueProblem {
    /// Continues a sentence that begins with the option: ``is `maybe` ``.
    pub message: String,
    /// What would be a value.
    pub help: String,
}

/// Longer waits than a week outlive every provider's records, and every CI job.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Reads the texts given for an option (several only where a list's flag is repeated); `Ok(None)`: all empty, so absent.
pub(super) fn parse(entry: &Entry, texts: &[String]) -> Result<Option<Value>, ValueProblem> {
    if let Shape::List(_, separators) = entry.shape {
        let elements = split(texts, separators);
        // Names that came out empty must not mean that none are given: of `allow-hosts` that would allow every host.
        if elements.is_empty() && texts.iter().any(|text| text.contains(',')) {
            return Err(ValueProblem {
                message: "holds nothing but commas".into(),
                help: "name what it lists, or leave it out; is a variable empty?".into(),
            });
        }
        return Ok((!elements.is_empty()).then_some(Value::List(elements)));
    }
    let text = texts.last().map_or("", |text| text.trim());
    if text.is_empty() {
        return Ok(None);
    }
    let value = match entry.shape {
        // Not distinguished from a secret: the problem never shows the value.
        Shape::Text(_) | Shape::Path(_) if text.contains(char::is_control) => {
            return Err(ValueProblem {
                message: "holds a line break or another control character".into(),
                help: "give one line of plain text".into(),
            });
        }
        Shape::Text(_) => Value::Text(text.to_owned()),
        Shape::Path(_) => Value::Path(PathBuf::from(text)),
        Shape::Secret => Value::Secret(SecretString::from(text)),
        Shape::Boolean => Value::Boolean(boolean(text)?),
        Shape::Duration => Value::Duration(duration(text)?),
        Shape::Count(least) => Value::Count(count(text, least)?),
        Shape::Choice(words) => Value::Choice(choice(text, words)?),
        Shape::List(..) => unreachable!("lists were read above"),
    };
    Ok(Some(value))
}

/// The booleans of YAML's core schema, which are also those of the Action toolkit.
pub(super) fn boolean(text: &str) -> Result<bool, ValueProblem> {
    match text {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => Err(ValueProblem { message: format!("is {}", quoted(text)), help: "write `true` or `false`".into() }),
    }
}

/// One of some words.
pub(super) fn choice(text: &str, words: &'static [&'static str]) -> Result<&'static str, ValueProblem> {
    // The field's other word.
    let meant = if text == "purge" { "refresh" } else { text };
    words.iter().copied().find(|word| *word == meant).ok_or_else(|| ValueProblem {
        message: format!("is {}", quoted(text)),
        help: did_you_mean(text, words.iter().copied(), || format!("write {}", any_of(words.iter().copied()))),
    })
}

/// A whole number, at least `least`.
pub(super) fn count(text: &str, least: u64) -> Result<u64, ValueProblem> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && number >= least => Ok(number),
        _ => Err(ValueProblem {
            message: format!("is {}", quoted(text)),
            help: format!("write a whole number, at least {least}"),
        }),
    }
}

/// A whole number within bounds.
pub(super) fn number(text: &str, least: u32, most: u32) -> Result<u32, ValueProblem> {
    let number = count(text, least.into())?;
    u32::try_from(number).ok().filter(|number| *number <= most).ok_or_else(|| ValueProblem {
        message: format!("is above {most}"),
        help: format!("write a number from {least} to {most}"),
    })
}

/// A time span: `90s`, `15m`, `2h`, `1h30m`; a plain number counts seconds. Longer than nothing, at most a week.
pub(super) fn duration(text: &str) -> Result<Duration, ValueProblem> {
    let duration = duration_or_none(text)?;
    if duration.is_zero() {
        let help = "write more than `0s`; to leave without waiting set `wait` to `none`";
        return Err(ValueProblem { message: format!("is {}", quoted(text)), help: help.into() });
    }
    Ok(duration)
}

/// A time span that may also be nothing: `0s`.
pub(super) fn duration_or_none(text: &str) -> Result<Duration, ValueProblem> {
    let problem = |help: &str| ValueProblem { message: format!("is {}", quoted(text)), help: help.into() };
    let duration = duration::parse(text)
        .ok_or_else(|| problem("write a time span as `90s`, `15m`, `2h` or `1h30m`; a plain number counts seconds"))?;
    if duration > LONGEST {
        return Err(problem("write at most `168h`"));
    }
    Ok(duration)
}

fn split(texts: &[String], separators: Separators) -> Vec<String> {
    texts
        .iter()
        .flat_map(|text| {
            text.split(move |letter| {
                letter == '\n' || letter == '\r' || (letter == ',' && separators == Separators::LinesAndCommas)
            })
        })
        .map(str::trim)
        .filter(|element| !element.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The text in backticks, cut where it would fill the screen.
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        None => format!("`{text}`"),
        Some((end, _)) => format!("`{}…`", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::options;
    use super::*;

    fn read(name: &str, text: &str) -> Result<Option<Value>, ValueProblem> {
        parse(options::find(name).unwrap(), &[text.to_owned()])
    }

    #[test]
    fn empty_and_blank_mean_absent() {
        for name in ["wait", "dry-run", "files", "batch-size", "access-key-secret", "journal", "timeout", "base"] {
            assert!(matches!(read(name, ""), Ok(None)), "{name}");
            assert!(matches!(read(name, " \n\t "), Ok(None)), "{name}");
        }
    }

    #[test]
    fn booleans_are_those_of_yaml_core_and_no_others() {
        for text in ["true", "True", "TRUE", " true\n"] {
            assert!(matches!(read("dry-run", text), Ok(Some(Value::Boolean(true)))), "{text}");
        }
        for text in ["yes", "1", "on", "tRUE", "falsch"] {
            let problem = read("dry-run", text).unwrap_err();
            assert_eq!(problem.message, format!("is `{text}`"));
            assert_eq!(problem.help, "write `true` or `false`");
        }
    }

    #[test]
    fn what_is_no_duration_is_said_so() {
        for text in ["m", "-5s", "5s1h", "5m5m", "99999999999999999999h", "٣s"] {
            assert!(duration(text).unwrap_err().help.contains("`1h30m`"), "{text}");
        }
        assert!(duration("169h").unwrap_err().help.contains("168h"));
        assert!(duration("0").unwrap_err().help.contains("`none`"));
    }

    #[test]
    fn a_wrong_word_finds_the_nearest_right_one() {
        assert_eq!(read("wait", "refesh").unwrap_err().help, "did you mean `refresh`?");
        assert_eq!(read("wait", "x").unwrap_err().help, "write `all`, `refresh` or `none`");
    }

    #[test]
    fn purge_is_another_word_for_refresh() {
        assert!(matches!(read("wait", "purge"), Ok(Some(Value::Choice("refresh")))));
        assert_eq!(read("changes", "purge").unwrap_err().message, "is `purge`");
    }

    #[test]
    fn counts_are_plain_digits() {
        assert!(matches!(read("batch-size", "20"), Ok(Some(Value::Count(20)))));
        for text in ["0", "-1", "+5", "1e3", "1_000", "99999999999999999999"] {
            assert_eq!(read("batch-size", text).unwrap_err().help, "write a whole number, at least 1", "{text}");
        }
    }

    #[test]
    fn globs_keep_their_commas_and_hosts_are_split_at_them() {
        let Ok(Some(Value::List(files))) = read("files", "a/{b,c}/**\r\n\n !d ") else { panic!("a list") };
        assert_eq!(files, ["a/{b,c}/**", "!d"]);
        let Ok(Some(Value::List(hosts))) = read("allow-hosts", "a.example, b.example\nc.example,") else {
            panic!("a list")
        };
        assert_eq!(hosts, ["a.example", "b.example", "c.example"]);
        assert_eq!(read("allow-hosts", " , \n,").unwrap_err().message, "holds nothing but commas");
        assert!(read("allow-hosts", " \n").unwrap().is_none());
    }

    #[test]
    fn a_secret_is_trimmed_and_never_shown() {
        let secret = read("access-key-secret", " abc\n").unwrap().unwrap();
        assert!(!format!("{secret:?}").contains("abc"));
    }

    proptest! {
        #[test]
        fn any_time_span_reads_back(hours in 0_u64..100, minutes in 0_u64..100, rest in 1_u64..100) {
            let expected = Duration::from_secs(hours * 3600 + minutes * 60 + rest);
            prop_assert_eq!(duration(&format!("{hours}h{minutes}m{rest}s")), Ok(expected));
            prop_assert_eq!(duration(&expected.as_secs().to_string()), Ok(expected));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,200}") {
            for entry in options::ENTRIES {
                let _ = parse(entry, std::slice::from_ref(&text));
            }
        }
    }
}
