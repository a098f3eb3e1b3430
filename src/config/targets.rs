//! Which of the configuration's targets a command is about, and what the command line sets in their options.

use std::collections::BTreeMap;

use super::layers::LayeredOptions;
use super::options::CommandKind;
use super::parse_value::{self, ValueProblem, quoted};
use super::settings::Target;
use crate::error::Diagnostic;
use crate::model::Operation;
use crate::provider::{OptionSpec, OptionValue, OptionValueSpec, Spec};
use crate::text::suggest::{all_of, any_of, did_you_mean};

/// Options of a command that set an option of the target.
const NAMED: &[(&str, &str)] =
    &[("area", "area"), ("l2-only", "l2-preload"), ("header", "headers"), ("query-hash-key", "query-hash-key")];

/// The targets that a command is about: those that are named, else all; a list of URLs or of
/// task ids needs one that is named, or the only one.
pub(super) fn choose(
    command: CommandKind,
    given: &LayeredOptions,
    targets: Vec<Target>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Target> {
    let names = || targets.iter().map(|target| &*target.name);
    let Some(wanted) = given.list("target") else {
        let of_one = command.takes_urls() || (command == CommandKind::Wait && given.is_explicit("task-id"));
        if targets.len() > 1 && of_one {
            let title = format!("`cdn-purge {}` needs a target", command.name());
            let help = format!("name {} with `--target`; repeat it for several", any_of(names()));
            problems.push(Diagnostic::new(title, help));
        }
        return targets;
    };
    let label = given.label("target");
    for name in wanted.iter().filter(|name| !names().any(|known| known == **name)) {
        if targets.is_empty() {
            continue;
        }
        let help = did_you_mean(name, names(), || format!("known are {}", any_of(names())));
        problems.push(Diagnostic::new(format!("{label}: there is no target {}", quoted(name)), help));
    }
    targets.into_iter().filter(|target| wanted.iter().any(|name| *name == *target.name)).collect()
}

/// Holds every target against the operations that are wanted of it.
pub(super) fn can_do(targets: &[Target], operations: &[Operation], problems: &mut Vec<Diagnostic>) {
    for target in targets {
        let spec = target.provider;
        for operation in operations.iter().filter(|operation| spec.operation(**operation).is_none()) {
            let offers = spec.operations.iter().map(|operation| operation.operation.unit());
            problems.push(Diagnostic::new(
                format!("{} (`{}`) offers no {}", spec.title, target.name, operation.unit()),
                format!("it offers {}", offers.collect::<Vec<_>>().join(", ")),
            ));
        }
    }
}

/// Sets what `option` and its shorter names say, in each target.
pub(super) fn set_options(given: &LayeredOptions, targets: &mut [Target], problems: &mut Vec<Diagnostic>) {
    let mut settings: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    let mut set = |name: &str, label: &str, texts: Vec<String>| {
        settings.entry(name.to_owned()).or_insert_with(|| (label.to_owned(), Vec::new())).1.extend(texts);
    };
    let label = given.label("option");
    for text in given.list("option").unwrap_or_default() {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                set(name.trim(), &format!("{label}: `{}`", name.trim()), vec![value.trim().to_owned()]);
            }
            _ => problems.push(Diagnostic::new(format!("{label} is {}", quoted(&text)), "write it as `NAME=VALUE`")),
        }
    }
    for (name, option) in NAMED {
        let texts = match *name {
            "area" => given.text(name).map(|text| vec![text]),
            "header" => given.list(name),
            _ => given.boolean(name).map(|yes| vec![yes.to_string()]),
        };
        if let Some(texts) = texts {
            set(option, &given.label(name), texts);
        }
    }
    for (name, (label, texts)) in &settings {
        for target in &mut *targets {
            let found = target.provider.options.iter().find(|option| option.name == name);
            match found.map(|option| Ok((option.name, read(option, texts)?))) {
                None => problems.push(unknown(label, name, target.provider)),
                Some(Ok((name, value))) => {
                    target.options.insert(name, value);
                }
                Some(Err(ValueProblem { message, help })) => {
                    problems.push(Diagnostic::new(format!("{label} {message}"), help));
                }
            }
        }
    }
}

fn unknown(label: &str, name: &str, spec: &Spec) -> Diagnostic {
    let names = || spec.options.iter().map(|option| option.name);
    let title = format!("{label}: `{}` has no option {}", spec.name, quoted(name));
    let help = if names().next().is_none() { "it has none".to_owned() } else { format!("it has {}", all_of(names())) };
    Diagnostic::new(title, help)
}

/// The value of a target's option, from what was typed: several texts only for headers.
fn read(option: &OptionSpec, texts: &[String]) -> Result<OptionValue, ValueProblem> {
    let text = texts.last().map_or("", String::as_str);
    if !matches!(option.value, OptionValueSpec::Headers)
        && let Some(other) = texts.iter().find(|other| *other != text)
    {
        let message = format!("is given as {} and as {}", quoted(other), quoted(text));
        return Err(ValueProblem { message, help: "give it once".into() });
    }
    Ok(match option.value {
        OptionValueSpec::Boolean => OptionValue::Boolean(parse_value::boolean(text)?),
        OptionValueSpec::OneOf(words) => OptionValue::Word(parse_value::choice(text, words)?.to_owned()),
        OptionValueSpec::Text if text.is_empty() || text.contains(char::is_control) => {
            return Err(ValueProblem { message: "isn't one line of text".into(), help: "write a value".into() });
        }
        OptionValueSpec::Text => OptionValue::Word(text.to_owned()),
        OptionValueSpec::Duration => OptionValue::Duration(parse_value::duration_or_none(text)?),
        OptionValueSpec::Number(least, most) => OptionValue::Number(parse_value::number(text, least, most)?),
        OptionValueSpec::Headers => {
            let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for text in texts {
                let (name, value) = header(text)?;
                headers.entry(name).or_default().push(value);
            }
            OptionValue::Headers(headers)
        }
    })
}

/// `Name: value`. Errors don't contain the value, which may be a token.
fn header(text: &str) -> Result<(String, String), ValueProblem> {
    let problem = |message: &str, help: &str| ValueProblem { message: message.to_owned(), help: help.to_owned() };
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| problem("has no `:` between name and value", "write it as `Name: value`"))?;
    // Nothing at all after the `:` leaves out a header that the vendor sends otherwise; a variable that came out empty doesn't.
    let (name, value) = (name.trim(), if value.is_empty() { " " } else { value.trim() });
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        let message = format!("names the header {}", quoted(name));
        return Err(problem(&message, "a header's name is made of letters, digits and `-`"));
    }
    if http::HeaderValue::from_str(value).is_err() || value.is_empty() {
        let message = format!("gives `{name}` a value that no header can have");
        return Err(problem(&message, "a header's value is one line of visible ASCII characters"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value_and_no_value_is_a_blank() {
        let read = |text: &str| header(text).map_err(|problem| problem.message);
        assert_eq!(read("Accept-Encoding: br"), Ok(("Accept-Encoding".into(), "br".into())));
        assert_eq!(read("Accept-Encoding:"), Ok(("Accept-Encoding".into(), " ".into())));
        assert!(read("Authorization: ").unwrap_err().contains("no header can have"));
        assert_eq!(read("br"), Err("has no `:` between name and value".into()));
        assert!(read("X: a\nb").unwrap_err().contains("no header can have"));
    }
}
