//! Throw-away repositories, made by git itself, the same on every machine.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::config::Changes;
use crate::environment::Environment;
use crate::error::Error;
use crate::git::{Changed, find};
use crate::model::{Change, ChangeKind};

/// A file as `git fast-import` takes it: mode, and content (of a submodule: 40 digits).
pub(super) type File = (&'static str, Vec<u8>);
pub(super) type Files = BTreeMap<Vec<u8>, File>;

/// A repository in a directory that goes away with it.
pub(super) struct Checkout {
    root: TempDir,
    pub(super) path: PathBuf,
}

impl Checkout {
    /// With `git init` and further arguments.
    pub(super) fn empty(arguments: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap().join("site");
        std::fs::create_dir(&path).unwrap();
        let checkout = Self { root, path };
        checkout.git(&[&["init", "--quiet", "--template=", "--initial-branch=main"], arguments].concat());
        checkout
    }

    /// With a commit on `main` for each of `commits`.
    pub(super) fn with(commits: &[Files]) -> Self {
        let checkout = Self::empty(&[]);
        checkout.import("main", None, commits);
        checkout
    }

    /// With three commits: `one` is added, `two` is added, `one` is changed.
    pub(super) fn with_three_commits() -> Self {
        let file = |text: &str| ("100644", text.as_bytes().to_vec());
        let first = Files::from([(b"one".to_vec(), file("1"))]);
        let second = Files::from([(b"one".to_vec(), file("1")), (b"two".to_vec(), file("2"))]);
        let third = Files::from([(b"one".to_vec(), file("1b")), (b"two".to_vec(), file("2"))]);
        Self::with(&[first, second, third])
    }

    /// Adds commits to a branch; the first one has `parent`, or what the branch has.
    pub(super) fn import(&self, branch: &str, parent: Option<&str>, commits: &[Files]) {
        let mut stream = Vec::new();
        for (number, files) in commits.iter().enumerate() {
            let who = "tester <tester@example.com> 1700000000 +0000";
            writeln!(stream, "commit refs/heads/{branch}\ncommitter {who}\ndata 1\nx").unwrap();
            if let (0, Some(parent)) = (number, parent) {
                writeln!(stream, "from {parent}").unwrap();
            }
            writeln!(stream, "deleteall").unwrap();
            for (path, (mode, content)) in files {
                let path: String = path.iter().map(|byte| format!("\\{byte:03o}")).collect();
                if *mode == "160000" {
                    writeln!(stream, "M {mode} {} \"{path}\"", String::from_utf8_lossy(content)).unwrap();
                } else {
                    writeln!(stream, "M {mode} inline \"{path}\"\ndata {}", content.len()).unwrap();
                    stream.extend_from_slice(content);
                    stream.push(b'\n');
                }
            }
        }
        self.run(&["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"], &stream);
    }

    /// What git prints.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments, b"")).unwrap().trim_end().to_owned()
    }

    /// What git prints, as bytes, when it is given `input`.
    pub(super) fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new("git")
            .args(arguments)
            .current_dir(&self.path)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"].map(|name| (name, "/dev/null")))
            .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("LC_ALL", "C")])
            .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "tester")))
            .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "tester@example.com")))
            .envs(["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"].map(|name| (name, "1700000000 +0000")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("these tests compare with git, which must be installed");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// A clone of this one, next to it.
    pub(super) fn clone(&self, arguments: &[&str]) -> Self {
        self.clone_of(&format!("file://{}", self.path.display()), arguments)
    }

    /// The same by its path, so that objects can be shared.
    pub(super) fn clone_from_path(&self, arguments: &[&str]) -> Self {
        self.clone_of(self.path.to_str().unwrap(), arguments)
    }

    fn clone_of(&self, url: &str, arguments: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap().join("clone");
        self.git(&[&["clone", "--quiet", "--template="], arguments, &[url, path.to_str().unwrap()]].concat());
        Self { root, path }
    }

    /// A directory that goes away with the repository and lies outside of it.
    pub(super) fn outside(&self) -> &Path {
        self.root.path()
    }

    /// The commit of a revision.
    pub(super) fn id(&self, revision: &str) -> String {
        self.git(&["rev-parse", &format!("{revision}^{{commit}}")])
    }

    /// What is found between two revisions.
    pub(super) fn between(&self, base: &str, head: &str) -> Result<Changed, Error> {
        let changes = Changes::Git { base: Some(base.to_owned()), head: Some(head.to_owned()) };
        find(&self.path, &changes, &Environment::new())
    }

    /// What is found when nothing is given.
    pub(super) fn found(&self, environment: &[(&str, &str)]) -> Result<Changed, Error> {
        find(&self.path, &Changes::Git { base: None, head: None }, &environment_of(environment))
    }

    /// What is found in a job on GitHub with this event.
    pub(super) fn found_on_github(&self, name: &str, event: &serde_json::Value) -> Result<Changed, Error> {
        let file = self.outside().join("event.json");
        std::fs::write(&file, event.to_string()).unwrap();
        self.found(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", name),
            ("GITHUB_EVENT_PATH", file.to_str().unwrap()),
        ])
    }
}

/// Names and values of an environment, as they are written in a table of runs.
pub(super) type Variables<'a> = &'a [(&'a str, &'a str)];

pub(super) fn environment_of(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The changes as lines: `A path`, `R from path`; in git's quoting where a path is no UTF-8.
pub(super) fn lines(files: &[Change]) -> Vec<String> {
    files
        .iter()
        .map(|change| match &change.kind {
            ChangeKind::Added => format!("A {}", change.path),
            ChangeKind::Modified => format!("M {}", change.path),
            ChangeKind::Deleted => format!("D {}", change.path),
            ChangeKind::Renamed { from } => format!("R {from} {}", change.path),
        })
        .collect()
}

/// A refusal as one text: what happened, and what to do.
pub(super) fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result.expect_err("this was to be refused") {
        Error::Checkout { message, help } => format!("{message}; {help}"),
        other => panic!("another kind of error: {other:?}"),
    }
}

/// Sets the owner of a directory and everything in it; only root can.
#[cfg(unix)]
pub(super) fn give_away(path: &Path, user: u32) -> std::io::Result<()> {
    std::os::unix::fs::lchown(path, Some(user), None)?;
    if path.symlink_metadata()?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give_away(&entry?.path(), user)?;
        }
    }
    Ok(())
}

/// The bytes of a path as the file system takes them.
#[cfg(unix)]
pub(super) fn native(bytes: &[u8]) -> &OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}
