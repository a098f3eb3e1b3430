//! A vendor's IAM policy that grants some permissions: JSON of one statement.

use serde::Serialize;

/// How a vendor writes a policy.
#[derive(Debug)]
pub struct PolicySpec {
    /// Of the language of policies.
    pub version: &'static str,
    /// The resource that it is granted on; `None` where the vendor wants none.
    pub resource: Option<&'static str>,
    /// Permissions that are always granted, too.
    pub always: &'static [&'static str],
}

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
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'static str>,
}

impl PolicySpec {
    /// The vendor has no policies: its permissions are chosen by name.
    pub const NAMES: Self = Self { version: "", resource: None, always: &[] };

    /// How people call what [`PolicySpec::granting`] gives.
    pub fn title(&self) -> &'static str {
        if self.version.is_empty() { "the permissions" } else { "the smallest policy" }
    }

    /// The policy that grants these permissions and nothing else, ready to paste.
    pub fn granting(&self, permissions: &[&str]) -> String {
        if self.version.is_empty() {
            return permissions.join("\n");
        }
        let mut action = permissions.to_vec();
        action.extend(self.always.iter().filter(|permission| !permissions.contains(permission)));
        let statement = [Statement { effect: "Allow", action, resource: self.resource }];
        serde_json::to_string_pretty(&Policy { version: self.version, statement }).expect("texts are JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_allows_these_actions_on_what_they_are_for_and_nothing_else() {
        let spec = PolicySpec { version: "1", resource: Some("*"), always: &[] };
        let text = r#"{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "cdn:Refresh",
        "cdn:Quota"
      ],
      "Resource": "*"
    }
  ]
}"#;
        assert_eq!(spec.granting(&["cdn:Refresh", "cdn:Quota"]), text);
    }

    #[test]
    fn a_vendor_without_policies_has_its_permissions_listed() {
        assert_eq!(PolicySpec::NAMES.granting(&["Cache Purge: Purge", "Zone: Read"]), "Cache Purge: Purge\nZone: Read");
    }

    #[test]
    fn a_permission_that_is_always_granted_is_listed_once() {
        let spec = PolicySpec { version: "1.1", resource: None, always: &["cdn:see"] };
        let text = spec.granting(&["cdn:do"]);
        assert!(text.contains("\"cdn:do\",\n        \"cdn:see\"") && !text.contains("Resource"), "{text}");
        assert_eq!(spec.granting(&["cdn:do", "cdn:see"]), text);
    }
}
