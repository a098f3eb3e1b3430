//! The files in a person's home in which a vendor's own tools keep keys.
//!
//! A file inside the checkout is nobody's own: whoever opens a pull request could have written it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::sources::own;
use crate::error::Error;
use crate::inputs::Environment;
use crate::provider::Spec;
use crate::provider::exchange::Profile;

/// The most that is read of a file.
const BYTES: u64 = 1024 * 1024;

/// The first of a provider's files that holds keys, and where it is, in words.
pub(super) fn find(
    spec: &Spec,
    environment: &Environment,
    repository: &Path,
) -> Result<Option<(Profile, String)>, Error> {
    let home = own(environment, "HOME").or_else(|| own(environment, "USERPROFILE")).map(PathBuf::from);
    for kind in spec.profiles {
        let is_forbidden = |name: &&str| own(environment, name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let elsewhere = own(environment, kind.path_name).filter(|_| !kind.path_name.is_empty()).map(PathBuf::from);
        let Some(path) = elsewhere.or_else(|| Some(home.as_ref()?.join(kind.path))) else { continue };
        if kind.forbidden_by.iter().any(is_forbidden) || !path.is_absolute() {
            continue;
        }
        let Ok(real) = path.canonicalize() else { continue };
        if real.starts_with(root(repository)) {
            continue;
        }
        let wrong = |reason: String| Error::Credentials {
            message: format!("the keys for `{}` in `{}` can't be used: {reason}", spec.name, path.display()),
            help: "correct the file, or give keys by the environment".into(),
        };
        let text = read(&real).map_err(wrong)?;
        if let Some(profile) = (kind.read)(&text, &|name| own(environment, name)).map_err(wrong)? {
            let from = format!("the profile `{}` in `{}`", profile.name, path.display());
            return Ok(Some((profile, from)));
        }
    }
    Ok(None)
}

/// The folder of the checkout: the nearest one around `repository` with a `.git` in it, else that itself.
fn root(repository: &Path) -> PathBuf {
    let repository = repository.canonicalize().unwrap_or_else(|_| repository.to_owned());
    repository.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&repository).to_owned()
}

/// The text of a regular file of bearable length.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let is_file = std::fs::metadata(path).map_err(|error| error.to_string())?.is_file();
    if !is_file {
        return Err("it is no regular file".into());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > BYTES {
        return Err(format!("it is longer than {} KiB", BYTES / 1024));
    }
    String::from_utf8(bytes).map_err(|_| "it isn't text in UTF-8".into())
}
