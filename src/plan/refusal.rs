//! Which URLs can't be sent to a provider at all.

use crate::config::Target;
use crate::mapping::url;
use crate::model::{Operation, PurgeMode, RefreshKind, Task};

/// Why a URL can't be sent to this provider at all. `urls` is the same for all URLs of a lane.
pub(super) fn refusal(task: &Task, target: &Target, urls: &mut url::Checker) -> Option<String> {
    let spec = target.provider;
    let Some(limits) = spec.operation(task.operation) else {
        return Some(format!("{} offers no {}", spec.title, task.operation.unit()));
    };
    if task.mode == PurgeMode::Soft && !limits.modes.contains(&PurgeMode::Soft) {
        return Some(format!("{} has no soft purge for {}", spec.title, task.operation.unit()));
    }
    let text = task.subject.text();
    // No text has more characters than bytes.
    let characters = if text.len() > spec.url_characters { text.chars().count() } else { 0 };
    if characters > spec.url_characters {
        let limit = spec.url_characters;
        return Some(format!("the URL has {characters} characters; {} takes {limit} at most", spec.title));
    }
    match task.operation {
        Operation::Refresh(RefreshKind::Regex) => None,
        Operation::Refresh(kind) => urls.check_kind(kind, &text).err(),
        Operation::Prefetch => urls.check(&text).err(),
    }
}
