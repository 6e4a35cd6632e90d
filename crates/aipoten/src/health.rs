//! `aipoten health`: asks the process beside it whether it is ready; for containers, which have no other client.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};

/// Readiness may look at each of its conditions for two seconds, one after the other.
const PATIENCE: Duration = Duration::from_secs(15);

/// Fails with what is missing when the process whose operations port this is, is not ready.
pub(crate) fn ask(ops: SocketAddr) -> anyhow::Result<()> {
    let answer = get(ops).with_context(|| format!("nobody answers on {ops}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is no HTTP")?;
    ensure!(head.split(' ').nth(1) == Some("200"), "not ready: {body}");
    Ok(())
}

fn get(ops: SocketAddr) -> std::io::Result<String> {
    // What listens everywhere is asked here.
    let host = if ops.ip().is_unspecified() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { ops.ip() };
    let mut stream = TcpStream::connect_timeout(&SocketAddr::new(host, ops.port()), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A process that gives one answer.
    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut asked = [0; 512];
            let read = stream.read(&mut asked).expect("a request");
            assert!(asked[..read].starts_with(b"GET /health/ready HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).expect("sent");
        });
        address
    }

    #[test]
    fn a_ready_process_is_healthy_and_another_says_what_it_misses() {
        ask(answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")).expect("ready");
        let missing = "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"checks\":{\"identity.database\":false}}";
        let error = ask(answering(missing)).unwrap_err().to_string();
        assert!(error.contains("identity.database"), "{error}");
    }

    #[test]
    fn where_nobody_listens_nobody_is_healthy() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let error = format!("{:#}", ask(address).unwrap_err());
        assert!(error.contains(&address.to_string()), "{error}");
    }
}
