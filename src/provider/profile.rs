//! Files in a person's home in which a vendor's own tools keep credentials: where they are, and how a vendor reads one profile.

use std::path::PathBuf;

use serde_json::Value;

use super::credentials::AccessKey;
use super::json::Row;

/// A file in a person's home with profiles.
pub struct ProfileFile {
    /// Below the home.
    pub path: &'static str,
    /// The variable with another path; empty: there is none.
    pub path_variable: &'static str,
    /// Variables that disable the file when they are `true`.
    pub disabled_by: &'static [&'static str],
    /// How it is written.
    pub format: Format,
    /// The variable with the profile's name; empty: there is none.
    pub profile_variable: &'static str,
    /// The profile to use unless another is named.
    pub default: &'static str,
    /// Reads one profile; `None`: it holds no credentials.
    pub read: ReadProfile,
}

/// Reads one profile; `None`: it holds no credentials. An error is a sentence fragment without any value of the file but names.
pub type ReadProfile = fn(&Profile<'_>) -> Result<Option<ProfileCredentials>, String>;

/// How a file of profiles is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `{"current":NAME,"profiles":[{"name":NAME,…}]}`; `current` takes precedence over the default.
    Json,
    /// A section for each.
    Ini,
}

/// The credentials of a profile.
#[derive(Clone)]
pub enum ProfileCredentials {
    /// An access key.
    Key(AccessKey),
    /// A role that other credentials assume.
    Role {
        /// Its name.
        role: String,
        /// How to request it.
        options: AssumeRoleOptions,
        /// The credentials that assume it.
        by: Box<Self>,
    },
    /// A role that an OIDC token in a file assumes.
    Federated {
        /// Its name.
        role: String,
        /// How to request it.
        options: AssumeRoleOptions,
        /// The OIDC provider, as the vendor names it.
        provider: String,
        /// The file; read again for each exchange.
        token_file: PathBuf,
    },
    /// A command that prints credentials, with its arguments.
    Command(Vec<String>),
}

/// How to request the credentials of a role, as far as a profile says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssumeRoleOptions {
    /// The session's name.
    pub session: Option<String>,
    /// The id that somebody outside the account has to name.
    pub external_id: Option<String>,
    /// How many seconds the credentials are valid.
    pub duration: Option<u32>,
    /// The region of the token service.
    pub region: Option<String>,
    /// A policy that restricts the credentials.
    pub policy: Option<String>,
}

/// The longest chain of source profiles: a longer one is a circle.
const CHAIN: usize = 8;

/// A profile, to be read by its vendor.
pub struct Profile<'a> {
    /// Its name.
    pub name: &'a str,
    profiles: &'a [Value],
    row: Row<'a>,
    file: &'a ProfileFile,
    sources: usize,
}

impl<'a> Profile<'a> {
    /// The profile of this name.
    pub fn find(file: &'a ProfileFile, profiles: &'a [Value], name: &'a str) -> Option<Self> {
        let row = profiles.iter().find(|profile| profile["name"].as_str() == Some(name)).map(Row)?;
        Some(Self { name, profiles, row, file, sources: 0 })
    }

    /// Its credentials; `None`: it holds none.
    ///
    /// # Errors
    /// A sentence fragment, as of [`ReadProfile`].
    pub fn credentials(&self) -> Result<Option<ProfileCredentials>, String> {
        (self.file.read)(self)
    }

    /// The text of a field.
    pub fn field(&self, field: &str) -> Option<String> {
        self.row.text(field).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The text of a field that has to be there.
    ///
    /// # Errors
    /// It isn't.
    pub fn need(&self, field: &str) -> Result<String, String> {
        self.field(field).ok_or_else(|| format!("its {self} lacks `{field}`"))
    }

    /// The number in a field; 0 is none.
    ///
    /// # Errors
    /// It is no number.
    pub fn number(&self, field: &str) -> Result<Option<u32>, String> {
        let number = self.field(field).map(|text| text.parse()).transpose();
        let number = number.map_err(|_| format!("its {self} has no number in `{field}`"))?;
        Ok(number.filter(|number| *number != 0))
    }

    /// The access key in these fields.
    ///
    /// # Errors
    /// One of them is missing.
    pub fn access_key(&self, id: &str, secret: &str) -> Result<AccessKey, String> {
        Ok(AccessKey::new(self.need(id)?, self.need(secret)?.into()))
    }

    /// The credentials of the profile that a field names.
    ///
    /// # Errors
    /// There is no such profile, it can't be read, or profiles form a circle.
    pub fn source(&self, field: &str) -> Result<ProfileCredentials, String> {
        let name = self.need(field)?;
        if self.sources == CHAIN {
            return Err(format!("the source profiles of `{}` form a circle", self.name));
        }
        let missing = || format!("it has no profile `{name}`, which `{}` names in `{field}`", self.name);
        let source = Profile::find(self.file, self.profiles, &name).ok_or_else(missing)?;
        let source = Profile { sources: self.sources + 1, ..source };
        source.credentials()?.ok_or_else(|| format!("its {source} holds no credentials"))
    }

    /// The error for a kind of profile that we don't support.
    pub fn unsupported(&self, field: &str, kind: &str, supported: &[&str]) -> String {
        format!("its {self} has the {field} `{kind}`; supported are `{}`", supported.join("`, `"))
    }
}

/// `profile`, `section`: how the file names it, and the name.
impl std::fmt::Display for Profile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} `{}`", self.file.format.word(), self.name)
    }
}

impl Format {
    /// The word for one profile.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Json => "profile",
            Self::Ini => "section",
        }
    }
}
