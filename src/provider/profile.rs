//! The files in which a vendor's own tools keep keys: their text becomes what one profile of them holds. What a file calls
//! things is data ([`ProfileSpec`]).

use std::path::PathBuf;

use serde_json::Value;

use super::credentials::Credentials;
use super::json::Row;

/// A file in a person's home that holds keys.
pub struct ProfileSpec {
    /// Below the home.
    pub path: &'static str,
    /// The environment name of another place; empty: there is none.
    pub path_name: &'static str,
    /// Environment names that forbid the file when they are `true`.
    pub forbidden_by: &'static [&'static str],
    /// How it is written.
    pub format: Format,
    /// The environment name of the profile that counts; empty: it can't be chosen.
    pub chosen_by: &'static str,
    /// The profile that counts unless one is chosen.
    pub default: &'static str,
    /// What its fields are called.
    pub names: &'static ProfileNames,
}

impl ProfileSpec {
    /// A file with a section for each profile, called so, for a vendor to begin with: `default` counts, and nothing forbids it.
    pub const fn ini(path: &'static str, names: &'static ProfileNames) -> Self {
        let (format, default) = (Format::Ini, "default");
        Self { path, path_name: "", forbidden_by: &[], format, chosen_by: "", default, names }
    }
}

/// How a file of profiles is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `{"current":NAME,"profiles":[{"name":NAME,…}]}`; `current` goes before the default.
    Json,
    /// A section for each.
    Ini,
}

/// What the fields of a profile are called; a name is empty where there is no such field.
pub struct ProfileNames {
    /// What kind of profile it is.
    pub kind: &'static str,
    /// The kinds that can be read; the first where none is named.
    pub kinds: &'static [(&'static str, Kind)],
    /// A key's id.
    pub id: &'static str,
    /// Its secret.
    pub secret: &'static str,
    /// The token that goes with it.
    pub token: &'static str,
    /// The id of the account it belongs to.
    pub account: &'static str,
    /// A role to play.
    pub role: &'static str,
    /// The session's name.
    pub session: &'static str,
    /// The id that an outsider who plays the role must name.
    pub external_id: &'static str,
    /// How many seconds the role's keys shall live.
    pub life: &'static str,
    /// The region in which the role is asked for.
    pub region: &'static str,
    /// What narrows what the role's keys may do.
    pub policy: &'static str,
    /// The profile whose keys ask for the role.
    pub source: &'static str,
    /// The provider of tokens.
    pub provider: &'static str,
    /// The file with a token.
    pub token_file: &'static str,
    /// The command line of a program that prints keys; cut at spaces, for no shell reads it.
    pub program: &'static str,
}

impl ProfileNames {
    /// No field at all, for a file to begin with.
    pub const NONE: Self = Self {
        kind: "",
        kinds: &[],
        id: "",
        secret: "",
        token: "",
        account: "",
        role: "",
        session: "",
        external_id: "",
        life: "",
        region: "",
        policy: "",
        source: "",
        provider: "",
        token_file: "",
        program: "",
    };
}

/// A kind of profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A key; what stands where the token would is left from earlier.
    Key,
    /// A key that may have a token.
    KeyOrTemporary,
    /// A key with its token.
    Temporary,
    /// A role, asked for by the profile's own key.
    Role,
    /// A role, asked for by what another profile holds.
    Chained,
    /// A role, asked for by a token in a file.
    Federated,
    /// A program.
    Program,
}

/// A profile.
#[derive(Clone)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub holds: Holds,
}

/// How a role is to be asked for, as far as a profile says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The session's name.
    pub session: Option<String>,
    /// The id that an outsider who plays the role must name.
    pub external_id: Option<String>,
    /// How many seconds the keys shall live.
    pub life: Option<u32>,
    /// The region in which to ask.
    pub region: Option<String>,
    /// What narrows what the keys may do.
    pub policy: Option<String>,
}

/// What a profile holds.
#[derive(Clone)]
pub enum Holds {
    /// Keys.
    Keys(Credentials),
    /// A role to play with what another profile, or this one, holds.
    Role {
        /// Its name.
        role: String,
        /// How to ask for it.
        terms: Terms,
        /// What proves who asks for it.
        by: Box<Self>,
    },
    /// A role to play with a token in a file.
    Federated {
        /// Its name.
        role: String,
        /// How to ask for it.
        terms: Terms,
        /// The provider of tokens, as the vendor knows it.
        provider: String,
        /// The file; read anew for each exchange.
        token_file: PathBuf,
    },
    /// A program that prints keys, with its arguments.
    Program(Vec<String>),
}

/// So many profiles may stand behind one another: more are a circle.
const CHAIN: usize = 8;

