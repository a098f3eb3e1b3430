//! Writes the workflow that deploys the site and then refreshes it, for GitHub and for GitLab.

use std::fmt::Write as _;

use super::draft::Draft;
use super::repository::Repository;

/// A CI system for which a workflow can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkflowHost {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
}

impl WorkflowHost {
    /// The file of a new workflow, from the repository's root.
    pub fn file(self) -> &'static str {
        match self {
            Self::GitHub => ".github/workflows/deploy-and-refresh.yml",
            Self::GitLab => ".gitlab-ci.yml",
        }
    }

    /// Whether a file is one of its workflows.
    fn owns(self, file: &str) -> bool {
        match self {
            Self::GitHub => file.starts_with(".github/workflows/"),
            Self::GitLab => file == self.file(),
        }
    }
}

/// A workflow, and where it goes.
#[derive(Debug)]
pub struct Workflow {
    /// The whole file, or the part that is to be added to an existing one.
    pub text: String,
    /// The line of an existing file after which it belongs: a deployment.
    pub after: Option<(String, usize)>,
}

/// The actions that a workflow uses, each with the commit of its version. The documentation has the same.
pub(super) const CHECKOUT: &str = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1";
pub(super) const CACHE: [&str; 2] = [
    "actions/cache/restore@55cc8345863c7cc4c66a329aec7e433d2d1c52a9 # v6.1.0",
    "actions/cache/save@55cc8345863c7cc4c66a329aec7e433d2d1c52a9 # v6.1.0",
];

/// What lines hold that put files online.
const DEPLOYS: &[&str] = &[
    "s3 sync",
    "s3 cp",
    "rsync ",
    "rclone ",
    "ossutil",
    "obsutil",
    "coscmd",
    "lftp",
    "scp ",
    "gsutil",
    "azcopy",
    "actions/deploy-pages",
    "actions-gh-pages",
    "wrangler",
    "netlify deploy",
    "firebase deploy",
    "run deploy",
    "deploy.sh",
    "make deploy",
    "hugo deploy",
    "mkdocs gh-deploy",
    "ftp-deploy",
];

/// Programs of builds that GitHub's runners don't have.
///
/// Source: <https://github.com/actions/runner-images/blob/main/images/ubuntu/Ubuntu2404-Readme.md> (2026-11-30).
const NOT_ON_RUNNERS: &[&str] = &["hugo", "zola", "mdbook", "quarto"];

/// The commands of a build that isn't known.
const UNKNOWN_BUILD: &str = "echo 'REPLACE this line with the commands that build the site' && exit 1";

/// The lines of existing workflows that put files online.
pub fn deployments(repository: &Repository, host: WorkflowHost) -> Vec<(String, usize)> {
    let workflows = repository.contents.iter().filter(|(file, _)| host.owns(file));
    let lines =
        workflows.flat_map(|(file, text)| text.lines().enumerate().map(move |(number, line)| (file, number + 1, line)));
    let is_deployment = |line: &str| {
        let line = line.trim_start();
        !line.starts_with('#') && DEPLOYS.iter().any(|word| line.contains(word))
    };
    lines.filter(|(_, _, line)| is_deployment(line)).map(|(file, number, _)| (file.clone(), number)).collect()
}

impl Draft {
    /// The workflow for a CI system: a whole file, or what is to be added after the deployment of an existing one. `branch` is the one that
    /// is deployed, and `action` the name of this project on GitHub.
    pub fn workflow(
        &self,
        repository: &Repository,
        host: WorkflowHost,
        branch: &str,
        action: &str,
        version: &str,
    ) -> Workflow {
        let after = deployments(repository, host).pop();
        let has_file = repository.files.iter().any(|file| file == host.file());
        let is_part = after.is_some() || has_file;
        let text = match host {
            WorkflowHost::GitHub => self.on_github(is_part, branch, action),
            WorkflowHost::GitLab => self.on_gitlab(is_part, version),
        };
        Workflow { text, after: after.or_else(|| has_file.then(|| (host.file().to_owned(), 0))) }
    }

