//! Datagrams: one message each. They can't be made to wait: what comes while the spool takes nothing is gathered up to
//! a bound, then dropped and counted.

use std::io;

use tokio::net::UdpSocket;

use super::Sink;
use crate::inputs::Chunk;
use crate::inputs::framing::{Message, without_line_end};
use crate::limits;

/// Takes in datagrams until the program ends.
pub(super) async fn receive(socket: &UdpSocket, sink: &Sink) -> io::Result<()> {
    // Less is no reason not to listen.
    let _ = rustix::net::sockopt::set_socket_recv_buffer_size(socket, limits::UDP_BUFFER_BYTES);
    let mut buffer = vec![0; limits::DATAGRAM_BYTES_MAX];
    let mut chunk = Chunk::default();
    loop {
        tokio::select! {
            permit = sink.chunks.reserve(), if !chunk.is_empty() => {
                let Ok(permit) = permit else { return Ok(()) };
                let chunk = std::mem::take(&mut chunk);
                sink.counters().input_messages.add(chunk.messages);
                permit.send(chunk.lines.into());
            }
            ready = socket.readable() => {
                ready?;
                gather(socket, sink, &mut buffer, &mut chunk)?;
            }
            () = sink.stopped() => break,
        }
    }
    gather(socket, sink, &mut buffer, &mut chunk)?;
    sink.send(chunk).await;
    Ok(())
}

/// Takes what is there, up to a chunk's worth.
fn gather(socket: &UdpSocket, sink: &Sink, buffer: &mut [u8], chunk: &mut Chunk) -> io::Result<()> {
    let mut taken_bytes = 0;
    while taken_bytes < limits::INPUT_CHUNK_BYTES {
        let (count, sender) = match socket.try_recv_from(buffer) {
            Ok(datagram) => datagram,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        };
        taken_bytes += count.max(1);
        let bytes = without_line_end(buffer.get(..count).unwrap_or_default());
        if chunk.len() >= limits::UDP_PENDING_BYTES_MAX {
            sink.counters().datagrams_dropped.increment();
        } else if !bytes.is_empty() {
            chunk.add(sink.now_ns(), Some(&sender.to_string()), Message { bytes, cut_from_bytes: None });
        }
    }
    Ok(())
}