impl ProfileSpec {
    /// The profile that counts, with the environment's answers to a name; or why the file holds no keys.
    ///
    /// # Errors
    /// A sentence fragment, as for why not without any value of the file but names: it can't be used as it is.
    pub fn read(
        &self,
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Result<Profile, String>, String> {
        let file = match self.format {
            Format::Json => serde_json::from_str(text).map_err(|_| "it isn't JSON".to_owned())?,
            Format::Ini => as_json(text),
        };
        let chosen = environment(self.chosen_by).filter(|_| !self.chosen_by.is_empty());
        let current = || Row(&file).text("current");
        let name = chosen.or_else(current).unwrap_or_else(|| self.default.to_owned());
        let Some(profile) = find(&file, &name) else {
            // Another file may have it.
            return Ok(Err(format!("it has no {} `{name}`", self.word())));
        };
        if self.format == Format::Json && self.is_blank(profile) {
            return Ok(Err(format!("its {} `{name}` holds no key", self.word())));
        }
        let holds = self.holds(&file, &name, profile, CHAIN)?;
        Ok(Ok(Profile { name, holds }))
    }

    /// What the vendor's command line leaves before anybody gave a key.
    fn is_blank(&self, profile: Row<'_>) -> bool {
        let names = self.names;
        let kind = profile.text(names.kind);
        kind.is_none_or(|kind| kind == names.kinds[0].0)
            && profile.text(names.id).is_none()
            && profile.text(names.secret).is_none()
    }

    /// What a part of such a file is called.
    fn word(&self) -> &'static str {
        match self.format {
            Format::Json => "profile",
            Format::Ini => "section",
        }
    }

    fn holds(&self, file: &Value, name: &str, profile: Row<'_>, chain: usize) -> Result<Holds, String> {
        let (names, word) = (self.names, self.word());
        let field = |key: &str| profile.text(key).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let named = field(names.kind);
        let of_kind = named.as_ref().map_or(String::new(), |kind| format!(", as the {} `{kind}` needs it", names.kind));
        let need = |key: &str| field(key).ok_or_else(|| format!("its {word} `{name}` lacks `{key}`{of_kind}"));
        let key = || Ok::<_, String>(Credentials::fixed(need(names.id)?, need(names.secret)?.into()));
        let life = match field(names.life).map(|text| text.parse::<u32>()) {
            None | Some(Ok(0)) => None,
            Some(Ok(seconds)) => Some(seconds),
            Some(Err(_)) => return Err(format!("its {word} `{name}` has no number in `{}`", names.life)),
        };
        let (session, external_id, region) = (field(names.session), field(names.external_id), field(names.region));
        let terms = Terms { session, external_id, life, region, policy: field(names.policy) };
        let kind = named.as_deref().map_or(Some(names.kinds[0].1), |kind| {
            names.kinds.iter().find(|(known, _)| *known == kind).map(|(_, kind)| *kind)
        });
        let Some(kind) = kind else {
            let known: Vec<_> = names.kinds.iter().map(|(kind, _)| format!("`{kind}`")).collect();
            return Err(format!(
                "its {word} `{name}` has the {} `{}`; what can be read: {}",
                names.kind,
                named.unwrap_or_default(),
                known.join(", ")
            ));
        };
        Ok(match kind {
            Kind::Key => Holds::Keys(key()?),
            Kind::KeyOrTemporary => {
                let keys = key()?.with_token(field(names.token).map(Into::into));
                Holds::Keys(Credentials { account_id: field(names.account), ..keys })
            }
            Kind::Temporary => Holds::Keys(key()?.with_token(Some(need(names.token)?.into()))),
            Kind::Role => Holds::Role { role: need(names.role)?, terms, by: Box::new(Holds::Keys(key()?)) },
            Kind::Chained => {
                let source = need(names.source)?;
                let chain =
                    chain.checked_sub(1).ok_or_else(|| format!("the profiles behind `{name}` form a circle"))?;
                let behind = find(file, &source)
                    .ok_or_else(|| format!("it has no profile `{source}`, which another one names as its source"))?;
                let by = Box::new(self.holds(file, &source, behind, chain)?);
                Holds::Role { role: need(names.role)?, terms, by }
            }
            Kind::Federated => Holds::Federated {
                role: need(names.role)?,
                terms,
                provider: need(names.provider)?,
                token_file: need(names.token_file)?.into(),
            },
            Kind::Program => Holds::Program(need(names.program)?.split_ascii_whitespace().map(str::to_owned).collect()),
        })
    }
}

fn find<'a>(file: &'a Value, name: &str) -> Option<Row<'a>> {
    let profiles = file["profiles"].as_array()?;
    profiles.iter().find(|profile| profile["name"].as_str() == Some(name)).map(Row)
}

/// An INI file in the form of the other one: of a key that stands twice, the first counts, like of a section.
fn as_json(text: &str) -> Value {
    let profiles = ini(text).into_iter().map(|(name, pairs)| {
        let mut fields: serde_json::Map<String, Value> = pairs
            .into_iter()
            .rev()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key, Value::String(value)))
            .collect();
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
