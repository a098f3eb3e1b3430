//! Signatures: pure functions of a request, keys, a time and a nonce, one file per scheme.
