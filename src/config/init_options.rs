//! The options of `init`: the output file, the provider and the site's URLs.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, ValueHint};

use super::parse_value::quoted;
use super::problems::unknown_provider;
use crate::error::{Diagnostic, Error};
use crate::init::{SiteUrl, WorkflowHost};
use crate::provider::Spec;
use crate::providers::PROVIDERS;

/// The options of `init`.
#[derive(Debug)]
pub struct InitOptions {
    /// The directory that holds the repository, or lies in it.
    pub repository: PathBuf,
    /// The provider; without it the one that the repository names.
    pub provider: Option<&'static Spec>,
    /// The directory of the site; without it the one that the repository shows.
    pub site_dir: Option<String>,
    /// Where the site is served; empty: as the repository says.
    pub urls: Vec<SiteUrl>,
    /// The CI systems for which to write a workflow.
    pub workflows: Vec<WorkflowHost>,
    /// Where to write; without it `cdn-purge.yml` at the root of the repository.
    pub output: Option<InitOutput>,
    /// Write over what is there.
    pub force: bool,
}

/// Where the configuration goes.
#[derive(Debug, PartialEq, Eq)]
pub enum InitOutput {
    /// `-`.
    Standard,
    /// A file.
    File(PathBuf),
}

/// What the command takes, as clap knows it.
pub(super) fn options() -> impl IntoIterator<Item = Arg> {
    let one = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    [
        one("provider", "NAME", "The provider. Default: the one whose credentials a pipeline of the repository names"),
        one(
            "site-dir",
            "DIR",
            "The directory whose files are served, or into which they are built; . is the repository's root",
        )
        .value_hint(ValueHint::DirPath),
        one("host", "HOST", "Where the site is served, as www.example.com or www.example.com/docs; may be repeated")
            .action(ArgAction::Append),
        one("output", "PATH", "Where to write, or - to print [default: cdn-purge.yml at the repository's root]")
            .value_hint(ValueHint::FilePath),
        Arg::new("github").long("github").help("Write a workflow for GitHub Actions too").action(ArgAction::SetTrue),
        Arg::new("gitlab").long("gitlab").help("Write a pipeline for GitLab too").action(ArgAction::SetTrue),
        Arg::new("force").long("force").help("Write over a file that is there").action(ArgAction::SetTrue),
        one("repository", "PATH", "The directory of the checkout [default: .]")
            .short('C')
            .value_hint(ValueHint::DirPath),
    ]
}

/// Reads the flags.
///
/// # Errors
/// Every value that can't be read, at once.
pub(super) fn read(matches: &mut ArgMatches) -> Result<InitOptions, Error> {
    let mut problems = Vec::new();
    let provider = matches.remove_one::<String>("provider").and_then(|name| {
        let found = PROVIDERS.iter().copied().find(|spec| spec.name == name);
        if found.is_none() {
            problems.push(unknown_provider("`--provider`", &name, PROVIDERS));
        }
        found
    });
    let hosts = matches.remove_many::<String>("host").into_iter().flatten();
    let urls = hosts.filter_map(|text| {
        let url = SiteUrl::parse(&text);
        if url.is_none() {
            let help =
                "write a public host name, as `www.example.com`, or with the site's path, as `www.example.com/docs`";
            problems.push(Diagnostic::new(format!("`--host` is {}", quoted(&text)), help));
        }
        url
    });
    let urls = urls.collect();
    let path = |matches: &mut ArgMatches, name| matches.remove_one::<String>(name).filter(|text| !text.is_empty());
    let output = path(matches, "output").map(|text| match text.as_str() {
        "-" => InitOutput::Standard,
        _ => InitOutput::File(text.into()),
    });
    let site_dir = path(matches, "site-dir");
    if let Some(directory) = site_dir.as_ref().filter(|directory| !is_directory(directory)) {
        let help = "write its path from the repository's root: `public`, `web/dist`, or `.` for the root itself";
        problems.push(Diagnostic::new(format!("`--site-dir` is {}", quoted(directory)), help));
    }
    let hosts = [("github", WorkflowHost::GitHub), ("gitlab", WorkflowHost::GitLab)];
    let workflows = hosts.into_iter().filter(|(name, _)| matches.get_flag(name)).map(|(_, host)| host).collect();
    let repository = path(matches, "repository").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let force = matches.get_flag("force");
    if problems.is_empty() {
        Ok(InitOptions { repository, provider, site_dir, urls, workflows, output, force })
    } else {
        Err(Error::Inputs(problems))
    }
}

/// Whether a directory is one that a glob can be written for, inside of the repository.
pub fn is_directory(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._ ".contains(&byte);
    text.bytes().all(is_plain)
        && !text.starts_with('/')
        && text.split('/').all(|name| name != "..")
        && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<InitOptions, Error> {
        let arguments = std::iter::once("init").chain(line.split_whitespace());
        read(&mut clap::Command::new("init").args(options()).try_get_matches_from(arguments).unwrap())
    }

    #[test]
    fn what_is_given_is_taken_and_the_rest_is_left_to_the_repository() {
        let options = parse("--host www.shop.test --host https://shop.test/docs --output - --force").unwrap();
        let roots: Vec<_> = options.urls.iter().map(SiteUrl::root).collect();
        assert_eq!(roots, ["https://www.shop.test/", "https://shop.test/docs/"]);
        assert_eq!((options.output, options.force), (Some(InitOutput::Standard), true));
        let options = parse("").unwrap();
        assert!(options.provider.is_none() && options.urls.is_empty() && options.output.is_none());
    }

    #[test]
    fn hosts_that_can_be_none_and_unknown_providers_are_told_at_once() {
        let error = parse("--host localhost --host https://{host}/ --host 10.0.0.1 --provider nobody").unwrap_err();
        assert_eq!(error.diagnostics().len(), 4);
    }
}
