//! The command line as text for machines and readers: completions for shells, and the manual page.
//!
//! Both are printed from the tree that reads the command line, so they know every option and no other.

use std::fmt::Write as _;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, ValueHint};
use clap_complete::Shell;

use super::options::{ENTRIES, Entry, Shape, find};
use crate::error::{Diagnostic, Error};
use crate::providers::PROVIDERS;
use crate::text::suggest::{any_of, did_you_mean};

/// The shells that can be completed.
pub(super) const SHELLS: &[&str] = &["bash", "elvish", "fish", "powershell", "zsh"];

/// The completions of a shell, for its own folder of them.
///
/// # Errors
/// [`Error::Inputs`] for a shell that isn't known.
pub(super) fn completions(shell: &str, program: Command) -> Result<String, Error> {
    let known = shell.parse::<Shell>().map_err(|_| {
        let help = did_you_mean(shell, SHELLS.iter().copied(), || format!("name {}", any_of(SHELLS.iter().copied())));
        Error::Inputs(vec![Diagnostic::new(format!("there are no completions for the shell `{shell}`"), help)])
    })?;
    let mut text = Vec::new();
    clap_complete::generate(known, &mut with_words(program), "cdn-purge", &mut text);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// What a shell can offer behind each option; the reader itself takes any text, to say in its own words what it may be.
fn with_words(command: Command) -> Command {
    let words = |argument: Arg| {
        let entry = find(argument.get_id().as_str());
        match (argument.get_id().as_str(), entry.map(|entry| entry.shape)) {
            ("provider", _) => argument.value_parser(PossibleValuesParser::new(PROVIDERS.iter().map(|spec| spec.name))),
            ("shell", _) => argument.value_parser(PossibleValuesParser::new(SHELLS)),
            ("repository", _) => argument.value_hint(ValueHint::DirPath),
            (_, Some(Shape::Choice(words))) => argument.value_parser(PossibleValuesParser::new(words)),
            (_, Some(Shape::Boolean)) => argument.value_parser(PossibleValuesParser::new(["true", "false"])),
            (_, Some(Shape::Path)) => argument.value_hint(ValueHint::FilePath),
            _ => argument,
        }
    };
    command.mut_args(words).mut_subcommands(with_words)
}

/// What the exit codes mean, as [`crate::error::ExitCode`] has them.
const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "all done, planned, or nothing to do"),
    ("1", "something failed, or wasn't taken for another reason than those below"),
    ("2", "the command line, the inputs or the configuration can't be used, or the plan holds what it may not"),
    ("3", "the checkout, the journal, the network's set-up or the CI host's files can't be used"),
    ("4", "some outcome is unknown"),
    ("5", "not submitted for quota, or refused by a cap"),
    ("6", "keys are missing or refused, or may not do this"),
    ("70", "a defect of this program"),
    ("130, 143", "interrupted by SIGINT, ended by SIGTERM"),
];

/// The manual page, in the language of `man`.
pub(super) fn page(program: &Command) -> String {
    let about = |command: &Command| command.get_about().map_or_else(String::new, |about| prose(&about.to_string()));
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(
        ".TH CDN-PURGE 1 \"\" \"cdn-purge {version}\" \"User Commands\"\n.SH NAME\ncdn-purge \\- {}\n.SH SYNOPSIS\n\
         .B cdn-purge\n[\\fICOMMAND\\fR] [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\nFinds the files that changed between two commits, maps \
         them to the addresses of a CDN by the rules of\n.IR cdn-purge.yml ,\nrefreshes and prefetches these, waits until the \
         provider says that each one is done, and tells exactly which are and which aren't. Without a command it does what\n\
         .B run\ndoes.\n.SH COMMANDS\n",
        about(program)
    );
    for command in program.get_subcommands() {
        let _ = write!(page, ".TP\n\\fB{}\\fR\n{}\n", prose(command.get_name()), about(command));
    }
    page.push_str(".SH OPTIONS\nThose of\n.B run\nand, where they have a meaning, of the other commands.\n");
    program.get_arguments().for_each(|argument| option(argument, &mut page));
    let is_own = |argument: &&Arg| !ENTRIES.iter().any(|entry| entry.name == argument.get_id().as_str());
    let is_of_a_run = |entry: &&Entry| program.get_arguments().any(|argument| argument.get_id() == entry.name);
    page.push_str(".SS Of other commands\n");
    for entry in ENTRIES.iter().filter(|entry| !is_of_a_run(entry)) {
        let mut arguments = program.get_subcommands().flat_map(Command::get_arguments);
        if let Some(argument) = arguments.find(|argument| argument.get_id() == entry.name) {
            option(argument, &mut page);
            let commands: Vec<&str> = entry.used_by.iter().map(|used_by| used_by.name()).collect();
            let _ = writeln!(page, "(of {})", prose(&commands.join(", ")));
        }
    }
    for command in program.get_subcommands() {
        let mut own = command.get_arguments().filter(is_own).peekable();
        if own.peek().is_some() {
            let _ = writeln!(page, ".SS Only of {}", prose(command.get_name()));
            own.for_each(|argument| option(argument, &mut page));
        }
    }
    page.push_str(".SH ENVIRONMENT\nEach option is a variable too:\n.B \\-\\-dry\\-run\nis\n.BR CDN_PURGE_DRY_RUN .\nEach provider has its own variables of credentials:\n");
    for spec in PROVIDERS {
        for names in spec.credentials {
            let names = names.0.iter().map(|field| prose(field.name)).collect::<Vec<_>>().join(", ");
            let _ = write!(page, ".TP\n\\fB{names}\\fR\n{}\n", prose(spec.title));
        }
    }
    page.push_str(".SH FILES\n.TP\n.IR cdn-purge.yml ,\\ .cdn-purge.yml ,\\ .github/cdn-purge.yml\nThe rules.\n.B cdn-purge init\nwrites a first one,\n.B cdn-purge schema\nprints what may stand there.\n.SH EXIT STATUS\n");
    for (code, meaning) in EXIT_STATUS {
        let _ = write!(page, ".TP\n.B {code}\n{}\n", prose(meaning));
    }
    page
}

