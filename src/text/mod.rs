//! Pure text functions that every layer may use.

pub mod duration;
pub mod format;
pub mod json;
pub mod sanitize;
pub mod suggest;
pub mod wrap;

pub use sanitize::sanitize;
