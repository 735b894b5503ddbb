//! TLS with ring, handed in explicitly: a library does not choose for the whole process.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::builder::ConnectError;

/// How to speak TLS. Who is trusted is only looked up where it is `needed`, because that reads the machine's
/// certificates: those, so that a company's own authority is honoured, and Mozilla's where the machine has none; and
/// the certificates in `more`, as PEM.
pub(crate) fn settings(needed: bool, more: &[String]) -> Result<ClientConfig, ConnectError> {
    let mut roots = if needed { roots() } else { RootCertStore::empty() };
    for pem in more {
        add(&mut roots, pem)?;
    }
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Http(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(client)
}

/// Adds every certificate in a text, of which there must be one at least.
fn add(roots: &mut RootCertStore, pem: &str) -> Result<(), ConnectError> {
    let unusable = |detail: String| ConnectError::Certificate(detail);
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        count += 1;
    }
    if count == 0 { Err(unusable("there is none in the text".to_owned())) } else { Ok(()) }
}

fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pem: &str, expected: &str) {
        let told = settings(false, &[pem.to_owned()]).expect_err(pem).to_string();
        assert!(told.starts_with("the root certificate cannot be used: "), "{told}");
        assert!(told.ends_with(expected), "{told}");
    }

    #[test]
    fn a_text_without_a_certificate_is_refused() {
        check("", "there is none in the text");
        check("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "there is none in the text");
        check("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "BadEncoding");
    }
}
