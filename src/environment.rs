//! The process's environment variables, as values.

/// The process's environment variables, taken once: names and values as the system gave them.
pub type Environment = std::collections::BTreeMap<String, String>;

/// Takes the place of an option's value that isn't UTF-8. No variable can hold it.
pub const NOT_UTF8: &str = "\0";

/// A variable without surrounding white space; `None` where it is unset or empty.
pub fn nonempty(environment: &Environment, name: &str) -> Option<String> {
    environment.get(name).map(|text| text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}
