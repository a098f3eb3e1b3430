//! Keys that end, from the vendor's STS, for a token (`AssumeAgencyWithOIDC`). The vendor calls a role an agency. What all of it
//! is called stands in `spec/keys.rs`.
//!
//! Source: `sts 3.1.219`, huaweicloudsdksts 3.1.219 for Python, whose request is in `tests/vectors/huawei-oidc.json`. Nobody tried it
//! on a live account: the spelling of the names, and whether the CDN takes keys of an agency, are unproven.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::provider::exchange::{Asked, Proof};
use crate::provider::{ApiError, ApiErrorKind};

/// The call. Source: sts 3.1.219.
pub(super) const API: &str = "AssumeAgencyWithOIDC";
/// Its path. Source: sts 3.1.219.
pub(super) const PATH: &str = "/v5/agencies/assume-with-oidc";

/// How long the keys shall live, in seconds: the default of the vendor's. Source: sts 3.1.219.
const LIFE: u32 = 3_600;

/// The request to the vendor's Security Token Service.
pub(super) fn request(asked: &Asked<'_>, _: Timestamp, _: &str) -> Result<Request<Bytes>, ApiError> {
    let Proof::Token { provider, token } = asked.proof else {
        return Err(ApiError::new(ApiErrorKind::Credentials, API, "an agency is assumed with a token only"));
    };
    let body = json!({
        "provider_urn": provider,
        "agency_urn": asked.role,
        "agency_session_name": asked.session,
        "id_token": token.expose_secret(),
        "duration_seconds": asked.life.unwrap_or(LIFE),
    });
    Request::post(format!("{}{PATH}", asked.endpoint.as_str().trim_end_matches('/')))
        .header("content-type", "application/json;charset=UTF-8")
        .body(Bytes::from(body.to_string()))
        .map_err(|_| ApiError::new(ApiErrorKind::Credentials, API, "the endpoint makes no address"))
}

#[cfg(test)]
mod tests {
    use http::Response;
    use secrecy::SecretString;
    use serde_json::Value;
    use url::Url;

    use super::super::spec::{EXCHANGE, PROFILES};
    use super::*;
    use crate::provider::profile::Holds;

    #[test]
    fn the_request_is_the_one_of_the_vendors_sdk() {
        let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/huawei-oidc.json")).unwrap();
        let vector = &file["oidc_sts_v5"][0];
        let mut theirs: Value = serde_json::from_str(vector["body_text"].as_str().unwrap()).unwrap();
        let text = |name: &str| theirs[name].as_str().unwrap().to_owned();
        let (role, session, provider) = (text("agency_urn"), text("agency_session_name"), text("provider_urn"));
        let token = SecretString::from(text("id_token"));
        let endpoint = Url::parse("http://127.0.0.1:18432").unwrap();
        let proof = Proof::Token { provider: &provider, token: &token };
        let (external_id, life) = (None, None);
        let asked = Asked { endpoint: &endpoint, role: &role, session: &session, external_id, life, proof };
        let ours = request(&asked, Timestamp::UNIX_EPOCH, "").unwrap();
        assert_eq!((ours.method().as_str(), ours.uri().path()), ("POST", vector["target"].as_str().unwrap()));
        assert_eq!(ours.headers()["content-type"], "application/json;charset=UTF-8");
        theirs["duration_seconds"] = LIFE.into();
        assert_eq!(serde_json::from_slice::<Value>(ours.body()).unwrap(), theirs);
        let body = r#"{"credentials":{"access_key_id":"i","secret_access_key":"s","security_token":"t","expiration":"2099-01-01T00:00:00.000000Z"}}"#;
        let keys = EXCHANGE.read(&asked, &Response::new(Bytes::from_static(body.as_bytes()))).unwrap();
        assert_eq!(keys.expires, Some("2099-01-01T00:00:00Z".parse().unwrap()));
        let refusal = Response::builder().status(403).body(Bytes::from_static(b"{}")).unwrap();
        assert!(EXCHANGE.read(&asked, &refusal).is_err());
    }

    #[test]
    fn the_libraries_file_is_read_by_its_section_global() {
        let read = |text: &str| PROFILES[0].read(text, &|_| None);
        let text = "[basic]\nak=x\nsk=y\n[global]\nak = i\nsk = s\ndomain_id = d\n";
        let Holds::Keys(keys) = read(text).unwrap().unwrap().holds else { panic!("no keys") };
        assert_eq!((keys.access_key_id.as_str(), keys.account_id.as_deref()), ("i", Some("d")));
        assert!(read("[basic]\nak=x\nsk=y\n").unwrap().is_err());
        assert!(read("[global]\nidp_id=x\n").is_err());
    }
}
