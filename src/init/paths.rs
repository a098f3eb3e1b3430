//! Paths of a repository: with `/`, from its root.

use std::collections::BTreeMap;

use crate::mapping::ignored_by;

/// The last name of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a file is a workflow of GitHub or GitLab's pipeline.
pub(super) fn is_workflow(file: &str) -> bool {
    file.starts_with(".github/workflows/") || file == ".gitlab-ci.yml"
}

/// The folder above a folder; both end in `/`, and the root is empty.
pub(super) fn above(folder: &str) -> String {
    let inner = folder.trim_end_matches('/');
    inner.rfind('/').map(|slash| inner[..=slash].to_owned()).unwrap_or_default()
}

/// A path that is written from a folder, which ends in `/` or is empty; `None` if it leads out of the repository.
pub(super) fn join(folder: &str, path: &str) -> Option<String> {
    let mut names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    // A value that is computed is none that can be read.
    let is_computed = path.contains("env.");
    (is_plain(path) && !is_computed && !names.is_empty() && !path.starts_with('/')).then(|| names.join("/"))
}

/// Whether a path means the same in a shell command and in YAML, without quotes.
pub fn is_plain(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._".contains(&byte))
}

/// Whether a `.gitignore` above a folder names it.
pub(super) fn is_ignored(contents: &BTreeMap<String, String>, folder: &str) -> bool {
    let files = || contents.iter().map(|(file, text)| (file.as_str(), text.as_str()));
    let mut folders = folder.match_indices('/').map(|(slash, _)| &folder[..slash]).chain([folder]);
    folders.any(|folder| ignored_by(files(), folder).is_some())
}

/// The part of a path before the marker, if it ends in it: `site/` for `site/hugo.toml`. A `*` is any ending.
pub(super) fn ends_in<'f>(file: &'f str, marker: &str) -> Option<&'f str> {
    let folder = match marker.strip_suffix('*') {
        Some(start) => {
            let at = file.rfind(start)?;
            let ending = &file[at + start.len()..];
            (!ending.contains('/') && !ending.is_empty()).then(|| &file[..at])?
        }
        None => file.strip_suffix(marker)?,
    };
    (folder.is_empty() || folder.ends_with('/')).then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_from_a_folder_stays_in_the_repository() {
        for (folder, path, expected) in [
            ("", "dist", Some("dist")),
            ("web/", "./dist/", Some("web/dist")),
            ("web/", "../docs", Some("docs")),
            ("", "../docs", None),
            ("", "/var/www", None),
            ("", ".", None),
            ("", "process.env.OUT", None),
            ("", "a b", None),
        ] {
            assert_eq!(join(folder, path).as_deref(), expected, "{folder}{path}");
        }
    }

    #[test]
    fn the_folder_above_the_first_is_the_root() {
        assert_eq!((above("web/dist/"), above("dist/"), above("")), ("web/".into(), String::new(), String::new()));
    }
}
