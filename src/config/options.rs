//! Every option as data: flags, Action inputs, environment names, help, schema and documentation are printed from this table.
//!
//! One table, so that the five ways to give an option can't drift apart.

use super::file::keys::FORMS;
use crate::model::PurgeMode;
use CommandKind::{Bandwidth, Logs, Prefetch, Records, Refresh, Traffic, Wait};
use command_kind::{ASKS, BEGINS, CHOOSES, LISTS, MAPS, PLACES, PLANS, RANGES, REACHES, SPEAKS, WARMS};

mod command_kind;
mod option;

pub use command_kind::CommandKind;
pub use option::{ENVIRONMENT_PREFIX, Entry, INPUT_PREFIX, OUTPUT_PREFIX, Separators, Shape};

use option::{asked, entry};

/// The option of this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

const KIND: Shape = Shape::Choice(&["url", "directory", "regex", "any-query", "tag", "prefetch"]);
const FORMAT: Shape = Shape::Choice(&["table", "plot", "json", "csv"]);
const WHEN: Shape = Shape::Choice(&["auto", "always", "never"]);

/// All options, in the order in which they are documented.
pub static ENTRIES: &[Entry] = &[
    entry(
        "config",
        Shape::Path,
        PLACES,
        "The configuration file; without it the first of `cdn-purge.yml`, `.cdn-purge.yml` and `.github/cdn-purge.yml` in the repository",
    ),
    entry(
        "provider",
        Shape::Text,
        PLACES,
        "The provider, without a configuration file: of the one rule, of the addresses that are given, or to be asked",
    ),
    entry(
        "files",
        Shape::List(Separators::Lines),
        MAPS,
        "One rule without a file: globs, one per line; those that begin with `!` exclude",
    ),
    entry(
        "urls",
        Shape::List(Separators::Lines),
        MAPS,
        "One rule without a file: address templates, one per line, as `https://www.example.com/{tail}`",
    ),
    entry(
        "url-file",
        Shape::Path,
        PLANS,
        "Addresses instead of changed files: a file with one per line, or `-` for standard input",
    ),
    entry("repository", Shape::Path, PLACES, "The directory of the checkout").or("."),
    entry(
        "changes",
        Shape::Choice(&["git", "all"]),
        MAPS,
        "Where changed files come from: `git` is the difference of two commits, `all` is every tracked file",
    )
    .or("git")
    .in_file(),
    entry(
        "submodules",
        Shape::Boolean,
        MAPS,
        "A changed submodule that is checked out stands for the files that changed in it; otherwise it is named and skipped",
    )
    .or("false")
    .in_file(),
    entry(
        "base",
        Shape::Text,
        MAPS,
        "The revision that was deployed before; without it the CI event decides. Also `last-success` (the commit of this workflow's last run on this branch that ended well), `tag:PATTERN` (the nearest tag in the history that matches), `file:PATH` (the commit that `save-base` wrote)",
    ),
    entry("head", Shape::Text, MAPS, "The revision that is deployed now; without it the CI event decides"),
    entry(
        "fetch",
        Shape::Boolean,
        MAPS,
        "Fetch a commit that the clone lacks from its remote, without what files hold, into a temporary folder; the clone stays as it is",
    )
    .or("true")
    .in_file(),
    entry(
        "token",
        Shape::Secret,
        MAPS,
        "What may read the repository, and for `base: last-success` the CI's runs; without it `GITHUB_TOKEN`, `CI_JOB_TOKEN`, or what the checkout left in git's settings",
    )
    .on_github("${{ github.token }}"),
    entry(
        "save-base",
        Shape::Path,
        PLANS,
        "A file to write the deployed commit to when everything is done, for `base: file:PATH` of a later run; to be kept in a cache or an artifact",
    ),
    entry("refresh", Shape::Boolean, MAPS, "Overrides the rules: refresh, or don't"),
    entry(
        "prefetch",
        Shape::Boolean,
        WARMS,
        "Overrides the rules: prefetch, or don't; after `refresh`: warm what was refreshed",
    ),
    entry("dry-run", Shape::Boolean, BEGINS, "Print the plan; send nothing, need no credentials").or("false"),
    entry("simulate", Shape::Boolean, BEGINS, "Execute the plan against the built-in emulators, in virtual time")
        .or("false"),
    entry(
        "wait",
        Shape::Choice(&["all", "refresh", "none"]),
        BEGINS,
        "What to wait for: `all`, `refresh` (not for prefetches), or `none` (submit and leave)",
    )
    .or("all")
    .in_file(),
    entry("refresh-timeout", Shape::Duration, PLANS, "How long to wait for refreshes").or("15m").in_file(),
    entry("prefetch-timeout", Shape::Duration, PLANS, "How long to wait for prefetches").or("60m").in_file(),
    entry(
        "fail-on",
        Shape::Choice(&["any", "refresh", "never"]),
        PLANS,
        "Which addresses that aren't done turn the step red; the output `status` always tells the truth",
    )
    .or("any")
    .in_file(),
    entry("max-refresh-urls", Shape::Count(0), PLANS, "A plan with more address refreshes is refused").in_file(),
    entry("max-refresh-directories", Shape::Count(0), PLANS, "A plan with more directory refreshes is refused")
        .in_file(),
    entry("max-prefetch-urls", Shape::Count(0), PLANS, "A plan with more prefetches is refused").in_file(),
    entry(
        "allow-hosts",
        Shape::List(Separators::LinesAndCommas),
        PLANS,
        "When given, a plan with any other host is refused",
    ),
    entry(
        "journal",
        Shape::Path,
        PLANS,
        "The journal's file; an existing journal of the same plan is resumed, that of given addresses or of all files for two hours. Without it a file in the runner's temporary folder, outside CI in `~/.local/state/cdn-purge`",
    ),
    entry(
        "resume",
        Shape::Boolean,
        BEGINS,
        "Only go on from the journal of the same plan, and fail if there is none; for given addresses, or all files, whose run began more than two hours ago",
    )
    .or("false"),
    entry(
        "report-file",
        Shape::Path,
        PLANS,
        "Where the JSON report goes. Without it a file in the runner's temporary folder, on GitLab in the project's, outside CI nowhere",
    ),
    entry(
        "merge-request-note",
        Shape::Boolean,
        PLANS,
        "On GitLab, keep the summary as a note on the merge request, with the token in `GITLAB_TOKEN`",
    )
    .or("false")
    .no_input(),
    entry(
        "endpoint",
        Shape::List(Separators::LinesAndCommas),
        REACHES,
        "Another gateway, as `PROVIDER=URL`; plain http only to a loopback address",
    ),
    entry(
        "access-key-id",
        Shape::Secret,
        REACHES,
        "The access key's id; without it each provider's own environment names are looked at",
    ),
    entry("access-key-secret", Shape::Secret, REACHES, "The access key's secret; beside `access-key-id`"),
    entry("security-token", Shape::Secret, REACHES, "The token of temporary credentials; beside the access key"),
    entry(
        "role",
        Shape::Text,
        REACHES,
        "The role to play, as the vendor names it; its keys end and are renewed. Proved by an OIDC token, or without `oidc-provider` by the access key",
    ),
    entry(
        "oidc-provider",
        Shape::Text,
        REACHES,
        "The provider of OIDC tokens, as the vendor names it; beside `role`. On GitHub the job needs `permissions: id-token: write`",
    ),
    entry(
        "oidc-audience",
        Shape::Text,
        REACHES,
        "Whom GitHub's OIDC token is for; without it the vendor's usual one",
    ),
    entry(
        "oidc-token",
        Shape::Secret,
        REACHES,
        "The OIDC token itself, where it isn't GitHub's: on GitLab `CDN_PURGE_OIDC_TOKEN` by `id_tokens`",
    ),
    entry(
        "batch-size",
        Shape::Count(1),
        PLANS,
        "At most so many addresses in a request; without it the provider's limit",
    )
    .in_file(),
    entry("sequential", Shape::Boolean, PLANS, "Send the next batch only when the one before is done")
        .or("false")
        .in_file(),
    asked(
        "target",
        Shape::List(Separators::LinesAndCommas),
        CHOOSES,
        "A target of the configuration; may be repeated. Without it the only one, or for a question all of them",
    ),
    asked("kind", KIND, &[Refresh, Records], "What is refreshed (not `prefetch`; a tag is written `https://HOST/#TAG`), or which records are listed"),
    asked(
        "encoded",
        Shape::Choice(FORMS),
        LISTS,
        "In which form what isn't ASCII is sent: percent-encoded, `raw` (as it is written), or `both`",
    )
    .or("encoded"),
    asked(
        "purge-mode",
        Shape::Choice(&PurgeMode::WORDS),
        &[Refresh],
        "`hard` deletes the cached copy, `soft` marks it stale, where the provider knows the difference",
    ),
    asked("allow-everything", Shape::Boolean, &[Refresh], "The refresh of a whole host is meant").or("false"),
    asked(
        "option",
        Shape::List(Separators::Lines),
        LISTS,
        "An option of the target, as `NAME=VALUE`, in place of the configuration's; `providers` lists them",
    ),
    asked("area", Shape::Text, &[Prefetch], "The target's option `area`: where to prefetch"),
    asked(
        "l2-only",
        Shape::Boolean,
        &[Prefetch],
        "The target's option `l2-preload`: only the nodes that fetch from the origin",
    ),
    asked(
        "header",
        Shape::List(Separators::Lines),
        &[Prefetch],
        "The target's option `headers`: a request header of the prefetch, as `Name: value`",
    ),
    asked("query-hash-key", Shape::Boolean, &[Prefetch], "The target's option `query-hash-key`"),
    asked(
        "task-id",
        Shape::List(Separators::LinesAndCommas),
        &[Wait, Records],
        "The provider's id of a task; may be repeated. `wait` follows these instead of a journal",
    ),
    asked("domain", Shape::List(Separators::LinesAndCommas), RANGES, "Of this domain; may be repeated"),
    asked("url", Shape::Text, &[Records], "Of exactly this address"),
    asked("status", Shape::Choice(&["running", "complete", "failed"]), &[Records], "As far as this"),
    asked("since", Shape::Text, RANGES, "From this on: `2026-11-20T10:00:00Z`, `2026-11-20`, or how long ago as `3h`"),
    asked("until", Shape::Text, RANGES, "Up to this, written as `since`"),
    asked(
        "interval",
        Shape::Text,
        &[Traffic, Bandwidth],
        "The width of a point, as `5m`, `1h` or `1d`; without it by the range",
    ),
    asked("limit", Shape::Count(1), &[Records], "At most so many rows"),
    asked(
        "format",
        FORMAT,
        ASKS,
        "How the answer is shown; without it a table, or a plot where there is one and a terminal",
    ),
    asked("download", Shape::Path, &[Logs], "Fetch the files into this folder"),
    asked("show-signed-urls", Shape::Boolean, &[Logs], "Show the signed addresses too: whoever has one can fetch the file")
        .or("false"),
    entry("color", WHEN, SPEAKS, "When to use colour").or("auto").no_input(),
    entry("progress", WHEN, SPEAKS, "When to draw a progress bar").or("auto").no_input(),
    entry(
        "log-level",
        Shape::Choice(&["quiet", "normal", "verbose"]),
        SPEAKS,
        "How much to say: `quiet` is errors and the summary, `verbose` is every batch and address",
    )
    .or("normal"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_value;

    #[test]
    fn names_are_kebab_case_and_stand_once() {
        for (index, entry) in ENTRIES.iter().enumerate() {
            assert!(
                entry
                    .name
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-'),
                "{}",
                entry.name
            );
            assert!(ENTRIES[..index].iter().all(|other| other.name != entry.name), "{} stands twice", entry.name);
        }
    }

    #[test]
    fn every_default_is_a_value_the_option_takes() {
        for entry in ENTRIES {
            if let Some(default) = entry.default {
                assert!(parse_value::parse(entry, &[default.to_owned()]).is_ok(), "{}", entry.name);
            }
        }
    }

    #[test]
    fn the_file_sets_no_endpoint_no_secret_and_no_revision() {
        for name in [
            "endpoint",
            "access-key-id",
            "access-key-secret",
            "security-token",
            "role",
            "oidc-provider",
            "oidc-audience",
            "oidc-token",
            "base",
            "head",
            "allow-hosts",
            "merge-request-note",
        ] {
            assert!(!find(name).unwrap().in_file, "{name}");
        }
    }

    #[test]
    fn an_option_has_one_name_in_every_spelling() {
        let entry = find("dry-run").unwrap();
        assert_eq!(entry.environment_name(), "CDN_PURGE_DRY_RUN");
        assert_eq!(entry.input_names(), ["INPUT_DRY-RUN", "INPUT_DRY_RUN"]);
        assert_eq!(find("wait").unwrap().input_names(), ["INPUT_WAIT"]);
    }
}
