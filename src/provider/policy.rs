//! A vendor's IAM policy that grants some permissions: JSON of one statement.

use serde_json::Value;

/// How a vendor writes a policy.
#[derive(Debug)]
pub struct PolicySpec {
    /// Of the language of policies.
    pub version: &'static str,
    /// Whether its words are in lower case: `allow` for `Allow`.
    pub is_lower_case: bool,
    /// The resource that it is granted on; `None` where the vendor wants none.
    pub resource: Option<&'static str>,
    /// Permissions that are always granted, too.
    pub always: &'static [&'static str],
}

impl PolicySpec {
    /// The vendor has no policies: its permissions are chosen by name.
    pub const NAMES: Self = Self { version: "", is_lower_case: false, resource: None, always: &[] };

    /// How people call what [`PolicySpec::granting`] gives.
    pub fn title(&self) -> &'static str {
        if self.version.is_empty() { "the permissions" } else { "the smallest policy" }
    }

    /// The policy that grants these permissions and nothing else, ready to paste.
    pub fn granting(&self, permissions: &[&str]) -> String {
        if self.version.is_empty() {
            return permissions.join("\n");
        }
        let more = self.always.iter().filter(|permission| !permissions.contains(permission));
        let actions: Vec<String> =
            permissions.iter().chain(more).map(|action| format!("        {}", Value::from(*action))).collect();
        let word =
            |word: &str| format!("\"{}\"", if self.is_lower_case { word.to_lowercase() } else { word.to_owned() });
        let resource =
            self.resource.map(|resource| format!(",\n      {}: {}", word("Resource"), Value::from(resource)));
        format!(
            "{{\n  {}: \"{}\",\n  {}: [\n    {{\n      {}: {},\n      {}: [\n{}\n      ]{}\n    }}\n  ]\n}}",
            word("Version"),
            self.version,
            word("Statement"),
            word("Effect"),
            word("Allow"),
            word("Action"),
            actions.join(",\n"),
            resource.unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_allows_these_actions_on_what_they_are_for_and_nothing_else() {
        let spec = PolicySpec { version: "1", is_lower_case: false, resource: Some("*"), always: &[] };
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
    fn some_vendors_write_the_words_in_lower_case() {
        let spec = PolicySpec { version: "2.0", is_lower_case: true, resource: Some("*"), always: &[] };
        let policy: Value = serde_json::from_str(&spec.granting(&["cdn:PurgeUrlsCache"])).unwrap();
        let statement = serde_json::json!({"effect": "allow", "action": ["cdn:PurgeUrlsCache"], "resource": "*"});
        assert_eq!(policy, serde_json::json!({"version": "2.0", "statement": [statement]}));
    }

    #[test]
    fn a_permission_that_is_always_granted_is_listed_once() {
        let spec = PolicySpec { version: "1.1", is_lower_case: false, resource: None, always: &["cdn:see"] };
        let text = spec.granting(&["cdn:do"]);
        assert!(text.contains("\"cdn:do\",\n        \"cdn:see\"") && !text.contains("Resource"), "{text}");
        assert_eq!(spec.granting(&["cdn:do", "cdn:see"]), text);
    }
}
