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

/// How many URLs got each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerdictCounts {
    /// [`Verdict::Fresh`].
    pub fresh: usize,
    /// [`Verdict::Stale`].
    pub stale: usize,
    /// [`Verdict::Unreachable`].
    pub unreachable: usize,
    /// [`Verdict::Undecided`].
    pub undecided: usize,
}

impl VerdictCounts {
    /// Those of one verdict.
    pub fn of(&mut self, verdict: Verdict) -> &mut usize {
        match verdict {
            Verdict::Fresh => &mut self.fresh,
            Verdict::Stale => &mut self.stale,
            Verdict::Unreachable => &mut self.unreachable,
            Verdict::Undecided => &mut self.undecided,
        }
    }

    /// All together.
    pub fn total(&self) -> usize {
        self.fresh + self.stale + self.unreachable + self.undecided
    }
}

/// A verdict, and what it is based on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The worst over the edges and the encodings that were asked for.
    pub verdict: Verdict,
    /// Its evidence, as a sentence fragment: `the bytes of the file`.
    pub evidence: String,
    /// The edge that decided; `None`: the one nearest to this machine was the only one.
    pub edge: Option<String>,
    /// The `Accept-Encoding` of the fetch that decided.
    pub encoding: String,
    /// How often the URL was fetched there in each encoding; 0 where there was no time for it.
    pub tries: u32,
    /// Whether it was old there before the refresh; `None` where it wasn't fetched then.
    pub was_old: Option<bool>,
    /// Whether the URL was refreshed once more before, since it was stale.
    pub refreshed_again: bool,
}
