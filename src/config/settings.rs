//! The settings of a run: every option parsed and checked.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::base_spec::BaseSpec;
use super::directory_options::DirectoryOptions;
use super::list_options::ListOptions;
use super::pattern_places::PatternPlaces;
use super::url_options::UrlOptions;
use crate::error::Diagnostic;
use crate::mapping::Rule;
use crate::model::{Operation, TargetName};
use crate::provider::http::edge::ConnectTo;
use crate::provider::{Options, Spec};

/// Everything a run needs to know, parsed: no later code has to parse a string again.
#[derive(Debug)]
pub struct Settings {
    /// Where the configuration was read from; `None` where `provider` took its place.
    pub config: Option<PathBuf>,
    /// Where URLs live; never empty.
    pub targets: Vec<Target>,
    /// Which files become which URLs; empty only where URLs are given.
    pub rules: Vec<Rule>,
    /// Where the changes come from.
    pub changes: Changes,
    /// Whether the working directory takes the place of the commit that is deployed; only in a plan of commits.
    pub worktree: bool,
    /// What a changed submodule means.
    pub submodules: Submodules,
    /// What a symbolic link means.
    pub symlinks: Symlinks,
    /// The directory that holds the repository, or lies in it.
    pub repository: PathBuf,
    /// Whether a commit that the clone lacks may be fetched.
    pub fetch: bool,
    /// What opens the repository's remote and the CI's interface, if given.
    pub token: Option<SecretString>,
    /// Where the commit goes that a run which ended well has deployed.
    pub save_base: Option<PathBuf>,
    /// What to do with the plan.
    pub mode: Mode,
    /// Overrides the rules.
    pub refresh: Option<bool>,
    /// Overrides the rules.
    pub prefetch: Option<bool>,
    /// Only resume what an earlier run left in its journal; start nothing without it.
    pub resume: bool,
    /// What to wait for.
    pub wait: Wait,
    /// How long to wait for refreshes.
    pub refresh_timeout: Duration,
    /// How long to wait for prefetches.
    pub prefetch_timeout: Duration,
    /// Which failures fail the step.
    pub fail_on: FailOn,
    /// What goes out where the day's quota is short.
    pub short_quota: ShortQuota,
    /// Whether directories take the place of URLs.
    pub collapse: Collapse,
    /// The most unchanged URLs below such a directory for each changed one.
    pub over_refresh: u32,
    /// A list of URLs or an access log, the source of the order of prefetches.
    pub popularity: Option<PathBuf>,
    /// What a run that has nothing to do means.
    pub on_empty: OnEmpty,
    /// A plan with more refreshes and prefetches is refused.
    pub max_urls: Option<u64>,
    /// When given, a plan with any other host is refused. Lower case.
    pub allow_hosts: Option<Vec<String>>,
    /// The journal's file, if named.
    pub journal: Option<PathBuf>,
    /// The JSON report's file, if named.
    pub report_file: Option<PathBuf>,
    /// The HTML report's file, if named.
    pub report_html: Option<PathBuf>,
    /// Keep the summary as a comment on the pull request, where the host is GitHub.
    pub pull_request_comment: bool,
    /// Keep the summary as a note on the merge request, where the host is GitLab.
    pub merge_request_note: bool,
    /// Other gateways, by provider.
    pub endpoints: Vec<(&'static Spec, url::Url)>,
    /// Credentials given as flags, inputs or `CDN_PURGE_*`; they take precedence over the provider's own variables.
    pub credentials: CredentialInputs,
    /// At most so many URLs in a batch.
    pub batch_size: Option<usize>,
    /// How many URLs are warmed at the same time at one target, where that is done by fetches through the CDN.
    pub warm_concurrency: usize,
    /// The edges to connect to when URLs are fetched through the CDN, in place of where their hosts lead; empty: there.
    pub edges: Vec<ConnectTo>,
    /// Where the origin of a host is, or of all others.
    pub origins: Vec<(Option<String>, url::Url)>,
    /// A URL, and a text that its answer must hold before anything is sent.
    pub wait_for: Option<(url::Url, String)>,
    /// How long to wait for both.
    pub gate_timeout: Duration,
    /// Whether URLs are fetched through the CDN once their refresh is done, and compared with the files that they come from.
    pub verify: bool,
    /// How many of them, at most.
    pub verify_urls: usize,
    /// The next batch only when the one before is done.
    pub sequential: bool,
    /// When to use colour.
    pub color: When,
    /// When to draw a progress bar.
    pub progress: When,
    /// How much to say.
    pub log_level: LogLevel,
    /// What a person should know about how the inputs were understood: a second configuration that isn't used.
    pub notes: Vec<String>,
    /// What can be used, and is most likely not what was meant.
    pub warnings: Vec<Diagnostic>,
    /// Where the patterns of the rules were written.
    pub patterns: PatternPlaces,
}

/// Where URLs live: a provider and its settings.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name in the configuration.
    pub name: TargetName,
    /// Its provider.
    pub provider: &'static Spec,
    /// The provider's own options.
    pub options: Options,
    /// Whose credentials sign its requests.
    pub credentials: CredentialChoice,
}

