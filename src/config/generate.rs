//! Prints the option table as documentation and as blocks of `action.yml` and of GitLab's component; tests compare the files.

use std::fmt::Write;

use super::options::{CommandKind, ENTRIES, Entry, Group, Shape};
use crate::text::suggest::any_of;

/// The options in Markdown: those of a run by group, then those of other commands.
pub fn options_markdown() -> String {
    let mut text = String::new();
    for group in Group::OF_A_RUN {
        let _ = writeln!(text, "## {}\n\n{}", group.heading(), group_markdown(group));
    }
    text.push_str(
        "## Options of other commands\n\n| option | default | commands | description |\n| --- | --- | --- | --- |\n",
    );
    for entry in ENTRIES.iter().filter(|entry| entry.group == Group::Command) {
        let commands: Vec<String> = entry.used_by.iter().map(|kind| format!("`{}`", kind.name())).collect();
        row(entry, &commands.join(", "), &mut text);
    }
    text
}

/// The options that a newcomer needs, as a Markdown table.
pub fn basic_options_markdown() -> String {
    group_markdown(Group::Basic)
}

fn group_markdown(group: Group) -> String {
    let mut text = "| option | default | in the file | description |\n| --- | --- | --- | --- |\n".to_owned();
    for entry in ENTRIES.iter().filter(|entry| entry.group == group) {
        row(entry, if entry.in_file { "yes" } else { "" }, &mut text);
    }
    text
}

fn row(entry: &Entry, third: &str, text: &mut String) {
    let default = entry.default.map_or_else(String::new, |default| format!("`{default}`"));
    let _ = writeln!(text, "| `{}` | {default} | {third} | {}. |", entry.name, description(entry).replace('|', "\\|"));
}

/// The lines below `inputs:` in `action.yml`, not indented. They have no `default:` but the one that only GitHub can fill in,
/// because an input that is set overrides the environment and the file.
pub fn action_inputs_yaml() -> String {
    let mut text = String::new();
    for group in Group::OF_A_RUN {
        let _ = writeln!(text, "# {}", group.heading());
        for entry in inputs().filter(|entry| entry.group == group) {
            let description = single_quoted(&with_default(entry));
            let _ = writeln!(text, "{}:\n  description: {description}\n  required: false", entry.name);
            if let Some(expression) = entry.action_default {
                let _ = writeln!(text, "  default: {expression}");
            }
        }
    }
    text
}

/// The lines below `env:` of the step in `action.yml` that runs the program: a composite action has to pass every input itself.
/// The names have no hyphens, which some shells drop. Not indented.
pub fn action_env_yaml() -> String {
    let mut text = String::new();
    for entry in inputs() {
        let name = entry.input_names().pop().expect("every option has an input name");
        let _ = writeln!(text, "{name}: ${{{{ inputs.{} }}}}", entry.name);
    }
    text
}

/// The lines below `spec: inputs:` in the component for GitLab, not indented. An option that the configuration file may set has
/// an empty default, which counts as unset: any other would override the file.
pub fn component_inputs_yaml() -> String {
    let mut text = String::new();
    for entry in component_inputs() {
        let description = single_quoted(&with_default(entry));
        let _ = writeln!(text, "{}:\n  description: {description}", entry.name);
        let default = entry.default.filter(|_| !entry.in_file);
        match (entry.shape, default) {
            (Shape::Boolean, Some(default)) => {
                let _ = writeln!(text, "  type: boolean\n  default: {default}");
                continue;
            }
            (Shape::Boolean, None) => text.push_str("  options: ['', 'true', 'false']\n"),
            (Shape::Choice(words), _) => {
                let words: Vec<String> = words.iter().map(|word| single_quoted(word)).collect();
                let none = if default.is_none() { "'', " } else { "" };
                let _ = writeln!(text, "  options: [{none}{}]", words.join(", "));
            }
            (Shape::Count(_), _) => text.push_str("  regex: ^[0-9]*$\n"),
            (Shape::Duration, _) => text.push_str("  regex: ^[0-9hms]*$\n"),
            _ => {}
        }
        let _ = writeln!(text, "  default: {}", single_quoted(default.unwrap_or_default()));
    }
    text
}

/// The lines below `variables:` of the component's job, not indented. GitLab may put the text of an input in place before it reads
/// the YAML (`TextTemplate` in `lib/gitlab/ci/config/interpolation`, 2026-11-26). In a block any line is taken as it is; elsewhere a
/// glob would be an alias or a tag, and the revision `1.10` the number 1.1.
pub fn component_variables_yaml() -> String {
    let lines = component_inputs().map(|entry| {
        let block = if is_any_text(entry) { "|-\n  " } else { "" };
        format!("{}: {block}$[[ inputs.{} ]]\n", entry.environment_name(), entry.name)
    });
    lines.collect()
}

