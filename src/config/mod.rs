//! Reads [`Settings`] from flags, inputs, `CDN_PURGE_*`, the YAML file and defaults.

mod arguments;
mod base_spec;
pub mod check;
mod directory_options;
mod file;
mod generate;
mod init_options;
mod layers;
pub mod list_file;
mod list_options;
mod man;
mod mock_server;
pub(crate) mod network;
pub mod options;
mod parse_value;
mod pattern_places;
pub mod popularity_file;
mod problems;
pub mod query_options;
mod read;
mod required_permissions;
mod rules;
pub mod schema;
mod settings;
mod targets;
mod time;
pub mod url_list;
mod url_options;

pub use arguments::{Command, parse_arguments};
pub use base_spec::{BaseSpec, TagPattern};
pub use directory_options::{DirectoryOptions, ManifestSource, ManifestTrust, WithoutManifest};
pub use generate::{
    action_env_yaml, action_inputs_yaml, basic_options_markdown, component_inputs_yaml, component_variables_yaml,
    options_markdown,
};
pub use init_options::{InitOptions, InitOutput, is_directory};
pub use layers::Flags;
pub use list_options::{ListFormat, ListOptions};
pub use mock_server::MockServerOptions;
pub use options::CommandKind;
pub use pattern_places::PatternPlaces;
pub use read::read;
pub use required_permissions::RequiredPermissions;
pub use rules::{configuration_of, has_foreign_syntax};
pub use settings::{
    Changes, Collapse, CredentialChoice, CredentialInputs, FailOn, LogLevel, Mode, OnEmpty, Settings, ShortQuota,
    Submodules, Symlinks, Target, Wait, When,
};
pub use url_options::UrlOptions;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
