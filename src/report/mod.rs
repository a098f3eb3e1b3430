//! The report of a run, as Markdown, JSON, JUnit, plain text and outputs. Pure: values in, text out.
//!
//! Every planned URL has exactly one outcome, and together they are the plan. Which of these texts is shown, and where, is
//! decided in `ci`.

mod collector;
mod exit_status;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod outputs;
pub mod phrases;
pub mod plot;
pub mod query_columns;
mod run;
pub mod table;
pub mod terminal;

pub use collector::Collector;
pub use exit_status::Status;
pub use run::{BuiltOrigin, Context, Counts, Report};

use run::{BatchReport, Ended, LaneReport, Row, Stop, Timeline, lane_counts, lane_quotas, lane_rows};

#[cfg(test)]
pub(crate) mod fixture;
