//! Finds the profile to use among the files in a person's home in which a vendor's own tools keep credentials.
//!
//! A file inside the checkout is refused: whoever opens a pull request could have written it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::environment::{Environment, nonempty};
use crate::error::Error;
use crate::provider::json::Row;
use crate::provider::profile::{Format, Profile, ProfileCredentials, ProfileFile};

/// The most that is read of a file.
const BYTES: u64 = 1024 * 1024;

/// Finds the credentials in the first of these files that holds any, and says where: those of this profile, else of the one that a
/// variable names, else of the file's own default. Adds to `rejected` why others hold none.
///
/// # Errors
/// [`Error::Credentials`]: a file can't be used as it is, or no file has the profile that is named.
pub(super) fn find(
    provider: &str,
    files: &[ProfileFile],
    profile: Option<&str>,
    environment: &Environment,
    repository: &Path,
    rejected: &mut Vec<String>,
) -> Result<Option<(ProfileCredentials, String)>, Error> {
    let home = home(environment);
    let mut lacking = profile.map(str::to_owned);
    for file in files {
        let named = nonempty(environment, file.path_variable).map(PathBuf::from);
        let Some(path) = named.or_else(|| Some(home.as_ref()?.join(file.path))) else { continue };
        let mut reject = |why: &str| rejected.push(format!("`{}` ({why})", path.display()));
        let is_true = |name: &&&str| nonempty(environment, name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        if let Some(name) = file.disabled_by.iter().find(is_true) {
            reject(&format!("disabled by `{name}`"));
            continue;
        }
        if !path.is_absolute() {
            reject("not an absolute path");
            continue;
        }
        let Ok(real) = path.canonicalize() else {
            reject("not found");
            continue;
        };
        if real.starts_with(root(repository)) {
            reject("refused: it is in the checkout, where anybody could have put it");
            continue;
        }
        let wrong = |reason: String| Error::Credentials {
            message: format!("the credentials for `{provider}` in `{}` can't be used: {reason}", path.display()),
            help: "correct the file, or set the credentials in the environment".into(),
        };
        let text = read_text(&real).map_err(wrong)?;
        match read(file, &text, profile, environment).map_err(wrong)? {
            Ok((name, credentials)) => {
                return Ok(Some((credentials, format!("the profile `{name}` in `{}`", path.display()))));
            }
            Err(why) => {
                reject(&why);
                lacking = lacking.or_else(|| nonempty(environment, file.profile_variable));
            }
        }
    }
    // Somebody who names a profile wants no other credentials.
    match lacking {
        Some(name) => Err(Error::Credentials {
            message: format!("no file of the vendor has the profile `{name}` for `{provider}`"),
            help: format!("correct the name, or set other credentials\nalso tried: {}", rejected.join("; ")),
        }),
        None => Ok(None),
    }
}

/// The person's home folder.
pub(super) fn home(environment: &Environment) -> Option<PathBuf> {
    ["HOME", "USERPROFILE"].into_iter().find_map(|name| nonempty(environment, name)).map(PathBuf::from)
}

/// The folder of the checkout: the nearest one around `repository` with a `.git` in it, else that itself.
fn root(repository: &Path) -> PathBuf {
    let repository = repository.canonicalize().unwrap_or_else(|_| repository.to_owned());
    repository.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&repository).to_owned()
}

/// The text of a regular file of at most 1 MiB.
///
/// # Errors
/// A sentence fragment: why it can't be read.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
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

/// The name and the credentials of the profile to use; or why the file has none, and another may.
///
/// # Errors
/// A sentence fragment without any value of the file but names: it can't be used as it is.
pub(crate) fn read(
    file: &ProfileFile,
    text: &str,
    profile: Option<&str>,
    environment: &Environment,
) -> Result<Result<(String, ProfileCredentials), String>, String> {
    let document = match file.format {
        Format::Json => serde_json::from_str(text).map_err(|_| "it isn't JSON".to_owned())?,
        Format::Ini => as_json(text),
    };
    let named = profile
        .map(str::to_owned)
        .or_else(|| nonempty(environment, file.profile_variable))
        .or_else(|| Row(&document).text("current"));
    let name = named.unwrap_or_else(|| file.default.to_owned());
    let profiles = document["profiles"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(profile) = Profile::find(file, profiles, &name) else {
        return Ok(Err(format!("it has no {} `{name}`", file.format.word())));
    };
    let missing = || format!("its {profile} holds no credentials");
    Ok(profile.credentials()?.map(|credentials| (name.clone(), credentials)).ok_or_else(missing))
}

/// An INI file in the form of the JSON one. Of a repeated key or section, the first counts.
fn as_json(text: &str) -> Value {
    let profiles = ini(text).into_iter().map(|(name, pairs)| {
        let pairs = pairs.into_iter().rev().filter(|(_, value)| !value.is_empty());
        let mut fields: Map<String, Value> = pairs.map(|(key, value)| (key, Value::String(value))).collect();
        fields.insert("name".into(), Value::String(name));
        Value::Object(fields)
    });
    serde_json::json!({ "profiles": profiles.collect::<Vec<_>>() })
}

/// The sections of an INI file: `[name]`, then `key = value`; `#` and `;` begin a comment. Keys in lower case.
fn ini(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push((name.trim().to_owned(), Vec::new()));
        } else if let (Some((key, value)), Some((_, pairs))) = (line.split_once('='), sections.last_mut()) {
            pairs.push((key.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ini_file_is_read_by_sections_and_never_panics() {
        let text =
            "\u{feff}lost = 1\r\n[default]\r\n# no\nAccess_Key_Id = a=b \n;no\nempty=\n[ other ]\nx=1\n[bad\ny=2";
        let expected = vec![
            ("default".to_owned(), vec![("access_key_id".into(), "a=b".into()), ("empty".into(), String::new())]),
            ("other".to_owned(), vec![("x".into(), "1".into()), ("y".into(), "2".into())]),
        ];
        assert_eq!(ini(text), expected);
        assert_eq!(ini(""), []);
    }
}
