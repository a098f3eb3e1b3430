//! Builds that differ although their sources don't: how they are recognized, and what helps.

use jiff::Timestamp;

use super::built_file::BuiltFile;
use super::compare::Counts;
use super::manifest::Header;

/// After so short a time, in minutes, a deployment of an unknown commit is most likely one of the same sources.
const SOON: i64 = 60;

/// A generator whose output differs from build to build, by the files that only it writes.
struct Builder {
    marks: &'static [&'static str],
    remedy: &'static str,
}

/// Measured with two builds of the same sources; 2026-11.
const BUILDERS: &[Builder] = &[
    Builder {
        marks: &["_next/static/"],
        remedy: "Next.js names its files by a random build ID: set `generateBuildId` to the commit, and build in the same path each time",
    },
    Builder {
        marks: &["search/search_index.json", "sitemap.xml.gz"],
        remedy: "MkDocs writes the build date into pages: set `SOURCE_DATE_EPOCH` to the commit's time, or remove the date from the theme",
    },
    Builder {
        marks: &["objects.inv", "searchindex.js"],
        remedy: "Sphinx writes dates where `html_last_updated_fmt` or `today` ask for them: set `SOURCE_DATE_EPOCH` to the commit's time",
    },
    Builder {
        marks: &["feed.xml"],
        remedy: "Jekyll's `site.time` and Hugo's `now` are the time of the build: remove them from layouts, or exclude `feed.xml`",
    },
];

/// What helps where no builder is recognized.
const ANY: &str = "remove times, random numbers and build IDs from it (Next.js `generateBuildId`, Jekyll `site.time`, MkDocs' build date, \
                   Hugo `now`)";

/// A sentence about a build that differs in most files from one of the same commit; `None` for any other.
pub fn note(
    counts: &Counts,
    before: &Header,
    commit: Option<&str>,
    now: Timestamp,
    built: &[BuiltFile],
) -> Option<String> {
    if !counts.is_mostly_new() {
        return None;
    }
    let age = now.duration_since(before.created);
    let why = match (before.commit.as_deref(), commit) {
        (Some(theirs), Some(ours)) if theirs == ours => "the commit is the same".to_owned(),
        (Some(_), Some(_)) => return None,
        _ if age.as_mins() < SOON => format!("the last deployment is {} minutes old", age.as_mins().max(0)),
        _ => return None,
    };
    let differing = counts.changed + counts.added + counts.removed;
    Some(format!(
        "{differing} of {} files differ, though {why}: the build isn't reproducible, so each deployment purges them; {}; `cdn-purge explain \
         --twice A B` shows where two builds differ",
        counts.files,
        remedy(built)
    ))
}

/// What makes this build the same each time.
pub fn remedy(built: &[BuiltFile]) -> &'static str {
    let has = |mark: &str| {
        let place = built.partition_point(|file| *file.path < *mark.as_bytes());
        built.get(place).is_some_and(|file| file.path.starts_with(mark.as_bytes()))
    };
    let builder = BUILDERS.iter().find(|builder| builder.marks.iter().all(|mark| has(mark)));
    builder.map_or(ANY, |builder| builder.remedy)
}
