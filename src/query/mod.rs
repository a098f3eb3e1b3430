//! Read-only queries to a provider: time ranges are split to what one call takes, every page is read, throttled and failed calls
//! are retried, and rows are merged so that none is missing and none comes twice.
//!
//! A query changes nothing at the provider, so that any failed call may be repeated.

mod account;
mod client;
mod logs;
mod metrics;
mod pagination;
mod permissions;
mod task_history;
#[cfg(test)]
mod tests;
mod time_windows;
mod wait;

pub use account::{domains, quota};
pub use client::QueryClient;
pub use logs::logs;
pub use metrics::{Metrics, MetricsQuery, interval_text, metrics};
pub use permissions::{Permission, PermissionStatus, PermissionsReport, permissions};
pub use task_history::{record_key, records};
pub use time_windows::TimeWindow;
pub use wait::{WaitedTask, wait};
