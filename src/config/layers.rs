//! Merges flags, inputs, environment, file and defaults into one value per option, which remembers its source.
//!
//! A flag beats an input, an input beats `CDN_PURGE_*`, that beats the file, that beats the default. Runners pass an input
//! that was not given as an empty string, so empty means absent at every level.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::options::{CommandKind, ENTRIES, ENVIRONMENT_PREFIX, Entry, INPUT_PREFIX, OUTPUT_PREFIX, find};
use super::parse_value::{self, Value, ValueProblem};
use crate::environment::{Environment, NOT_UTF8};
use crate::error::Diagnostic;
use crate::text::suggest::nearest;

/// Options given as flags, as they were typed. Its debug form shows names only.
#[derive(Clone, Default)]
pub struct Flags {
    options: BTreeMap<&'static str, Vec<String>>,
    arguments: Vec<String>,
}

impl Flags {
    /// No flags.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives an option as its flag would; a list's flag may be repeated.
    ///
    /// # Panics
    /// If there is no option of this name.
    pub fn add(&mut self, name: &str, text: impl Into<String>) {
        let entry = find(name).expect("the caller names options of the table");
        self.options.entry(entry.name).or_default().push(text.into());
    }

    /// Gives an argument that is no flag: a URL.
    pub fn add_argument(&mut self, text: impl Into<String>) {
        self.arguments.push(text.into());
    }

    /// What was given without a flag, in order.
    pub(super) fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.options.keys()).finish()
    }
}

/// Who gave a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Flag,
    Input,
    Environment,
    File,
    Default,
}

impl Origin {
    /// What a person typed: `` `--wait` ``, ``input `wait` ``, `` `CDN_PURGE_WAIT` ``.
    pub(super) fn label(&self, entry: &Entry) -> String {
        match self {
            Self::Flag => format!("`--{}`", entry.name),
            Self::Input => format!("input `{}`", entry.name),
            Self::Environment => format!("`{}`", entry.environment_name()),
            Self::File | Self::Default => format!("`{}`", entry.name),
        }
    }
}

/// The value of every option that has one.
#[derive(Debug, Default)]
pub(super) struct LayeredOptions(BTreeMap<&'static str, (Value, Origin)>);

impl LayeredOptions {
    /// Reads flags, inputs and environment for a command, and reports environment names that are mistakes.
    pub(super) fn read(
        command: CommandKind,
        flags: &Flags,
        environment: &Environment,
        problems: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut given = Self::default();
        // Most starts have none of one of them, and then no name of it is spelled out.
        let inputs = has_any(environment, INPUT_PREFIX).then_some(environment);
        let variables = has_any(environment, ENVIRONMENT_PREFIX).then_some(environment);
        for entry in ENTRIES.iter().filter(|entry| entry.used_by.contains(&command)) {
            let input = inputs.and_then(|inputs| input(entry, inputs, problems));
            let variable = variables.and_then(|variables| variables.get(&entry.environment_name()).cloned());
            let candidates = [
                (Origin::Flag, flags.options.get(entry.name).cloned().unwrap_or_default()),
                (Origin::Input, input.into_iter().collect()),
                (Origin::Environment, variable.into_iter().collect()),
            ];
            for (origin, texts) in candidates {
                let parsed = if texts.iter().any(|text| text == NOT_UTF8) {
                    Err(ValueProblem { message: "isn't UTF-8".into(), help: "write it as UTF-8".into() })
                } else {
                    parse_value::parse(entry, &texts)
                };
                match parsed {
                    Ok(None) => continue,
                    Ok(Some(value)) => {
                        given.0.insert(entry.name, (value, origin));
                    }
                    Err(problem) => {
                        let title = format!("{} {}", origin.label(entry), problem.message);
                        problems.push(Diagnostic::new(title, problem.help));
                    }
                }
                break;
            }
        }
        variables.into_iter().for_each(|variables| unknown_names(variables, problems));
        given
    }

    /// Adds what the configuration file says, where nobody else said anything.
    pub(super) fn add_file(&mut self, command: CommandKind, options: Vec<(&'static Entry, Value)>) {
        for (entry, value) in options.into_iter().filter(|(entry, _)| entry.used_by.contains(&command)) {
            self.0.entry(entry.name).or_insert((value, Origin::File));
        }
    }

    /// Adds the defaults of all options that have one and nobody gave.
    pub(super) fn add_defaults(&mut self) {
        for entry in ENTRIES {
            if let (Some(default), false) = (entry.default, self.0.contains_key(entry.name)) {
                let value = parse_value::parse(entry, &[default.to_owned()]).ok().flatten();
                let value = value.expect("a test parses every default of the table");
                self.0.insert(entry.name, (value, Origin::Default));
            }
        }
    }

    /// An option as the person who gave it spelled it: `` `--wait` ``, ``input `wait` ``, `` `CDN_PURGE_WAIT` ``.
    pub(super) fn label(&self, name: &str) -> String {
        let (entry, found) = self.entry(name);
        found.map_or(Origin::Default, |(_, origin)| origin.clone()).label(entry)
    }

    /// Whether a flag, an input or the environment gave an option.
    pub(super) fn is_explicit(&self, name: &str) -> bool {
        let origin = self.entry(name).1.map(|(_, origin)| origin);
        matches!(origin, Some(Origin::Flag | Origin::Input | Origin::Environment))
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.pick(name, |value| if let Value::Text(text) = value { Some(text.clone()) } else { None })
    }

    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        self.pick(name, |value| if let Value::List(list) = value { Some(list.clone()) } else { None })
    }

    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        self.pick(name, |value| if let Value::Boolean(boolean) = value { Some(*boolean) } else { None })
    }

    pub(super) fn duration(&self, name: &str) -> Option<Duration> {
        self.pick(name, |value| if let Value::Duration(duration) = value { Some(*duration) } else { None })
    }

    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.pick(name, |value| if let Value::Count(count) = value { Some(*count) } else { None })
    }

    pub(super) fn choice(&self, name: &str) -> Option<&'static str> {
        self.pick(name, |value| if let Value::Choice(word) = value { Some(*word) } else { None })
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.pick(name, |value| if let Value::Path(path) = value { Some(path.clone()) } else { None })
    }

    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        self.pick(name, |value| if let Value::Secret(secret) = value { Some(secret.clone()) } else { None })
    }

    /// The shapes of the table and of the question agree, or it is a defect that every run would show.
    fn pick<T>(&self, name: &str, of: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let (value, _) = self.entry(name).1?;
        Some(of(value).expect("the table gives the option the shape that the caller reads"))
    }

    fn entry(&self, name: &str) -> (&'static Entry, Option<&(Value, Origin)>) {
        let entry = find(name).expect("every option that is read is in the table");
        (entry, self.0.get(name))
    }
}

