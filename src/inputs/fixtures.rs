//! Providers for tests that are about inputs: what the real ones can do may change, and these don't.

use std::time::Duration;

use crate::model::{Kind, Operation};
use crate::provider::{CallLimit, CredentialSpec, OperationSpec, OptionSpec, OptionValueSpec, Spec};

pub(super) static PROVIDERS: &[&Spec] = &[&SWIFT, &PLAIN];

/// A provider that can do everything.
pub(super) static SWIFT: Spec = Spec {
    name: "swift-cdn",
    title: "Swift CDN",
    options: &[
        OptionSpec {
            name: "area",
            help: "Where it is cached",
            value: OptionValueSpec::OneOf(&["domestic", "overseas"]),
        },
        OptionSpec { name: "l2", help: "Whether the second level is filled", value: OptionValueSpec::Boolean },
        OptionSpec { name: "headers", help: "Headers to the origin", value: OptionValueSpec::Headers },
    ],
    credentials: &[
        CredentialSpec { access_key_id: "SWIFT_KEY", access_key_secret: "SWIFT_SECRET", security_token: "SWIFT_TOKEN" },
        CredentialSpec { access_key_id: "OLD_KEY", access_key_secret: "OLD_SECRET", security_token: "OLD_TOKEN" },
    ],
    operations: &[
        operation(Operation::Refresh(Kind::File)),
        operation(Operation::Refresh(Kind::Directory)),
        operation(Operation::Refresh(Kind::Regex)),
        operation(Operation::Prefetch),
    ],
    ..SPEC
};

/// A provider that refreshes single addresses, and has no options.
pub(super) static PLAIN: Spec = SPEC;

const SPEC: Spec = Spec {
    name: "plain-cdn",
    title: "Plain CDN",
    docs: "https://docs.example",
    endpoint: "https://api.example",
    options: &[],
    credentials: &[],
    operations: &[operation(Operation::Refresh(Kind::File))],
    status: NO_LIMIT,
    records: NO_LIMIT,
    quota: NO_LIMIT,
    quota_reset: "00:00 UTC",
    url_characters: 1024,
    open: |_| unreachable!("inputs open no provider"),
    emulator: |_| unreachable!("inputs start no emulator"),
};

const NO_LIMIT: CallLimit =
    CallLimit { api: "Call", permission: "call", calls_per_second: 1.0, ids_per_call: 1, rows_per_page: 1 };

const fn operation(operation: Operation) -> OperationSpec {
    OperationSpec {
        operation,
        api: "Call",
        permission: "call",
        per_call: 10,
        per_day: None,
        hosts_per_call: None,
        request_line_bytes: None,
        calls_per_second: 1.0,
        typical: Duration::from_secs(1),
    }
}
