//! Providers for tests that are about inputs: what the real ones can do may change, and these don't.

use crate::model::{Operation, RefreshKind};
use crate::provider::credentials::Part::{AccountId, Id, Secret, SecurityToken};
use crate::provider::{CredentialSpec, OperationSpec, OptionSpec, OptionValueSpec, Spec};

pub(super) static PROVIDERS: &[&Spec] = &[&SWIFT, &PLAIN];

/// A provider that can do everything.
pub(crate) static SWIFT: Spec = Spec {
    name: "swift-cdn",
    title: "Swift CDN",
    options: &[
        OptionSpec::new("area", OptionValueSpec::OneOf(&["domestic", "overseas"])).help("Where it is cached"),
        OptionSpec::new("l2", OptionValueSpec::Boolean).help("Whether the second level is filled"),
        OptionSpec::new("headers", OptionValueSpec::Headers).help("Headers to the origin"),
    ],
    credentials: &[
        CredentialSpec(&[
            Id.from("SWIFT_KEY"),
            Secret.from("SWIFT_SECRET"),
            SecurityToken.from("SWIFT_TOKEN"),
            AccountId.from("SWIFT_ACCOUNT"),
        ]),
        CredentialSpec(&[Id.from("OLD_KEY"), Secret.from("OLD_SECRET"), SecurityToken.from("OLD_TOKEN")]),
    ],
    operations: &[
        operation(Operation::Refresh(RefreshKind::Url)),
        operation(Operation::Refresh(RefreshKind::Directory)),
        operation(Operation::Refresh(RefreshKind::Regex)),
        operation(Operation::Refresh(RefreshKind::AnyQuery)),
        operation(Operation::Prefetch),
    ],
    ..SPEC
};

/// A provider that refreshes single URLs, and has no options.
pub(super) static PLAIN: Spec = SPEC;

const SPEC: Spec = Spec {
    name: "plain-cdn",
    title: "Plain CDN",
    operations: &[operation(Operation::Refresh(RefreshKind::Url))],
    ..Spec::BARE
};

const fn operation(operation: Operation) -> OperationSpec {
    OperationSpec { operation, ..OperationSpec::BARE }
}
