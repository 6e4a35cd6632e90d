use tokio::sync::watch;

/// Whether a connection to the broker stands; for readiness. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Health(watch::Receiver<bool>);

impl Health {
    pub(crate) fn of(connected: &watch::Sender<bool>) -> Self {
        Self(connected.subscribe())
    }

    /// True while the connection stands and its exchange and queue are declared.
    pub fn connected(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the connection stands; forever when its owner has stopped.
    pub async fn wait_connected(&mut self) {
        if self.0.wait_for(|connected| *connected).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
