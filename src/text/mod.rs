//! Pure text functions that every layer may use.

pub mod sanitize;
pub mod suggest;

pub use sanitize::sanitize;
