//! The permissions that a run needs at one target, by its settings.

use std::collections::BTreeSet;

use super::settings::{Changes, Settings, Target};
use crate::mapping::Overrides;
use crate::model::Operation;
use crate::provider::Spec;

/// What a run may ever ask of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredPermissions {
    /// In the order of [`Operation::ALL`]; empty when no rule is about the target.
    pub operations: Vec<Operation>,
    /// The hosts of its URLs, in lower case, as far as they are spelled out.
    pub hosts: BTreeSet<String>,
}

impl Settings {
    /// What a run may ever ask of a target. The hosts of URLs in a file aren't known.
    pub fn required_permissions(&self, target: &Target) -> RequiredPermissions {
        let mut wanted = BTreeSet::new();
        let mut hosts = BTreeSet::new();
        if let Changes::Urls(listing) = &self.changes {
            wanted.extend(self.refresh.unwrap_or(true).then_some(Operation::Refresh(listing.kind)));
            wanted.extend(self.prefetch.unwrap_or(false).then_some(Operation::Prefetch));
        } else {
            let overrides = Overrides { refresh: self.refresh, prefetch: self.prefetch };
            for rule in self.rules.iter().filter(|rule| rule.targets.contains(&target.name)) {
                let operations = rule.operations(overrides);
                if !operations.is_empty() {
                    hosts.extend(rule.hosts());
                }
                wanted.extend(operations);
            }
        }
        let offered =
            |operation: &Operation| wanted.contains(operation) && target.provider.operation(*operation).is_some();
        RequiredPermissions { operations: Operation::ALL.into_iter().filter(offered).collect(), hosts }
    }
}

impl RequiredPermissions {
    /// The permissions that a run takes, each once: those of the operations, then those to follow them, to look up what is
    /// in doubt, and to read the quota. None if nothing is sent.
    pub fn permissions(&self, spec: &'static Spec) -> Vec<&'static str> {
        let operations = self.operations.iter().filter_map(|operation| spec.operation(*operation));
        let reading = spec.reading_calls(&self.operations).into_iter().map(|(call, _)| call);
        let mut permissions: Vec<&str> = Vec::new();
        if self.operations.is_empty() {
            return permissions;
        }
        for permission in
            operations.map(|operation| operation.call.permission).chain(reading.map(|call| call.permission))
        {
            // Warming needs none.
            if !permission.is_empty() && !permissions.contains(&permission) {
                permissions.push(permission);
            }
        }
        permissions
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::CommandKind;
    use super::super::{Flags, read};
    use super::*;
    use crate::environment::Environment;

    const CONFIGURATION: &str = "version: 1
targets:
  cdn: {provider: alibaba-cdn}
  vod: {provider: alibaba-vod}
  idle: {provider: alibaba-cdn}
rules:
  - files: '**'
    urls: 'https://www.example.com/{path}'
    tags: 'https://www.example.com/#page-{stem}'
    targets: cdn
  - files: 'videos/**'
    urls: 'https://video.example.com/{tail}'
    targets: [cdn, vod]
    refresh: false
    prefetch: true
";

    fn settings(more: &[(&'static str, &str)]) -> Settings {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("cdn-purge.yml"), CONFIGURATION).unwrap();
        let mut flags = Flags::new();
        flags.add("repository", directory.path().to_str().unwrap());
        more.iter().for_each(|(name, value)| flags.add(name, *value));
        read(CommandKind::Check, &flags, &Environment::new()).unwrap()
    }

    fn permissions(settings: &Settings, name: &str) -> Vec<&'static str> {
        let target = settings.targets.iter().find(|target| &*target.name == name).unwrap();
        settings.required_permissions(target).permissions(target.provider)
    }

    #[test]
    fn a_target_needs_what_its_rules_do_and_no_more() {
        let settings = settings(&[]);
        let cdn = [
            "cdn:RefreshObjectCaches",
            "cdn:RefreshObjectCacheByCacheTag",
            "cdn:PushObjectCache",
            "cdn:DescribeRefreshTaskById",
            "cdn:DescribeRefreshTasks",
            "cdn:DescribeRefreshQuota",
        ];
        assert_eq!(permissions(&settings, "cdn"), cdn);
        // It follows its tasks by the list of records, which is one permission.
        let vod = ["vod:PreloadVodObjectCaches", "vod:DescribeVodRefreshTasks", "vod:DescribeVodRefreshQuota"];
        assert_eq!(permissions(&settings, "vod"), vod);
        assert!(permissions(&settings, "idle").is_empty());
        let hosts = settings
            .required_permissions(&settings.targets.iter().find(|target| &*target.name == "cdn").unwrap().clone())
            .hosts;
        assert_eq!(Vec::from_iter(hosts), ["video.example.com", "www.example.com"]);
    }

    #[test]
    fn flags_of_the_run_count_as_in_a_run() {
        let without = settings(&[("prefetch", "false")]);
        assert!(!permissions(&without, "cdn").contains(&"cdn:PushObjectCache"));
        assert!(permissions(&without, "vod").is_empty());
        let listed = settings(&[("url-file", "list.txt"), ("prefetch", "true")]);
        assert_eq!(permissions(&listed, "idle")[..2], ["cdn:RefreshObjectCaches", "cdn:PushObjectCache"]);
    }
}
