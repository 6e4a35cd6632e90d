//! Providers of our own, for payments and for messages. The first moves no money. It is a real HTTP server and speaks the dialects of the real ones: `/toss`,
//! `/portone` and `/stripe`. Below `/checkout` somebody pays or refuses in a browser, below `/control` tests and demonstrations do the
//! same and have it fail in the ways in which providers do. `/messages` takes text messages and reaches nobody.
//!
//! A crate of its own, as billing must not depend on its own counterpart.

mod books;
mod call;
mod charge;
mod checkout;
mod control;
mod fault;
mod messages;
mod portone;
mod stripe;
mod toss;
mod webhook;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aipoten_kit::Process;
use aipoten_kit::config::Secret;
use axum::Router;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::serve::ListenerExt as _;
use books::Books;
use messages::Messages;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use webhook::Webhooks;

/// Settings of the sandbox.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to serve it on; none: it does not run. Refused in production.
    pub listen: Option<SocketAddr>,
    /// Where its webhooks go; empty: nowhere.
    pub webhook_url: String,
    /// What callers authenticate with, in the way of each dialect; empty: anybody may call.
    pub secret_key: Secret,
    /// Signs the webhooks of the dialects that sign: `whsec_` and base64.
    pub webhook_secret: Secret,
}

/// The running provider. Clones share everything; what it knows is lost when it stops.
#[derive(Clone)]
struct Sandbox(Arc<Parts>);

struct Parts {
    config: Config,
    books: Mutex<Books>,
    messages: Mutex<Messages>,
    webhooks: Webhooks,
    stop: CancellationToken,
}

impl std::ops::Deref for Sandbox {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Parts {
    /// Whether a request carries the secret key, as its provider has it written. Without a key everybody is known.
    fn knows(&self, request: &Request, written: impl FnOnce(&str) -> String) -> bool {
        let secret = self.config.secret_key.expose_secret();
        let given = request.headers().get(AUTHORIZATION);
        secret.is_empty() || given.is_some_and(|given| given.as_bytes() == written(secret).as_bytes())
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves on a bound listener until the process stops.
pub fn serve(listener: TcpListener, config: &Config, process: &Process) -> anyhow::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let sandbox = Sandbox(Arc::new(Parts {
        config: config.clone(),
        books: Mutex::default(),
        messages: Mutex::default(),
        webhooks: Webhooks::new(config)?,
        stop: process.stop(),
    }));
    let router = Router::new()
        .nest("/toss", toss::routes(&sandbox))
        .nest("/portone", portone::routes(&sandbox))
        .nest("/stripe", stripe::routes(&sandbox))
        .merge(checkout::routes(&sandbox))
        .merge(messages::routes())
        .nest("/control", control::routes().merge(messages::control()))
        .with_state(sandbox);
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection broke");
        }
    });
    let serving = axum::serve(listener, router).with_graceful_shutdown(process.stop().cancelled_owned());
    process.spawn("sandbox provider", async move { Ok(serving.await?) });
    tracing::info!(role = "sandbox provider", %address, "serving");
    Ok(address)
}
