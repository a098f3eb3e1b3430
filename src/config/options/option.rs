//! An option as data: its names, the form of its value, and the commands that read it.

use super::command_kind::CommandKind;

/// An option.
#[derive(Debug)]
pub struct Entry {
    /// Its one name: `dry-run` is `--dry-run`, the input `dry-run` and `CDN_PURGE_DRY_RUN`.
    pub name: &'static str,
    /// A second, shorter flag: `-C`.
    pub short: Option<char>,
    /// The form of its value.
    pub shape: Shape,
    /// Where help and documentation list it.
    pub group: Group,
    /// The value it has when nobody sets one, as it would be typed.
    pub default: Option<&'static str>,
    /// One sentence for `-h`, then further ones for `--help` and the documentation; without the final period.
    pub help: &'static str,
    /// Whether the configuration file may set it: harmless behavior only.
    pub in_file: bool,
    /// Whether it is an input of the Action.
    pub input: bool,
    /// The expression that GitHub evaluates for the input when nobody sets it, if any.
    pub action_default: Option<&'static str>,
    /// The commands that read it.
    pub used_by: &'static [CommandKind],
}

/// Where help and documentation list an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The dozen that a newcomer needs.
    Basic,
    /// Which files changed, or which URLs are listed.
    Changes,
    /// What is sent, and how.
    Sending,
    /// Credentials and endpoints.
    Credentials,
    /// Reports, notes and what a terminal shows.
    Output,
    /// Options of commands that the Action doesn't run, so that they are no inputs.
    Command,
}

impl Group {
    /// The groups of a run's options, in the order in which they are listed.
    pub const OF_A_RUN: [Self; 5] = [Self::Basic, Self::Changes, Self::Sending, Self::Credentials, Self::Output];

    /// The heading above its options.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Basic => "Basic options",
            Self::Changes => "Advanced: changed files",
            Self::Sending => "Advanced: purging and prefetching",
            Self::Credentials => "Advanced: credentials and endpoints",
            Self::Output => "Advanced: reports and output",
            Self::Command => "Options of this command",
        }
    }

    /// Whether `-h` lists its options.
    pub fn is_basic(self) -> bool {
        matches!(self, Self::Basic | Self::Command)
    }
}

/// The form of a value. The word is the placeholder in help: `<FILE>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One line of text.
    Text(&'static str),
    /// Several texts.
    List(&'static str, Separators),
    /// True or false.
    Boolean,
    /// A duration: `90s`, `15m` or `1h30m`.
    Duration,
    /// A whole number, at least this.
    Count(u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A file or directory.
    Path(&'static str),
    /// Text that is never printed.
    Secret,
}

/// One line of text.
pub(super) const fn text(placeholder: &'static str) -> Shape {
    Shape::Text(placeholder)
}

/// Texts, one per line.
pub(super) const fn list(placeholder: &'static str) -> Shape {
    Shape::List(placeholder, Separators::Lines)
}

impl Shape {
    /// The same list, whose elements may also be separated by commas.
    pub(super) const fn or_commas(self) -> Self {
        match self {
            Self::List(placeholder, _) => Self::List(placeholder, Separators::LinesAndCommas),
            other => other,
        }
    }
}

/// What separates the elements of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separators {
    /// Line breaks only: the elements may hold commas.
    Lines,
    /// Line breaks and commas.
    LinesAndCommas,
}

/// The prefix of our environment variables.
pub const ENVIRONMENT_PREFIX: &str = "CDN_PURGE_";

/// The prefix of the variables in which a runner passes inputs.
pub const INPUT_PREFIX: &str = "INPUT_";

/// The prefix of the variables in which GitLab passes a job's outputs to later jobs. No option begins like that, so that a run
/// doesn't read an earlier job's result as an option.
pub const OUTPUT_PREFIX: &str = "CDN_PURGE_OUTPUT_";

impl Entry {
    /// An option that has no default and can't be set in the file.
    pub(super) const fn new(
        name: &'static str,
        shape: Shape,
        group: Group,
        used_by: &'static [CommandKind],
        help: &'static str,
    ) -> Self {
        let input = !matches!(group, Group::Command);
        Self {
            name,
            short: None,
            shape,
            group,
            default: None,
            help,
            in_file: false,
            input,
            action_default: None,
            used_by,
        }
    }

    pub(super) const fn short(self, letter: char) -> Self {
        Self { short: Some(letter), ..self }
    }

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

    /// The first sentence of its help.
    pub fn summary(&self) -> &'static str {
        self.help.split_once(". ").map_or(self.help, |(first, _)| first)
    }

    /// Its own environment variable: `CDN_PURGE_DRY_RUN`.
    pub fn environment_name(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}", self.underscored())
    }

    /// How a runner passes an input: `INPUT_DRY-RUN` as GitHub spells it, and `INPUT_DRY_RUN`, because some shells drop names
    /// with a hyphen. One name where the two are the same.
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
