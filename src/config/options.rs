//! Every option as data: flags, Action inputs, environment names, help, schema and documentation are printed from this table.
//!
//! One table, so that the five ways to set an option can't drift apart.

use self::command_kind::{ALL, JOBS, NEW_RUNS, PROVIDERS, QUERIES, RANGES, RULES, TARGETS, URLS, VERIFYING, WARMING};
use self::option::{list, text};
use super::file::keys::FORMS;
use crate::model::PurgeMode;
use CommandKind::{Bandwidth, Logs, Prefetch, Records, Refresh, Traffic, Wait};

mod command_kind;
mod option;

pub use command_kind::CommandKind;
pub use option::{ENVIRONMENT_PREFIX, Entry, Group, INPUT_PREFIX, OUTPUT_PREFIX, Separators, Shape};

/// The option of this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

use Group::{Basic, Changes, Command, Credentials, Output, Sending};
use Shape::{Boolean, Choice, Count, Duration, Path, Secret};

const WHEN: Shape = Choice(&["auto", "always", "never"]);

/// All options, in the order in which they are documented: those that a newcomer needs first, then by group.
///
/// The first sentence of each text is what `-h` shows.
#[rustfmt::skip]
pub static ENTRIES: &[Entry] = &[
    Entry::new("config", Path("FILE"), Basic, TARGETS,
        "Configuration file. Default: the first of `cdn-purge.yml`, `.cdn-purge.yml` and `.github/cdn-purge.yml` in the repository"),
    Entry::new("provider", text("NAME"), Basic, TARGETS,
        "CDN provider, when no configuration file is used. `cdn-purge providers` lists them"),
    Entry::new("files", list("GLOB"), Basic, RULES,
        "Files to map to URLs, when no configuration file is used. One glob per line; `!` excludes: `public/**`, `!**/*.map`"),
    Entry::new("urls", list("URL"), Basic, RULES,
        "URL templates for `files`, when no configuration file is used. One per line: `https://www.example.com/{tail}`"),
    Entry::new("access-key-id", Secret, Basic, PROVIDERS,
        "Access key ID. Default: the provider's own environment variable"),
    Entry::new("access-key-secret", Secret, Basic, PROVIDERS,
        "Access key secret. Default: the provider's own environment variable"),
    Entry::new("base", text("REV"), Basic, RULES,
        "Commit that was deployed before. Default: detected from the CI event. Also `last-success` (the last successful run of this workflow on this branch), `deployment:ENVIRONMENT` (the last successful deployment), `tag:PATTERN` (the nearest matching tag; `tag:v* !*-rc*` excludes) and `file:PATH` (written by `save-base`)"),
    Entry::new("prefetch", Boolean, Basic, WARMING,
        "Prefetch matched URLs (overrides the rules). With the command `refresh`: prefetch the URLs after they are purged"),
    Entry::new("dry-run", Boolean, Basic, NEW_RUNS,
        "Print the plan without sending anything. Needs no credentials").or("false"),
    Entry::new("wait", Choice(&["all", "refresh", "none"]), Basic, NEW_RUNS,
        "What to wait for. `refresh` doesn't wait for prefetches, `none` submits and exits").or("all").in_file(),
    Entry::new("timeout", Duration, Basic, JOBS,
        "How long to wait for the CDN. Default: `15m` for refreshes and `60m` for prefetches").in_file(),
    Entry::new("allow-hosts", list("HOST").or_commas(), Basic, VERIFYING,
        "Refuse a plan with any other host"),

    Entry::new("url-file", Path("FILE"), Changes, VERIFYING,
        "File of URLs to purge instead of changed files. One URL per line; `-` reads standard input").short('f'),
    Entry::new("repository", Path("DIR"), Changes, TARGETS, "Directory of the checkout").or(".").short('C'),
    Entry::new("changes", Choice(&["git", "all", "directory", "list"]), Changes, RULES,
        "Source of the changed files. `git` compares two commits, `all` takes every tracked file, `directory` compares a built directory with a manifest, `list` reads a deploy tool's own list").or("git").in_file(),
    Entry::new("directory", Path("DIR"), Changes, RULES,
        "Built directory, for `changes: directory` and `changes: list`. A path from the repository's root; rules match its files as if it were committed: `dist/**`").in_file(),
    Entry::new("manifest", text("SOURCE"), Changes, RULES,
        "What the CDN may still hold of the built directory. `file:PATH` is read and written by each run (keep it in a cache or an artifact), `listing:FILE` is a listing of the store from before the upload, `none` takes every file").or("file:.cdn-purge/manifest.txt").in_file(),
    Entry::new("listing-prefix", text("PREFIX"), Changes, RULES,
        "Folder of the store that the site is in. For `manifest: listing:FILE`: the names in the listing begin with it, as `blog/`").in_file(),
    Entry::new("without-manifest", Choice(&["error", "all", "adopt"]), Changes, RULES,
        "What to do when there is no manifest yet. `error` stops and lists the choices with their cost, `all` purges every file, `adopt` purges nothing and takes the caches for fresh").or("error").in_file(),
    Entry::new("manifest-trust", Choice(&["digest", "mtime"]), Changes, RULES,
        "How unchanged files are recognized. `digest` reads every file, `mtime` trusts the size, times and inode that the manifest holds").or("digest").in_file(),
    Entry::new("allow-shrink", Boolean, Changes, RULES,
        "Accept a built directory that is empty or lost over half of its files").or("false"),
    Entry::new("rollback", Boolean, Changes, RULES,
        "Accept a manifest of a newer run. For deploying an older run again").or("false"),
    Entry::new("list", Path("FILE"), Changes, RULES,
        "List of changed files that a deploy tool wrote, for `changes: list`. `-` reads standard input; `directory` names the directory that its paths are relative to").in_file(),
    Entry::new("list-format", Choice(&["names", "git", "rclone-combined", "rsync-itemize"]), Changes, RULES,
        "Format of `list`. `names` is a path a line, `git` is `git diff --name-status`, `rclone-combined` is `rclone check --combined`, `rsync-itemize` is `rsync --checksum --itemize-changes`").in_file(),
    Entry::new("head", text("REV"), Changes, RULES, "Commit that is deployed now. Default: detected from the CI event"),
    Entry::new("worktree", Boolean, Changes, RULES,
        "Plan what isn't committed yet. `plan --worktree` compares the working directory with `HEAD`, or with `base`; ignored files are left out").or("false").no_input(),
    Entry::new("submodules", Choice(&["follow", "require", "ignore"]), Changes, RULES,
        "What a changed submodule means. `follow`: the files that changed in it, if it is checked out; otherwise a warning. `require`: otherwise an error. `ignore`: nothing").or("follow").in_file(),
    Entry::new("symlinks", Choice(&["follow", "everywhere", "ignore"]), Changes, RULES,
        "What a change behind a symbolic link means. `follow`: a change at the link's path too. `everywhere`: links are searched in all folders of a large repository. `ignore`: nothing").or("follow").in_file(),
    Entry::new("fetch", Boolean, Changes, RULES,
        "Fetch missing commits from the remote. Trees only, into a temporary directory; your clone isn't modified").or("true").in_file(),
    Entry::new("token", Secret, Changes, RULES,
        "Token for fetching missing commits and listing workflow runs. Default: `GITHUB_TOKEN`, `CI_JOB_TOKEN`, or the credentials that the checkout stored in git's settings").on_github("${{ github.token }}"),
    Entry::new("save-base", Path("FILE"), Changes, JOBS,
        "File to write the deployed commit to after a complete run. For `base: file:PATH` of a later run; keep it in a cache or an artifact"),

    Entry::new("target", list("NAME").or_commas(), Sending, TARGETS,
        "Target of the configuration; repeatable. Default: all of them, for `refresh` and `prefetch` the only one"),
    Entry::new("refresh", Boolean, Sending, RULES, "Purge matched URLs (overrides the rules)"),
    Entry::new("simulate", Boolean, Sending, NEW_RUNS,
        "Run against simulated providers in virtual time. Reports how long the run would take and what quota it would use").or("false"),
    Entry::new("fail-on", Choice(&["any", "refresh", "never"]), Sending, VERIFYING,
        "Which incomplete URLs fail the step. The output `status` isn't affected").or("any").in_file(),
    Entry::new("on-short-quota", Choice(&["refuse", "fit"]), Sending, JOBS,
        "What goes out if the day's quota is short. `refuse`: the refreshes of the rules that fit as a whole. `fit`: as many as fit; `--resume` sends the rest on the next day. Prefetches go out as far as the quota reaches").or("refuse").in_file(),
    Entry::new("collapse", Choice(&["never", "auto", "always"]), Sending, RULES,
        "Purge directories in place of URLs, in rules with `complete: true`. `auto`: where the URLs don't fit the day's quota or `max-urls`. `always`: wherever it costs less of the quota. `never`: a plan that doesn't fit says what it would save").or("never").in_file(),
    Entry::new("over-refresh", text("RATIO"), Sending, RULES,
        "Maximum of unchanged URLs below a directory for each changed one. For `collapse`; `0x` purges only directories in which everything changed").or("2x").in_file(),
    Entry::new("popularity", Path("FILE"), Sending, JOBS,
        "Prefetch the most popular URLs first. A list of URLs or paths, the hottest first, or an access log in the common or combined format; `.gz` too").in_file(),
    Entry::new("on-empty", Choice(&["warn", "fail", "ok"]), Sending, RULES,
        "What a run that has nothing to do means. `warn`: a warning if files changed and no rule selects one; `fail`: the step fails; `ok`: nothing").or("warn").in_file(),
    Entry::new("max-urls", Count(0), Sending, VERIFYING,
        "Refuse a plan with more refreshes and prefetches than this").in_file(),
    Entry::new("batch-size", Count(1), Sending, JOBS,
        "Maximum number of URLs in a request. Default: the provider's limit").in_file(),
    Entry::new("sequential", Boolean, Sending, JOBS,
        "Send the next batch only after the previous one is done").or("false").in_file(),
    Entry::new("warm-concurrency", Count(1), Sending, JOBS,
        "Maximum number of URLs to warm at the same time. For CDNs without a prefetch API, whose URLs are fetched through the CDN").or("4").in_file(),
    Entry::new("origin", list("URL").or_commas(), Sending, JOBS,
        "Origin behind the CDN. A URL is purged once its origin serves the new file: `https://origin.example.com`, or `www.example.com=https://origin.example.com` for one host").in_file(),
    Entry::new("wait-for", text("CONDITION"), Sending, JOBS,
        "Condition for sending anything: a URL and the text that it must contain. `https://www.example.com/version.txt contains {head}`; `{head}` is the commit that is deployed now").in_file(),
    Entry::new("gate-timeout", Duration, Sending, JOBS,
        "How long to wait for `origin` and `wait-for`").or("5m").in_file(),
    Entry::new("verify", Boolean, Sending, JOBS,
        "Fetch each purged URL through the CDN, and compare it with its file. The verdict is fresh, stale, unreachable or undecided; a stale URL ends the run with exit code 7").or("false").in_file(),
    Entry::new("verify-urls", Count(1), Sending, VERIFYING,
        "Maximum number of URLs to verify. Pages come first, then a sample of the others").or("200").in_file(),
    Entry::new("edge", list("HOST").or_commas(), Sending, VERIFYING,
        "IP addresses or names of edges to fetch through. Default: the one to which the URL's host leads. With or without a port, as `203.0.113.7, edge2.example.net`. URLs are verified at each of them, and prefetched at the first by CDNs without a prefetch API. Plain HTTP and loopback addresses are accepted here only: `127.0.0.1:8080`"),
    Entry::new("journal", Path("FILE"), Sending, JOBS,
        "File that stores progress so that an interrupted run can resume. Default: in the runner's temporary directory, outside CI in `~/.local/state/cdn-purge`"),
    Entry::new("resume", Boolean, Sending, NEW_RUNS,
        "Only continue an unfinished run of the same plan; fail if there is none. It continues even if the run is more than two hours old or another commit was deployed since, for as long as the provider keeps its records (three days)").or("false").no_input(),

    Entry::new("security-token", Secret, Credentials, PROVIDERS, "Token of temporary credentials. Together with the access key"),
    Entry::new("role", text("ROLE"), Credentials, PROVIDERS,
        "Role to assume (ARN or URN). With `oidc-provider`, or without it at AWS, the job's OIDC token is exchanged for temporary credentials, otherwise the access key is; they are renewed before they expire"),
    Entry::new("oidc-provider", text("NAME"), Credentials, PROVIDERS,
        "OIDC identity provider in your CDN account (ARN or URN). Together with `role`; on GitHub the job needs `permissions: id-token: write`"),
    Entry::new("oidc-audience", text("AUDIENCE"), Credentials, PROVIDERS,
        "Audience of GitHub's OIDC token. Default: the provider's usual one"),
    Entry::new("oidc-token", Secret, Credentials, PROVIDERS,
        "OIDC token, outside GitHub. On GitLab set the variable `CDN_PURGE_OIDC_TOKEN` with `id_tokens`").no_input(),
    Entry::new("endpoint", list("PROVIDER=URL").or_commas(), Credentials, PROVIDERS,
        "Send API calls to another endpoint. Plain HTTP is accepted for loopback addresses only"),

    Entry::new("report-file", Path("FILE"), Output, VERIFYING,
        "File for the JSON report. Default: in the runner's temporary directory, on GitLab in the project directory, outside CI none"),
    Entry::new("report-html", Path("FILE"), Output, VERIFYING,
        "File for the HTML report. One file for a browser, with the timeline and every URL; `cdn-purge report FILE.json --html` makes it later"),
    Entry::new("pull-request-comment", Boolean, Output, VERIFYING,
        "Post the summary as a comment on the GitHub pull request. One comment for each job, which is kept up to date; the job needs `permissions: pull-requests: write`").or("false"),
    Entry::new("merge-request-note", Boolean, Output, VERIFYING,
        "Post the summary as a note on the GitLab merge request. Needs a token in `GITLAB_TOKEN`").or("false").no_input(),
    Entry::new("color", WHEN, Output, ALL, "When to use color").or("auto").no_input(),
    Entry::new("progress", WHEN, Output, ALL, "When to show a progress bar").or("auto").no_input(),
    Entry::new("log-level", Choice(&["quiet", "normal", "verbose"]), Output, ALL,
        "How much to print. `quiet` prints errors and the summary, `verbose` every batch and URL").or("normal"),

    Entry::new("kind", Choice(&["url", "directory", "prefix", "regex", "any-query", "tag", "host", "everything", "prefetch"]), Command, &[Refresh, Records],
        "Kind of refresh, or of task to list. A tag is written `https://HOST/#TAG`; `prefetch` is for `records` only"),
    Entry::new("encoded", Choice(FORMS), Command, URLS,
        "URL encoding of non-ASCII characters and `[`, `]`, `|`, `^`. `encoded` percent-encodes all, `browser` as browsers do (not `[`, `]`, `|`), `raw` none; `both` sends `encoded` and `raw`").or("encoded"),
    Entry::new("purge-mode", Choice(&PurgeMode::WORDS), Command, &[Refresh],
        "Mark cached copies stale (`soft`) or delete them (`hard`). Default: as the provider does"),
    Entry::new("allow-everything", Boolean, Command, &[Refresh], "Allow purging a whole host").or("false"),
    Entry::new("option", list("NAME=VALUE"), Command, URLS,
        "Set an option of the target. `cdn-purge providers` lists them"),
    Entry::new("area", text("AREA"), Command, &[Prefetch], "Where to prefetch. Sets the target's option `area`"),
    Entry::new("l2-only", Boolean, Command, &[Prefetch],
        "Prefetch only to the nodes that fetch from the origin. Sets the target's option `l2-preload`"),
    Entry::new("header", list("NAME: VALUE"), Command, &[Prefetch], "Request header of the prefetch. Sets the target's option `headers`"),
    Entry::new("query-hash-key", Boolean, Command, &[Prefetch], "Set the target's option `query-hash-key`"),
    Entry::new("task-id", list("ID").or_commas(), Command, &[Wait, Records],
        "Task ID of the provider; repeatable. `wait` follows these tasks instead of a journal"),
    Entry::new("domain", list("DOMAIN").or_commas(), Command, RANGES, "Filter by domain; repeatable"),
    Entry::new("url", text("URL"), Command, &[Records], "Filter by URL"),
    Entry::new("status", Choice(&["running", "complete", "failed"]), Command, &[Records], "Filter by status"),
    Entry::new("since", text("TIME"), Command, RANGES, "Start of the time range: a date, a time, or how long ago. `2026-11-20`, `2026-11-20T10:00:00Z` (UTC) or `3h`"),
    Entry::new("until", text("TIME"), Command, RANGES, "End of the time range, written like `since`"),
    Entry::new("interval", text("DURATION"), Command, &[Traffic, Bandwidth], "Width of a data point: `5m`, `1h` or `1d`. Default: by the time range"),
    Entry::new("limit", Count(1), Command, &[Records], "Maximum number of rows"),
    Entry::new("format", Choice(&["table", "plot", "json", "csv"]), Command, QUERIES,
        "Output format. Default: a table; for `traffic` and `bandwidth` in a terminal a plot"),
    Entry::new("download", Path("DIR"), Command, &[Logs], "Download the log files into this directory"),
    Entry::new("show-signed-urls", Boolean, Command, &[Logs], "Show the signed URLs too. Anyone who has one can download the file").or("false"),
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
            assert!(ENTRIES[..index].iter().all(|other| other.name != entry.name), "{} is there twice", entry.name);
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
            "pull-request-comment",
        ] {
            assert!(!find(name).unwrap().in_file, "{name}");
        }
    }

    #[test]
    fn a_newcomer_reads_a_dozen_options_and_an_advanced_one_is_in_a_group() {
        assert_eq!(ENTRIES.iter().filter(|entry| entry.group == Group::Basic).count(), 12);
        for entry in ENTRIES {
            assert_eq!(
                entry.group == Group::Command,
                !entry.used_by.contains(&CommandKind::Run) && !entry.used_by.contains(&CommandKind::Demo),
                "{}",
                entry.name
            );
            assert!(entry.summary().chars().count() <= 72, "{}: {}", entry.name, entry.summary());
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
