//! The registry: a provider is one folder and one line here.

use crate::provider::Spec;

pub mod alibaba;
pub mod huawei;

/// Every provider, in the order in which they are listed.
pub static PROVIDERS: &[&Spec] =
    &[&alibaba::ALIBABA_CDN, &alibaba::ALIBABA_DCDN, &alibaba::ALIBABA_VOD, &huawei::HUAWEI_CDN];

/// The provider of this name.
pub fn find(name: &str) -> Option<&'static Spec> {
    PROVIDERS.iter().copied().find(|spec| spec.name == name)
}
