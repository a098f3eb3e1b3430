//! Every command that a document for users shows is run, exactly as it is written.
//!
//! The blocks of a section are a scene, since one may continue where another ended; scenes know nothing of each other.

use std::collections::BTreeSet;

use regex::Regex;

use super::blocks::{Block, DOCUMENTS, blocks, configuration};
use super::ground::{Ground, KEYS, assert_done};
use crate::cli::stage::{Finished, Started, at_once};

/// The documents whose commands are for users.
fn is_for_users(document: &str) -> bool {
    document == "README.md" || document.starts_with("docs/")
}

/// Commands that no test can run, and why: where, the line, the reason. Everything else is run.
pub const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("README.md", "cargo test", "this test is a part of it"),
    ("README.md", "cargo install --locked --path .   # for this machine", "compiles for minutes"),
    (
        "README.md",
        "scripts/build-static              # a static binary for any Linux; prints its path",
        "compiles for minutes; `.ci/run static` does",
    ),
    (
        "README.md",
        "docker build -t cdn-purge .       # an image with the binary and a shell",
        "needs a daemon; `.ci/run image` builds it without",
    ),
    ("docs/built-sites.md", "npm ci && npm run build", "builds a site of the reader's"),
    ("docs/built-sites.md", "npm run deploy", "uploads it"),
];

/// A placeholder in a document, and the value that a reader would fill in.
const TASK: &str = "9524xxxx";

/// The command without what can't be run; `None` where nothing is left.
pub fn runnable(document: &str, text: &str) -> Option<String> {
    let is_exception =
        |line: &str| EXCEPTIONS.iter().any(|(place, excepted, _)| (*place, *excepted) == (document, line));
    let lines: Vec<&str> = text.lines().filter(|line| !is_exception(line)).collect();
    lines.iter().any(|line| !line.trim().is_empty()).then(|| lines.join("\n"))
}

/// The scenes of a document: the blocks of a section that has commands.
fn scenes(blocks: &[Block]) -> Vec<Vec<Block>> {
    let sections: BTreeSet<usize> =
        blocks.iter().filter(|block| block.language == "sh").map(|block| block.section).collect();
    let of = |section: usize| blocks.iter().filter(move |block| block.section == section).cloned().collect();
    sections.into_iter().map(of).collect()
}

/// A server that a block started, to be used by the blocks after it.
struct Served {
    started: Started,
    /// As the document spells it, and as it is.
    addresses: (String, String),
}

/// Starts it on a port of its own.
fn serve(ground: &Ground, text: &str) -> Served {
    let listen = Regex::new(r"--listen (\S+)").unwrap();
    let written = listen.captures(text).expect("it says where it listens")[1].to_owned();
    assert_eq!(text.trim().lines().count(), 1, "a server's block is one command: {text}");
    let started = ground.script(&format!("exec {}", text.replace(&written, "127.0.0.1:0"))).start();
    let line = started.line_with("listening on http://");
    let address = line.trim().rsplit('/').next().unwrap().to_owned();
    Served { started, addresses: (written, address) }
}

/// Runs the blocks of a section one after the other, and gives how many were run.
fn play(document: &str, all: &[Block], scene: &[Block]) -> usize {
    let first = scene.iter().find(|block| block.language == "sh").unwrap();
    let ground = Ground::new(configuration(all, first).map(|block| block.text.as_str()));
    let mut served: Option<Served> = None;
    let mut last: Option<Finished> = None;
    let mut count = 0;
    for block in scene {
        let place = format!("{document}:{}", block.line);
        match block.language.as_str() {
            "sh" => {
                let Some(mut text) = runnable(document, &block.text) else { continue };
                count += 1;
                if text.starts_with("cdn-purge mock-server") {
                    served = Some(serve(&ground, &text));
                    continue;
                }
                if let Some(Served { addresses: (written, is), .. }) = &served {
                    text = text.replace(written, is);
                }
                if text.starts_with("cdn-purge init") {
                    ground.forget_the_configuration();
                }
                if text.contains(TASK) {
                    text = text.replace(TASK, &ground.earlier_task());
                }
                let finished = ground.script(&text).envs(&KEYS).input("https://www.example.com/c.html\n").finish();
                assert_done(&finished, &place);
                last = Some(finished);
            }
            "text" => assert_shows(last.as_ref().expect("a command comes first"), &block.text, &place),
            _ => {}
        }
    }
    if let Some(Served { started, .. }) = served {
        started.signal("TERM");
        assert_done(&started.finish(), document);
    }
    count
}

/// A text without what differs from run to run: times, names by chance, ports, and how far a poll found things.
fn shape(text: &str) -> Vec<String> {
    let changing = [
        (r"\b[0-9a-f]{12,}\b", "ID"),
        (r"/\S*/cdn-purge-demo-", "/…/cdn-purge-demo-"),
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        (r"\d+(\.\d+)? s\b", "TIME"),
        (r"\d+ calls", "CALLS"),
        (r"\d+ of (\d+) done after TIME; waiting.*", "SOME of $1 done after TIME; waiting"),
    ];
    let mut text = text.to_owned();
    for (pattern, name) in changing {
        text = Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
    }
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.dedup();
    lines
}

/// What a document shows below a command is what the command prints.
fn assert_shows(finished: &Finished, shown: &str, place: &str) {
    // Progress is reported on standard error, results on standard output.
    let (printed, shown) = (shape(&format!("{}{}", finished.err, finished.out)), shape(shown));
    assert_eq!(printed, shown, "{place}: what is printed isn't what is shown");
}

/// Runs all commands of a document.
fn run(document: &str) {
    let blocks = blocks(document);
    let scenes = scenes(&blocks);
    assert!(!scenes.is_empty(), "{document} has no commands any more");
    at_once(&scenes, |scene| assert!(play(document, &blocks, scene) > 0));
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    run("README.md");
}

#[test]
fn the_commands_of_the_recipes_do_what_they_say() {
    run("docs/recipes.md");
}

#[test]
fn the_commands_beside_the_main_job_do_what_their_page_says() {
    run("docs/commands.md");
}

#[test]
fn the_commands_that_replace_the_vendors_script_do_what_their_page_says() {
    run("docs/migrating.md");
}

#[test]
fn the_commands_of_the_pages_behind_the_readme_do_what_these_say() {
    at_once(&["docs/configuration.md", "docs/exit-codes-and-outputs.md", "docs/built-sites.md"], |document| {
        run(document);
    });
}

#[test]
fn no_document_for_users_has_commands_that_nothing_runs() {
    let run = ["README.md", "docs/recipes.md", "docs/commands.md", "docs/migrating.md"];
    let run = [&run[..], &["docs/configuration.md", "docs/exit-codes-and-outputs.md", "docs/built-sites.md"]].concat();
    for document in DOCUMENTS.iter().filter(|document| is_for_users(document)) {
        for block in blocks(document) {
            let known = ["sh", "yaml", "text", "json"].contains(&block.language.as_str());
            assert!(known, "{document}:{}: no test reads a block in `{}`", block.line, block.language);
            assert!(block.language != "sh" || run.contains(document), "{document}:{}: nothing runs it", block.line);
        }
    }
}

#[test]
fn every_exception_is_a_command_that_a_document_shows() {
    for (document, line, _) in EXCEPTIONS {
        let blocks = blocks(document);
        let shown =
            |block: &Block| block.text.lines().any(|own| own == *line || own.trim() == format!("- run: {line}"));
        assert!(blocks.iter().any(shown), "{document} doesn't show `{line}` any more");
    }
}