/// Whether a variable's name begins like this.
fn has_any(environment: &Environment, prefix: &str) -> bool {
    environment.range(prefix.to_owned()..).next().is_some_and(|(name, _)| name.starts_with(prefix))
}

/// An input's text, from either form of its name; two that differ are a problem.
fn input(entry: &Entry, environment: &Environment, problems: &mut Vec<Diagnostic>) -> Option<String> {
    if !entry.input {
        return None;
    }
    let names = entry.input_names();
    let mut found = names
        .iter()
        .filter_map(|name| Some((name, environment.get(name)?)))
        .filter(|(_, text)| !text.trim().is_empty());
    let (first_name, first) = found.next()?;
    if let Some((name, _)) = found.find(|(_, text)| text.trim() != first.trim()) {
        problems.push(Diagnostic::new(
            format!("input `{}` is given twice, with different values: `{first_name}` and `{name}`", entry.name),
            "remove one of the two",
        ));
    }
    Some(first.clone())
}

/// Names with our prefix that mean nothing: a setting that silently did nothing would be found out in production.
fn unknown_names(environment: &Environment, problems: &mut Vec<Diagnostic>) {
    let ours =
        environment.range(ENVIRONMENT_PREFIX.to_owned()..).take_while(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX));
    let set = ours.filter(|(name, text)| !name.starts_with(OUTPUT_PREFIX) && !text.trim().is_empty());
    // Most starts have none, and then no name is spelled out.
    let set: Vec<&String> = set.map(|(name, _)| name).collect();
    if set.is_empty() {
        return;
    }
    let known: Vec<String> = ENTRIES.iter().map(Entry::environment_name).collect();
    for name in set.into_iter().filter(|name| !known.contains(name)) {
        // Without what all of them begin with, which would make any two alike.
        let own = |name| str::strip_prefix(name, ENVIRONMENT_PREFIX).unwrap_or_default();
        let help = nearest(own(name), known.iter().map(|known| own(known))).map_or_else(
            || "remove it; `cdn-purge --help` lists the options".to_owned(),
            |nearest| format!("did you mean `{ENVIRONMENT_PREFIX}{nearest}`?"),
        );
        problems.push(Diagnostic::new(format!("`{name}` is set, and there is no such option"), help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(flags: &[(&str, &str)], environment: &[(&str, &str)]) -> (LayeredOptions, Vec<String>) {
        let mut typed = Flags::new();
        flags.iter().for_each(|(name, text)| typed.add(name, *text));
        let environment = environment.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        let mut problems = Vec::new();
        let given = LayeredOptions::read(CommandKind::Run, &typed, &environment, &mut problems);
        let said = problems.into_iter().map(|one| format!("{}: {}", one.title, one.help.unwrap_or_default()));
        (given, said.collect())
    }

    #[test]
    fn a_flag_beats_an_input_that_beats_the_environment_that_beats_the_file_that_beats_the_default() {
        let environment = [("INPUT_WAIT", "refresh"), ("CDN_PURGE_WAIT", "none")];
        assert_eq!(read(&[("wait", "all")], &environment).0.choice("wait"), Some("all"));
        assert_eq!(read(&[], &environment).0.choice("wait"), Some("refresh"));
        let file = || vec![(find("wait").unwrap(), Value::Choice("refresh"))];
        let (mut given, _) = read(&[], &environment[1..]);
        given.add_file(CommandKind::Run, file());
        given.add_defaults();
        assert_eq!((given.choice("wait"), given.label("wait")), (Some("none"), "`CDN_PURGE_WAIT`".into()));
        let (mut given, _) = read(&[], &[]);
        given.add_file(CommandKind::Run, file());
        given.add_defaults();
        assert_eq!(given.choice("wait"), Some("refresh"));
        assert_eq!((given.choice("fail-on"), given.label("fail-on")), (Some("any"), "`fail-on`".into()));
    }

    #[test]
    fn an_empty_value_is_absent_at_every_level() {
        let (given, problems) =
            read(&[("wait", "")], &[("INPUT_WAIT", "  "), ("CDN_PURGE_WAIT", "none\n"), ("CDN_PURGE_UNKNOWN", "")]);
        assert_eq!(given.choice("wait"), Some("none"));
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn both_spellings_of_an_input_are_read() {
        for name in ["INPUT_DRY-RUN", "INPUT_DRY_RUN"] {
            assert_eq!(read(&[], &[(name, "True")]).0.boolean("dry-run"), Some(true), "{name}");
        }
        let (_, problems) = read(&[], &[("INPUT_DRY-RUN", "true"), ("INPUT_DRY_RUN", "false")]);
        assert_eq!(
            problems,
            [
                "input `dry-run` is given twice, with different values: `INPUT_DRY-RUN` and `INPUT_DRY_RUN`: remove one of the two"
            ]
        );
        assert!(read(&[], &[("INPUT_DRY-RUN", "true"), ("INPUT_DRY_RUN", " true ")]).1.is_empty());
    }

    #[test]
    fn every_problem_is_told_with_its_source() {
        let (_, problems) = read(
            &[("wait", "refesh")],
            &[("INPUT_FAIL-ON", "sometimes"), ("CDN_PURGE_BATCH_SIZE", "0"), ("CDN_PURGE_DRY_RUN", "yes")],
        );
        assert_eq!(
            problems,
            [
                "`CDN_PURGE_DRY_RUN` is `yes`: write `true` or `false`",
                "`--wait` is `refesh`: did you mean `refresh`?",
                "input `fail-on` is `sometimes`: write `any`, `refresh` or `never`",
                "`CDN_PURGE_BATCH_SIZE` is `0`: write a whole number, at least 1",
            ]
        );
    }

    #[test]
    fn a_mistyped_environment_name_is_told_with_the_nearest() {
        let environment = [("CDN_PURGE_DRYRUN", "true"), ("CDN_PURGE_BINARY", "/bin/x"), ("CDN_OTHER", "x")];
        assert_eq!(
            read(&[], &environment).1,
            [
                "`CDN_PURGE_BINARY` is set, and there is no such option: remove it; `cdn-purge --help` lists the options",
                "`CDN_PURGE_DRYRUN` is set, and there is no such option: did you mean `CDN_PURGE_DRY_RUN`?"
            ]
        );
    }

    #[test]
    fn what_an_earlier_run_of_the_pipeline_came_to_is_no_option() {
        let environment = [("CDN_PURGE_OUTPUT_STATUS", "done"), ("CDN_PURGE_OUTPUT_BASE", "5aaf1ba9")];
        let (given, problems) = read(&[], &environment);
        assert_eq!((given.text("base"), problems), (None, vec![]));
        assert!(ENTRIES.iter().all(|entry| !entry.environment_name().starts_with(OUTPUT_PREFIX)));
    }

    #[test]
    fn flags_and_values_show_no_secret_in_their_debug_form() {
        let mut flags = Flags::new();
        flags.add("access-key-secret", "hunter2");
        assert!(!format!("{flags:?}").contains("hunter2"));
        let (given, _) = read(&[("access-key-secret", "hunter2")], &[]);
        assert!(!format!("{given:?}").contains("hunter2"));
    }
}
