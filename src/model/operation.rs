//! Operations: refreshes by kind and mode, and prefetches.

use serde::{Deserialize, Serialize};

/// How a refresh selects what to drop from the caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshKind {
    /// One URL.
    Url,
    /// Everything below a URL that ends in `/`.
    Directory,
    /// Every URL that begins with this one.
    Prefix,
    /// Every URL that a regular expression matches.
    Regex,
    /// One URL with all its query strings.
    AnyQuery,
    /// Every page of one host that its origin marked with a cache tag.
    Tag,
    /// Everything of one host.
    Host,
    /// Everything of the target: a zone, a distribution, a service.
    Everything,
}

impl RefreshKind {
    /// All kinds, in the order in which they are listed.
    pub const ALL: [Self; 8] = [
        Self::Url,
        Self::Directory,
        Self::Prefix,
        Self::Regex,
        Self::AnyQuery,
        Self::Tag,
        Self::Host,
        Self::Everything,
    ];

    /// Whether a root of its kind is everything of a host.
    pub fn is_wide(self) -> bool {
        matches!(self, Self::Directory | Self::Prefix | Self::Host | Self::Everything)
    }

    /// The word in configuration, flags and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Directory => "directory",
            Self::Prefix => "prefix",
            Self::Regex => "regex",
            Self::AnyQuery => "any-query",
            Self::Tag => "tag",
            Self::Host => "host",
            Self::Everything => "everything",
        }
    }
}

/// What a provider is to do with a URL, or with a pattern for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Drop it from the caches.
    Refresh(RefreshKind),
    /// Fetch it into the caches.
    Prefetch,
}

impl Operation {
    /// All operations, refreshes first.
    pub const ALL: [Self; 9] = {
        let mut all = [Self::Prefetch; 9];
        let mut place = 0;
        while place < RefreshKind::ALL.len() {
            all[place] = Self::Refresh(RefreshKind::ALL[place]);
            place += 1;
        }
        all
    };

    /// 0 for refreshes, 1 for prefetches: the place of what is kept for each of the two.
    pub const fn class(self) -> usize {
        match self {
            Self::Refresh(_) => 0,
            Self::Prefetch => 1,
        }
    }

    /// Whether it is a refresh of one page, with or without its query strings.
    pub fn refreshes_a_page(self) -> bool {
        matches!(self, Self::Refresh(RefreshKind::Url | RefreshKind::AnyQuery))
    }

    /// `refresh` or `prefetch`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refresh(_) => "refresh",
            Self::Prefetch => "prefetch",
        }
    }

    /// What is counted against a provider's daily quota, in the plural: `URL refreshes`, `directory refreshes` ….
    pub fn unit(self) -> &'static str {
        match self {
            Self::Refresh(RefreshKind::Url) => "URL refreshes",
            Self::Refresh(RefreshKind::Directory) => "directory refreshes",
            Self::Refresh(RefreshKind::Prefix) => "prefix refreshes",
            Self::Refresh(RefreshKind::Regex) => "regex refreshes",
            Self::Refresh(RefreshKind::AnyQuery) => "any-query refreshes",
            Self::Refresh(RefreshKind::Tag) => "tag refreshes",
            Self::Refresh(RefreshKind::Host) => "host refreshes",
            Self::Refresh(RefreshKind::Everything) => "refreshes of everything",
            Self::Prefetch => "URL prefetches",
        }
    }
}

/// How a refresh treats what it drops, where a provider knows the difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PurgeMode {
    /// The provider's own default.
    #[default]
    Default,
    /// Mark it stale: it may be served while it is fetched again.
    Soft,
    /// Delete it.
    Hard,
}

impl PurgeMode {
    /// The words in configuration and flags, for each mode but the default.
    pub const WORDS: [&str; 2] = ["soft", "hard"];

    /// The mode of this word; the default for any other.
    pub fn of(word: &str) -> Self {
        match word {
            "soft" => Self::Soft,
            "hard" => Self::Hard,
            _ => Self::Default,
        }
    }

    /// The word; empty for the default.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "",
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}
