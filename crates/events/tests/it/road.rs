use std::net::SocketAddr;

use aipoten_kit::config::Secret;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A road to a server that can be closed.
pub(crate) struct Road {
    here: SocketAddr,
    there: String,
    open: JoinHandle<()>,
}

impl Road {
    pub(crate) async fn to(url: &str) -> Self {
        let there = url.split(['@', '/']).find(|part| part.contains("127.0.0.1:")).expect("a local server").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = listener.local_addr().expect("bound");
        Self { here, open: tokio::spawn(pass(listener, there.clone())), there }
    }

    /// The same address, by this road.
    pub(crate) fn lead(&self, url: &str) -> Secret {
        url.replace(&self.there, &self.here.to_string()).into()
    }

    pub(crate) async fn close(&mut self) {
        self.open.abort();
        let _ended = (&mut self.open).await;
    }

    pub(crate) async fn reopen(&mut self) {
        let listener = TcpListener::bind(self.here).await.expect("the same port");
        self.open = tokio::spawn(pass(listener, self.there.clone()));
    }
}

async fn pass(listener: TcpListener, there: String) {
    let mut connections = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        let there = there.clone();
        connections.spawn(async move {
            let mut far = TcpStream::connect(there).await.expect("the server answers");
            copy_bidirectional(&mut near, &mut far).await
        });
    }
}
