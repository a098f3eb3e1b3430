//! Pure text functions that every layer may use.

pub mod sanitize;

pub use sanitize::sanitize;
