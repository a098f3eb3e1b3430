//! The house rules that a compiler doesn't keep: layers, where the world may be touched, what a file may hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// For each module, the modules of this crate it may name. Lowest first; what isn't listed here has no place yet.
const LAYERS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("model", &[]),
    ("environment", &[]),
    ("error", &["model"]),
    ("provider", &["model", "error", "environment"]),
    ("client", &["model", "provider"]),
    ("mapping", &["model"]),
    ("providers", &["model", "provider"]),
    ("init", &["mapping", "provider"]),
    ("credentials", &["text", "model", "error", "environment", "provider", "providers", "client", "config"]),
    ("config", &["text", "model", "error", "environment", "mapping", "provider", "providers", "init"]),
    ("change_list", &["model", "error", "config"]),
    ("git", &["model", "error", "environment", "config", "mapping"]),
    ("directory", &["text", "model", "error", "environment"]),
    ("plan", &["model", "error", "config", "mapping", "provider"]),
    ("freshness", &["model", "provider"]),
    ("exec", &["model", "error", "config", "plan", "provider", "client", "freshness"]),
    ("query", &["model", "error", "provider", "client"]),
    ("report", &["model", "error", "config", "git", "mapping", "plan", "provider", "text"]),
    ("ci", &["text", "model", "error", "environment", "config", "plan", "report"]),
];

/// Words that touch the world, and the only files that may hold them.
const WORLD: &[(&str, &[&str])] = &[
    (
        "std::fs",
        &["config/", "credentials/", "git/", "directory/", "exec/journal/", "exec/durations.rs", "ci/", "commands/"],
    ),
    ("File::open", &["config/", "credentials/", "git/", "directory/", "exec/journal/", "exec/durations.rs", "ci/"]),
    ("std::env::", &["main.rs", "ci/host.rs"]),
    ("git2::", &["git/", "commands/demo.rs"]),
    ("reqwest", &["provider/http.rs", "provider/http/"]),
    ("std::process::{", &["credentials/process.rs"]),
    ("std::process::Command", &["credentials/process.rs"]),
    ("println!", &[]),
    ("eprintln!", &[]),
    ("SystemTime::now", &[]),
    ("Timestamp::now", &["main.rs", "ci/console.rs", "commands/mock_server.rs"]),
    ("thread::sleep", &[]),
    // Not the world, and in few places all the same: what is shipped for trying things out.
    (
        " emulators::",
        &[
            "providers/mod.rs",
            "provider/simulation.rs",
            "provider/test_harness.rs",
            "pipeline/",
            "config/mock_server.rs",
            "commands/",
        ],
    ),
];

/// The vendors, by their folders.
const VENDORS: &[&str] = &["alibaba", "bunny", "cloudflare", "cloudfront", "fastly", "huawei", "tencent"];

/// What no file may hold.
const NEVER: &[&str] = &["TODO", "FIXME", "XXX", "unimplemented!", "todo!(", "#[allow", "dbg!("];

pub(crate) struct Source {
    /// Below `src/`, with `/`; of the crate of emulators, `emulators/` and what is below its `src/`.
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Source {
    /// The part that is shipped: without the unit tests at the end of the file.
    pub(crate) fn shipped(&self) -> &str {
        let ends = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(crate) mod tests {"].map(|end| self.text.find(end));
        &self.text[..ends.into_iter().flatten().min().unwrap_or(self.text.len())]
    }

    pub(crate) fn is_test(&self) -> bool {
        let file = Path::new(&self.name).file_stem().unwrap().to_str().unwrap();
        file == "tests" || file.ends_with("_tests") || self.name.contains("/tests/")
    }

    fn module(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap()
    }
}

pub(crate) fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    sources_below("src", "", &mut sources);
    sources_below("crates/emulators/src", "emulators/", &mut sources);
    sources.sort_by(|left, right| left.name.cmp(&right.name));
    sources
}

fn sources_below(folder: &str, prefix: &str, sources: &mut Vec<Source>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                let name = format!("{prefix}{name}");
                sources.push(Source { name, text: std::fs::read_to_string(&path).unwrap() });
            }
        }
    }
}

/// Lines of code: comments may name anything.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn a_layer_names_only_the_layers_below_it() {
    let layers: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let Some(allowed) = layers.get(source.module()) else { continue };
        for (number, line) in code(source.shipped()) {
            for (at, _) in line.match_indices("crate::") {
                let path = &line[at + "crate::".len()..];
                let named = path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                let fits = |allowed: &&str| path.starts_with(*allowed);
                if named != source.module() && !allowed.iter().any(fits) {
                    wrong.push(format!("{}:{number}: {}", source.name, line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "these reach above or across their layer:\n{}", wrong.join("\n"));
}

#[test]
fn the_world_is_touched_in_few_places() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (number, line) in code(source.shipped()) {
            for (word, places) in WORLD {
                if line.contains(word) && !places.iter().any(|place| source.name.starts_with(place)) {
                    wrong.push(format!("{}:{number}: {}", source.name, line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "these touch the world outside its places:\n{}", wrong.join("\n"));
}

#[test]
fn no_vendor_is_named_outside_its_folder() {
    let shared = ["exec/", "plan/", "report/", "ci/", "git/", "mapping/", "model.rs", "error.rs", "pipeline.rs"];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        if shared.iter().any(|place| source.name.starts_with(place)) {
            let names = |line: &str| VENDORS.iter().any(|vendor| line.to_lowercase().contains(vendor));
            let named = code(source.shipped()).filter(|(_, line)| names(line));
            wrong.extend(named.map(|(number, line)| format!("{}:{number}: {}", source.name, line.trim())));
        }
    }
    assert!(wrong.is_empty(), "vendors are named by the registry and their folders alone:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_holds_what_should_never_be_committed() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            if NEVER.iter().any(|never| line.contains(never)) {
                wrong.push(format!("{}:{}: {}", source.name, number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_opens_by_saying_what_it_is() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|source| !source.is_test() && !source.text.starts_with("//!"))
        .map(|source| source.name.clone())
        .collect();
    assert!(silent.is_empty(), "no `//!` head: {silent:?}");
}
