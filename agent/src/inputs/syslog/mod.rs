//! Syslog from the network: one listener of UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425). What a sender can be
//! promised is little: syslog has no acknowledgement. A message that was read is in the spool a moment later and on
//! the disk a second later; from there to the collector it is exactly once.

mod stream;
mod udp;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use millpond_wire::tls;
use tokio::net::{TcpListener, UdpSocket};
use tokio_rustls::TlsAcceptor;

use super::{InputError, Sink};

/// `[[syslog]]`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens.
    pub address: SocketAddr,
    /// How.
    pub transport: Transport,
}

/// How messages come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// One a datagram.
    Udp,
    /// In a stream.
    Tcp,
    /// In a stream, TLS 1.3.
    Tls(Certificates),
}

/// PEM files, read when the listener starts and at each connection, so that renewed ones need no restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    /// The listener's, with what leads to its CA.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Senders must show a certificate of it, if it is given.
    pub client_ca: Option<PathBuf>,
}

impl Certificates {
    fn acceptor(&self) -> Result<TlsAcceptor, InputError> {
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|error| InputError(format!("{}: {error}", path.display())))
        };
        let client_ca = self.client_ca.as_ref().map(read).transpose()?;
        let config =
            tls::syslog_server_config(&read(&self.certificate)?, &read(&self.key)?, client_ca.as_deref());
        config.map(TlsAcceptor::from).map_err(|error| InputError(error.to_string()))
    }
}

/// See the module.
#[derive(Debug)]
pub struct Syslog {
    settings: Arc<Settings>,
}

impl Syslog {
    /// Listens with the first [`Self::receive`].
    pub fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings) }
    }

    /// Listens and takes in messages until the program ends.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn receive(&mut self, sink: &Sink) -> Result<(), InputError> {
        let address = self.settings.address;
        let failed = |error: std::io::Error| InputError(format!("{address}: {error}"));
        if matches!(self.settings.transport, Transport::Udp) {
            let socket = UdpSocket::bind(address).await.map_err(failed)?;
            return udp::receive(&socket, sink).await.map_err(failed);
        }
        if let Transport::Tls(certificates) = &self.settings.transport {
            // Whatever is wrong with them should be said now and not to the first sender.
            certificates.acceptor()?;
        }
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        stream::accept(&listener, &self.settings, sink).await;
        Ok(())
    }
}
