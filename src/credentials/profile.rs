//! The files in a person's home in which a vendor's own tools keep keys.
//!
//! A file inside the checkout is nobody's own: whoever opens a pull request could have written it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::search::own;
use crate::environment::Environment;
use crate::error::Error;
use crate::provider::Spec;
use crate::provider::profile::Profile;

/// The most that is read of a file.
const BYTES: u64 = 1024 * 1024;

/// The first of a provider's files that holds keys, and where it is, in words. Why others hold none is added to `vain`.
pub(super) fn find(
    spec: &Spec,
    environment: &Environment,
    repository: &Path,
    vain: &mut Vec<String>,
) -> Result<Option<(Profile, String)>, Error> {
    let home = own(environment, "HOME").or_else(|| own(environment, "USERPROFILE")).map(PathBuf::from);
    let mut lacking = None;
    for kind in spec.profiles {
        let is_forbidden = |name: &&&str| own(environment, name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let elsewhere = own(environment, kind.path_name).filter(|_| !kind.path_name.is_empty()).map(PathBuf::from);
        let Some(path) = elsewhere.or_else(|| Some(home.as_ref()?.join(kind.path))) else { continue };
        let mut pass = |why: &str| vain.push(format!("`{}`: {why}", path.display()));
        if let Some(name) = kind.forbidden_by.iter().find(is_forbidden) {
            pass(&format!("`{name}` forbids it"));
            continue;
        }
        if !path.is_absolute() {
            pass("its path isn't a full one");
            continue;
        }
        let Ok(real) = path.canonicalize() else {
            pass("there is no such file");
            continue;
        };
        if real.starts_with(root(repository)) {
            pass("it lies in the checkout, where anybody could have put it");
            continue;
        }
        let wrong = |reason: String| Error::Credentials {
            message: format!("the keys for `{}` in `{}` can't be used: {reason}", spec.name, path.display()),
            help: "correct the file, or give keys by the environment".into(),
        };
        let text = read(&real).map_err(wrong)?;
        match kind.read(&text, &|name| own(environment, name)).map_err(wrong)? {
            Ok(profile) => {
                let from = format!("the profile `{}` in `{}`", profile.name, path.display());
                return Ok(Some((profile, from)));
            }
            Err(why) => {
                pass(&why);
                lacking = own(environment, kind.chosen_by).filter(|_| !kind.chosen_by.is_empty()).or(lacking);
            }
        }
    }
    // Somebody who named a profile wants no other keys.
    match lacking {
        Some(name) => Err(Error::Credentials {
            message: format!("the profile `{name}` for `{}` is in none of the vendor's files", spec.name),
            help: format!("correct the name, or give keys by other means; looked at in vain: {}", vain.join("; ")),
        }),
        None => Ok(None),
    }
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
