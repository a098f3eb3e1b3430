//! The remote's URL, and the credentials that may be sent there and nowhere else.
//!
//! Pure. A token goes to the one host that it belongs to: the CI's token to the CI's own server, and a header in git's settings
//! to the URL that it is for.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::environment::Environment;
use crate::git::range::{Host, variable};

/// Where commits are fetched from.
#[derive(Debug)]
pub(super) enum Remote {
    /// A server that speaks git over HTTP.
    Server {
        /// Without credentials.
        url: Url,
        /// To be tried in this order; none: anonymously.
        credentials: Vec<Credential>,
    },
    /// A folder of this machine.
    Folder(PathBuf),
}

/// The value of an `Authorization` header, and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    /// For messages: ``the option `token` ``.
    pub(super) place: &'static str,
    pub(super) header: SecretString,
    /// Never to be printed: the token itself, and the header's encoded part.
    pub(super) secrets: Vec<SecretString>,
}

impl Credential {
    fn basic(place: &'static str, user: &str, password: &str) -> Self {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        let secrets = vec![SecretString::from(password), SecretString::from(encoded.as_str())];
        Self { place, header: SecretString::from(format!("Basic {encoded}")), secrets }
    }

    /// A header as git's settings hold it; `None` if it is another one than `Authorization`.
    fn from_settings(line: &str) -> Option<Self> {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        if !name.trim().eq_ignore_ascii_case("authorization") || value.is_empty() {
            return None;
        }
        let token = value.split_once(' ').map_or(value, |(_, token)| token.trim());
        let mut secrets = vec![SecretString::from(token)];
        let decoded = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((_, password)) = decoded.as_deref().and_then(|pair| pair.split_once(':')) {
            secrets.push(SecretString::from(password));
        }
        Some(Self { place: "git's setting `http.extraheader`", header: SecretString::from(value), secrets })
    }
}

/// The settings that lead to a remote.
pub(super) struct Settings<'a> {
    /// The remote's URL as git has it.
    pub(super) url: &'a str,
    /// Git's extra headers, each with the URL that it is for.
    pub(super) extra_headers: &'a [(String, String)],
    /// `token`, if given.
    pub(super) token: Option<&'a SecretString>,
    pub(super) environment: &'a Environment,
}

impl Remote {
    /// Reads the settings.
    ///
    /// # Errors
    /// A URL that nothing can be fetched from, as text for a message; never with the URL's credentials.
    pub(super) fn of(settings: &Settings<'_>) -> Result<Self, String> {
        let host = Host::of(settings.environment);
        let server = server_of(host, settings.environment);
        if let Some(folder) = folder(settings.url) {
            return Ok(Self::Folder(folder));
        }
        let mut url = match parse(settings.url) {
            Some(url) => url,
            None => return Err("the remote's URL can't be understood".to_owned()),
        };
        if url.scheme() == "ssh" {
            // The CI's own server has the same repositories at the same paths over https.
            let Some(server) = server.as_ref().filter(|server| server.host_str() == url.host_str()) else {
                return Err("the remote is reached over ssh, and only https is spoken here".to_owned());
            };
            let mut over_https = server.clone();
            over_https.set_path(url.path());
            url = over_https;
        }
        if !matches!(url.scheme(), "https" | "http") {
            return Err(format!("the remote is reached over {}, and only https is spoken here", url.scheme()));
        }
        let mut credentials = Vec::new();
        let is_own_server = server.as_ref().is_some_and(|server| server.origin() == url.origin());
        credentials.extend(given(settings, host, is_own_server));
        credentials.extend(from_settings(settings.extra_headers, &url));
        credentials.extend(from_url(&url));
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self::Server { url, credentials })
    }
}

/// The URL of the CI's own server.
fn server_of(host: Host, environment: &Environment) -> Option<Url> {
    let url = match host {
        Host::GitHub => variable(environment, "GITHUB_SERVER_URL")?.to_owned(),
        Host::GitLab => match variable(environment, "CI_SERVER_URL") {
            Some(url) => url.to_owned(),
            None => format!("https://{}", variable(environment, "CI_SERVER_HOST")?),
        },
        _ => return None,
    };
    Url::parse(&url).ok()
}

