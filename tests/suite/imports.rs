//! No import circles: no file imports an item from a file that imports from it, directly or through others.
//!
//! Reads `use` declarations and paths as text. An item counts for the file that defines it, not for one that re-exports it.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::{Source, sources};

type Path = Vec<String>;

/// A file's own path as a module, its imports with their names, and every other path in its code.
struct File {
    imports: Vec<(Path, String)>,
    paths: Vec<Path>,
}

/// The files of one crate, by their modules.
struct Files(BTreeMap<Path, (String, File)>);

fn words(text: &str) -> Path {
    text.split("::").map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

/// The module that a file is: `a/b.rs` and `a/b/mod.rs` are `a::b`.
fn module(name: &str) -> Path {
    let path = name.strip_suffix(".rs").unwrap();
    words(&path.strip_suffix("/mod").unwrap_or(path).replace('/', "::"))
}

/// The paths of a `use` declaration, each with the name that it gives: `a::{b, c as d}` is `a::b` named `b`, `a::c` named `d`.
fn expand(prefix: &[String], tree: &str, imports: &mut Vec<(Path, String)>) {
    let tree = tree.trim();
    if let Some((head, rest)) = tree.split_once('{') {
        let prefix = [prefix, &words(head)].concat();
        let (mut depth, mut start) = (0, 0);
        let inside = &rest[..rest.rfind('}').unwrap()];
        for (at, character) in inside.char_indices().chain([(inside.len(), ',')]) {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&prefix, &inside[start..at], imports);
                    start = at + 1;
                }
                _ => {}
            }
        }
    } else if !tree.is_empty() {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
        let mut path = [prefix, &words(path)].concat();
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = alias.map_or_else(|| path.last().cloned().unwrap_or_default(), |alias| alias.trim().to_owned());
        imports.push((path, name));
    }
}

fn read(text: &str) -> File {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
    let declaration = regex::Regex::new(r"(?m)^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+([^;]+);").unwrap();
    let mut imports = Vec::new();
    for found in declaration.captures_iter(&code) {
        expand(&[], &found[1], &mut imports);
    }
    let code = declaration.replace_all(&code, "");
    let code = regex::Regex::new(r"pub\(in [^)]*\)").unwrap().replace_all(&code, "pub");
    let path = regex::Regex::new(r"\b[a-z_]\w*(?:::\w+)+").unwrap();
    let paths = path.find_iter(&code).map(|found| words(found.as_str())).collect();
    File { imports, paths }
}

impl Files {
    fn of(sources: &[Source]) -> Self {
        let files =
            sources.iter().filter(|source| !source.is_test() && !["lib.rs", "main.rs"].contains(&&*source.name));
        Self(files.map(|source| (module(&source.name), (source.name.clone(), read(source.shipped())))).collect())
    }

    /// The module of the file that defines the item at a path, as seen from a module; nothing if it is of another crate.
    fn definer(&self, from: &[String], path: &[String], depth: usize) -> Option<Path> {
        let first = path.first()?;
        let supers = path.iter().take_while(|word| ["super", "self"].contains(&&***word)).count();
        let (mut at, mut rest) = match &**first {
            "crate" => (Path::new(), &path[1..]),
            _ if supers > 0 => {
                let up = path[..supers].iter().filter(|word| **word == "super").count();
                (from[..from.len().checked_sub(up)?].to_vec(), &path[supers..])
            }
            _ if self.0.contains_key(&[from, &path[..1]].concat()) => (from.to_vec(), path),
            _ => {
                let (known, _) = self.0[from].1.imports.iter().find(|(_, name)| name == first)?;
                return (depth < 8).then(|| self.definer(from, &[known, &path[1..]].concat(), depth + 1))?;
            }
        };
        while let Some((next, after)) = rest.split_first()
            && self.0.contains_key(&[&at[..], std::slice::from_ref(next)].concat())
        {
            at.push(next.clone());
            rest = after;
        }
        let (_, file) = self.0.get(&at)?;
        let reexport = rest.first().and_then(|item| file.imports.iter().find(|(_, name)| name == item));
        match reexport {
            Some((known, _)) if depth < 8 && (at != from || known[..] != *path) => {
                self.definer(&at, &[known, &rest[1..]].concat(), depth + 1)
            }
            _ => Some(at),
        }
    }

    /// For each file, the files that it imports from.
    fn edges(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, (name, file)) in &self.0 {
            edges.entry(name).or_default();
            for path in file.imports.iter().map(|(path, _)| path).chain(&file.paths) {
                let definer = self.definer(from, path, 0).filter(|definer| definer != from);
                edges.entry(name).or_default().extend(definer.map(|definer| &*self.0[&definer].0));
            }
        }
        edges
    }
}

/// The files that a file imports from, directly or through others.
fn reachable<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = edges[from].iter().copied().collect();
    while let Some(name) = open.pop() {
        if found.insert(name) {
            open.extend(&edges[name]);
        }
    }
    found
}

fn circles(sources: &[Source]) -> Vec<String> {
    let files = Files::of(sources);
    let edges = files.edges();
    edges.keys().filter(|name| reachable(&edges, name).contains(*name)).map(|name| (*name).to_owned()).collect()
}

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

#[test]
fn no_file_imports_from_a_file_that_imports_from_it() {
    let (emulators, product): (Vec<Source>, Vec<Source>) =
        sources().into_iter().partition(|source| source.name.starts_with("emulators/"));
    assert_eq!(circles(&product), [""; 0], "these files are in a circle of imports");
    let strip = |source: Source| Source { name: source.name.replacen("emulators/", "", 1), ..source };
    let emulators: Vec<Source> = emulators.into_iter().map(strip).collect();
    assert_eq!(circles(&emulators), [""; 0], "these files of the emulators are in a circle of imports");
}

#[test]
fn a_circle_is_found_through_groups_aliases_and_re_exports() {
    let parent = source("a/mod.rs", "mod b;\nmod c;\npub use b::{Thing, Other as Else};\n");
    let b = source("a/b.rs", "use super::c;\npub struct Thing;\npub struct Other;\nfn f() { c::run() }\n");
    let open = source("a/c.rs", "use crate::model::{self, Task};\npub fn run() {}\n");
    let model = source("model.rs", "pub struct Task;\n");
    assert_eq!(circles(&[parent, b, open, model]), [""; 0]);
    let parent = source("a/mod.rs", "mod b;\nmod c;\npub use b::{Thing, Other as Else};\n");
    let b = source("a/b.rs", "use super::c;\npub struct Thing;\npub struct Other;\nfn f() { c::run() }\n");
    let closed = source("a/c.rs", "use crate::a::Else;\npub fn run() {}\n");
    assert_eq!(circles(&[parent, b, closed]), ["a/b.rs", "a/c.rs"]);
}
