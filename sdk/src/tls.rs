//! TLS with ring, handed in explicitly: a library does not choose for the whole process.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

use crate::builder::ConnectError;

/// How to speak TLS. Who is trusted is only looked up where it is `needed`, because that reads the machine's
/// certificates: those, so that a company's own authority is honoured, and Mozilla's where the machine has none.
pub(crate) fn settings(needed: bool) -> Result<ClientConfig, ConnectError> {
    let roots = if needed { roots() } else { RootCertStore::empty() };
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Http(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(client)
}

fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}
