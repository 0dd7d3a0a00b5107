//! The loop that claims rows that are due, sends them, and saves the outcomes.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use super::client::{Content, Failure, TIMEOUT};
use super::persist::{self, AttemptOutcome};
use super::queue::{Host, Queue};
use super::schedule;
use super::shared::Shared;
use super::types::CallbackState;
use crate::clock::Timestamp;
use crate::random;
use crate::runtime::ShutdownSignal;
use crate::store::RowId as _;
use crate::store::rows::{CallbackOutcome, CallbackRow, EventRow};
use crate::users::events::{Concerning, EventType, event};

/// How often to look for rows that have become due, and for rows of nodes that died.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// An attempt that ended.
struct Attempt {
    row: CallbackRow,
    host: Host,
    result: Result<(), Failure>,
}

pub(super) struct Worker {
    shared: Arc<Shared>,
    queue: Queue,
    in_flight: JoinSet<Attempt>,
    /// Outcomes that are not saved yet. Claiming rows saves these too, so their number is bounded by
    /// the rows that were claimed.
    unsaved: Vec<AttemptOutcome>,
    /// Whether there may be rows to claim.
    may_have_rows: bool,
    /// The hosts that the last claim skipped.
    skipped: BTreeSet<Host>,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let queue = Queue::new(shared.limits);
        Self {
            shared,
            queue,
            in_flight: JoinSet::new(),
            unsaved: Vec::new(),
            may_have_rows: true,
            skipped: BTreeSet::new(),
        }
    }

    /// Works until shutdown, then until the callbacks in flight have ended.
    pub(super) async fn run(mut self, mut shutdown: ShutdownSignal) {
        loop {
            let stopping = shutdown.has_begun();
            if stopping {
                self.release_waiting();
            }

            self.advance(stopping).await;

            if stopping && self.in_flight.is_empty() {
                return;
            }

            // There may be more rows to claim: they are not waited for.
            if self.may_have_rows && self.queue.room() > 0 && !stopping {
                continue;
            }

            tokio::select! {
                Some(ended) = self.in_flight.join_next() => self.handle_ended(ended.ok()),
                () = self.shared.wake.notified(), if !stopping => self.may_have_rows = true,
                () = self.shared.base.clock.sleep(POLL_INTERVAL) => self.may_have_rows = true,
                () = shutdown.begun(), if !stopping => {}
            }

            while let Some(ended) = self.in_flight.try_join_next() {
                self.handle_ended(ended.ok());
            }
        }
    }

    /// Saves outcomes, claims rows, and starts as many attempts as the limits allow.
    async fn advance(&mut self, stopping: bool) {
        // Rows that the last claim skipped can be claimed once their host has room again.
        let saturated = self.queue.saturated();
        self.may_have_rows |= !self.skipped.is_subset(&saturated);

        let limit = if self.may_have_rows && !stopping {
            self.queue.room()
        } else {
            0
        };

        let now = self.shared.base.clock.now();
        if limit > 0 || !self.unsaved.is_empty() {
            self.save_and_claim(now, saturated, limit).await;
        }

        while let Some((host, row)) = self.queue.next() {
            self.start(host, row, now);
        }

        self.shared
            .base
            .metrics
            .callbacks_in_flight()
            .set(i64::try_from(self.in_flight.len()).unwrap_or(i64::MAX));
    }

    async fn save_and_claim(&mut self, now: Timestamp, saturated: BTreeSet<Host>, limit: usize) {
        let except = saturated.iter().cloned().collect();
        // Kept until they are saved: if this fails, they come along with the next attempt.
        let (store, unsaved) = (&self.shared.base.store, self.unsaved.clone());
        let rows = match persist::save_and_claim(store, unsaved, now, except, limit).await {
            Ok(rows) => rows,
            Err(error) => {
                // Tried again after the poll interval.
                self.may_have_rows = false;
                tracing::warn!(%error, "callbacks have to wait for the database");
                return;
            }
        };

        self.unsaved.clear();

        if limit > 0 {
            // A full page means that there may be more.
            self.may_have_rows = rows.len() == limit;
            self.skipped = saturated;
        }

        rows.into_iter().for_each(|row| self.queue.push(row));
    }

    /// Gives up the claims on rows that were not started, so that other nodes can claim them.
    fn release_waiting(&mut self) {
        for row in self.queue.take_waiting() {
            let due_at = Timestamp::from_millis(row.due_at);
            let outcome = outcome(
                &row,
                CallbackState::Due,
                row.attempts,
                due_at,
                row.last_error.clone(),
            );

            self.unsaved.push(AttemptOutcome {
                outcome,
                transaction_id: row.transaction_id,
                event: None,
            });
        }
    }

    fn start(&mut self, host: Host, row: CallbackRow, now: Timestamp) {
        // The lease might expire during the attempt, and another node might send the row too. It is
        // dropped here and claimed again.
        if now.after(TIMEOUT).as_millis() >= row.lease_until {
            self.queue.ended(&host);
            return;
        }

        let shared = Arc::clone(&self.shared);
        self.in_flight.spawn(async move {
            let result = attempt(&shared, &row).await;
            Attempt { row, host, result }
        });
    }

    /// Decides what follows from an attempt. `None` cannot happen: attempts are not cancelled, and
    /// panics are caught.
    fn handle_ended(&mut self, ended: Option<Attempt>) {
        let Some(Attempt { row, host, result }) = ended else {
            return;
        };
        self.queue.ended(&host);

        let now = self.shared.base.clock.now();
        let attempts = row.attempts.saturating_add(1);

        let (state, due_at, error) = match result {
            Ok(()) => (CallbackState::Delivered, now, None),
            Err(failure) => {
                let delay = schedule::delay_after(
                    attempts.unsigned_abs(),
                    self.jitter(),
                    failure.retry_after,
                );

                let state = if delay.is_some() {
                    CallbackState::Due
                } else {
                    CallbackState::Dead
                };

                (
                    state,
                    now.after(delay.unwrap_or_default()),
                    Some(failure.error),
                )
            }
        };

        self.report(&row, state, error.as_deref());
        let outcome = outcome(&row, state, attempts, due_at, error);
        let event = self.event_of(state, &row, now);
        self.unsaved.push(AttemptOutcome {
            outcome,
            transaction_id: row.transaction_id,
            event,
        });
    }

    fn report(&self, row: &CallbackRow, state: CallbackState, error: Option<&str>) {
        let label = match state {
            CallbackState::Due => "retry",
            CallbackState::Delivered => "delivered",
            CallbackState::Dead => "dead",
        };

        self.shared.base.metrics.callback_attempted(label);

        if let Some(error) = error {
            let callback_id = row.id.to_text();
            tracing::warn!(
                callback_id,
                attempts = row.attempts + 1,
                outcome = label,
                error,
                "a callback failed"
            );
        }
    }

    /// The audit log's event for a finished callback.
    fn event_of(
        &self,
        state: CallbackState,
        row: &CallbackRow,
        now: Timestamp,
    ) -> Option<EventRow> {
        // Of log-outs there is no event of their own.
        let Some(Content::Transaction(transaction)) = persist::content_of(row) else {
            return None;
        };
        let event_type = match state {
            CallbackState::Due => return None,
            CallbackState::Delivered => EventType::PushAuthCallbackSent,
            CallbackState::Dead => EventType::PushAuthCallbackFailed,
        };

        let concerning = Concerning {
            transaction: Some(transaction),
            ..Concerning::default()
        };

        let random = self.shared.base.random.as_ref();
        Some(event(event_type, concerning, now, random))
    }

    /// A random number from 0 to 1.
    fn jitter(&self) -> f64 {
        let random = u32::from_le_bytes(random::bytes(self.shared.base.random.as_ref()));
        f64::from(random) / f64::from(u32::MAX)
    }
}

async fn attempt(shared: &Shared, row: &CallbackRow) -> Result<(), Failure> {
    // Nobody knows what else of the row is wrong, so nothing is sent. It is tried again as after any
    // failure: an administrator may have mended it by then.
    let call = persist::call_of(row).map_err(|error| {
        tracing::error!(%error, "a callback cannot be sent");
        Failure::new("not sent: its row is corrupt")
    })?;

    let settings = shared.base.settings.load();
    let now = shared.base.clock.now();

    // A panic must not lose the row: it counts as a failed attempt.
    let sending = AssertUnwindSafe(shared.client.send(&settings, &call, now));
    sending.catch_unwind().await.unwrap_or_else(|_| {
        shared.base.metrics.actor_panicked("callback");
        Err(Failure::new("not sent: the server failed"))
    })
}

fn outcome(
    row: &CallbackRow,
    state: CallbackState,
    attempts: i32,
    due_at: Timestamp,
    last_error: Option<String>,
) -> CallbackOutcome {
    CallbackOutcome {
        id: row.id.clone(),
        fence: row.fence,
        state: state.as_row(),
        attempts,
        due_at: due_at.as_millis(),
        finished_at: (state != CallbackState::Due).then_some(due_at.as_millis()),
        last_error,
    }
}