/// The credentials that a person or the CI gave. On a CI that has a server of its own, for that server only.
fn given(settings: &Settings<'_>, host: Host, is_own_server: bool) -> Vec<Credential> {
    if !is_own_server && matches!(host, Host::GitHub | Host::GitLab) {
        return Vec::new();
    }
    // GitLab takes any user name along with a token of a person or a project, GitHub any at all.
    let user = if host == Host::GitLab { "oauth2" } else { "x-access-token" };
    let option = settings.token.map(|token| Credential::basic("the option `token`", user, token.expose_secret()));
    let own = match host {
        Host::GitHub => variable(settings.environment, "GITHUB_TOKEN")
            .map(|token| Credential::basic("`GITHUB_TOKEN`", "x-access-token", token)),
        Host::GitLab => variable(settings.environment, "CI_JOB_TOKEN")
            .map(|token| Credential::basic("`CI_JOB_TOKEN`", "gitlab-ci-token", token)),
        _ => None,
    };
    option.into_iter().chain(own).collect()
}

/// The headers that git itself would send to this URL: those of the longest matching URL.
fn from_settings(headers: &[(String, String)], url: &Url) -> Vec<Credential> {
    let mut best: Vec<(usize, &str)> = Vec::new();
    for (scope, line) in headers {
        let Some(weight) = matches(scope, url) else { continue };
        if line.is_empty() {
            // Git takes an empty value for "none of the above".
            best.clear();
        } else {
            best.push((weight, line));
        }
    }
    let longest = best.iter().map(|(weight, _)| *weight).max();
    let best = best.into_iter().filter(|(weight, _)| Some(*weight) == longest);
    best.filter_map(|(_, line)| Credential::from_settings(line)).collect()
}

/// How long the path is that a setting's URL has in common with `url`; `None` if it is for another URL.
fn matches(scope: &str, url: &Url) -> Option<usize> {
    if scope.is_empty() {
        return Some(0);
    }
    let scope = Url::parse(scope).ok()?;
    let is_for_user = scope.username().is_empty() || scope.username() == url.username();
    if scope.origin() != url.origin() || !is_for_user {
        return None;
    }
    let (path, whole) = (scope.path().trim_end_matches('/'), url.path());
    let rest = whole.strip_prefix(path)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(path.len() + 1)
}

/// User and password of a URL.
fn from_url(url: &Url) -> Option<Credential> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(url.username()), url.password().map(decoded));
    match password {
        Some(password) => Some(Credential::basic("the remote's URL", &user, &password)),
        // A token alone, in the user's place.
        None if !user.is_empty() && url.scheme() != "ssh" => {
            let mut credential = Credential::basic("the remote's URL", &user, "");
            credential.secrets = vec![SecretString::from(user), credential.secrets.remove(1)];
            Some(credential)
        }
        None => None,
    }
}

/// The folder that a URL names: `file:///srv/site.git`, `/srv/site.git`, `../site.git`.
fn folder(url: &str) -> Option<PathBuf> {
    if let Some(path) = url.strip_prefix("file://") {
        let path = path.strip_prefix("localhost").unwrap_or(path);
        let bytes: Vec<u8> = percent_decode_str(path).collect();
        return path.starts_with('/').then(|| PathBuf::from(String::from_utf8_lossy(&bytes).into_owned()));
    }
    let is_path = url.starts_with(['/', '.']) || !url.contains(':');
    is_path.then(|| PathBuf::from(url))
}

