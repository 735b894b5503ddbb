//! Certificates that a test's own authority vouches for.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// The certificate of a server, and the private authority that vouches for it.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The authority's certificate, as PEM.
    pub authority: String,
    /// The server's certificate, as PEM.
    pub certificate: String,
    /// The server's key, as PEM.
    pub key: String,
}

impl Certificate {
    /// Makes an authority, and a certificate for `host`, a name or an address.
    pub fn of(host: &str) -> Certificate {
        let key = || KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, key()).expect("an authority");
        let own_key = key();
        let own = CertificateParams::new([host.to_owned()]).expect("a host");
        let own = own.signed_by(&own_key, &authority).expect("a certificate");
        Certificate { authority: authority.pem(), certificate: own.pem(), key: own_key.serialize_pem() }
    }
}