fn option(argument: &Arg, page: &mut String) {
    let names =
        [argument.get_short().map(|short| format!("-{short}")), argument.get_long().map(|long| format!("--{long}"))];
    let names: Vec<String> = names.into_iter().flatten().map(|name| format!("\\fB{}\\fR", prose(&name))).collect();
    let value = argument.get_value_names().and_then(|names| names.first()).map(|name| prose(name)).unwrap_or_default();
    let head = match (names.is_empty(), argument.get_action()) {
        (true, _) => format!("\\fI{value}\\fR"),
        (false, ArgAction::SetTrue) => names.join(", "),
        (false, _) => format!("{} \\fI{value}\\fR", names.join(", ")),
    };
    let help = argument.get_help().map_or_else(String::new, |help| prose(&help.to_string()));
    let _ = write!(page, ".TP\n{head}\n{help}\n");
}

/// A text in which nothing is a request or an escape of roff.
fn prose(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\n', " ");
    let spelled =
        |letter: char| if letter.is_ascii() { letter.to_string() } else { format!("\\[u{:04X}]", u32::from(letter)) };
    let text: String = text.chars().map(spelled).collect();
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::arguments::whole_program;
    use super::*;

    #[test]
    fn every_shell_completes_commands_options_and_their_words() {
        for shell in SHELLS {
            let text = completions(shell, whole_program()).unwrap();
            for word in ["dry-run", "mock-server", "fail-on", "init"] {
                assert!(text.contains(word), "{shell}: {word}");
            }
        }
        for shell in ["bash", "fish", "zsh"] {
            assert!(completions(shell, whole_program()).unwrap().contains(PROVIDERS[0].name), "{shell}");
        }
    }

    #[test]
    fn an_unknown_shell_is_told_with_the_nearest() {
        let told = completions("zssh", whole_program()).unwrap_err().diagnostics().remove(0);
        assert_eq!(told.help.as_deref(), Some("did you mean `zsh`?"));
        let told = completions("nothing", whole_program()).unwrap_err().diagnostics().remove(0);
        assert!(told.help.unwrap().contains("`powershell`"));
    }

    #[test]
    fn the_manual_page_has_every_option_and_command_once_and_every_exit_code() {
        let page = page(&whole_program());
        for entry in ENTRIES {
            let head = format!("\\fB{}\\fR", prose(&format!("--{}", entry.name)));
            assert_eq!(page.matches(&head).count(), 1, "{head}");
        }
        for command in whole_program().get_subcommands() {
            assert!(page.contains(&format!("\n\\fB{}\\fR\n", command.get_name())), "{}", command.get_name());
        }
        for (code, _) in EXIT_STATUS {
            assert!(page.contains(&format!("\n.B {code}\n")));
        }
        assert!(page.is_ascii());
        // What begins with a dot is a request of roff: ours alone are there.
        let requests = [".TH ", ".SH ", ".SS ", ".TP", ".B ", ".BR ", ".IR "];
        let unknown: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with(['.', '\'']) && !requests.iter().any(|known| line.starts_with(known)))
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
