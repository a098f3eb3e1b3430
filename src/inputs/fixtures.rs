//! Providers for tests that are about inputs: what the real ones can do may change, and these don't.

use crate::model::{Kind, Operation};
use crate::provider::{CredentialSpec, OperationSpec, OptionSpec, OptionValueSpec, Spec};

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
        CredentialSpec {
            access_key_id: "SWIFT_KEY",
            access_key_secret: "SWIFT_SECRET",
            security_token: "SWIFT_TOKEN",
            account_id: "SWIFT_ACCOUNT",
        },
        CredentialSpec {
            access_key_id: "OLD_KEY",
            access_key_secret: "OLD_SECRET",
            security_token: "OLD_TOKEN",
            account_id: "",
        },
    ],
    operations: &[
        operation(Operation::Refresh(Kind::File)),
        operation(Operation::Refresh(Kind::Directory)),
        operation(Operation::Refresh(Kind::Regex)),
        operation(Operation::Refresh(Kind::IgnoreParams)),
        operation(Operation::Prefetch),
    ],
    ..SPEC
};

/// A provider that refreshes single addresses, and has no options.
pub(super) static PLAIN: Spec = SPEC;

const SPEC: Spec = Spec {
    name: "plain-cdn",
    title: "Plain CDN",
    operations: &[operation(Operation::Refresh(Kind::File))],
    ..Spec::BARE
};

const fn operation(operation: Operation) -> OperationSpec {
    OperationSpec { operation, ..OperationSpec::BARE }
}