impl Target {
    /// The key of its account: targets that have the same one share credentials, rates and quota.
    pub fn account(&self) -> String {
        format!("{} {} {:?}", self.provider.name, self.provider.endpoint(&self.options), self.credentials)
    }
}

/// Which of the credentials around a run a target uses. Never a secret: a name at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum CredentialChoice {
    /// Those of the options, of the provider's own variables, or of the vendor's own files.
    #[default]
    Default,
    /// Those of the provider's own variables that begin with this name: `brand-a` means `BRAND_A_…`.
    Named(String),
    /// Those of this profile in the vendor's own files.
    Profile(String),
}

/// What goes out where the day's quota is short for refreshes. Prefetches go out as far as it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortQuota {
    /// Those of the rules that fit as a whole.
    Refuse,
    /// As many as fit.
    Fit,
}

/// Whether directories take the place of URLs in complete rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collapse {
    /// Never; a plan that doesn't fit says what it would save.
    Never,
    /// Where the URLs don't fit the day's quota or `max-urls`.
    Auto,
    /// Wherever it costs less of the quota.
    Always,
}

/// Where the changes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// The difference of two commits; revisions as they were given.
    Git {
        /// `base`, if given.
        base: Option<String>,
        /// `head`, if given.
        head: Option<String>,
    },
    /// The difference of two commits, the first of which comes from an earlier run or a tag.
    Since {
        /// Its source.
        base: BaseSpec,
        /// `head`, if given.
        head: Option<String>,
    },
    /// Every tracked file of `head`.
    All {
        /// `head`, if given.
        head: Option<String>,
    },
    /// The files of a built directory that aren't as the last deployment left them.
    Directory(DirectoryOptions),
    /// The files that a deploy tool's own list names.
    List(ListOptions),
    /// No files: URLs that are given.
    Urls(UrlOptions),
}

/// What a changed submodule means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submodules {
    /// The files that changed in it. If they aren't known, that is a warning; an error if the run had nothing to do otherwise.
    Follow,
    /// The same, and an error in any case.
    Require,
    /// Nothing.
    Ignore,
}

/// What a symbolic link means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symlinks {
    /// A change behind it is one at its path. Links are searched where they are likely: large repositories take no longer.
    Follow,
    /// The same, and links are searched in all folders.
    Everywhere,
    /// Its own change alone.
    Ignore,
}

/// What to do with the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Execute it.
    Real,
    /// Print it.
    DryRun,
    /// Execute it against the emulators, in virtual time.
    Simulate,
    /// Send nothing to the provider, and fetch its URLs through the CDN.
    Verify,
}

impl Mode {
    /// Whether requests may reach machines of others: the provider's, or those of the CDN.
    pub fn is_real(self) -> bool {
        matches!(self, Self::Real | Self::Verify)
    }
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Everything.
    All,
    /// Refreshes; prefetches are submitted, not followed.
    Refresh,
    /// Nothing: submit and leave. Prefetches of refreshed URLs can't go out before their refresh is done and stay unsubmitted.
    None,
}

impl Wait {
    /// Whether this is waited for once it is submitted.
    pub fn follows(self, operation: Operation) -> bool {
        match self {
            Self::All => true,
            Self::Refresh => matches!(operation, Operation::Refresh(_)),
            Self::None => false,
        }
    }
}

/// Which failures fail the step; `status` isn't affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// Every URL that isn't done.
    Any,
    /// Refreshes that aren't done.
    Refresh,
    /// None.
    Never,
}

/// What a run that has nothing to do means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnEmpty {
    /// A warning, if files changed and no rule selects one of them.
    Warn,
    /// The step fails.
    Fail,
    /// Nothing.
    Ok,
}

/// Credentials given as inputs.
#[derive(Clone, Default)]
pub struct CredentialInputs {
    /// `access-key-id`.
    pub access_key_id: Option<String>,
    /// `access-key-secret`.
    pub access_key_secret: Option<SecretString>,
    /// `security-token`.
    pub security_token: Option<SecretString>,
    /// `role`.
    pub role: Option<String>,
    /// `oidc-provider`.
    pub oidc_provider: Option<String>,
    /// `oidc-audience`.
    pub oidc_audience: Option<String>,
    /// `oidc-token`.
    pub oidc_token: Option<SecretString>,
}

impl std::fmt::Debug for CredentialInputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CredentialInputs(…)")
    }
}

/// When to do something that depends on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// If it is a terminal.
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// How much to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Errors and the summary.
    Quiet,
    /// What a person wants to follow.
    Normal,
    /// Every batch and every URL.
    Verbose,
}
