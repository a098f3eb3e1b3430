//! Permissions → the RAM policy that grants them.
//!
//! Version, fields and wildcard: "Policy structure and syntax" of 2026-05-27, www.alibabacloud.com/help/document_detail/93739.html

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
    action: &'a [&'a str],
    resource: &'static str,
}

/// For every resource: not each of these calls can be narrowed to a domain.
pub(super) fn policy(permissions: &[&str]) -> String {
    let statement = [Statement { effect: "Allow", action: permissions, resource: "*" }];
    serde_json::to_string_pretty(&Policy { version: "1", statement }).expect("texts are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_allows_these_actions_and_nothing_else() {
        let text = policy(&["cdn:RefreshObjectCaches", "cdn:DescribeRefreshQuota"]);
        let expected = r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "cdn:RefreshObjectCaches",
        "cdn:DescribeRefreshQuota"
      ],
      "Resource": "*"
    }
  ]
}"#;
        assert_eq!(text, expected);
    }
}
