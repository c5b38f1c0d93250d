//! Connections of TCP and TLS. A sender waits while the spool takes nothing; nothing that was read is dropped, but
//! what a broken connection leaves of a last message counts as a message.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Settings, Sink, Transport};
use crate::inputs::Chunk;
use crate::inputs::framing::{Framer, Framing};
use crate::limits;

/// Pause after a failed accept: mostly there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves connections until the program ends; then until what they had read is spooled.
pub(super) async fn accept(listener: &TcpListener, settings: &Arc<Settings>, sink: &Sink) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = sink.stopped() => break,
        };
        match accepted {
            Ok(_) if connections.len() >= limits::SYSLOG_CONNECTIONS_MAX => {
                sink.counters().connections_refused.increment();
            }
            Ok((connection, sender)) => {
                connections.spawn(serve(connection, sender, Arc::clone(settings), sink.clone()));
            }
            Err(error) => {
                tracing::warn!(address = %settings.address, %error, "a connection can't be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn serve(connection: TcpStream, sender: SocketAddr, settings: Arc<Settings>, sink: Sink) {
    // Without it a sender that has lost its power would keep its place for a day.
    let _ = rustix::net::sockopt::set_socket_keepalive(&connection, true);
    let result = match &settings.transport {
        Transport::Tls(certificates) => match certificates.acceptor() {
            Ok(acceptor) => {
                let patience = Duration::from_secs(limits::SYSLOG_HANDSHAKE_SECONDS);
                let handshake = tokio::select! {
                    handshake = timeout(patience, acceptor.accept(connection)) => handshake,
                    () = sink.stopped() => return,
                };
                match handshake {
                    Ok(Ok(stream)) => take_in(stream, sender, &sink).await,
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(io::ErrorKind::TimedOut.into()),
                }
            }
            Err(error) => Err(io::Error::other(error)),
        },
        _ => take_in(connection, sender, &sink).await,
    };
    if let Err(error) = result {
        sink.counters().connections_failed.increment();
        let failed = sink.counters().connections_failed.value();
        // Said at once, then ever more rarely: whoever can reach the port could fill the log.
        if failed.is_power_of_two() {
            tracing::warn!(address = %settings.address, %sender, %error, failed, "a syslog connection has failed");
        }
    }
}

/// Takes in the messages of a stream until it, or the program, ends.
async fn take_in(mut stream: impl AsyncRead + Unpin, sender: SocketAddr, sink: &Sink) -> io::Result<()> {
    let sender = sender.to_string();
    let mut framer = Framer::new(Framing::Syslog);
    let mut buffer = vec![0; limits::INPUT_READ_BYTES];
    let idle = Duration::from_secs(limits::SYSLOG_IDLE_SECONDS);
    let result = loop {
        let read = tokio::select! {
            read = timeout(idle, stream.read(&mut buffer)) => read,
            () = sink.stopped() => break Ok(()),
        };
        let count = match read {
            Ok(Ok(0)) => break Ok(()),
            Ok(Ok(count)) => count,
            // Many senders of TLS end without a word.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => break Ok(()),
            Ok(Err(error)) => break Err(error),
            Err(_) => break Err(io::ErrorKind::TimedOut.into()),
        };
        let (mut chunk, now_ns) = (Chunk::default(), sink.now_ns());
        let bytes = buffer.get(..count).unwrap_or_default();
        framer.push(bytes, |message| chunk.add(now_ns, Some(&sender), message));
        sink.send(chunk).await;
    };
    let (mut chunk, now_ns) = (Chunk::default(), sink.now_ns());
    framer.finish(|message| chunk.add(now_ns, Some(&sender), message));
    sink.send(chunk).await;
    result
}
