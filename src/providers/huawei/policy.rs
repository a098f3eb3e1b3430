//! Permissions → the custom IAM policy that grants them.
//!
//! Version and fields: the vendor's pages about custom policies for CDN, policies 2026 (see `spec.rs`).

use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy<'a> {
    version: &'static str,
    statement: [Statement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    effect: &'static str,
    action: Vec<&'a str>,
}

/// Without it an IAM user can't act on domains, whatever else is granted: policies 2026.
const DOMAINS: &str = "cdn:configuration:queryDomains";

/// Beside the permissions the one that the vendor wants with each of them.
pub(super) fn policy(permissions: &[&str]) -> String {
    let mut action = permissions.to_vec();
    if !action.contains(&DOMAINS) {
        action.push(DOMAINS);
    }
    let statement = [Statement { effect: "Allow", action }];
    serde_json::to_string_pretty(&Policy { version: "1.1", statement }).expect("texts are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_allows_these_actions_and_the_sight_of_domains() {
        let text = policy(&["cdn:configuration:refreshCache"]);
        let expected = r#"{
  "Version": "1.1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "cdn:configuration:refreshCache",
        "cdn:configuration:queryDomains"
      ]
    }
  ]
}"#;
        assert_eq!(text, expected);
        assert_eq!(policy(&["cdn:configuration:refreshCache", DOMAINS]), text);
    }
}
