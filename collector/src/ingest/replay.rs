//! Start-up: a record of the log becomes the same documents again, with the same numbers, and goes
//! to the store.

use std::sync::Arc;

use millpond_store::log_store::LogStore;

use super::admission::drop_durable;
use super::decode::decode;
use crate::metrics::Metrics;
use crate::wal::WalError;
use crate::wal::record::BatchHead;
use crate::wal::state::Numbers;

/// Appends the documents of one record to the store. A body that does not become what its head says
/// is counted and left out: it would take the numbers of others.
///
/// # Errors
/// The store takes nothing.
pub fn replay(
    store: &dyn LogStore,
    metrics: &Metrics,
    head: &BatchHead,
    body: &[u8],
) -> Result<(), WalError> {
    if head.documents == 0 {
        return Ok(());
    }
    let mut decoded = match decode(&head.source, body) {
        Ok(decoded) => decoded,
        Err(error) => {
            report(metrics, head, &error.to_string());
            return Ok(());
        }
    };
    drop_durable(&mut decoded.batch, &decoded.offsets, &decoded.groups, &head.spans);
    if decoded.batch.len() as u64 != u64::from(head.documents) {
        let found = decoded.batch.len();
        report(metrics, head, &format!("{found} documents in place of {}", head.documents));
        return Ok(());
    }
    decoded.batch.number_from(head.first_document);
    let upto = Numbers::after(head).sequence;
    store
        .append(Arc::new(decoded.batch), upto)
        .map_err(|error| WalError::Broken(format!("the store: {error}")))
}

fn report(metrics: &Metrics, head: &BatchHead, reason: &str) {
    metrics.wal_damaged_records_total.add(1);
    tracing::error!(sequence = head.sequence, reason, "a record of the log can't be replayed");
}
