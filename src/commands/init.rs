//! `init`: inspects the repository, writes a first configuration for it, and lists the next steps.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, IsTerminal as _};
use std::path::{Path, PathBuf};

use super::run;
use crate::ci::{Console, Severity, files};
use crate::config::{Changes, InitOptions, InitOutput, LogLevel, configuration_of, is_directory, schema};
use crate::environment::Environment;
use crate::error::{Diagnostic, Error, ExitCode};
use crate::git;
use crate::init::{self, Choices, Decision, Draft, Question, Repository, SiteUrl, Subject, Workflow, WorkflowHost};
use crate::providers::PROVIDERS;

/// The schema's file, in the folder of the configuration.
const SCHEMA_FILE: &str = "cdn-purge.schema.json";

/// So many files are looked at where there is no commit yet.
const MOST_FILES: usize = 20_000;

/// Folders that hold nothing of a site's own.
const FOREIGN: &[&str] = &[".git", "node_modules", "vendor", "target", ".venv", "venv", "__pycache__"];

/// Writes the configuration, the schema for editors next to it and, if asked for, the workflow.
///
/// # Errors
/// [`Error::Inputs`] where one is there already, or where the repository doesn't show what is needed and nobody can be asked;
/// [`Error::Checkout`] for files that can't be read or written.
pub(super) fn run(options: &InitOptions, console: &mut Console, is_terminal: bool) -> Result<ExitCode, Error> {
    let root = root(&options.repository)?;
    let in_root = |name: &str| if root == Path::new(".") { PathBuf::from(name) } else { root.join(name) };
    let file = match &options.output {
        Some(InitOutput::Standard) => None,
        Some(InitOutput::File(path)) => Some(path.clone()),
        None => Some(in_root("cdn-purge.yml")),
    };
    if let Some(file) = &file {
        refuse_to_overwrite(options, &root, file)?;
    }
    let (names, is_committed) = tracked(&root);
    let contents: BTreeMap<String, String> =
        init::wanted(&names).filter_map(|name| Some((name.to_owned(), small_text(&root.join(name))?))).collect();
    let repository = init::recognise(&names, &contents, PROVIDERS);
    let mut choices = Choices {
        provider: options.provider,
        site_dir: options.site_dir.clone(),
        urls: options.urls.clone(),
        schema: file.as_ref().map(|_| format!("./{SCHEMA_FILE}")),
    };
    let mut input = std::io::stdin().lock();
    let can_ask = is_terminal && std::io::stdin().is_terminal();
    let decision = decide(&repository, &mut choices, can_ask.then_some(&mut input as &mut dyn BufRead), console)?;
    let mut draft = init::draft(&repository, &decision, &choices);
    if !is_committed {
        draft.open.push(
            "no commit was found, so the files in the folder were looked at, whether they will be committed or not"
                .into(),
        );
    }
    let branch = branch(&root);
    let action = env!("CARGO_PKG_REPOSITORY").trim_start_matches("https://github.com/");
    let workflow = |host| draft.workflow(&repository, host, &branch, action, env!("CARGO_PKG_VERSION"));
    let on_gitlab = names.iter().any(|name| name == WorkflowHost::GitLab.file())
        && !names.iter().any(|name| name.starts_with(".github/"));
    let host = options.workflows.first().copied().unwrap_or(if on_gitlab {
        WorkflowHost::GitLab
    } else {
        WorkflowHost::GitHub
    });
    let Some(file) = file else {
        console.note(LogLevel::Normal, &report(&draft, &[], &workflow(host), host, &again(&choices)));
        return Ok(run::print(console, &draft.text));
    };
    let redactor = console.redactor();
    files::replace(&file, redactor, |writer| writer.write_all(draft.text.as_bytes()))?;
    files::replace(&file.with_file_name(SCHEMA_FILE), redactor, |writer| writer.write_all(schema::text().as_bytes()))?;
    let mut written = vec![file.display().to_string()];
    for host in &options.workflows {
        let (workflow, path) = (workflow(*host), in_root(host.file()));
        // One that is there is left as it is, whether it is committed or not.
        if workflow.after.is_none() && (options.force || fs::symlink_metadata(&path).is_err()) {
            // Where the folder can't be made, the file can't be written, and that is said.
            let _ = path.parent().map(fs::create_dir_all);
            files::replace(&path, redactor, |writer| writer.write_all(workflow.text.as_bytes()))?;
            written.push(path.display().to_string());
        }
    }
    Ok(run::explain(console, &report(&draft, &written, &workflow(host), host, &again(&choices))))
}

