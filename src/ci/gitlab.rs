//! The log sections and report files of GitLab CI.
//!
//! Sources: docs.gitlab.com "Job logs" (custom collapsible sections) and "GitLab CI/CD artifacts reports types" (dotenv);
//! 2026-11-22.

use crate::ci::redactor::Redactor;
use crate::config::options::OUTPUT_PREFIX;
use crate::report::outputs::Output;

pub mod note;

/// For `artifacts:reports:dotenv`.
pub(super) const DOTENV_FILE: &str = "cdn-purge.env";

/// For `artifacts:paths`.
pub(super) const SUMMARY_FILE: &str = "cdn-purge-summary.md";

/// For `artifacts:reports:junit`.
pub(super) const JUNIT_FILE: &str = "cdn-purge-junit.xml";

/// The largest dotenv report that GitLab takes.
const DOTENV_BYTES: usize = 5 * 1024;

/// The outputs as variables (`task-ids` is `CDN_PURGE_OUTPUT_TASK_IDS`), and what was left out: a dotenv report has no quotes, so
/// that a value with a character that would need them can't be written; a list is cut after a whole element.
pub(super) fn dotenv(outputs: &[Output], redactor: &Redactor) -> (String, Vec<String>) {
    let mut text = String::new();
    let mut left_out = Vec::new();
    // Lists last: they take what the others leave.
    let (lists, single): (Vec<_>, Vec<_>) = outputs.iter().partition(|(_, value)| value.contains(','));
    for (name, value) in single.into_iter().chain(lists) {
        let key = format!("{OUTPUT_PREFIX}{}", name.replace('-', "_").to_ascii_uppercase());
        let value = redactor.redact(value);
        if value.is_empty() {
            continue;
        }
        if !value.chars().all(is_allowed) {
            left_out.push(format!(
                "`{key}` is not in `{DOTENV_FILE}`: its value has characters that GitLab can't read there"
            ));
            continue;
        }
        let room = DOTENV_BYTES.saturating_sub(text.len() + key.len() + 2);
        let kept = whole_elements(&value, room);
        if kept.len() < value.len() {
            let (all, some) = (value.split(',').count(), kept.split(',').filter(|element| !element.is_empty()).count());
            left_out
                .push(format!("`{key}` in `{DOTENV_FILE}` holds {some} of {all}: GitLab takes {DOTENV_BYTES} bytes"));
        }
        if !kept.is_empty() {
            text.push_str(&format!("{key}={kept}\n"));
        }
    }
    (text, left_out)
}

/// `\e[0Ksection_start:TIME:NAME[collapsed=true]\r\e[0KTITLE`.
pub(super) fn section_start(unix_seconds: i64, name: &str, title: &str) -> String {
    format!("\x1b[0Ksection_start:{unix_seconds}:{name}[collapsed=true]\r\x1b[0K{title}")
}

/// `\e[0Ksection_end:TIME:NAME\r\e[0K`.
pub(super) fn section_end(unix_seconds: i64, name: &str) -> String {
    format!("\x1b[0Ksection_end:{unix_seconds}:{name}\r\x1b[0K")
}

fn whole_elements(value: &str, room: usize) -> &str {
    if value.len() <= room {
        return value;
    }
    match value.as_bytes()[..=room].iter().rposition(|byte| *byte == b',') {
        Some(comma) => &value[..comma],
        None => "",
    }
}

fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || "._:/,@+-".contains(character)
}
