//! Keys that end, as the emulators give them. All of a key follows from its id and the secret of the settings, so that the
//! products of a vendor, each an emulator of its own, know the keys that any of them gave.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::Sha256;

use super::EmulatorSettings;

/// A key that an emulator gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemporaryKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The token that goes with it.
    pub token: String,
    /// When it ends, on the vendor's clock.
    pub ends: Timestamp,
}

impl EmulatorSettings {
    /// A key that ends so long after `now`, or after the settings' own time if that is shorter.
    pub fn give(&self, prefix: &str, now: Timestamp, life: Duration) -> TemporaryKey {
        let ends = now.saturating_add(life.min(self.token_life)).unwrap_or(now);
        let id = format!("{prefix}{:012x}", ends.as_millisecond());
        self.given(prefix, &id).expect("an id that was made right here")
    }

    /// The key of this id, if one was given.
    pub fn given(&self, prefix: &str, id: &str) -> Option<TemporaryKey> {
        let ends = i64::from_str_radix(id.strip_prefix(prefix)?, 16).ok()?;
        let ends = Timestamp::from_millisecond(ends).ok()?;
        Some(TemporaryKey {
            id: id.to_owned(),
            secret: self.derived("secret", id),
            token: self.derived("token", id),
            ends,
        })
    }

    fn derived(&self, what: &str, id: &str) -> String {
        let secret = self.access_key_secret.expose_secret().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(format!("{what} of {id}").as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

/// What is wrong with an OIDC token, as far as an emulator without the issuer's keys can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It has no three parts, or the middle one holds no claims.
    Malformed,
    /// It has ended.
    Expired,
    /// It is for somebody else.
    Audience,
}

/// Looks at a token: its shape, its end, and whom it is for.
pub fn flaw(token: &str, audience: &str, now: Timestamp) -> Option<Flaw> {
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
    fn a_token_is_good_in_its_time_and_for_whom_it_is_for() {
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
        let key = settings.give("T.", now, Duration::from_secs(900));
        assert_eq!(key.ends, now + Duration::from_secs(900));
        assert_eq!(settings.given("T.", &key.id), Some(key.clone()));
        let other = EmulatorSettings { access_key_secret: "other".into(), ..settings.clone() };
        assert_ne!(other.given("T.", &key.id).unwrap().secret, key.secret);
        assert_eq!((settings.given("T.", "demonstration-key"), settings.given("T.", "T.x")), (None, None));
    }
}
