//! A TLS end before a server, as a load balancer puts one there.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use servers::Certificate;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Speaks TLS and passes everything on to a server; it ends when it is dropped.
pub struct Secure {
    /// Its address, such as `https://127.0.0.1:20001`.
    pub url: String,
    /// The certificate of the private authority that vouches for it, as PEM.
    pub authority: String,
    running: JoinHandle<()>,
}

impl Secure {
    /// Starts one whose certificate is for `host`, whatever its address is.
    pub async fn start(server: &str, host: &str) -> Secure {
        let (authority, acceptor) = certified(host);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let server = server.trim_start_matches("http://").to_owned();
        let running = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, server) = (acceptor.clone(), server.clone());
                tokio::spawn(async move {
                    // Either may refuse the other or go away: that is the end of this connection alone.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let Ok(mut server) = TcpStream::connect(server).await else { return };
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Secure { url: format!("https://127.0.0.1:{port}"), authority, running }
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// An authority of its own, and an end that it vouches for.
fn certified(host: &str) -> (String, TlsAcceptor) {
    let made = Certificate::of(host);
    let own = CertificateDer::from_pem_slice(made.certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).expect("a key");
    let settings = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![own], key)
        .expect("a certificate with its key");
    (made.authority, TlsAcceptor::from(Arc::new(settings)))
}
