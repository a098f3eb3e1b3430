//! What an option is, as data: its names, what its value looks like, and who reads it.

use super::command_kind::CommandKind;

/// An option.
#[derive(Debug)]
pub struct Entry {
    /// Its one name: `dry-run` is `--dry-run`, the input `dry-run` and `CDN_PURGE_DRY_RUN`.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// The value it has when nobody gives one, as it would be typed.
    pub default: Option<&'static str>,
    /// One sentence, without the final period.
    pub help: &'static str,
    /// Whether the configuration file may set it: harmless behaviour only.
    pub in_file: bool,
    /// Whether it is an input of the Action.
    pub input: bool,
    /// What GitHub fills in for the input when nobody gives it, if anything.
    pub action_default: Option<&'static str>,
    /// The commands that read it.
    pub used_by: &'static [CommandKind],
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One line of text.
    Text,
    /// Several texts.
    List(Separators),
    /// True or false.
    Boolean,
    /// A time span, as `90s`, `15m` or `1h30m`.
    Duration,
    /// A whole number, at least this.
    Count(u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A file or directory.
    Path,
    /// Text that is never printed.
    Secret,
}

/// What separates the elements of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separators {
    /// Line breaks only: the elements may hold commas.
    Lines,
    /// Line breaks and commas.
    LinesAndCommas,
}

/// The prefix of the environment names that are ours.
pub const ENVIRONMENT_PREFIX: &str = "CDN_PURGE_";

/// The prefix of the names under which a runner hands inputs over.
pub const INPUT_PREFIX: &str = "INPUT_";

/// The prefix of the names under which GitLab hands a job's outputs to the jobs behind it. No option begins like that, so that
/// a run doesn't take what an earlier one in its pipeline found for what somebody asks of it.
pub const OUTPUT_PREFIX: &str = "CDN_PURGE_OUTPUT_";

impl Entry {
    /// Its own environment name: `CDN_PURGE_DRY_RUN`.
    pub fn environment_name(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}", self.underscored())
    }

    /// How a runner hands an input over: `INPUT_DRY-RUN` as GitHub spells it, and `INPUT_DRY_RUN`, because some shells drop
    /// names with a hyphen. One name where the two are the same.
    pub fn input_names(&self) -> Vec<String> {
        let hyphenated = format!("{INPUT_PREFIX}{}", self.name.to_ascii_uppercase());
        let underscored = format!("{INPUT_PREFIX}{}", self.underscored());
        if hyphenated == underscored { vec![hyphenated] } else { vec![hyphenated, underscored] }
    }

    /// Whether its value must never be printed.
    pub fn is_secret(&self) -> bool {
        self.shape == Shape::Secret
    }

    fn underscored(&self) -> String {
        self.name.to_ascii_uppercase().replace('-', "_")
    }
}

/// An option that is an input, has no default, and can't stand in the file: the usual case.
pub(super) const fn entry(
    name: &'static str,
    shape: Shape,
    used_by: &'static [CommandKind],
    help: &'static str,
) -> Entry {
    Entry { name, shape, default: None, help, in_file: false, input: true, action_default: None, used_by }
}

impl Entry {
    pub(super) const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    pub(super) const fn in_file(self) -> Self {
        Self { in_file: true, ..self }
    }

    pub(super) const fn on_github(self, expression: &'static str) -> Self {
        Self { action_default: Some(expression), ..self }
    }

    pub(super) const fn no_input(self) -> Self {
        Self { input: false, ..self }
    }
}

/// An option of a command that the Action doesn't run, so that it is no input.
pub(super) const fn asked(
    name: &'static str,
    shape: Shape,
    used_by: &'static [CommandKind],
    help: &'static str,
) -> Entry {
    entry(name, shape, used_by, help).no_input()
}
