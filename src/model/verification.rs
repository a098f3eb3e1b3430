//! What a fetch through the CDN showed of a URL after its refresh.

use serde::{Deserialize, Serialize};

/// What visitors near this machine get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// What was deployed.
    Fresh,
    /// Nobody can tell: the page isn't a file as it was committed, or it is behind a login.
    Undecided,
    /// There was no answer, or a server error.
    Unreachable,
    /// What was there before.
    Stale,
}

impl Verdict {
    /// All of them, the best first.
    pub const ALL: [Self; 4] = [Self::Fresh, Self::Undecided, Self::Unreachable, Self::Stale];

    /// The word in outputs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Undecided => "undecided",
            Self::Unreachable => "unreachable",
            Self::Stale => "stale",
        }
    }
}

/// A verdict, and what it is based on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The worst over the encodings that were asked for.
    pub verdict: Verdict,
    /// Its evidence, as a sentence fragment: `the bytes of the file`.
    pub evidence: String,
    /// The `Accept-Encoding` of the fetch that decided.
    pub encoding: String,
    /// How often the URL was fetched in each encoding.
    pub tries: u32,
}