/// Everything that the configuration needs. What the repository doesn't show is asked for, where somebody can answer.
///
/// # Errors
/// All open questions at once, each with the option that answers it.
fn decide(
    repository: &Repository,
    choices: &mut Choices,
    mut input: Option<&mut dyn BufRead>,
    console: &mut Console,
) -> Result<Decision, Error> {
    loop {
        let questions = match repository.decide(choices, PROVIDERS) {
            Ok(decision) => return Ok(decision),
            Err(questions) => questions,
        };
        let answer =
            input.as_deref_mut().zip(questions.first()).and_then(|(input, question)| ask(question, input, console));
        match answer.zip(questions.first()) {
            Some((answer, question)) => take(choices, question, &answer, console),
            None => return Err(Error::Inputs(questions.iter().map(unanswered).collect())),
        }
    }
}

/// Asks a question, and gives the answer; `None` at an empty line or the end of the input.
fn ask(question: &Question, input: &mut dyn BufRead, console: &mut Console) -> Option<String> {
    let mut text = format!("{}\n", question.title);
    for (number, (answer, evidence)) in question.answers.iter().enumerate() {
        let _ = writeln!(text, "  {}) {answer}: {evidence}", number + 1);
    }
    text.push_str(match question.subject {
        Subject::Host => "The host, such as www.example.com:",
        Subject::ThemeUrl => "The URL of its folder, such as https://www.example.com/wp-content/themes/NAME/:",
        Subject::Provider => "The number or the name of the provider:",
        Subject::SiteDir if question.answers.is_empty() => "The directory, such as public:",
        Subject::SiteDir => "The number, or another directory:",
    });
    console.note(LogLevel::Quiet, &text);
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    let line = line.trim();
    let chosen = line.parse().ok().and_then(|number: usize| question.answers.get(number.checked_sub(1)?));
    let answer = chosen.map_or(line, |(answer, _)| answer.as_str());
    (!answer.is_empty()).then(|| answer.to_owned())
}

/// Takes an answer, or says why it is none.
fn take(choices: &mut Choices, question: &Question, answer: &str, console: &mut Console) {
    let is_taken = match question.subject {
        Subject::SiteDir => {
            choices.site_dir = Some(answer.to_owned()).filter(|answer| is_directory(answer));
            choices.site_dir.is_some()
        }
        Subject::Provider => {
            choices.provider = PROVIDERS.iter().copied().find(|spec| spec.name == answer);
            choices.provider.is_some()
        }
        Subject::Host | Subject::ThemeUrl => {
            choices.urls = SiteUrl::parse(answer).into_iter().collect();
            !choices.urls.is_empty()
        }
    };
    if !is_taken {
        console.announce(Severity::Warning, &format!("`{answer}` can't be used here"));
    }
}

/// An open question where nobody can be asked.
fn unanswered(question: &Question) -> Diagnostic {
    let option = question.subject.option();
    let answers: Vec<String> =
        question.answers.iter().map(|(answer, evidence)| format!("`{option} {answer}` ({evidence})")).collect();
    let help = match (question.subject, answers.len()) {
        (Subject::Host, _) => format!("pass `{option} www.example.com`, with your host; more than one may be given"),
        (Subject::ThemeUrl, _) => format!(
            "pass `{option} https://www.example.com/wp-content/themes/NAME/`, with your host and the theme's folder"
        ),
        (_, 0) => format!("pass `{option} DIR`: the directory whose files are served; `.` is the repository's root"),
        (_, several) if several > 6 => {
            let names: Vec<String> = question.answers.iter().map(|(answer, _)| format!("`{answer}`")).collect();
            format!("pass `{option}` with one of {}", names.join(", "))
        }
        _ => format!("pass {}", answers.join(" or ")),
    };
    Diagnostic::new(question.title.clone(), help)
}

/// The branch that is deployed: the remote's default one, else the one that is checked out, if its name is usual.
fn branch(root: &Path) -> String {
    let of = |file: &str, prefix: &str| {
        let text = small_text(&root.join(".git").join(file))?;
        let name = text.trim().strip_prefix("ref: ")?.strip_prefix(prefix)?.to_owned();
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._".contains(&byte)).then_some(name)
    };
    let checked_out = || of("HEAD", "refs/heads/").filter(|name| ["main", "master", "trunk"].contains(&name.as_str()));
    of("refs/remotes/origin/HEAD", "refs/remotes/origin/").or_else(checked_out).unwrap_or_else(|| "main".into())
}

