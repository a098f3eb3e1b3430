//! The options of a provider's targets, and their values.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// An option of a target, as data: the configuration, the schema, the flags and the documentation read it.
#[derive(Debug)]
pub struct OptionSpec {
    /// In the configuration: `area`.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// What it may hold.
    pub value: OptionValueSpec,
    /// The vendor's name of the parameter that it travels as, just as it is; empty: it travels in no such way.
    pub sent_as: &'static str,
    /// Whether, if it is true, the vendor percent-encodes each URL itself, so that none is sent to the origin as it is.
    pub encodes: bool,
}

impl OptionSpec {
    /// An option that every provider's target has: see [`Spec::prefetch_delay`](super::Spec::prefetch_delay).
    pub const PREFETCH_DELAY: Self = Self::new("prefetch-delay", OptionValueSpec::Duration)
        .help("delay between the refresh of a URL and its prefetch; unset: the provider's usual delay");

    /// An option that may hold this.
    pub const fn new(name: &'static str, value: OptionValueSpec) -> Self {
        Self { name, help: "", value, sent_as: "", encodes: false }
    }

    /// It means this.
    #[must_use]
    pub const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// Where it is true, the vendor percent-encodes each URL itself.
    #[must_use]
    pub const fn encodes(self) -> Self {
        Self { encodes: true, ..self }
    }

    /// It travels as a parameter of this name.
    #[must_use]
    pub const fn sent_as(self, sent_as: &'static str) -> Self {
        Self { sent_as, ..self }
    }
}

/// What an option may hold.
#[derive(Debug)]
pub enum OptionValueSpec {
    /// True or false.
    Boolean,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One line of text.
    Text,
    /// A time span, as `90s`, `15m` or `1h30m`.
    Duration,
    /// A mapping of header names to one value or a list of them.
    Headers,
    /// A whole number from the first to the second.
    Number(u32, u32),
}

/// The value of a target's option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// For [`OptionValueSpec::Boolean`].
    Boolean(bool),
    /// For [`OptionValueSpec::OneOf`] and [`OptionValueSpec::Text`].
    Word(String),
    /// For [`OptionValueSpec::Duration`].
    Duration(Duration),
    /// For [`OptionValueSpec::Headers`].
    Headers(BTreeMap<String, Vec<String>>),
    /// For [`OptionValueSpec::Number`].
    Number(u32),
}

/// As it travels in a parameter.
impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(yes) => write!(f, "{yes}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
            Self::Duration(span) => write!(f, "{}", span.as_secs()),
            Self::Headers(headers) => f.write_str(&serde_json::to_string(headers).expect("texts are JSON")),
        }
    }
}

/// A target's options by name.
pub type Options = BTreeMap<&'static str, OptionValue>;
