//! Purge exactly the CDN URLs that your deployment changed, wait until the CDN confirms each of them, and fail the build if it doesn't.
//!
//! Read the inputs, find the changed files, map them to CDN URLs, plan batches, run them, and report.
//!
//! Values flow one way: `config` → `git`, `directory` or `change_list` → `mapping` → `plan` → `exec` → `report` → `ci`. `ARCHITECTURE.md` has the map.

pub mod change_list;
pub mod ci;
pub mod client;
pub mod commands;
pub mod config;
pub mod credentials;
pub mod directory;
pub mod environment;
pub mod error;
pub mod exec;
pub mod freshness;
pub mod git;
pub mod init;
pub mod mapping;
pub mod model;
pub mod pipeline;
pub mod plan;
pub mod provider;
pub mod providers;
pub mod query;
pub mod report;
pub mod text;