/// The directory of the checkout: the one with `.git`, else the one that was named.
fn root(repository: &Path) -> Result<PathBuf, Error> {
    let named = repository.canonicalize().map_err(|error| Error::Checkout {
        message: format!("`{}` can't be looked at: {error}", repository.display()),
        help: "name the directory of the checkout with `-C`".into(),
    })?;
    let levels = named.ancestors().position(|folder| folder.join(".git").exists()).unwrap_or(0);
    // As it was named, so that messages name files as a person would.
    Ok((0..levels).fold(repository.to_owned(), |folder, _| folder.join("..")))
}

fn refuse_to_overwrite(options: &InitOptions, root: &Path, file: &Path) -> Result<(), Error> {
    let other = if options.output.is_none() { configuration_of(root) } else { None };
    let there = [Some(file.to_owned()), other].into_iter().flatten().find(|path| fs::symlink_metadata(path).is_ok());
    match there.filter(|_| !options.force) {
        None => Ok(()),
        Some(path) => Err(Error::usage(
            format!("there is a configuration already: `{}`", path.display()),
            "`cdn-purge check` reads it; `--output -` prints what would be written, `--force` writes it over what is there",
        )),
    }
}

/// The committed files; where there is no commit yet, those that lie in the folder.
fn tracked(root: &Path) -> (Vec<String>, bool) {
    match git::find(root, &Changes::All { head: None }, &Environment::new()) {
        Ok(changed) => {
            let names =
                changed.files.iter().filter_map(|change| String::from_utf8(change.path.as_bytes().to_vec()).ok());
            (names.collect(), true)
        }
        Err(_) => (walk(root), false),
    }
}

fn walk(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        // A folder that can't be read has no findings.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !FOREIGN.contains(&name.as_str()) {
                folders.push((entry.path(), format!("{prefix}{name}/")));
            } else if kind.is_file() && names.len() < MOST_FILES {
                names.push(format!("{prefix}{name}"));
            }
        }
    }
    names.sort();
    names
}

/// The text of a file of the checkout, if it is a plain and small one.
fn small_text(path: &Path) -> Option<String> {
    let about = fs::symlink_metadata(path).ok()?;
    if !about.is_file() || about.len() > init::MOST_BYTES {
        return None;
    }
    fs::read_to_string(path).ok()
}

/// The commands that come next, each with what it does.
fn next_steps(draft: &Draft) -> Vec<(String, String)> {
    let mut steps: Vec<(&str, &str)> = vec![("cdn-purge check", "validate and print the effective configuration")];
    let explains = "which URLs a change of this file purges";
    let Some(directory) = &draft.directory else {
        steps.extend([
            ("cdn-purge explain PATH", explains),
            ("cdn-purge plan", "what the last commit would purge; needs no credentials"),
            ("cdn-purge run --simulate", "the whole job against a simulated CDN; needs no credentials"),
        ]);
        return steps.into_iter().map(|(command, about)| (command.to_owned(), about.to_owned())).collect();
    };
    // Without a build there is nothing to compare, and before the first run nothing to compare it with.
    let page = format!("cdn-purge explain {}", shell_word(&format!("{directory}/index.html")));
    let build = match &draft.build {
        Some((commands, folder)) if folder.is_empty() => commands.clone(),
        Some((commands, folder)) => format!("(cd {folder} && {commands})"),
        None => "...".to_owned(),
    };
    let builds = format!("build the site into `{directory}`: the next commands compare it");
    steps.extend([
        (&*page, explains),
        (&*build, &*builds),
        ("cdn-purge plan --without-manifest all", "what the first run would purge; needs no credentials"),
        (
            "cdn-purge run --simulate --without-manifest all",
            "the whole job against a simulated CDN; needs no credentials",
        ),
    ]);
    steps.into_iter().map(|(command, about)| (command.to_owned(), about.to_owned())).collect()
}

/// The same command again, with what was chosen: an answer on a terminal isn't asked for twice.
fn again(choices: &Choices) -> String {
    let mut command = "cdn-purge init --force".to_owned();
    let provider = choices.provider.map(|spec| ("provider", spec.name.to_owned()));
    let site_dir = choices.site_dir.as_ref().map(|directory| ("site-dir", shell_word(directory)));
    let hosts = choices.urls.iter().map(|url| ("host", if url.path == "/" { url.host.clone() } else { url.root() }));
    for (option, value) in provider.into_iter().chain(site_dir).chain(hosts) {
        let _ = write!(command, " --{option} {value}");
    }
    command
}

