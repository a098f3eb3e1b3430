//! Maps changed files to the URLs that they make stale: rules select files by globs, and templates give the URLs of each.

mod encoding;
mod explain;
mod files;
mod front_matter;
mod glob;
mod greedy;
mod ignore_file;
mod placeholder;
mod reach;
mod rule;
mod saved_rules;
mod scope;
mod tasks;
mod template;
#[cfg(test)]
pub(crate) mod tests;
mod transform;
mod unmatched;
pub mod url;

pub use encoding::Encoded;
pub use explain::{Explanation, explain};
pub use files::{GlobProblem, Globs};
pub use front_matter::{FrontMatter, MOST_BYTES as MOST_FRONT_MATTER_BYTES};
pub use ignore_file::ignored_by;
pub use reach::Reach;
pub use rule::{Overrides, Rule};
pub use saved_rules::{SavedRules, save};
pub use tasks::{
    FrontMatters, Mapped, for_each_refresh, front_matter_files, greedy_captures, map, map_urls, map_with, refreshes,
};
pub use template::{Template, TemplateProblem};
pub use transform::{Argument, TRANSFORMS, TransformEntry};
pub use unmatched::{PatternPlace, Unmatched};
