//! What a repository shows of its site, and what a person has to say about it.

use std::collections::BTreeMap;

use super::candidates::{self, Candidate, DEPTH, Kind, WordPress};
use super::generators::{GENERATORS, Generator};
use super::hosts::{self, SiteUrl};
use super::paths::{ends_in, is_workflow, name};
use crate::provider::Spec;

/// Contents larger than this are no configuration of a site, in bytes.
pub const MOST_BYTES: u64 = 64 * 1024;

/// What a glob reads otherwise than as itself.
const GLOB_MARKS: &[char] = &['*', '?', '[', ']', '{', '}', '!', '\\'];

/// What a repository was recognised as.
#[derive(Debug)]
pub struct Repository {
    pub(super) files: Vec<String>,
    pub(super) candidates: Vec<Candidate>,
    /// Generators that render pages on a server here.
    on_a_server: Vec<&'static str>,
    pub(super) contents: BTreeMap<String, String>,
    /// The providers whose credentials the repository's pipelines name, or whose files are there.
    providers: Vec<&'static Spec>,
}

/// What a person decided.
#[derive(Debug, Default)]
pub struct Choices {
    /// The provider; without it the one that the repository names.
    pub provider: Option<&'static Spec>,
    /// The directory of the site; without it the one that the repository shows.
    pub site_dir: Option<String>,
    /// Where the site is served; empty: as the repository says.
    pub urls: Vec<SiteUrl>,
    /// The schema's file, as an editor finds it from the configuration.
    pub schema: Option<String>,
}

/// What the repository doesn't show, so that a person has to say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What it is about.
    pub subject: Subject,
    /// A sentence fragment: what isn't known.
    pub title: String,
    /// Answers to choose from, each with what speaks for it; empty where any text is one.
    pub answers: Vec<(String, String)>,
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The directory of the site.
    SiteDir,
    /// The provider.
    Provider,
    /// Where the site is served.
    Host,
    /// The URL of the folder of a WordPress theme.
    ThemeUrl,
}

impl Subject {
    /// The option that answers it.
    pub fn option(self) -> &'static str {
        match self {
            Self::SiteDir => "--site-dir",
            Self::Provider => "--provider",
            Self::Host | Self::ThemeUrl => "--host",
        }
    }
}

/// Everything that a configuration needs.
#[derive(Debug)]
pub struct Decision {
    pub(super) candidate: Candidate,
    pub(super) provider: &'static Spec,
    /// With the file that names each; empty where a person gave it.
    pub(super) urls: Vec<(SiteUrl, String)>,
}

/// The files whose contents are worth reading.
pub fn wanted(files: &[String]) -> impl Iterator<Item = &str> {
    let shared = || GENERATORS.iter().flat_map(|generator| generator.shared_markers).map(|(name, _)| *name);
    let own = || GENERATORS.iter().flat_map(|generator| generator.markers).copied();
    files.iter().map(String::as_str).filter(move |file| {
        let name = name(file);
        let is_known =
            matches!(name, "CNAME" | "package.json" | ".gitignore") || name.ends_with(".tf") || is_workflow(file);
        let is_marker = || shared().any(|marker| marker == name) || own().any(|marker| ends_in(file, marker).is_some());
        file.matches('/').count() <= DEPTH + 1 && (is_known || is_marker())
    })
}

/// Looks at the files of a repository, from its root with `/`, and at the contents of those that are [`wanted`].
pub fn recognise(files: &[String], contents: &BTreeMap<String, String>, providers: &[&'static Spec]) -> Repository {
    // A folder with such a name can't be spelled in a glob as simply as it is here.
    let is_spelled = |file: &&String| {
        !file.contains(GLOB_MARKS) && !file.contains(char::is_control) && !file.starts_with(char::is_whitespace)
    };
    let files: Vec<String> = files.iter().filter(is_spelled).cloned().collect();
    let contents: BTreeMap<String, String> =
        contents.iter().filter(|(file, _)| is_spelled(file)).map(|(file, text)| (file.clone(), text.clone())).collect();
    let names_credentials = |spec: &&&'static Spec| {
        let names = spec.credentials.iter().filter_map(|names| names.required().next());
        names.into_iter().any(|name| contents.values().any(|text| text.contains(name)))
    };
    let shows = |spec: &&&'static Spec| {
        let is_file = |sign: &&&str| files.iter().any(|file| name(file) == **sign);
        let is_word = |sign: &&&str| !sign.contains('.') && contents.values().any(|text| text.contains(**sign));
        spec.signs.iter().any(|sign| is_file(&sign) || is_word(&sign))
    };
    // Credentials in a pipeline say more; the products of a vendor share theirs, and files or resources tell those apart.
    let mut named: Vec<&'static Spec> = providers.iter().filter(names_credentials).copied().collect();
    if named.len() != 1 {
        let shown: Vec<&'static Spec> = providers
            .iter()
            .filter(|spec| named.is_empty() || named.iter().any(|other| other.name == spec.name))
            .filter(shows)
            .copied()
            .collect();
        named = if shown.is_empty() { named } else { shown };
    }
    Repository {
        candidates: candidates::find(&files, &contents),
        on_a_server: candidates::rendered_on_a_server(&files, &contents),
        providers: named,
        files,
        contents,
    }
}

