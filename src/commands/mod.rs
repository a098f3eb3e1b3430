//! commands
pub mod emulate;
