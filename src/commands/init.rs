//! `init`: inspects the repository, writes a first configuration for it, and lists the next steps.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::run;
use crate::ci::{Console, files};
use crate::config::{Changes, InitOptions, InitOutput, LogLevel, configuration_of, schema};
use crate::environment::Environment;
use crate::error::{Error, ExitCode};
use crate::git;
use crate::init::{self, Choices, Draft};
use crate::provider::credentials::Part;
use crate::providers::PROVIDERS;

/// The schema's file, in the folder of the configuration.
const SCHEMA_FILE: &str = "cdn-purge.schema.json";

/// So many files are looked at where there is no commit yet.
const MOST_FILES: usize = 20_000;

/// Folders that hold nothing of a site's own.
const FOREIGN: &[&str] = &[".git", "node_modules", "vendor", "target", ".venv", "venv", "__pycache__"];

/// Writes the configuration, and the schema for editors next to it.
///
/// # Errors
/// [`Error::Inputs`] where one is there already, [`Error::Checkout`] for files that can't be read or written.
pub(super) fn run(options: &InitOptions, console: &mut Console) -> Result<ExitCode, Error> {
    let root = root(&options.repository)?;
    let file = match &options.output {
        Some(InitOutput::Standard) => None,
        Some(InitOutput::File(path)) => Some(path.clone()),
        None if root == Path::new(".") => Some(PathBuf::from("cdn-purge.yml")),
        None => Some(root.join("cdn-purge.yml")),
    };
    if let Some(file) = &file {
        refuse_to_overwrite(options, &root, file)?;
    }
    let (names, is_committed) = tracked(&root);
    let contents: BTreeMap<String, String> =
        init::wanted(&names).filter_map(|name| Some((name.to_owned(), small_text(&root.join(name))?))).collect();
    let site = init::recognise(&names, &contents, PROVIDERS);
    let choices = Choices {
        provider: options.provider,
        urls: options.urls.clone(),
        schema: file.as_ref().map(|_| format!("./{SCHEMA_FILE}")),
    };
    let mut draft = init::draft(&site, &choices, PROVIDERS);
    if !is_committed {
        draft.open.push(
            "no commit was found, so the files in the folder were looked at, whether they will be committed or not"
                .into(),
        );
    }
    let Some(file) = file else {
        console.note(LogLevel::Normal, &report(&draft, None));
        return Ok(run::print(console, &draft.text));
    };
    let redactor = console.redactor();
    files::replace(&file, redactor, |writer| writer.write_all(draft.text.as_bytes()))?;
    files::replace(&file.with_file_name(SCHEMA_FILE), redactor, |writer| writer.write_all(schema::text().as_bytes()))?;
    Ok(run::print(console, &report(&draft, Some(&file))))
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

/// What was found, what is left to do, and what comes next.
fn report(draft: &Draft, file: Option<&Path>) -> String {
    let mut text = String::new();
    if let Some(file) = file {
        let _ = writeln!(text, "wrote `{}`, and `{SCHEMA_FILE}` for editor completion\n", file.display());
    }
    text.push_str("found\n");
    draft.recognised.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    if !draft.open.is_empty() {
        text.push_str("\nneeds your attention\n");
        draft.open.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    text.push_str(
        "\nnext\n  cdn-purge check             validate and print the effective configuration\n  \
         cdn-purge explain PATH      which URLs a change of this file purges\n  \
         cdn-purge plan              what the last commit would purge; needs no credentials\n  \
         cdn-purge run --simulate    the whole job against a simulated CDN; needs no credentials\n\n",
    );
    text.push_str(&pipeline(draft));
    text
}

fn pipeline(draft: &Draft) -> String {
    let hosts = draft.hosts.join(",");
    let names = draft.provider.credentials.first();
    let name = |part, option| names.and_then(|names| names.name(part)).unwrap_or(option);
    let (id, secret) = (name(Part::Id, "access-key-id"), name(Part::Secret, "access-key-secret"));
    let needs =
        format!("an access key with the permissions that `cdn-purge providers` lists for {}", draft.provider.name);
    if draft.has_gitlab {
        return format!(
            "then, on GitLab\n  store {needs}, as masked and protected CI/CD variables `{id}` and `{secret}`, and add to \
             `.gitlab-ci.yml`, with your own group and image:\n\n    include:\n      - component: $CI_SERVER_FQDN/GROUP/cdn-purge/cdn-purge@main\n        \
             inputs:\n          image: REGISTRY/cdn-purge:{version}\n          allow-hosts: {hosts}\n",
            version = env!("CARGO_PKG_VERSION")
        );
    }
    format!(
        "then, on GitHub\n  store {needs}, as secrets `{id}` and `{secret}`, and add to the job that deploys, after the \
         deployment:\n\n    - uses: actions/checkout@v7              # if the job hasn't checked out all commits yet\n      \
         with: {{fetch-depth: 0}}\n    - uses: {action}@v1\n      with: \
         {{allow-hosts: \"{hosts}\"}}\n      env:\n        {id}: ${{{{ secrets.{id} }}}}\n        {secret}: ${{{{ secrets.{secret} }}}}\n",
        action = env!("CARGO_PKG_REPOSITORY").trim_start_matches("https://github.com/"),
    )
}
