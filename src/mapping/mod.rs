//! Maps changed files to the URLs that they make stale: rules select files by globs, and templates give the URLs of each.

mod encoding;
mod explain;
mod files;
mod glob;
mod placeholder;
mod reach;
mod rule;
mod scope;
mod tasks;
mod template;
#[cfg(test)]
mod tests;
pub mod url;

pub use encoding::Encoded;
pub use explain::{Explanation, explain};
pub use files::{GlobProblem, Globs};
pub use reach::Reach;
pub use rule::{Overrides, Rule};
pub use tasks::{Mapped, map, map_urls};
pub use template::{Template, TemplateProblem};
