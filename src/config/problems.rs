//! Problems that several readers of options report in the same words.

use super::parse_value::quoted;
use crate::error::Diagnostic;
use crate::provider::Spec;
use crate::text::suggest::{any_of, did_you_mean};

/// That a provider isn't known, and the nearest that is.
pub(super) fn unknown_provider(label: &str, name: &str, providers: &[&'static Spec]) -> Diagnostic {
    let names = || providers.iter().map(|spec| spec.name);
    let help = did_you_mean(name, names(), || format!("known are {}", any_of(names())));
    Diagnostic::new(format!("{label}: unknown provider {}", quoted(name)), help)
}
