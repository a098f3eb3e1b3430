//! Shell completions and the manual page.
//!
//! Both are printed from the tree that parses the command line, so they know every option and no other.

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

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

/// What a shell can offer after each option; the reader itself takes any text, to say in its own words what it may be.
fn with_words(command: Command) -> Command {
    let words = |argument: Arg| {
        let entry = find(argument.get_id().as_str());
        match (argument.get_id().as_str(), entry.map(|entry| entry.shape)) {
            ("provider", _) => argument.value_parser(PossibleValuesParser::new(PROVIDERS.iter().map(|spec| spec.name))),
            ("shell", _) => argument.value_parser(PossibleValuesParser::new(SHELLS)),
            ("repository", _) => argument.value_hint(ValueHint::DirPath),
            (_, Some(Shape::Choice(words))) => argument.value_parser(PossibleValuesParser::new(words)),
            (_, Some(Shape::Boolean)) => argument.value_parser(PossibleValuesParser::new(["true", "false"])),
            (_, Some(Shape::Path(_))) => argument.value_hint(ValueHint::FilePath),
            _ => argument,
        }
    };
    command.mut_args(words).mut_subcommands(with_words)
}

/// The exit codes, as [`crate::error::ExitCode`] has them.
const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "Everything is done, planned, or there was nothing to do."),
    ("1", "A URL failed, or wasn't accepted for another reason than those below."),
    ("2", "Invalid options or configuration, or the plan was rejected."),
    ("3", "The checkout, the journal, the network or the files of the CI can't be used."),
    ("4", "An outcome is unknown."),
    ("5", "Not sent, because of the quota or a limit."),
    ("6", "Credentials are missing, rejected or lack a permission."),
    ("7", "A URL is stale after its refresh."),
    ("70", "Internal error (bug)."),
    ("130, 143", "Interrupted by SIGINT, or ended by SIGTERM."),
];

/// The manual page, in the language of `man`.
pub(super) fn page(program: Command) -> String {
    let others = options_of_other_commands(&program);
    let program = program.override_usage("cdn-purge [COMMAND] [OPTIONS]").args(others).disable_help_subcommand(true);
    let page = Man::new(program).title("CDN-PURGE").manual("User Commands");
    let mut text = Vec::new();
    let written = page.render(&mut text).and_then(|()| {
        let mut roff = Roff::new();
        roff.control("SH", ["ENVIRONMENT"]);
        roff.text([roman("The credentials of each provider:")]);
        for spec in PROVIDERS {
            for names in spec.credentials {
                let names: Vec<&str> = names.0.iter().map(|field| field.name).collect();
                entry(&mut roff, &names.join(", "), spec.title);
            }
        }
        roff.control("SH", ["FILES"]);
        entry(&mut roff, "cdn-purge.yml, .cdn-purge.yml, .github/cdn-purge.yml", "The configuration.");
        roff.control("SH", ["EXIT STATUS"]);
        EXIT_STATUS.iter().for_each(|(code, meaning)| entry(&mut roff, code, meaning));
        roff.to_writer(&mut text)
    });
    written.expect("memory takes any text");
    String::from_utf8_lossy(&text).into_owned()
}

fn entry(roff: &mut Roff, name: &str, meaning: &str) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text([roman(meaning)]);
}

/// The options that the program takes only after a command, each once: those of the table, then each command's own.
fn options_of_other_commands(program: &Command) -> Vec<Arg> {
    let takes = |command: &Command, entry: &Entry| command.get_arguments().any(|one| one.get_id() == entry.name);
    let in_table = ENTRIES.iter().filter(|entry| !takes(program, entry)).filter_map(|entry| {
        let command = program.get_subcommands().find(|command| takes(command, entry))?;
        let argument = command.get_arguments().find(|argument| argument.get_id() == entry.name)?.clone();
        let commands: Vec<&str> = entry.used_by.iter().map(|kind| kind.name()).collect();
        let help =
            format!("{} ({})", argument.get_help().map(ToString::to_string).unwrap_or_default(), commands.join(", "));
        Some(argument.help(help).help_heading("Options of other commands"))
    });
    let own = program.get_subcommands().flat_map(|command| {
        let is_own = |argument: &&Arg| !argument.is_positional() && find(argument.get_id().as_str()).is_none();
        let heading = format!("Options of {}", command.get_name());
        command.get_arguments().filter(is_own).cloned().map(move |argument| argument.help_heading(heading.clone()))
    });
    in_table.chain(own.filter(|argument| argument.get_id() != "help")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::arguments::{Detail, program};
    use super::*;

    #[test]
    fn every_shell_completes_commands_options_and_their_words() {
        for shell in SHELLS {
            let text = completions(shell, program(Detail::Everything)).unwrap();
            for word in ["dry-run", "mock-server", "fail-on", "init"] {
                assert!(text.contains(word), "{shell}: {word}");
            }
        }
        for shell in ["bash", "fish", "zsh"] {
            assert!(completions(shell, program(Detail::Everything)).unwrap().contains(PROVIDERS[0].name), "{shell}");
        }
    }

    #[test]
    fn an_unknown_shell_is_told_with_the_nearest() {
        let problem = completions("zssh", program(Detail::Everything)).unwrap_err().diagnostics().remove(0);
        assert_eq!(problem.help.as_deref(), Some("did you mean `zsh`?"));
        let problem = completions("nothing", program(Detail::Everything)).unwrap_err().diagnostics().remove(0);
        assert!(problem.help.unwrap().contains("`powershell`"));
    }

    #[test]
    fn the_manual_page_has_every_option_and_command_once_and_every_exit_code() {
        let page = page(program(Detail::Everything));
        for entry in ENTRIES {
            let head = format!("\\fB\\-\\-{}\\fR", entry.name.replace('-', "\\-"));
            assert_eq!(page.matches(&head).count(), 1, "{head}");
        }
        for command in program(Detail::Everything).get_subcommands() {
            assert!(
                page.contains(&format!("\ncdn\\-purge\\-{}(1)\n", command.get_name().replace('-', "\\-"))),
                "{}",
                command.get_name()
            );
        }
        for (code, _) in EXIT_STATUS {
            assert!(page.contains(&format!("\n\\fB{code}\\fR\n")), "{code}");
        }
        assert!(page.is_ascii());
        // What begins with a dot is a request of roff: ours alone are there.
        let requests = [".TH ", ".SH ", ".TP", ".PP", ".RS", ".RE", ".br", ".ie ", ".el "];
        let unknown: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with(['.', '\'']) && !requests.iter().any(|known| line.starts_with(known)))
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
