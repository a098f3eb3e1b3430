//! `providers`: what each provider can do, its limits, its options and where its credentials come from.

use std::fmt::Write;
use std::time::Duration;

use crate::model::Operation;
use crate::provider::{Burst, CredentialSpec, OperationSpec, OptionSpec, OptionValueSpec, Rate, RateUnit, Spec};
use crate::providers::PROVIDERS;

/// The table, for people at a terminal.
pub(super) fn table() -> String {
    let mut parts = vec![matrix_text()];
    parts.extend(PROVIDERS.iter().map(|spec| text(spec)));
    parts.join("\n")
}

/// The same in Markdown.
pub fn markdown() -> String {
    PROVIDERS.iter().map(|spec| section(spec)).collect::<Vec<_>>().join("\n")
}

/// A table of abilities: its heading, its columns, and for each provider a cell in each column.
struct Matrix {
    heading: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<(&'static str, Vec<&'static str>)>,
}

/// The kinds of refresh with the prefetch, and the queries; both tables are narrow enough for a terminal, however many providers there are.
fn matrices() -> [Matrix; 2] {
    let columns = Operation::ALL.map(|operation| match operation {
        Operation::Refresh(kind) => kind.name(),
        Operation::Prefetch => "prefetch",
    });
    let word = |is_offered: bool| if is_offered { "yes" } else { "–" };
    let operations = |spec: &Spec| {
        let ability = |operation| match spec.is_warmed(operation) {
            true => "warm",
            false => word(spec.operation(operation).is_some()),
        };
        Operation::ALL.map(ability).to_vec()
    };
    let queries = |spec: &Spec| {
        let Spec { quota, queries: asks, .. } = spec;
        let metrics = [asks.traffic.is_some(), asks.bandwidth.is_some(), asks.logs.is_some(), asks.domains.is_some()];
        let offered = [&[spec.records().is_some(), quota.is_some()][..], &metrics].concat();
        offered.into_iter().map(word).collect()
    };
    [
        matrix("refresh by", columns.to_vec(), operations),
        matrix("queries", vec!["records", "quota", "traffic", "bandwidth", "logs", "domains"], queries),
    ]
}

fn matrix(heading: &'static str, columns: Vec<&'static str>, abilities: impl Fn(&Spec) -> Vec<&'static str>) -> Matrix {
    let rows = PROVIDERS.iter().map(|spec| (spec.name, abilities(spec))).collect();
    Matrix { heading, columns, rows }
}

