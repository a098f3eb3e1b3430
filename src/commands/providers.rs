//! `providers`: what each provider can do, its limits, its options and where its keys come from.

use std::fmt::Write;

use crate::provider::{OptionValueSpec, Spec};
use crate::providers::PROVIDERS;

/// The table, for people.
pub(super) fn table() -> String {
    PROVIDERS.iter().map(|spec| provider(spec)).collect::<Vec<_>>().join("\n")
}

fn provider(spec: &Spec) -> String {
    let mut text = format!("{}: {}\n  {}\n\n", spec.name, spec.title, spec.docs);
    let _ = writeln!(text, "  {:<22} {:<22} {:>9} {:>9} {:>9}", "operation", "call", "per call", "per day", "calls/s");
    for operation in spec.operations {
        let kind = match operation.operation {
            crate::model::Operation::Refresh(kind) => format!("refresh {}", kind.name()),
            crate::model::Operation::Prefetch => "prefetch".to_owned(),
        };
        let per_day = operation.per_day.map_or_else(|| "?".to_owned(), |count| count.to_string());
        let (api, per_call, rate) = (operation.api, operation.per_call, operation.calls_per_second);
        let _ = writeln!(text, "  {kind:<22} {api:<22} {per_call:>9} {per_day:>9} {rate:>9}");
    }
    let _ =
        writeln!(text, "  the day ends at {}; addresses of up to {} characters", spec.quota_reset, spec.url_characters);
    text.push_str("\n  options of a target\n");
    for option in spec.options {
        let value = match option.value {
            OptionValueSpec::Boolean => "true or false".to_owned(),
            OptionValueSpec::OneOf(words) => words.join(" or "),
            OptionValueSpec::Headers => "a mapping of names to values".to_owned(),
        };
        let _ = writeln!(text, "  {:<22} {value}: {}", option.name, option.help);
    }
    text.push_str("\n  keys, the first that are set\n");
    for names in spec.credentials {
        let _ = writeln!(
            text,
            "  {}, {}, and with temporary ones {}",
            names.access_key_id, names.access_key_secret, names.security_token
        );
    }
    text.push_str("\n  permissions\n");
    let mut permissions: Vec<&str> = spec.operations.iter().map(|operation| operation.permission).collect();
    permissions.extend([spec.status.permission, spec.records.permission, spec.quota.permission]);
    permissions.dedup();
    let _ = writeln!(text, "  {}", permissions.join(", "));
    text
}
