//! Which URLs can't be sent to a provider at all.

use crate::config::Target;
use crate::mapping::url;
use crate::model::{Operation, PurgeMode, RefreshKind, Task};

/// Why a URL can't be sent to this provider at all.
pub(super) fn refusal(task: &Task, target: &Target) -> Option<String> {
    let spec = target.provider;
    if spec.operation(task.operation).is_none() {
        return Some(format!("{} offers no {}", spec.title, task.operation.unit()));
    }
    let limits = spec.operation(task.operation);
    if task.mode == PurgeMode::Soft && limits.is_none_or(|limits| !limits.modes.contains(&PurgeMode::Soft)) {
        return Some(format!("{} has no soft purge for {}", spec.title, task.operation.unit()));
    }
    let text = task.subject.text();
    let characters = text.chars().count();
    if characters > spec.url_characters {
        let limit = spec.url_characters;
        return Some(format!("the URL has {characters} characters; {} takes {limit} at most", spec.title));
    }
    match task.operation {
        Operation::Refresh(RefreshKind::Regex) => None,
        Operation::Refresh(kind) => url::check_kind(kind, &text).err(),
        Operation::Prefetch => url::check(&text).err(),
    }
}