fn matrix_text() -> String {
    let longest = PROVIDERS.iter().map(|spec| spec.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (number, Matrix { heading, columns, rows }) in matrices().into_iter().enumerate() {
        let heading = std::iter::once((heading, columns.clone()));
        text.push_str(if number > 0 { "\n" } else { "" });
        for (name, cells) in heading.chain(rows) {
            let _ = write!(text, "{name:<longest$}");
            for (cell, column) in cells.iter().zip(&columns) {
                let _ = write!(text, "  {cell:>0$}", column.len());
            }
            text.push('\n');
        }
    }
    text
}

/// Which provider can do what, in Markdown.
pub fn matrix_markdown() -> String {
    let table = |Matrix { heading, columns, rows }: Matrix| {
        let mut text = format!("| {heading} | {} |\n| --- |{}\n", columns.join(" | "), " :-: |".repeat(columns.len()));
        for (name, cells) in rows {
            let _ = writeln!(text, "| `{name}` | {} |", cells.join(" | "));
        }
        text
    };
    matrices().map(table).join("\n")
}

fn text(spec: &Spec) -> String {
    let mut text = format!("{}: {}\n  {}\n\n", spec.name, spec.title, spec.docs);
    let longest = spec.operations.iter().map(|operation| operation.call.api.len()).max().unwrap_or_default();
    let _ = writeln!(
        text,
        "  {:<22} {:<longest$} {:>9} {:>9} {:>9}",
        "operation", "call", "per call", "per day", "calls/s"
    );
    for operation in spec.operations {
        let (kind, api, per_day) = (words(operation.operation), operation.call.api, per_day(operation));
        let (per_call, rate) = (operation.per_call, rates(operation));
        let _ = writeln!(text, "  {kind:<22} {api:<longest$} {per_call:>9} {per_day:>9} {rate:>9}");
    }
    let _ =
        writeln!(text, "  {}URLs of up to {} characters", reset(spec, "quotas reset at ", "; "), spec.url_characters);
    text.push_str("\n  options of a target\n");
    for option in spec.options {
        let _ = writeln!(text, "  {:<22} {}: {}", option.name, value(option, ""), option.help);
    }
    text.push_str("\n  credentials (first match wins)\n");
    for names in spec.credentials {
        let _ = writeln!(text, "  {}", variables(names, ""));
    }
    let _ = writeln!(text, "\n  permissions\n  {}", permissions(spec).join(", "));
    text
}

fn section(spec: &Spec) -> String {
    let mut text = format!("## `{}`: [{}]({})\n\n", spec.name, spec.title, spec.docs);
    text.push_str("| operation | API call | URLs per call | URLs per day | calls per second |\n");
    text.push_str("| --- | --- | ---: | ---: | ---: |\n");
    for operation in spec.operations {
        let (kind, api, per_day) = (words(operation.operation), operation.call.api, per_day(operation));
        let (per_call, rate) = (operation.per_call, rates(operation));
        let _ = writeln!(text, "| {kind} | `{api}` | {per_call} | {per_day} | {rate} |");
    }
    let _ = writeln!(
        text,
        "\nThese are the vendor's standard limits{} The maximum URL length is {} characters.\n",
        reset(spec, "; a run reads your account's remaining quota before it sends anything. Quotas reset at ", "."),
        spec.url_characters
    );
    text.push_str("| target option | value | description |\n| --- | --- | --- |\n");
    for option in spec.options {
        let _ = writeln!(text, "| `{}` | {} | {} |", option.name, value(option, "`"), option.help);
    }
    text.push_str("\nIts credentials are in the first of these variables that are set:\n\n");
    for names in spec.credentials {
        let _ = writeln!(text, "- {}", variables(names, "`"));
    }
    let permissions: Vec<String> = permissions(spec).iter().map(|permission| format!("`{permission}`")).collect();
    let _ = writeln!(text, "\nThe credentials need these permissions: {}.", permissions.join(", "));
    text
}

/// The variables of credentials, those that aren't required in parentheses, each between `quote`s.
fn variables(spec: &CredentialSpec, quote: &str) -> String {
    let named = |is_required: bool| {
        let fields = spec.0.iter().filter(|field| field.part.is_required() == is_required);
        fields.map(|field| format!("{quote}{}{quote}", field.name)).collect::<Vec<_>>().join(", ")
    };
    let (required, optional) = (named(true), named(false));
    if optional.is_empty() { required } else { format!("{required} (optional: {optional})") }
}

fn words(operation: Operation) -> String {
    match operation {
        Operation::Refresh(kind) => format!("refresh {}", kind.name()),
        Operation::Prefetch => "prefetch".to_owned(),
    }
}

/// When the quota comes back, between these words; of a provider without one only the last.
fn reset(spec: &Spec, before: &str, after: &str) -> String {
    match (&spec.quota, spec.operations.iter().any(|operation| operation.per_day.is_some())) {
        (Some(quota), _) => format!("{before}{}{after}", quota.reset),
        (None, true) => format!("{before}a time that the vendor doesn't document{after}"),
        (None, false) => after.trim_start_matches(';').trim_start().to_owned(),
    }
}

/// URLs in a day; a dash where nothing counts them.
fn per_day(operation: &OperationSpec) -> String {
    let unknown = if operation.quota.is_empty() { "–" } else { "?" };
    operation.per_day.map_or_else(|| unknown.to_owned(), |count| count.to_string())
}

/// How often an operation's call may be made, and how much of it may be under way.
fn rates(operation: &OperationSpec) -> String {
    let in_progress = operation.in_progress.map(|limit| format!("{} {} in progress", limit.most, limit.name));
    operation.call.rates().map(rate).chain(in_progress).collect::<Vec<_>>().join("; ")
}

/// `50`, `800 URLs`, `5 in 60 s, and 25 at once`.
fn rate(rate: &Rate) -> String {
    let things = if rate.counts == RateUnit::Items { " URLs" } else { "" };
    let per = if rate.per == Duration::from_secs(1) { String::new() } else { format!(" in {} s", rate.per.as_secs()) };
    let at_once = if let Burst::Bucket(burst) = rate.burst { format!(", and {burst} at once") } else { String::new() };
    format!("{}{things}{per}{at_once}", rate.amount)
}

/// What an option may hold, each literal between `quote`s.
fn value(option: &OptionSpec, quote: &str) -> String {
    match option.value {
        OptionValueSpec::Boolean => format!("{quote}true{quote} or {quote}false{quote}"),
        OptionValueSpec::OneOf(words) => {
            words.iter().map(|word| format!("{quote}{word}{quote}")).collect::<Vec<_>>().join(" or ")
        }
        OptionValueSpec::Text => "text".to_owned(),
        OptionValueSpec::Duration => format!("a time span, as {quote}90s{quote} or {quote}5m{quote}"),
        OptionValueSpec::Headers => "a mapping of names to values".to_owned(),
        OptionValueSpec::Number(least, most) => format!("a number from {least} to {most}"),
    }
}

/// The permissions that credentials need, each once, those that change something first.
fn permissions(spec: &Spec) -> Vec<&'static str> {
    let mut permissions: Vec<&str> = Vec::new();
    let permissions_of_queries = spec.reading_calls(&Operation::ALL).into_iter().map(|(call, _)| call.permission);
    let asks = &spec.queries;
    let measured = asks.traffic.iter().chain(&asks.bandwidth).map(|measure| &measure.call);
    let more = measured.chain(asks.logs.iter().map(|logs| &logs.call)).chain(&asks.domains);
    let permissions_of_queries = permissions_of_queries.chain(more.map(|call| call.permission));
    for permission in spec.operations.iter().map(|operation| operation.call.permission).chain(permissions_of_queries) {
        if !permissions.contains(&permission) {
            permissions.push(permission);
        }
    }
    permissions
}
