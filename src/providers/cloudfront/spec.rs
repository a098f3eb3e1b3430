//! CloudFront as data: limits, prices and options.
//!
//! Sources, as the comments name them:
//! - `sdk 1.44.5`: botocore 1.44.5, its model of CloudFront (version 2020-05-31) and its requests, November 2026
//! - `limits 2026`: "Concurrent invalidation request maximum" of the CloudFront developer guide, InvalidationLimits, read in November 2026
//! - `paths 2026`: "What you need to know when invalidating files" of the same guide, a copy read in November 2026
//! - `tags 2026`: "Invalidating content by cache tags" and "What you need to know when invalidating tags" of the same guide, November 2026
//! - `pricing 2026`: "Pay for file invalidation" of the same guide, and the price that aws.amazon.com/cloudfront/pricing names, November 2026

use std::time::Duration;

use super::credentials::{CHINA, CREDENTIALS};
use crate::model::Operation::{self, Refresh};
use crate::model::RefreshKind;
use crate::provider::OptionValueSpec::{OneOf, Text};
use crate::provider::{
    CallSpec, EndpointSpec, InProgress, OperationSpec, OptionSpec, PolicySpec, Price, QuerySpec, Rate, Spec,
    TrackingSpec,
};

/// CloudFront, API version 2020-05-31.
pub static CLOUDFRONT: Spec = Spec {
    name: "cloudfront",
    title: "Amazon CloudFront",
    docs: "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html",
    endpoints: &[
        EndpointSpec { region: "global", url: "https://cloudfront.amazonaws.com" }, // sdk 1.44.5
        EndpointSpec { region: CHINA, url: "https://cloudfront.cn-northwest-1.amazonaws.com.cn" }, // sdk 1.44.5
    ],
    options: &[
        OptionSpec::new("distribution", Text)
            .help("id of the distribution of the URLs, or of its tenant (`dt_…`); unset: found by the host"),
        OptionSpec::new("region", OneOf(&["global", CHINA]))
            .help("`china` for the separate Chinese cloud; unset: `global`"),
    ],
    credentials: CREDENTIALS,
    operations: &[
        invalidates(RefreshKind::Url, 3_000, &FILES), // limits 2026
        // "Replaces zero or more characters", so that the directory's own URL and all query strings are covered: paths 2026.
        invalidates(RefreshKind::Directory, WILDCARDS.most, &WILDCARDS).covering(),
        invalidates(RefreshKind::Prefix, WILDCARDS.most, &WILDCARDS).covering(),
        // Unproven: which of the two limits tags count towards. The smaller one is safe.
        invalidates(RefreshKind::Tag, WILDCARDS.most, &WILDCARDS),
        invalidates(RefreshKind::Everything, 1, &WILDCARDS).covering(),
    ],
    tracking: Some(TrackingSpec { status: STATUS, records: None, prefetches: None, whole_batches: true }),
    quota: None,
    signature_validity: Duration::from_mins(5), // unproven: 5 or 15
    url_characters: 4_000,                      // of a path: paths 2026
    prefetch_delay: Duration::ZERO,             // nothing is prefetched by the vendor; no page mentions a pause
    queries: QuerySpec { domains: Some(DISTRIBUTIONS), ..QuerySpec::NOTHING },
    // For every resource: the list of distributions can't be narrowed to one.
    // The version is that of the policy language: IAM user guide, November 2026.
    policy: PolicySpec { version: "2012-10-17", is_lower_case: false, resource: Some("*"), always: &[] },
    signs: &["aws_cloudfront_distribution", "aws cloudfront create-invalidation", "invalidate-cloudfront-action"],
};

/// Under way at a distribution: limits 2026.
static FILES: InProgress = InProgress { name: "files", most: 3_000 };
static WILDCARDS: InProgress = InProgress { name: "wildcards", most: 15 };

/// A wildcard or a tag is one path too: pricing 2026.
static PRICE: Price = Price { item: ("invalidation path", "invalidation paths"), each: 0.005, free_in_a_month: 1_000 };

/// Unproven: usually done within a minute or two. The reference makes that a second attempt costs and changes nothing:
/// sdk 1.44.5, its note on `CallerReference`.
const fn invalidates(kind: RefreshKind, per_call: usize, limit: &'static InProgress) -> OperationSpec {
    let operation: Operation = Refresh(kind);
    OperationSpec {
        typical: Duration::from_secs(60),
        in_progress: Some(limit),
        price: Some(&PRICE),
        ..OperationSpec::new(operation, CREATE, per_call, None, "").resent()
    }
}

/// How often they may be called isn't published.
const CREATE: CallSpec = CallSpec::new("CreateInvalidation", "cloudfront:CreateInvalidation", Rate::per_second(5));
pub(super) const STATUS: CallSpec = CallSpec::new("GetInvalidation", "cloudfront:GetInvalidation", Rate::per_second(5));
/// The same for a tenant. Source: sdk 1.44.5.
pub(super) const CREATE_FOR_TENANT: CallSpec = CallSpec {
    api: "CreateInvalidationForDistributionTenant",
    permission: "cloudfront:CreateInvalidationForDistributionTenant",
    ..CREATE
};
pub(super) const STATUS_OF_TENANT: CallSpec = CallSpec {
    api: "GetInvalidationForDistributionTenant",
    permission: "cloudfront:GetInvalidationForDistributionTenant",
    ..STATUS
};
/// How the ids of tenants begin: the examples of the same guide, November 2026.
pub(super) const TENANT_PREFIX: &str = "dt_";
/// Rows: sdk 1.44.5.
pub(super) const DISTRIBUTIONS: CallSpec =
    CallSpec::new("ListDistributions", "cloudfront:ListDistributions", Rate::per_second(5)).rows(100);
