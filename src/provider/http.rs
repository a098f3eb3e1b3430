//! The network: the only file that names reqwest.
