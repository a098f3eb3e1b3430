//! The errors people can cause, with what to do about them, and the exit codes.
//!
//! Messages are lowercase sentence fragments; literals are in backticks; the remedy is a sentence of its own in `help`.

use std::fmt;
use std::sync::LazyLock;

use serde::Serialize;

/// A place in a file a person wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file as the person named it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One problem in what a person wrote: what, where, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong: `unknown placeholder \`{pth}\``.
    pub title: String,
    /// Where, if it is in a file.
    pub place: Option<Place>,
    /// The line with a caret, ready to print without colour; empty when there is no place.
    pub snippet: String,
    /// What to do: `did you mean \`{path}\`?`.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Its id on the page of errors: `E301`; `None` for a message that isn't on the page, such as a provider's own.
    pub fn id(&self) -> Option<&'static str> {
        let fits = FORMS.iter().filter_map(|(form, id)| Some((fixed_length(form, &self.title)?, *id)));
        // Of two that fit, the one that spells out more.
        fits.max_by_key(|(fixed, _)| *fixed).map(|(_, id)| id)
    }

    /// A link to the page of errors, at this id.
    pub fn link(id: &str) -> String {
        format!("{}/blob/main/docs/errors.md#{}", env!("CARGO_PKG_REPOSITORY"), id.to_lowercase())
    }

    /// A problem that has no place in a file.
    pub fn new(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self { title: title.into(), place: None, snippet: String::new(), help: Some(help.into()) }
    }
}

/// The page that gives every message its id and its remedy.
const PAGE: &str = include_str!("../docs/errors.md");

/// The forms of the page's messages, each with its id.
static FORMS: LazyLock<Vec<(String, &str)>> = LazyLock::new(|| {
    let rows = PAGE.lines().filter_map(|row| row.strip_prefix("| <a id=")?.split_once("</a>"));
    let forms = rows.filter_map(|(_, row)| {
        let mut cells = row.split(" | ");
        let (id, form) = (cells.next()?, cells.next()?);
        Some((form.replace("\\|", "|"), id))
    });
    forms.collect()
});

/// How much of a message the page spells out, in bytes, if the message is one of this form; `…` in the form stands for any text.
fn fixed_length(form: &str, message: &str) -> Option<usize> {
    let Some((first, others)) = form.split_once('…') else {
        return (form == message).then_some(form.len());
    };
    let (between, last) = others.rsplit_once('…').unwrap_or(("", others));
    let mut rest = message.strip_prefix(first)?.strip_suffix(last)?;
    for piece in between.split('…') {
        rest = &rest[rest.find(piece)? + piece.len()..];
    }
    Some(form.len() - form.matches('…').count() * '…'.len_utf8())
}

/// How the program ends. The worst of all applies; see [`ExitCode::worst`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// All done, planned, or nothing to do.
    Success = 0,
    /// Something failed.
    Failed = 1,
    /// Usage, inputs or configuration.
    Usage = 2,
    /// The checkout or the host.
    Checkout = 3,
    /// Some outcome unknown at the deadline.
    Unknown = 4,
    /// Not submitted for quota or a cap.
    Quota = 5,
    /// Credentials or permissions.
    Credentials = 6,
    /// A URL is stale after its refresh.
    Stale = 7,
    /// A defect of this program.
    Internal = 70,
    /// Interrupted by SIGINT.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl ExitCode {
    /// The worse of two, by what a person must look at first: internal, interrupted, usage, checkout, credentials,
    /// unknown, failed, stale, quota, success.
    pub fn worst(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Quota => 1,
            Self::Stale => 2,
            Self::Failed => 3,
            Self::Unknown => 4,
            Self::Credentials => 5,
            Self::Checkout => 6,
            Self::Usage => 7,
            Self::Interrupted => 8,
            Self::Terminated => 9,
            Self::Internal => 10,
        }
    }
}

/// What stops a run before or outside the execution of a plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Flags, inputs, environment or the configuration file; every problem found, in order of place.
    #[error("{}", .0.first().map_or("the inputs can't be used", |first| first.title.as_str()))]
    Inputs(Vec<Diagnostic>),
    /// The git repository, the commits, the CI host's files.
    #[error("{message}")]
    Checkout {
        /// What happened and where.
        message: String,
        /// What to do.
        help: String,
    },
    /// A plan that is refused before anything is sent: a cap, a host that isn't allowed, quota that is short.
    #[error("{message}")]
    PlanRefused {
        /// What is above what, with the numbers.
        message: String,
        /// What to do.
        help: String,
        /// `Quota` for quota and caps, `Usage` for hosts and roots.
        exit_code: ExitCode,
    },
    /// A manifest of a built site that another run wrote meanwhile: it isn't known what the caches hold.
    #[error("{message}")]
    Overtaken {
        /// Which manifest, and which run.
        message: String,
        /// What to do.
        help: String,
    },
    /// Credentials that are missing, malformed or refused before anything was sent.
    #[error("{message}")]
    Credentials {
        /// What was looked for and where; never a secret.
        message: String,
        /// What to do.
        help: String,
    },
    /// A journal that can't be used or written.
    #[error("{message}")]
    Journal {
        /// What is wrong with which file; for another plan's journal, the field that differs.
        message: String,
        /// What to do.
        help: String,
    },
    /// A question that a provider doesn't answer.
    #[error("{message}")]
    Provider {
        /// The call, and the provider's own code, message and request id.
        message: String,
        /// What to do.
        help: String,
        /// `Credentials` for credentials and permissions, `Usage` for an invalid query, otherwise `Failed`.
        exit_code: ExitCode,
    },
    /// The network can't be used at all: no resolver, no certificate authorities, an endpoint that isn't one.
    #[error("{message}")]
    Network {
        /// What happened.
        message: String,
        /// What to do.
        help: String,
    },
}

impl Error {
    /// The exit code of the program that ends with this error.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Inputs(_) => ExitCode::Usage,
            Self::Checkout { .. } | Self::Journal { .. } | Self::Network { .. } => ExitCode::Checkout,
            Self::Overtaken { .. } => ExitCode::Unknown,
            Self::PlanRefused { exit_code, .. } | Self::Provider { exit_code, .. } => *exit_code,
            Self::Credentials { .. } => ExitCode::Credentials,
        }
    }

    /// Every problem in it, as something that can be printed.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Inputs(problems) => problems.clone(),
            Self::Checkout { message, help }
            | Self::Overtaken { message, help }
            | Self::PlanRefused { message, help, .. }
            | Self::Credentials { message, help }
            | Self::Journal { message, help }
            | Self::Provider { message, help, .. }
            | Self::Network { message, help } => vec![Diagnostic::new(message, help)],
        }
    }

    /// A problem with the inputs that has no place in a file.
    pub fn usage(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Inputs(vec![Diagnostic::new(title, help)])
    }
}
