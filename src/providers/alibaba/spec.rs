//! Alibaba Cloud's products as data: limits, options, names in requests and answers, and what each error code allows.
//!
//! CDN, DCDN and VOD are a [`Spec`](crate::provider::Spec) and a [`Product`] each, with the same code for
//! them; DCDN and VOD say only how they differ from CDN.
//!
//! Sources, as the comments name them:
//! - `reference 2026-04`: the OpenAPI metadata of the vendor, github.com/aliyun/aliyun-openapi-meta at 2563691 of
//!   2026-04-21, and the operation notes inside @alicloud/cdn20180510 5.0.0, dcdn20180115 2.5.0 and
//!   alibabacloud_vod20170321 3.6.1, which say the same
//! - `guide 2021-07`: github.com/AlibabaCloudDocs/cdn, July 2021
//! - `DCDN guide 2025-09`: the DCDN pages of help.aliyun.com as of September 2025
//! - `prefetch page 2024-11`: the PushObjectCache page of help.aliyun.com, November 2024
//! - `gateway codes 2026`: help.aliyun.com/document_detail/434846
//! - `terraform 2026`: terraform-provider-alicloud at 81c43b6, its list of errors that are worth a retry
//! - `VOD page 2026-08`: the VOD pages of help.aliyun.com, August 2026
//! - `VOD guide 2021-07`: github.com/AlibabaCloudDocs/vod, July 2021

mod cdn;
mod codes;
mod dcdn;
mod shared;
mod vod;

pub use cdn::ALIBABA_CDN;
pub(super) use codes::CODES;
pub use dcdn::ALIBABA_DCDN;
pub(super) use shared::{Product, REFRESH_IDS, object_type};
pub use vod::ALIBABA_VOD;

use crate::provider::Spec;

impl Product {
    /// The product that a provider is.
    pub(super) fn of(spec: &Spec) -> &'static Self {
        match spec.name {
            "alibaba-dcdn" => &dcdn::DCDN,
            "alibaba-vod" => &vod::VOD,
            _ => &cdn::CDN,
        }
    }
}
