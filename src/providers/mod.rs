//! The registry: a provider is one folder and one entry here.

use emulators::{Emulator, EmulatorSettings};

use crate::provider::assume_role::RoleService;
use crate::provider::profile::ProfileFile;
use crate::provider::{Provider, ProviderContext, Spec};

pub mod alibaba;
pub mod bunny;
pub mod cloudflare;
pub mod cloudfront;
pub mod fastly;
pub mod huawei;
pub mod tencent;

/// Makes an emulator.
pub type NewEmulator = fn(&EmulatorSettings) -> Box<dyn Emulator>;

/// What the program can do with a provider.
#[derive(Clone, Copy)]
pub struct Registration {
    /// The provider as data.
    pub spec: &'static Spec,
    /// Opens it for one target.
    pub open: fn(ProviderContext) -> Box<dyn Provider>,
    /// The vendor's service of temporary credentials, if it has one.
    pub roles: Option<&'static dyn RoleService>,
    /// Files in a person's home that hold credentials, in order.
    pub profiles: &'static [ProfileFile],
    /// Makes its emulator, if it has one.
    pub emulator: Option<NewEmulator>,
}

/// Every provider, in the order in which they are listed.
pub static REGISTRY: &[Registration] = &[
    Registration {
        spec: &alibaba::ALIBABA_CDN,
        open: alibaba::open,
        roles: Some(&alibaba::Sts),
        profiles: alibaba::PROFILES,
        emulator: Some(emulators::alibaba::cdn),
    },
    Registration {
        spec: &alibaba::ALIBABA_DCDN,
        open: alibaba::open,
        roles: Some(&alibaba::Sts),
        profiles: alibaba::PROFILES,
        emulator: Some(emulators::alibaba::dcdn),
    },
    Registration {
        spec: &alibaba::ALIBABA_VOD,
        open: alibaba::open,
        roles: Some(&alibaba::Sts),
        profiles: alibaba::PROFILES,
        emulator: Some(emulators::alibaba::vod),
    },
    Registration {
        spec: &huawei::HUAWEI_CDN,
        open: huawei::open,
        roles: Some(&huawei::Sts),
        profiles: huawei::PROFILES,
        emulator: Some(emulators::huawei::cdn),
    },
    Registration {
        spec: &cloudflare::CLOUDFLARE,
        open: cloudflare::open,
        roles: None,
        profiles: &[],
        emulator: Some(emulators::cloudflare::cdn),
    },
    Registration {
        spec: &cloudfront::CLOUDFRONT,
        open: cloudfront::open,
        roles: Some(&cloudfront::Sts),
        profiles: cloudfront::PROFILES,
        emulator: Some(emulators::cloudfront::cdn),
    },
    Registration {
        spec: &tencent::TENCENT_CDN,
        open: tencent::open_cdn,
        roles: Some(&tencent::Sts),
        profiles: tencent::PROFILES,
        emulator: Some(emulators::tencent::cdn),
    },
    Registration {
        spec: &fastly::FASTLY,
        open: fastly::open,
        roles: None,
        profiles: &[],
        emulator: Some(emulators::fastly::cdn),
    },
    Registration {
        spec: &bunny::BUNNY,
        open: bunny::open,
        roles: None,
        profiles: &[],
        emulator: Some(emulators::bunny::cdn),
    },
    Registration {
        spec: &tencent::TENCENT_EDGEONE,
        open: tencent::open_edgeone,
        roles: Some(&tencent::Sts),
        profiles: tencent::PROFILES,
        emulator: Some(emulators::tencent::edgeone),
    },
];

/// The providers as data, in the same order.
pub static PROVIDERS: &[&Spec] = &{
    let mut specs = [REGISTRY[0].spec; REGISTRY.len()];
    let mut place = 1;
    while place < specs.len() {
        specs[place] = REGISTRY[place].spec;
        place += 1;
    }
    specs
};

/// The provider of this name.
pub fn find(name: &str) -> Option<&'static Spec> {
    PROVIDERS.iter().copied().find(|spec| spec.name == name)
}

impl Registration {
    /// The entry of a provider.
    pub fn of(spec: &Spec) -> Option<&'static Self> {
        REGISTRY.iter().find(|entry| entry.spec.name == spec.name)
    }
}

/// Opens a registered provider for one target.
///
/// # Panics
/// For a provider that isn't in the registry.
pub fn open(context: ProviderContext) -> Box<dyn Provider> {
    let entry = Registration::of(context.spec).expect("a target's provider comes from the registry");
    (entry.open)(context)
}

/// The emulators of these providers, by name; each has the settings that are given for it.
pub fn emulators(
    registry: &[Registration],
    mut settings: impl FnMut(&'static Spec) -> EmulatorSettings,
) -> Vec<(&'static str, Box<dyn Emulator>)> {
    let emulated = registry.iter().filter_map(|entry| Some((entry.spec, entry.emulator?)));
    emulated.map(|(spec, emulator)| (spec.name, emulator(&settings(spec)))).collect()
}
