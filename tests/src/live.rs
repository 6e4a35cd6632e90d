//! A Socket.IO client, in the few frames that the platform's server speaks.

use std::collections::VecDeque;

use anyhow::{Context as _, bail, ensure};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A connection.
pub struct Live {
    stream: WebSocketStream<TcpStream>,
    asked: u64,
    heard: VecDeque<(String, Value)>,
}

/// How a connection was refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// With this HTTP status.
    Http(u16),
    /// With this code, once it was open.
    Code(String),
}

impl Live {
    /// Opens a connection to the gateway on this port of this machine, with these headers, and shows this.
    pub async fn connect(port: u16, headers: &[(&str, &str)], auth: &Value) -> anyhow::Result<Result<Self, Refusal>> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let status = upgrade(&mut stream, headers).await?;
        if status != 101 {
            return Ok(Err(Refusal::Http(status)));
        }
        let stream = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        let mut live = Self { stream, asked: 0, heard: VecDeque::new() };
        ensure!(live.frame().await?.starts_with('0'), "no Engine.IO");
        live.send(format!("40{auth}")).await?;
        let answer = live.frame().await?;
        if let Some(error) = answer.strip_prefix("44") {
            let error: Value = serde_json::from_str(error)?;
            return Ok(Err(Refusal::Code(error["message"].as_str().unwrap_or_default().to_owned())));
        }
        ensure!(answer.starts_with("40"), "neither in nor out: {answer}");
        Ok(Ok(live))
    }

    /// The same with a token, which is good.
    pub async fn with_token(port: u16, token: &str) -> anyhow::Result<Self> {
        let live = Self::connect(port, &[], &json!({ "token": token })).await?;
        live.map_err(|refusal| anyhow::anyhow!("refused: {refusal:?}"))
    }

    /// Says something; the answer to it.
    pub async fn ask(&mut self, event: &str, data: Value) -> anyhow::Result<Value> {
        self.asked += 1;
        let (number, message) = (self.asked, json!([event, data]));
        self.send(format!("42{number}{message}")).await?;
        let begin = format!("43{number}[");
        loop {
            let frame = self.frame().await?;
            if let Some(answer) = frame.strip_prefix(&begin) {
                return Ok(serde_json::from_str(answer.strip_suffix(']').context("a list")?)?);
            }
            self.keep(&frame)?;
        }
    }

    /// The next event that is sent.
    pub async fn hear(&mut self) -> anyhow::Result<(String, Value)> {
        while self.heard.is_empty() {
            let frame = self.frame().await?;
            self.keep(&frame)?;
        }
        self.heard.pop_front().context("there is one")
    }

    /// Waits until the server ends it; what it said before.
    pub async fn end(mut self) -> Vec<(String, Value)> {
        while let Ok(frame) = self.frame().await {
            if frame == "41" || self.keep(&frame).is_err() {
                break;
            }
        }
        self.heard.into()
    }

    fn keep(&mut self, frame: &str) -> anyhow::Result<()> {
        let Some(event) = frame.strip_prefix("42") else { bail!("an unexpected frame: {frame}") };
        let (name, data): (String, Value) = serde_json::from_str(event)?;
        self.heard.push_back((name, data));
        Ok(())
    }

    async fn send(&mut self, frame: String) -> anyhow::Result<()> {
        Ok(self.stream.send(Message::text(frame)).await?)
    }

    /// The next frame but for signs of life, which are answered.
    async fn frame(&mut self) -> anyhow::Result<String> {
        loop {
            match self.stream.next().await.context("the connection has ended")?? {
                Message::Text(text) if text.as_str() == "2" => self.send("3".to_owned()).await?,
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(_) => bail!("the connection was closed"),
                _ => {}
            }
        }
    }
}

/// Asks for a WebSocket; the status of the answer.
async fn upgrade(stream: &mut TcpStream, headers: &[(&str, &str)]) -> anyhow::Result<u16> {
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let ask = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\n\
         connection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(ask.as_bytes()).await?;
    let mut head = Vec::new();
    // One at a time: what follows is no HTTP.
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let status = head.get(9..12).context("a status line")?;
    Ok(std::str::from_utf8(status)?.parse()?)
}