    /// The variables that hold the credentials.
    pub fn variables(&self) -> Vec<&'static str> {
        self.provider.credentials.first().map(|names| names.required().collect()).unwrap_or_default()
    }

    /// The commands that build the site, and the folder in which they run: where nobody knows them, some that fail and say so.
    fn build_step(&self) -> Option<(&str, &str)> {
        match &self.build {
            Some((commands, folder)) => Some((commands, folder)),
            None => self.directory.as_ref().map(|_| (UNKNOWN_BUILD, "")),
        }
    }

    fn on_github(&self, is_part: bool, branch: &str, action: &str) -> String {
        let mut text = String::new();
        if !is_part {
            let _ = write!(
                text,
                "# Deploys the site, and then refreshes the URLs that changed. `cdn-purge init --github` wrote it: put your deployment into\n\
                 # the step that says so.\nname: Deploy\non:\n  push:\n    branches: [{branch}]\npermissions:\n  contents: read\n"
            );
            if self.directory.is_some() {
                text.push_str("concurrency: deploy               # one deployment at a time: each reads the manifest of the one before\n");
            }
            let _ = write!(
                text,
                "jobs:\n  deploy:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 90\n    steps:\n      - uses: {CHECKOUT}\n        \
                 with:\n          persist-credentials: false\n\n"
            );
            if let Some((commands, folder)) = self.build_step() {
                let tool = commands.split(' ').next().unwrap_or_default();
                if NOT_ON_RUNNERS.contains(&tool) {
                    let _ =
                        writeln!(text, "      # ADD a step that installs `{tool}`: GitHub's runners don't have it.");
                }
                let _ = write!(text, "      - name: Build\n        run: {commands}\n");
                if !folder.is_empty() {
                    let _ = writeln!(text, "        working-directory: {folder}");
                }
                text.push('\n');
            }
        }
        if self.directory.is_some() {
            let _ = write!(
                text,
                "      # Before the deployment: what the CDN may still hold.\n      - uses: {}\n        with:\n          path: .cdn-purge\n          \
                 key: {KEY}\n          restore-keys: cdn-purge-manifest-\n\n",
                CACHE[0]
            );
        }
        if !is_part {
            let what =
                self.directory.as_ref().map_or_else(|| "the site".to_owned(), |directory| format!("`{directory}`"));
            let _ = write!(
                text,
                "      - name: Deploy\n        run: |\n          # REPLACE these lines with the commands that put {what} online.\n          \
                 echo \"::error::.github/workflows has no deployment yet: put it in place of this line\"\n          exit 1\n\n"
            );
        }
        let _ = write!(
            text,
            "      # After the deployment: a refresh before it would put the old content back into the caches.\n      - uses: {action}@v1\n        \
             with:\n          allow-hosts: {}\n",
            self.hosts.join(",")
        );
        if self.directory.is_some() {
            text.push_str("          # without-manifest: all   # for the first run alone: purges every file; `adopt` purges none\n");
        }
        text.push_str("        env:\n");
        for name in self.variables() {
            let _ = writeln!(text, "          {name}: ${{{{ secrets.{name} }}}}");
        }
        if self.directory.is_some() {
            let _ = write!(
                text,
                "\n      # Also after a failure: the next run refreshes what this one didn't.\n      - uses: {}\n        if: always()\n        \
                 with:\n          path: .cdn-purge\n          key: {KEY}\n",
                CACHE[1]
            );
        }
        text
    }

    fn on_gitlab(&self, is_part: bool, version: &str) -> String {
        let mut text = String::new();
        if !is_part {
            text.push_str(
                "# Deploys the site, and then refreshes the URLs that changed. `cdn-purge init --gitlab` wrote it: put your deployment into the\n\
                 # job that says so.\n",
            );
            text.push_str(if self.build_step().is_some() {
                "stages: [build, deploy, refresh]\n\n"
            } else {
                "stages: [deploy, refresh]\n\n"
            });
            if let (Some((commands, folder)), Some(directory)) = (self.build_step(), &self.directory) {
                let enter = if folder.is_empty() { String::new() } else { format!("cd {folder} && ") };
                let _ = write!(
                    text,
                    "build:\n  stage: build\n  # image: one that has your generator\n  script:\n    - {enter}{commands}\n  artifacts:\n    \
                     paths: [{directory}]\n\n"
                );
            }
            text.push_str(
                "deploy:\n  stage: deploy\n  rules:\n    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n  script:\n    # REPLACE these lines with \
                 the commands that put the site online.\n    - echo \".gitlab-ci.yml has no deployment yet\"\n    - exit 1\n\n",
            );
        }
        let _ = write!(
            text,
            "refresh-cdn:\n  stage: {}\n  image:\n    name: registry.example.com/tools/cdn-purge:{version} # REPLACE: the image that you built from the Dockerfile of \
             cdn-purge\n    entrypoint: [\"\"]\n  rules:\n    - if: $CI_PIPELINE_SOURCE == \"push\" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n",
            if is_part { ".post # after the deployment" } else { "refresh" }
        );
        if let Some(directory) = self.directory.as_ref().filter(|_| is_part) {
            let _ = writeln!(
                text,
                "  # The job that builds must keep `{directory}` for this one, under `artifacts: paths`."
            );
        }
        let _ = write!(text, "  variables:\n    CDN_PURGE_ALLOW_HOSTS: \"{}\"\n", self.hosts.join(","));
        if self.directory.is_some() {
            text.push_str("    # CDN_PURGE_WITHOUT_MANIFEST: all   # for the first run alone: purges every file; `adopt` purges none\n");
            text.push_str("  resource_group: production      # one deployment at a time\n  cache:\n    key: cdn-purge-manifest\n    paths: [.cdn-purge]\n    when: always\n");
        }
        text.push_str("  script:\n    - cdn-purge\n  artifacts:\n    when: always\n    paths: [cdn-purge-summary.md]\n    reports:\n      junit: cdn-purge-junit.xml\n      dotenv: cdn-purge.env\n");
        text
    }
}

/// The key of the cache: one for each run, as a cache can't be changed.
const KEY: &str = "cdn-purge-manifest-${{ github.run_id }}-${{ github.run_attempt }}";
