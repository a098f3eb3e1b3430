//! Credentials: the file of the vendor's libraries, and a role's by an OIDC token.

use super::super::{PROFILES, Sts};
use super::*;
use crate::credentials::profile::read;
use crate::provider::assume_role::{Proof, RoleRequest, RoleService};
use crate::provider::profile::ProfileCredentials;

fn role() -> RoleRequest {
    RoleRequest {
        endpoint: url::Url::parse("https://sts.tencentcloudapi.com").unwrap(),
        role: "qcs::cam::uin/100000000001:roleName/ci".into(),
        session: "cdn-purge-1".into(),
        external_id: None,
        duration: None,
        policy: None,
    }
}

fn token(audience: &str, end: i64) -> String {
    use base64::Engine as _;
    let claims = format!(r#"{{"aud":"{audience}","exp":{end}}}"#);
    format!("e30.{}.c2ln", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims))
}

#[test]
fn a_role_is_a_cam_role_and_nothing_else() {
    assert!(Sts.spec().is_role(&role().role));
    for other in ["acs:ram::1:role/ci", "qcs::cam::uin/:roleName/ci", "qcs::cam::uin/1:roleName/", "ci"] {
        assert!(!Sts.spec().is_role(other), "{other}");
    }
}

#[test]
fn an_oidc_token_gives_credentials_that_the_cdn_takes_until_they_expire() {
    let line = friendly();
    let assume = |token: &str| {
        let token = token.into();
        block_on(Sts.assume(&role(), Proof::OidcToken { provider: "gitlab", token: &token }, &line))
    };
    let issued = assume(&token("sts.tencentcloudapi.com", 4_000_000_000)).unwrap();
    let request = line.last_request();
    assert_eq!(request.headers()["authorization"], "SKIP");
    assert!(!request.headers().contains_key("x-tc-token"));
    assert_eq!(issued.expires, Some(start() + SignedDuration::from_hours(1)));
    let key = issued.credentials.access_key("test").unwrap().clone();
    line.submit(&*open_cdn(context(&[], key.clone())), FILES, &[URL]).unwrap();
    line.pass(3_700);
    let error = line.submit(&*open_cdn(context(&[], key)), FILES, &[URL]).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Expired);
    for (bad, kind) in
        [(token("elsewhere", 4_000_000_000), ApiErrorKind::Credentials), ("nonsense".into(), ApiErrorKind::Credentials)]
    {
        let error = assume(&bad).err().unwrap();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.help.unwrap().contains("trust policy") && !error.message.contains(&bad));
    }
    let forbidden = super::line(&EmulatorSettings {
        forbid: vec!["AssumeRoleWithWebIdentity".into()],
        ..EmulatorSettings::default()
    });
    let token = token("sts.tencentcloudapi.com", 4_000_000_000).into();
    let error = block_on(Sts.assume(&role(), Proof::OidcToken { provider: "gitlab", token: &token }, &forbidden))
        .err()
        .unwrap();
    assert_eq!(error.kind, ApiErrorKind::Forbidden);
    let key = access_key(&EmulatorSettings::default());
    assert!(block_on(Sts.assume(&role(), Proof::AccessKey(&key), &line)).is_err());
}

#[test]
fn the_libraries_file_is_read_by_its_section_default() {
    let read = |text: &str| read(&PROFILES[0], text, None, &Default::default());
    let (_, ProfileCredentials::Key(key)) = read("[default]\nsecret_id = i\nsecret_key = s\n").unwrap().unwrap() else {
        panic!("no access key")
    };
    assert_eq!(key.id, "i");
    assert!(read("[default]\nsecret_id = i\n").is_err());
}

#[test]
fn temporary_keys_need_their_token() {
    let settings = EmulatorSettings { security_token: Some("a/token+==".into()), ..EmulatorSettings::default() };
    let line = line(&settings);
    let submit = |token: Option<&str>| {
        let key = access_key(&EmulatorSettings::default()).with_token(token.map(Into::into));
        line.submit(&*open_cdn(context(&[], key)), FILES, &[URL])
    };
    assert!(submit(Some("a/token+==")).is_ok());
    assert_eq!(submit(None).unwrap_err().kind, ApiErrorKind::Expired);
    let unknown = AccessKey::new("nobody", "s".into());
    let error = line.submit(&*open_cdn(context(&[], unknown)), FILES, &[URL]).unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ApiErrorKind::Credentials, Some("AuthFailure.SecretIdNotFound")));
}
