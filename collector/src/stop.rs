//! One signal for an orderly stop, seen by every task. It does not end anything by itself.

use tokio::sync::watch;

/// The side that asks for the stop. Dropping it asks, too.
#[derive(Debug)]
pub struct Stopper {
    requested: watch::Sender<bool>,
}

/// The side that obeys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop {
    requested: watch::Receiver<bool>,
}

/// A connected pair.
pub fn stop_signal() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper { requested: sender }, Stop { requested: receiver })
}

impl Stopper {
    /// Asks everyone to stop. Can be called again without harm.
    pub fn stop(&self) {
        self.requested.send_replace(true);
    }
}

impl Stop {
    /// True once the stop was asked for.
    pub fn is_requested(&self) -> bool {
        *self.requested.borrow() || self.requested.has_changed().is_err()
    }

    /// Returns when the stop is asked for. Cancel-safe.
    pub async fn requested(&self) {
        let mut requested = self.requested.clone();
        // An error means that the stopper is gone, which is a stop as well.
        let _ = requested.wait_for(|requested| *requested).await;
    }
}
