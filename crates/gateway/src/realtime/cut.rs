//! Connections that can be ended from this side at any moment, also while the client takes nothing in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Ends a connection.
#[derive(Clone, Default)]
pub(super) struct Cut(CancellationToken);

/// A connection until it is cut.
pub(super) struct Cuttable<S> {
    inner: S,
    // One for each of two tasks, which wait apart.
    reading: Pin<Box<WaitForCancellationFutureOwned>>,
    writing: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Cut {
    pub(super) fn now(&self) {
        self.0.cancel();
    }
}

impl<S> Cuttable<S> {
    pub(super) fn new(inner: S, cut: &Cut) -> Self {
        let wait = || Box::pin(cut.0.clone().cancelled_owned());
        Self { inner, reading: wait(), writing: wait() }
    }
}

fn was_cut() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

impl<S: AsyncRead + Unpin> AsyncRead for Cuttable<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.reading.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(was_cut()));
        }
        Pin::new(&mut self.inner).poll_read(context, to)
    }
}

impl<S: AsyncWrite + Unpin> Cuttable<S> {
    fn poll_cut(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.writing.as_mut().poll(context));
        Poll::Ready(Err(was_cut()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cuttable<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Err(error)) = self.poll_cut(context) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.inner).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(error) = self.poll_cut(context) {
            return Poll::Ready(error);
        }
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex, split};

    use super::{Cut, Cuttable};

    #[tokio::test]
    async fn a_client_that_takes_nothing_in_and_says_nothing_can_be_cut() {
        let (_client, server) = duplex(8);
        let cut = Cut::default();
        let (mut reader, mut writer) = split(Cuttable::new(server, &cut));
        let stuck = tokio::spawn(async move { writer.write_all(&[0; 64]).await });
        let silent = tokio::spawn(async move { reader.read_u8().await });
        tokio::task::yield_now().await;
        cut.now();
        assert!(stuck.await.expect("no panic").is_err());
        assert!(silent.await.expect("no panic").is_err());
    }
}
