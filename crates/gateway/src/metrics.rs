//! Metrics of requests.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::metrics::{Gauge, counter, gauge, histogram};
use aipoten_kit::telemetry::Answered;
use http::{Method, StatusCode};
use uuid::Uuid;

/// For so long after a request somebody counts as being there.
const PRESENT: Duration = Duration::from_mins(5);

/// A request that is being answered, or was given up by its client when this is dropped.
pub(crate) struct InFlight;

static IN_FLIGHT: LazyLock<Gauge> = LazyLock::new(|| gauge!("aipoten_http_requests_in_flight"));

impl InFlight {
    pub(crate) fn new() -> Self {
        IN_FLIGHT.increment(1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        IN_FLIGHT.decrement(1);
    }
}

/// Counts an answer. `route` is the pattern.
pub(crate) fn note(route: &str, method: &Method, status: StatusCode, took: Duration) {
    static ANSWERED: LazyLock<Answered<(&str, StatusCode)>> = LazyLock::new(Answered::default);
    let route = if route.is_empty() { "none" } else { route };
    let method = name(method);
    ANSWERED.note(route, (method, status), took, || {
        let labels = [("route", route.to_owned()), ("method", method.to_owned())];
        let histogram = histogram!("aipoten_http_request_duration_seconds", &labels);
        let status = ("status", status.as_str().to_owned());
        let [route, method] = labels;
        (counter!("aipoten_http_requests_total", &[route, method, status]), histogram)
    });
}

/// Clients can make methods up.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Who was there lately.
#[derive(Clone, Default)]
pub(crate) struct Present(Arc<Mutex<HashMap<Uuid, Instant>>>);

impl Present {
    pub(crate) fn note(&self, user_id: Uuid) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == seen.capacity() {
            forget(&mut seen);
        }
        seen.insert(user_id, Instant::now());
    }

    pub(crate) fn measure(&self) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut seen);
        gauge!("aipoten_users_active").set(u32::try_from(seen.len()).unwrap_or(u32::MAX));
    }
}

fn forget(seen: &mut HashMap<Uuid, Instant>) {
    seen.retain(|_, at| at.elapsed() < PRESENT);
}