/// Whether a value may be any text, and has no pattern of its own.
fn is_any_text(entry: &Entry) -> bool {
    matches!(entry.shape, Shape::Text(_) | Shape::List(..) | Shape::Path(_))
}

/// The inputs of the component: all but secrets, which are masked variables there, color and progress, comments on GitHub, and
/// the audience, which belongs into the job's `id_tokens`.
fn component_inputs() -> impl Iterator<Item = &'static Entry> {
    let is_other =
        |entry: &Entry| matches!(entry.name, "color" | "progress" | "oidc-audience" | "pull-request-comment");
    ENTRIES
        .iter()
        .filter(move |entry| entry.used_by.contains(&CommandKind::Run) && !entry.is_secret() && !is_other(entry))
}

fn inputs() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().filter(|entry| entry.input)
}

/// The help, and the form of the value where the help doesn't show it; without the final period.
fn description(entry: &Entry) -> String {
    let form = match entry.shape {
        Shape::Boolean => ". `true` or `false`".to_owned(),
        Shape::Duration => ". A duration: `90s`, `15m` or `1h30m`".to_owned(),
        Shape::Choice(words) if words.iter().any(|word| !entry.help.contains(&format!("`{word}`"))) => {
            format!(". {}", any_of(words.iter().copied()))
        }
        _ => String::new(),
    };
    format!("{}{form}", entry.help)
}

fn with_default(entry: &Entry) -> String {
    let default = entry.default.map_or_else(String::new, |default| format!(" Default: `{default}`."));
    format!("{}.{default}", description(entry))
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_markdown_table_has_a_row_of_four_cells_for_every_option() {
        let table = options_markdown();
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), ENTRIES.len() + 2 * (Group::OF_A_RUN.len() + 1));
        assert!(rows.iter().all(|line| line.replace("\\|", "").matches('|').count() == 5), "{table}");
        assert!(table.contains(
            "| `dry-run` | `false` |  | Print the plan without sending anything. Needs no credentials. `true` or `false`. |"
        ));
    }

    #[test]
    fn every_input_is_declared_and_handed_over() {
        let (declared, handed) = (action_inputs_yaml(), action_env_yaml());
        for entry in inputs() {
            assert!(declared.contains(&format!("{}:\n", entry.name)), "{}", entry.name);
            assert!(handed.contains(&format!("${{{{ inputs.{} }}}}\n", entry.name)), "{}", entry.name);
        }
        assert!(handed.contains("\nINPUT_DRY_RUN: ${{ inputs.dry-run }}\n"), "{handed}");
        assert!(!declared.contains("\ncolor:"));
    }

    #[test]
    fn the_component_has_no_key_and_no_default_that_would_beat_the_file() {
        let read: serde_json::Value = serde_saphyr::from_str(&component_inputs_yaml()).unwrap();
        for entry in ENTRIES {
            let input = read.get(entry.name);
            assert!(input.is_none() || !entry.is_secret(), "{}", entry.name);
            assert!(input.is_none_or(|input| !entry.in_file || input["default"] == ""), "{}", entry.name);
        }
        assert_eq!(read["dry-run"]["default"], false);
        assert_eq!(read["merge-request-note"]["type"], "boolean");
        assert_eq!(read["fail-on"]["options"][0], "");
        assert!(component_variables_yaml().contains("CDN_PURGE_FAIL_ON: $[[ inputs.fail-on ]]\n"));
    }

    #[test]
    fn any_text_is_an_input_of_the_component_as_it_is() {
        for text in [
            "",
            "1.10",
            "0123456",
            "*.html",
            "!drafts/**",
            "**/*.{js,css}",
            "a: b #c",
            "'\"\\d",
            "null",
            "a,b",
            "- x",
            "&a",
        ] {
            let mut yaml = component_variables_yaml();
            for entry in component_inputs().filter(|entry| is_any_text(entry)) {
                yaml = yaml.replace(&format!("$[[ inputs.{} ]]", entry.name), text);
            }
            let read: serde_json::Value = serde_saphyr::from_str(&yaml.replace("$[[", "[[")).unwrap();
            for name in
                ["CDN_PURGE_BASE", "CDN_PURGE_FILES", "CDN_PURGE_URLS", "CDN_PURGE_JOURNAL", "CDN_PURGE_ALLOW_HOSTS"]
            {
                assert_eq!(read[name], text, "{name}");
            }
        }
    }

    #[test]
    fn the_printed_blocks_are_yaml() {
        for text in [action_inputs_yaml(), action_env_yaml(), component_inputs_yaml(), component_variables_yaml()] {
            let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
            assert!(read.is_object());
        }
    }
}
