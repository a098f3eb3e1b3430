//! Recognizes a list of another format by its lines, so that a message can name it.

use super::rsync;
use crate::config::ListFormat;

/// How many lines are looked at.
const LINES: usize = 20;

/// A format: what it is called, what to do, and whether a line is one of it.
struct Format {
    /// The format that reads it.
    own: Option<ListFormat>,
    name: &'static str,
    help: &'static str,
    is_line: fn(&str) -> bool,
}

const BY_TIME: &str = "it goes by times and sizes, so it lists files whose content is the same, or misses files of the same size; \
                       compare contents with `rclone check DIRECTORY REMOTE: --combined FILE` before the upload";

const FORMATS: &[Format] = &[
    Format {
        own: Some(ListFormat::Git),
        name: "`git diff --name-status`",
        help: "set `list-format: git`",
        is_line: |line| {
            let (status, path) = line.split_once('\t').unwrap_or_default();
            let score = status.trim_start_matches(['A', 'C', 'D', 'M', 'R', 'T']);
            status.len() - score.len() == 1 && score.bytes().all(|byte| byte.is_ascii_digit()) && !path.is_empty()
        },
    },
    Format {
        own: Some(ListFormat::RcloneCombined),
        name: "`rclone check --combined`",
        help: "set `list-format: rclone-combined`",
        is_line: |line| matches!(line.as_bytes(), [b'=' | b'*' | b'+' | b'-' | b'!', b' ', _, ..]),
    },
    Format {
        own: Some(ListFormat::RsyncItemize),
        name: "`rsync --itemize-changes`",
        help: "set `list-format: rsync-itemize`",
        is_line: |line| rsync::is_item(line.as_bytes()) || line == "sending incremental file list",
    },
    Format {
        own: None,
        name: "the output of `aws s3 sync`",
        help: BY_TIME,
        is_line: |line| {
            let line = line.strip_prefix("(dryrun) ").unwrap_or(line);
            let is_verb = ["upload: ", "delete: ", "copy: ", "move: "].iter().any(|verb| line.starts_with(verb));
            is_verb && line.contains("s3://") && !line.contains('\'')
        },
    },
    Format {
        own: None,
        name: "the output of `s3cmd sync`",
        help: BY_TIME,
        is_line: |line| (line.starts_with("upload: '") || line.starts_with("delete: '")) && line.contains("s3://"),
    },
    Format {
        own: None,
        name: "the output of `gsutil rsync` or `gcloud storage rsync`",
        help: BY_TIME,
        is_line: |line| {
            let verbs = ["Copying ", "Would copy ", "Removing ", "Would remove "];
            verbs.iter().any(|verb| line.starts_with(verb)) && (line.contains("file://") || line.contains("gs://"))
        },
    },
    Format {
        own: None,
        name: "rclone's log",
        help: "let rclone write the list itself, with `--combined FILE`: its log goes to the standard error output",
        is_line: |line| {
            let levels = [" NOTICE: ", " INFO  : ", " ERROR : ", " DEBUG : "];
            line.as_bytes().get(4) == Some(&b'/') && levels.iter().any(|level| line.contains(level))
        },
    },
    Format {
        own: None,
        name: "a list of URLs",
        help: "give it as `url-file`, without `changes: list`",
        is_line: |line| line.starts_with("https://") || line.starts_with("http://"),
    },
    Format {
        own: None,
        name: "the output of `git diff --raw`",
        help: "write it with `--name-status` in place of `--raw`, and set `list-format: git`",
        is_line: |line| line.starts_with(':') && line.as_bytes().get(7) == Some(&b' ') && line.contains('\t'),
    },
    Format {
        own: None,
        name: "a patch",
        help: "write it with `git diff --name-status -z`, and set `list-format: git`",
        is_line: |line| line.starts_with("diff --git ") || line.starts_with("--- a/"),
    },
    Format {
        own: None,
        name: "the output of `git status --short`",
        help: "write it with `git diff --name-status -z BASE HEAD`, and set `list-format: git`",
        is_line: |line| {
            let status = line.as_bytes().get(..3);
            status.is_some_and(|status| {
                status != b"   " && status[2] == b' ' && status[..2].iter().all(|byte| b" MADRCU?!".contains(byte))
            })
        },
    },
    Format {
        own: None,
        name: "the output of `ls -l` or `find -ls`",
        help: "list the paths alone, as with `find -type f -print0`",
        is_line: |line| {
            let mode = line.split_whitespace().find(|word| word.len() >= 10).unwrap_or_default().as_bytes();
            mode.len() >= 10 && b"-dl".contains(&mode[0]) && mode[1..10].iter().all(|byte| b"rwx-sStT".contains(byte))
        },
    },
];

/// The name of the format that a list has in place of `format`, and what to do. For names, which can be anything, only if all of the
/// first lines are of it; else if the first line is.
pub(super) fn whole(bytes: &[u8], format: ListFormat) -> Option<(&'static str, &'static str)> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Some(("text in UTF-16", "write it as UTF-8: in PowerShell with `| Out-File -Encoding utf8 FILE`"));
    }
    if bytes.contains(&0) {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    let is_json = |text: &str| text.starts_with(['[', '{']) && text.trim_end().ends_with([']', '}']);
    if is_json(text.trim_start()) {
        return Some((
            "a listing in JSON",
            "set `changes: directory` and `manifest: listing:FILE`, which compares it with the built files",
        ));
    }
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).take(LINES).peekable();
    lines.peek()?;
    let lines: Vec<&str> = lines.collect();
    let others = || FORMATS.iter().filter(|known| known.own != Some(format));
    let found = if format == ListFormat::Names {
        others().find(|known| lines.iter().all(|line| (known.is_line)(line)))
    } else {
        let is_own = |line: &str| FORMATS.iter().any(|known| known.own == Some(format) && (known.is_line)(line));
        others().find(|known| !is_own(lines[0]) && (known.is_line)(lines[0]))
    };
    found.map(|known| (known.name, known.help))
}