impl Repository {
    /// Everything that a configuration needs, by what the repository shows and a person chose.
    ///
    /// # Errors
    /// What neither says, all at once.
    pub fn decide(&self, choices: &Choices, providers: &[&'static Spec]) -> Result<Decision, Vec<Question>> {
        let mut questions = Vec::new();
        let candidate = self.candidate(choices);
        if candidate.is_none() {
            questions.push(self.site_question());
        }
        let provider = choices.provider.or(match self.providers.as_slice() {
            [one] => Some(*one),
            _ => None,
        });
        if provider.is_none() {
            questions.push(self.provider_question(providers));
        }
        let urls = match (&candidate, choices.urls.as_slice()) {
            (_, [_, ..]) => choices.urls.iter().map(|url| (url.clone(), String::new())).collect(),
            (candidate, []) => self.urls(candidate.as_ref()),
        };
        let is_theme = candidate.as_ref().is_some_and(|candidate| candidate.kind == Kind::WordPress(WordPress::Theme));
        if is_theme && !urls.iter().any(|(url, _)| url.path != "/") {
            questions.push(Question {
                subject: Subject::ThemeUrl,
                title: "a theme of WordPress is served below `/wp-content/themes/`, in a folder whose name the repository doesn't show".into(),
                answers: Vec::new(),
            });
        } else if urls.is_empty() {
            questions.push(Question {
                subject: Subject::Host,
                title: "the host isn't known: no file of the repository names it".into(),
                answers: Vec::new(),
            });
        }
        match (candidate, provider) {
            (Some(candidate), Some(provider)) if questions.is_empty() => Ok(Decision { candidate, provider, urls }),
            _ => Err(questions),
        }
    }

    /// The site, if it is known.
    fn candidate(&self, choices: &Choices) -> Option<Candidate> {
        if let Some(directory) = &choices.site_dir {
            return Some(candidates::named(&self.candidates, directory, &self.files));
        }
        match self.candidates.as_slice() {
            [one] if one.is_certain => Some(one.clone()),
            _ => None,
        }
    }

    fn site_question(&self) -> Question {
        let title = match (self.candidates.len(), self.on_a_server.first()) {
            (0, Some(name)) => format!(
                "{name} renders pages on a server here, so no file of a page is deployed: name the directory that is, such as that of \
                 its static files"
            ),
            (0, None) => "the directory of the site isn't known: no generator and no `index.html` was found".into(),
            (1, _) => "the directory of the site isn't sure".into(),
            (several, _) => format!("the repository has {several} directories that may be the site"),
        };
        let answer = |candidate: &Candidate| (candidate.site_dir().to_owned(), candidate.evidence());
        Question { subject: Subject::SiteDir, title, answers: self.candidates.iter().map(answer).collect() }
    }

    fn provider_question(&self, providers: &[&'static Spec]) -> Question {
        let (title, providers) = match self.providers.as_slice() {
            [] => ("the provider isn't known: the repository has no sign of one", providers),
            several => ("several providers fit what the repository names", several),
        };
        let answers = providers.iter().map(|spec| (spec.name.to_owned(), spec.title.to_owned())).collect();
        Question { subject: Subject::Provider, title: title.into(), answers }
    }

    /// Where the site is served, with the file that says so. What was written for a host to read is surer than what may be a link.
    fn urls(&self, candidate: Option<&Candidate>) -> Vec<(SiteUrl, String)> {
        let is_of_another = |path: &str| {
            let owner = self
                .candidates
                .iter()
                .filter(|other| path.starts_with(&other.folder))
                .max_by_key(|other| other.folder.len());
            owner.zip(candidate).is_some_and(|(owner, chosen)| !chosen.folder.starts_with(&owner.folder))
        };
        let mut sources: Vec<&String> =
            self.contents.keys().filter(|path| !is_of_another(path) && !candidates::is_foreign(path)).collect();
        sources.sort_by_key(|path| (rank(path), path.matches('/').count()));
        let best = sources.iter().map(|path| (rank(path), hosts::find(path, &self.contents[*path]), *path));
        let (mut urls, mut best_rank): (Vec<(SiteUrl, String)>, _) = (Vec::new(), usize::MAX);
        for (rank, found, path) in best {
            if !found.is_empty() && rank <= best_rank {
                best_rank = rank;
                urls.extend(found.into_iter().map(|url| (url, path.clone())));
            }
        }
        if let Some(base) = candidate.and_then(|candidate| self.base(candidate)) {
            for (url, _) in urls.iter_mut().filter(|(url, _)| url.path == "/") {
                url.path.clone_from(&base);
            }
        }
        urls.sort_by_key(|(url, _)| url.clone());
        urls.dedup_by(|left, right| left.0 == right.0);
        urls
    }

    /// The path below which the generator puts the site, if its own configuration names it.
    fn base(&self, candidate: &Candidate) -> Option<String> {
        let (generator, marker): (&Generator, _) = match &candidate.kind {
            Kind::Built(build) => (build.generator, &build.marker),
            Kind::Finished(Some((generator, marker))) => (generator, marker),
            Kind::Finished(None) | Kind::Unknown(_) | Kind::WordPress(_) => return None,
        };
        let folder = generator.markers.iter().find_map(|name| ends_in(marker, name));
        let folder = folder.or_else(|| generator.shared_markers.iter().find_map(|(name, _)| ends_in(marker, name)))?;
        let names = || generator.markers.iter().chain(generator.shared_markers.iter().map(|(name, _)| name));
        let is_its_own = |file: &str| names().any(|name| ends_in(file, name) == Some(folder));
        self.contents.iter().filter(|(file, _)| is_its_own(file)).find_map(|(_, text)| hosts::base(text))
    }
}

/// How sure the URLs of a file are: the lower the surer.
fn rank(path: &str) -> usize {
    match name(path) {
        "CNAME" => 0,
        other if other.ends_with(".tf") => 1,
        "package.json" => 3,
        _ if path.starts_with('.') => 4,
        _ => 2,
    }
}
