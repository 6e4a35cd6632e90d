//! What people learn at once: Socket.IO for apps and pages, Server-Sent Events for what cannot have `WebSocket`s. Every
//! gateway hears of all notifications and tells its own connections; who is connected elsewhere hears it there.

mod bus;
mod connections;
mod consultation;
mod cut;
mod handshake;
mod message;
mod notification;
mod presence;
mod rate;
mod session;
mod stream;
mod upgrade;

use std::sync::Arc;
use std::time::Duration;

use aipoten_kit::Process;
use aipoten_kit::config::Redis;
use aipoten_proto::notification::v1::NotificationCreated;
use axum::routing::get;
use axum::{Extension, Router};
use futures::FutureExt as _;
use futures::StreamExt as _;
use socketioxide::adapter::Emitter;
use socketioxide::handler::ConnectHandler as _;
use socketioxide::service::SocketIoService;
use socketioxide::{SocketIo, TransportType};
use socketioxide_redis::{CustomRedisAdapter, RedisAdapterConfig, RedisAdapterCtr};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::gateway::Gateway;
use bus::Bus;
use session::Session;

pub(crate) use connections::Connections;
pub(crate) use consultation::grace;
pub(crate) use presence::Presence;
pub(crate) use stream::{Missed, open};

/// How long a client may take to show its token.
const SILENCE: Duration = Duration::from_secs(10);
/// Messages that wait for a client at most: one that does not take them is cut.
const BUFFER: usize = 128;
/// Most bytes of a client's message: the description of a session with sound and pictures fits in.
const LARGEST: usize = 32 * 1024;
/// How often connections are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How long clients may take to hear that this gateway stops.
const CLOSING: Duration = Duration::from_secs(5);
/// After how many looks presence is renewed.
const RENEW: u64 = 20;
/// Clients that catch up at once, after this gateway was deaf.
const CATCHING_UP: usize = 16;

/// Rooms reach over all gateways, through Redis.
type Adapter = CustomRedisAdapter<Emitter, Bus>;
type Io = SocketIo<Adapter>;
type Service = SocketIoService<(), Adapter>;

/// The Socket.IO server of this gateway. Clones are the same.
#[derive(Clone)]
pub(crate) struct Realtime {
    gateway: Gateway,
    io: Io,
    service: Service,
    bus: Bus,
}

impl Realtime {
    /// To be called inside a runtime.
    pub(crate) fn new(gateway: &Gateway, redis: &Redis) -> anyhow::Result<Self> {
        let bus = Bus::new(redis)?;
        let config = RedisAdapterConfig::new().with_prefix(format!("{}socket.io", redis.prefix));
        let (service, io) = SocketIo::builder()
            .transports([TransportType::Websocket])
            .connect_timeout(SILENCE)
            .max_buffer_size(BUFFER)
            .ws_max_message_size(LARGEST)
            .ws_max_frame_size(LARGEST)
            .ws_read_buffer_size(1024)
            .with_adapter::<Adapter>(RedisAdapterCtr::new_with_driver(bus.clone(), config))
            .build_with_inner_svc(());
        let at_the_door = gateway.clone();
        let enter = move |socket, io, auth| handshake::enter(at_the_door, socket, io, auth);
        let ready = io.ns("/", (async || ()).with(enter)).now_or_never();
        anyhow::ensure!(matches!(ready, Some(Ok(()))), "the bus takes subscriptions at once");
        Ok(Self { gateway: gateway.clone(), io, service, bus })
    }

    pub(crate) fn routes(&self) -> Router<Gateway> {
        Router::new().route("/socket.io/", get(upgrade::upgrade).layer(Extension(self.service.clone())))
    }

    pub(crate) fn run(&self, process: &Process) {
        process.spawn("gateway realtime bus", self.bus.clone().run(process.stop()));
        process.spawn("gateway realtime", self.clone().keep(process.stop()));
        let gateway = self.gateway.clone();
        process.measure(move || gateway.connections().measure());
    }

    /// Tells the person's connections at this gateway. Never blocks.
    pub(crate) fn tell(&self, event: &NotificationCreated) {
        let Ok(user_id) = aipoten_proto::uuid(&event.user_id) else { return };
        for session in self.gateway.connections().of(user_id) {
            if session.has_joined() {
                session.tell(&notification::shown(event, session.locale));
            }
        }
    }

    /// This gateway heard nothing for a while: what its clients missed is read for them.
    pub(crate) fn catch_up(&self) {
        let gateway = self.gateway.clone();
        let joined: Vec<_> = gateway.connections().all().into_iter().filter(|it| it.has_joined()).collect();
        tokio::spawn(async move {
            futures::stream::iter(joined)
                .for_each_concurrent(CATCHING_UP, async |session| {
                    if let Err(failure) = notification::catch_up(&gateway, &session).await {
                        tracing::warn!(code = failure.code, "a client cannot catch up: it has to come again");
                        session.cut();
                    }
                })
                .await;
        });
    }

    /// Looks after connections until the process stops, then ends them: clients come again, at another gateway.
    async fn keep(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for look in 0_u64.. {
            if stop.run_until_cancelled(every.tick()).await.is_none() {
                break;
            }
            let sessions = self.gateway.connections().all();
            for session in &sessions {
                self.look_at(session);
            }
            if look % RENEW == 0 {
                let online = sessions.iter().filter(|it| it.is_online()).map(|it| it.user.id).collect();
                self.gateway.presence().keep(online).await;
            }
        }
        let sessions = self.gateway.connections().all();
        sessions.iter().filter(|it| it.is_stream()).for_each(|it| it.cut());
        if timeout(CLOSING, self.io.close()).await.is_err() {
            // They take nothing in, not even that.
            for it in &sessions {
                it.cut();
            }
        }
        Ok(())
    }

    /// No connection outlives its token, or its session.
    fn look_at(&self, session: &Arc<Session>) {
        if session.is_gone() {
            self.gateway.connections().remove(session);
        } else if self.gateway.revocations().contains(session.user.session_id) {
            session.end("UNAUTHENTICATED");
        } else if session.seconds_left() <= 0 {
            session.end("TOKEN_EXPIRED");
        } else {
            session.warn_in_time();
        }
    }
}
