//! Who is connected to this gateway.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::metrics::gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::session::Session;
use crate::config;
use crate::error::{Answer, Failure};

/// When a gateway that is full is asked again.
const FULL: Duration = Duration::from_secs(5);

/// Connections that stay open.
pub(crate) struct Connections {
    places: Arc<Semaphore>,
    most_of_a_user: usize,
    by_user: Mutex<HashMap<Uuid, Vec<Arc<Session>>>>,
}

/// One of the connections that this gateway takes: given back when all clones are gone.
#[derive(Clone)]
pub(super) struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Connections {
    pub(crate) fn new(config: &config::Realtime) -> Self {
        Self {
            places: Arc::new(Semaphore::new(config.connections)),
            most_of_a_user: config.user_connections,
            by_user: Mutex::default(),
        }
    }

    pub(super) fn place(&self) -> Answer<Place> {
        let full = |_| Failure::new("UNAVAILABLE").retry_after(FULL);
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(full)?;
        Ok(Place { _permit: Arc::new(permit) })
    }

    pub(super) fn admit(&self, session: &Arc<Session>) -> Answer<()> {
        let mut by_user = self.by_user();
        let own = by_user.entry(session.user.id).or_default();
        if own.len() >= self.most_of_a_user {
            return Err(Failure::new("RATE_LIMITED").reason("TOO_MANY_CONNECTIONS").retry_after(FULL));
        }
        own.push(Arc::clone(session));
        Ok(())
    }

    pub(super) fn remove(&self, session: &Arc<Session>) {
        let mut by_user = self.by_user();
        let Some(own) = by_user.get_mut(&session.user.id) else { return };
        own.retain(|it| !Arc::ptr_eq(it, session));
        if own.is_empty() {
            by_user.remove(&session.user.id);
        }
    }

    pub(super) fn of(&self, user_id: Uuid) -> Vec<Arc<Session>> {
        self.by_user().get(&user_id).cloned().unwrap_or_default()
    }

    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.by_user().values().flatten().cloned().collect()
    }

    /// For whoever watches the platform.
    pub(super) fn measure(&self) {
        let all = self.all();
        let streams = all.iter().filter(|it| it.is_stream()).count();
        for (kind, number) in [("stream", streams), ("socket", all.len() - streams)] {
            gauge!("aipoten_realtime_connections", "kind" => kind)
                .set(f64::from(u32::try_from(number).unwrap_or(u32::MAX)));
        }
    }

    fn by_user(&self) -> MutexGuard<'_, HashMap<Uuid, Vec<Arc<Session>>>> {
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
