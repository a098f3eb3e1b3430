//! TLS configuration from the built-in certificate authorities and the system's.
//!
//! Built in, because an image may have none; the system's too, because companies have their own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};

/// TLS 1.2 or 1.3 on ring, with every authority that can be had; system ones that can't be read are left out.
pub(super) fn client_config(environment: &BTreeMap<String, String>) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(system(environment));
    Ok(ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// `SSL_CERT_FILE` and `SSL_CERT_DIR` where they are given, else the system's own place.
fn system(environment: &BTreeMap<String, String>) -> Vec<CertificateDer<'static>> {
    let given = |name: &str| environment.get(name).filter(|value| !value.is_empty()).map(Path::new);
    match (given("SSL_CERT_FILE"), given("SSL_CERT_DIR")) {
        (None, None) => rustls_native_certs::load_native_certs(),
        // A bundle holds what the folder holds one by one; opening hundreds of files would cost more than the rest of the
        // start.
        (Some(file), _) if file.is_file() => rustls_native_certs::load_certs_from_paths(Some(file), None),
        (file, folder) => rustls_native_certs::load_certs_from_paths(file, folder),
    }
    .certs
}
