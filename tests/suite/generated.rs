//! Generated files match their tables; `UPDATE_GENERATED=1 cargo test` writes them again.

use std::path::{Path, PathBuf};

use cdn_purge::commands::providers;
use cdn_purge::config::{
    action_env_yaml, action_inputs_yaml, basic_options_markdown, component_inputs_yaml, component_variables_yaml,
    options_markdown, schema,
};

/// A file of this repository.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Fails where the file isn't this text, or makes it so if `UPDATE_GENERATED` is set.
pub fn settle(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(path, text).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    if written == text {
        return;
    }
    let lines = || written.lines().map(Some).chain(std::iter::repeat(None));
    let (number, (is, should)) = (1..)
        .zip(lines().zip(text.lines().map(Some).chain(std::iter::once(None))))
        .find(|(_, (is, should))| is != should)
        .unwrap_or((written.lines().count(), (Some("more"), None)));
    let shown = |line: Option<&str>| line.unwrap_or("(nothing)").to_owned();
    panic!(
        "{}:{number} is out of date; if the new text is right, run the tests with UPDATE_GENERATED=1\n  is:     {}\n  should: {}",
        path.display(),
        shown(is),
        shown(should)
    );
}

/// The text with other lines between two markers; they are indented as the first marker is.
fn replaced(text: &str, begin: &str, end: &str, block: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| line.trim() == begin).expect("the first marker is in the file");
    let last = first + lines[first..].iter().position(|line| line.trim() == end).expect("the other one is below it");
    let indent = &lines[first][..lines[first].len() - lines[first].trim_start().len()];
    let block = block.lines().map(|line| if line.is_empty() { String::new() } else { format!("{indent}{line}") });
    let before = lines[..=first].iter().map(|line| (*line).to_owned());
    let after = lines[last..].iter().map(|line| (*line).to_owned());
    before.chain(block).chain(after).map(|line| line + "\n").collect()
}

#[test]
fn the_schema_is_printed_from_the_tables() {
    settle(&path("schema.json"), &schema::text());
}

#[test]
fn the_action_declares_every_input_and_hands_it_over() {
    let file = path("action.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = replaced(&text, "# generated: inputs", "# end generated", &action_inputs_yaml());
    let text = replaced(&text, "# generated: env", "# end generated", &action_env_yaml());
    settle(&file, &text);
}

#[test]
fn the_component_for_gitlab_declares_every_input_and_hands_it_over() {
    let file = path("templates/cdn-purge.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = replaced(&text, "# generated: inputs", "# end generated", &component_inputs_yaml());
    let text = replaced(&text, "# generated: variables", "# end generated", &component_variables_yaml());
    settle(&file, &text);
}

/// Holds a document against the block between its markers of this name.
fn settle_block(document: &str, name: &str, block: &str) {
    let text = std::fs::read_to_string(path(document)).unwrap();
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    settle(&path(document), &replaced(&text, &begin, &end, &format!("\n{block}\n")));
}

#[test]
fn the_documents_list_every_option_and_every_provider() {
    settle_block("README.md", "providers", &providers::matrix_markdown());
    settle_block("docs/providers.md", "providers", &providers::markdown());
    settle_block("docs/options.md", "options", &options_markdown());
    settle_block("README.md", "options", &basic_options_markdown());
}
