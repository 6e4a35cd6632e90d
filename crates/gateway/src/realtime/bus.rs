//! How rooms reach over gateways: channels of Redis. It comes back after Redis was away; meanwhile those at one gateway
//! reach each other.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aipoten_kit::config::{self, required};
use anyhow::Context as _;
use futures::StreamExt as _;
use redis::{AsyncCommands as _, RedisResult};
use socketioxide_redis::drivers::{ChanItem, Driver, MessageStream};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::patient::PatientRedis;

/// How long Redis is left alone after a connection broke.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(crate) struct Bus(Arc<Inner>);

struct Inner {
    redis: PatientRedis,
    client: redis::Client,
    channels: RwLock<HashMap<String, mpsc::Sender<ChanItem>>>,
    /// A channel has come that is not heard yet.
    more: Notify,
}

impl Bus {
    pub(super) fn new(redis: &config::Redis) -> anyhow::Result<Self> {
        let client = redis::Client::open(required("redis.url", &redis.url)?)
            .context("configuration key `redis.url` is no address of a Redis server")?;
        Ok(Self(Arc::new(Inner {
            redis: PatientRedis::new(redis)?,
            client,
            channels: RwLock::default(),
            more: Notify::new(),
        })))
    }

    /// Hears the channels until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        while let Some(heard) = stop.run_until_cancelled(self.hear()).await {
            if let Err(error) = heard {
                tracing::warn!(%error, "Redis is away: rooms reach no other gateway");
            }
            if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Until the connection breaks.
    async fn hear(&self) -> RedisResult<()> {
        let (mut sink, mut messages) = self.0.client.get_async_pubsub().await?.split();
        self.0.more.notify_one();
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => self.pass_on(&message),
                    None => return Ok(()),
                },
                () = self.0.more.notified() => {
                    let channels: Vec<String> = self.channels().keys().cloned().collect();
                    if !channels.is_empty() {
                        sink.subscribe(channels).await?;
                    }
                }
            }
        }
    }

    fn pass_on(&self, message: &redis::Msg) {
        let channel = message.get_channel_name().to_owned();
        if let Some(sender) = self.channels().get(&channel)
            && sender.try_send((channel, message.get_payload_bytes().to_vec())).is_err()
        {
            tracing::warn!("this gateway does not keep up with the others");
        }
    }

    fn channels(&self) -> std::sync::RwLockReadGuard<'_, HashMap<String, mpsc::Sender<ChanItem>>> {
        self.0.channels.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What Redis does not answer was logged, and those at this gateway are told all the same.
impl Driver for Bus {
    type Error = Infallible;

    async fn publish(&self, channel: String, message: Vec<u8>) -> Result<(), Infallible> {
        let publish = |mut redis: redis::aio::ConnectionManager| async move {
            redis.publish::<_, _, redis::Value>(channel, message).await
        };
        self.0.redis.ask(publish).await;
        Ok(())
    }

    async fn subscribe(&self, channel: String, size: usize) -> Result<MessageStream<ChanItem>, Infallible> {
        let (sender, receiver) = mpsc::channel(size);
        self.0.channels.write().unwrap_or_else(PoisonError::into_inner).insert(channel, sender);
        self.0.more.notify_one();
        Ok(MessageStream::new(receiver))
    }

    async fn unsubscribe(&self, channel: String) -> Result<(), Infallible> {
        self.0.channels.write().unwrap_or_else(PoisonError::into_inner).remove(&channel);
        Ok(())
    }

    async fn num_serv(&self, channel: &str) -> Result<u16, Infallible> {
        let count = |mut redis: redis::aio::ConnectionManager| async move {
            redis::cmd("PUBSUB").arg("NUMSUB").arg(channel).query_async::<(String, u16)>(&mut redis).await
        };
        Ok(self.0.redis.ask(count).await.map_or(1, |(_, count)| count))
    }
}
