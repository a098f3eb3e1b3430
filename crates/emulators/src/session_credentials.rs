//! Credentials that expire, as a vendor's token service issues them. They follow from their id and the secret of the settings, so
//! that all products of a vendor, each an emulator of its own, accept those that any of them issued.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::EmulatorSettings;
use crate::signing::hmac_sha256;

/// What a token service issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCredentials {
    /// The access key's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The token that goes with it.
    pub token: String,
    /// When it expires, on the vendor's clock.
    pub expires: Timestamp,
}

/// A key that an emulator accepts.
pub(crate) struct KnownKey {
    pub(crate) secret: String,
    /// The token that must come with it, if any.
    pub(crate) token: Option<String>,
    pub(crate) expires: Option<Timestamp>,
}

impl EmulatorSettings {
    /// Issues credentials that expire so long after `now`, or after the settings' own duration if that is shorter. Their ids begin
    /// with `prefix`.
    pub fn issue(&self, prefix: &str, now: Timestamp, duration: Duration) -> SessionCredentials {
        let expires = now.saturating_add(duration.min(self.session_duration)).unwrap_or(now);
        let id = format!("{prefix}{:012x}", expires.as_millisecond());
        self.issued(prefix, &id).expect("an id that was made right here")
    }

    /// The session credentials with this id, if they can have been issued.
    fn issued(&self, prefix: &str, id: &str) -> Option<SessionCredentials> {
        let expires = i64::from_str_radix(id.strip_prefix(prefix)?, 16).ok()?;
        let expires = Timestamp::from_millisecond(expires).ok()?;
        let derived = |what: &str| {
            let data = format!("{what} of {id}");
            URL_SAFE_NO_PAD.encode(hmac_sha256(self.access_key_secret.expose_secret(), &data))
        };
        Some(SessionCredentials { id: id.to_owned(), secret: derived("secret"), token: derived("token"), expires })
    }

    /// The key with this id: one that a token service issued, or the account's own.
    pub(crate) fn key(&self, prefix: &str, id: &str) -> Option<KnownKey> {
        let issued = self.issued(prefix, id);
        let issued =
            issued.map(|key| KnownKey { secret: key.secret, token: Some(key.token), expires: Some(key.expires) });
        issued.or_else(|| {
            (id == self.access_key_id).then(|| KnownKey {
                secret: self.access_key_secret.expose_secret().to_owned(),
                token: self.security_token.as_ref().map(|token| token.expose_secret().to_owned()),
                expires: None,
            })
        })
    }
}

/// What is wrong with an OIDC token. Its signature isn't checked: an emulator doesn't have the issuer's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It has no three parts, or the middle one holds no claims.
    Malformed,
    /// It has expired.
    Expired,
    /// It is for another audience.
    Audience,
}

/// Checks a token: its shape, its expiry, and its audience.
pub(crate) fn flaw(token: &str, audience: &str, now: Timestamp) -> Option<Flaw> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, claims, _] = parts[..] else { return Some(Flaw::Malformed) };
    let claims = URL_SAFE_NO_PAD.decode(claims).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let Some(claims) = claims.filter(Value::is_object) else { return Some(Flaw::Malformed) };
    if claims["exp"].as_i64().is_none_or(|end| end <= now.as_second()) {
        return Some(Flaw::Expired);
    }
    let is_for = |value: &Value| value.as_str() == Some(audience);
    let fits = is_for(&claims["aud"]) || claims["aud"].as_array().is_some_and(|list| list.iter().any(is_for));
    (!fits).then_some(Flaw::Audience)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_is_good_in_its_time_and_for_its_audience() {
        let now = Timestamp::from_second(1_000).unwrap();
        assert_eq!(flaw(&token(r#"{"aud":"sts","exp":1001}"#), "sts", now), None);
        assert_eq!(flaw(&token(r#"{"aud":["x","sts"],"exp":1001}"#), "sts", now), None);
        assert_eq!(flaw(&token(r#"{"aud":"sts","exp":1000}"#), "sts", now), Some(Flaw::Expired));
        assert_eq!(flaw(&token(r#"{"aud":"x","exp":1001}"#), "sts", now), Some(Flaw::Audience));
        for bad in ["", "a.b", "a.b.c", "a.b.c.d", &token("[]")] {
            assert_eq!(flaw(bad, "sts", now), Some(Flaw::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_key_is_known_again_by_whoever_has_the_same_secret() {
        let settings = EmulatorSettings::default();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let key = settings.issue("T.", now, Duration::from_secs(900));
        assert_eq!(key.expires, now + Duration::from_secs(900));
        assert_eq!(settings.issued("T.", &key.id), Some(key.clone()));
        let other = EmulatorSettings { access_key_secret: "other".into(), ..settings.clone() };
        assert_ne!(other.issued("T.", &key.id).unwrap().secret, key.secret);
        assert_eq!((settings.issued("T.", "demonstration-key"), settings.issued("T.", "T.x")), (None, None));
    }
}