/// A word as a shell takes it.
fn shell_word(text: &str) -> String {
    if init::is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// What was found, what is left to do, and what comes next.
fn report(draft: &Draft, written: &[String], workflow: &Workflow, host: WorkflowHost, again: &str) -> String {
    let mut text = String::new();
    if let Some(file) = written.first() {
        let _ = writeln!(text, "wrote `{file}`, and `{SCHEMA_FILE}` for editor completion");
    }
    written
        .iter()
        .skip(1)
        .for_each(|file| text.push_str(&format!("wrote `{file}`: put your deployment into the step that says so\n")));
    text.push_str(if written.is_empty() { "found\n" } else { "\nfound\n" });
    draft.recognised.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    if !draft.open.is_empty() {
        text.push_str("\nneeds your attention\n");
        draft.open.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    text.push_str("\nnext\n");
    let steps = next_steps(draft);
    let width = steps.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    steps.iter().for_each(|(command, about)| text.push_str(&format!("  {command:width$}    {about}\n")));
    text.push('\n');
    let variables: Vec<String> = draft.variables().iter().map(|name| format!("`{name}`")).collect();
    let (names, provider) = (variables.join(" and "), draft.provider.name);
    let kind = match host {
        WorkflowHost::GitHub => "secrets",
        WorkflowHost::GitLab => "masked CI/CD variables",
    };
    let _ = writeln!(
        text,
        "then\n  store credentials with the permissions that `cdn-purge providers` lists for {provider}, as {kind} {names}"
    );
    if written.len() < 2 {
        let _ = match &workflow.after {
            Some((file, 0)) => writeln!(text, "  and add to `{file}`, after your deployment:\n"),
            Some((file, line)) => writeln!(text, "  and add to `{file}`, around the deployment in line {line}:\n"),
            None => writeln!(text, "  and let `{again} --github`, or `--gitlab`, write the workflow:\n"),
        };
        workflow.text.lines().for_each(|line| text.push_str(&format!("    {line}\n")));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::ci::{CiHost, Look};
    use crate::config::When;
    use crate::environment::Environment;

    fn console() -> Console {
        let environment = Environment::new();
        let host = CiHost::detect(&environment);
        let look = Look::decide(LogLevel::Normal, When::Never, When::Never, &host, &environment, false);
        Console::new(host, look, Box::new(Vec::new()), Box::new(Vec::new()))
    }

    fn decided(answers: &str) -> (Result<Decision, Error>, Choices) {
        let files = ["public/index.html", "docs/index.html"].map(str::to_owned);
        let repository = init::recognise(&files, &BTreeMap::new(), PROVIDERS);
        let (mut choices, mut input) = (Choices::default(), Cursor::new(answers.as_bytes().to_vec()));
        let decision = decide(&repository, &mut choices, Some(&mut input), &mut console());
        (decision, choices)
    }

    #[test]
    fn questions_are_answered_by_number_or_by_name_until_everything_is_known() {
        let provider = PROVIDERS[0].name;
        let (decision, choices) = decided(&format!("2\n{provider}\nwww.shop.test\n"));
        assert!(decision.is_ok());
        assert_eq!(choices.site_dir.as_deref(), Some("docs"));
        assert_eq!(choices.provider.map(|spec| spec.name), Some(provider));
        assert_eq!(choices.urls[0].root(), "https://www.shop.test/");
    }

    #[test]
    fn an_answer_that_is_none_is_asked_for_again_and_an_empty_one_ends_with_the_open_questions() {
        let (decision, choices) = decided("public\nnobody\n1\nlocalhost\n\n");
        assert_eq!(choices.provider.map(|spec| spec.name), Some(PROVIDERS[0].name));
        let error = decision.unwrap_err();
        assert_eq!(error.diagnostics().len(), 1, "the host is left: {error}");
        assert!(error.to_string().contains("the host isn't known"), "{error}");
    }

    #[test]
    fn the_command_for_a_workflow_repeats_what_was_chosen() {
        assert_eq!(again(&Choices::default()), "cdn-purge init --force");
        let urls = ["www.shop.test", "https://cdn.shop.test/assets"].iter().filter_map(|url| SiteUrl::parse(url));
        let choices = Choices {
            provider: Some(PROVIDERS[0]),
            site_dir: Some("my site".into()),
            urls: urls.collect(),
            schema: None,
        };
        let expected = format!(
            "cdn-purge init --force --provider {} --site-dir 'my site' --host www.shop.test --host https://cdn.shop.test/assets/",
            PROVIDERS[0].name
        );
        assert_eq!(again(&choices), expected);
    }

    #[test]
    fn a_directory_that_the_option_would_refuse_is_no_answer() {
        let (_, choices) = decided("../other\n/var/www\npub*\npublic\n\n");
        assert_eq!(choices.site_dir.as_deref(), Some("public"));
        assert_eq!(decided("../other\n\n").1.site_dir, None);
    }
}