/// A URL with its scheme, or `user@host:path` as ssh has it.
fn parse(url: &str) -> Option<Url> {
    if url.contains("://") {
        return Url::parse(url).ok().filter(Url::has_host);
    }
    let (host, path) = url.split_once(':')?;
    Url::parse(&format!("ssh://{host}/{}", path.trim_start_matches('/'))).ok().filter(Url::has_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2-token";

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn github() -> Environment {
        environment(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_TOKEN", "from-environment"),
        ])
    }

    /// The source, and the headers with their places, decoded.
    fn remote(url: &str, headers: &[(&str, &str)], token: bool, environment: &Environment) -> Result<String, String> {
        let headers: Vec<_> = headers.iter().map(|(scope, line)| (scope.to_string(), line.to_string())).collect();
        let token = token.then(|| SecretString::from(SECRET));
        let settings = Settings { url, extra_headers: &headers, token: token.as_ref(), environment };
        let (mut text, credentials) = match Remote::of(&settings)? {
            Remote::Server { url, credentials } => (url.to_string(), credentials),
            Remote::Folder(folder) => (folder.display().to_string(), Vec::new()),
        };
        for credential in credentials {
            let header = credential.header.expose_secret();
            let encoded = header.split_once(' ').unwrap().1;
            let decoded = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
            text += &format!("; {decoded} of {}", credential.place);
        }
        Ok(text)
    }

    #[test]
    fn the_tokens_of_a_ci_go_to_its_own_server_only() {
        let own = "https://github.com/o/r; x-access-token:hunter2-token of the option `token`; \
                   x-access-token:from-environment of `GITHUB_TOKEN`";
        assert_eq!(remote("https://github.com/o/r", &[], true, &github()).unwrap(), own);
        for elsewhere in [
            "https://github.com.example/o/r",
            "https://example.com/github.com",
            "http://github.com/o/r",
            "https://github.com:8443/o/r",
        ] {
            assert_eq!(remote(elsewhere, &[], true, &github()).unwrap(), elsewhere);
        }
        let gitlab = environment(&[
            ("GITLAB_CI", "true"),
            ("CI_SERVER_URL", "https://gitlab.example:8443"),
            ("CI_JOB_TOKEN", "job"),
        ]);
        let own = remote("https://gitlab.example:8443/o/r.git", &[], false, &gitlab).unwrap();
        assert_eq!(own, "https://gitlab.example:8443/o/r.git; gitlab-ci-token:job of `CI_JOB_TOKEN`");
        assert_eq!(remote("https://other.example/r", &[], true, &gitlab).unwrap(), "https://other.example/r");
    }

    #[test]
    fn outside_of_a_ci_only_a_token_that_was_given_is_shown() {
        let local = environment(&[("GITHUB_TOKEN", "x"), ("CI_JOB_TOKEN", "y")]);
        assert_eq!(remote("https://git.example/r", &[], false, &local).unwrap(), "https://git.example/r");
        let given = remote("https://git.example/r", &[], true, &local).unwrap();
        assert_eq!(given, "https://git.example/r; x-access-token:hunter2-token of the option `token`");
    }

    #[test]
    fn what_the_checkout_left_is_used_for_the_url_it_was_left_for() {
        let header = format!("AUTHORIZATION: basic {}", STANDARD.encode("x-access-token:left"));
        let found = |setting: &str| remote("https://github.com/o/r", &[(setting, &header)], false, &Environment::new());
        for setting in
            ["https://github.com/", "https://github.com", "https://GitHub.com/o", "https://github.com/o/r", ""]
        {
            assert!(found(setting).unwrap().contains("left of git's setting"), "{setting}");
        }
        for setting in
            ["https://github.com/o/re", "https://github.example/", "http://github.com/", "https://me@github.com/"]
        {
            assert!(!found(setting).unwrap().contains("left"), "{setting}");
        }
        let other = remote("https://github.com/o/r", &[("", "X-Custom: 1")], false, &Environment::new()).unwrap();
        assert_eq!(other, "https://github.com/o/r");
        let reset = [("", header.as_str()), ("https://github.com/", "")];
        assert_eq!(
            remote("https://github.com/o/r", &reset, false, &Environment::new()).unwrap(),
            "https://github.com/o/r"
        );
    }

    #[test]
    fn credentials_in_the_url_are_taken_out_of_it() {
        let found = remote("https://gitlab-ci-token:a%40b@gitlab.example/o/r.git", &[], false, &Environment::new());
        assert_eq!(found.unwrap(), "https://gitlab.example/o/r.git; gitlab-ci-token:a@b of the remote's URL");
        let settings = Settings {
            url: "https://ghp_secret@github.com/o/r",
            extra_headers: &[],
            token: None,
            environment: &Environment::new(),
        };
        let Ok(Remote::Server { credentials, .. }) = Remote::of(&settings) else { panic!("a server") };
        let secrets: Vec<&str> = credentials[0].secrets.iter().map(SecretString::expose_secret).collect();
        assert_eq!(secrets, ["ghp_secret", &STANDARD.encode("ghp_secret:")]);
    }

    #[test]
    fn folders_are_read_where_they_are() {
        let local = Environment::new();
        assert_eq!(remote("file:///srv/a%20b.git", &[], true, &local).unwrap(), "/srv/a b.git");
        assert_eq!(remote("/srv/site", &[], true, &local).unwrap(), "/srv/site");
        assert_eq!(remote("../site", &[], true, &local).unwrap(), "../site");
    }

    #[test]
    fn ssh_to_the_own_server_becomes_https_and_elsewhere_it_is_refused() {
        for url in ["git@github.com:o/r.git", "ssh://git@github.com/o/r.git"] {
            let found = remote(url, &[], false, &github()).unwrap();
            assert_eq!(found, "https://github.com/o/r.git; x-access-token:from-environment of `GITHUB_TOKEN`");
        }
        assert!(remote("git@example.com:o/r.git", &[], true, &github()).unwrap_err().contains("ssh"));
        assert!(remote("git://github.com/o/r", &[], true, &github()).unwrap_err().contains("over git"));
        assert!(remote("ext::sh -c touch% /tmp/x", &[], true, &github()).is_err());
    }
}
