//! The loop that claims rows that are due, sends them, and saves what came of it.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use super::client::{Call, Failure, TIMEOUT};
use super::persist::{self, Settled};
use super::queue::{Host, Queue};
use super::{CallbackId, CallbackState, Inner, schedule};
use crate::clock::Timestamp;
use crate::random;
use crate::runtime::ShutdownSignal;
use crate::store::rows::{CallbackOutcome, CallbackRow, EventRow};
use crate::users::events::{Concerning, EventType, event};

/// How often to look for rows whose time has come, and for rows of nodes that died.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// An attempt that ended.
struct Attempt {
    row: CallbackRow,
    host: Host,
    result: Result<(), Failure>,
}

pub(super) struct Worker {
    inner: Arc<Inner>,
    queue: Queue,
    flight: JoinSet<Attempt>,
    /// Decided, but not saved yet. Nothing is claimed without saving these, so their number is
    /// bounded by what was claimed.
    settled: Vec<Settled>,
    /// Whether there may be rows to claim.
    look: bool,
    /// Addresses left out of the last claim.
    left_out: BTreeSet<String>,
}

impl Worker {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        let queue = Queue::new(inner.limits);
        Self {
            inner,
            queue,
            flight: JoinSet::new(),
            settled: Vec::new(),
            look: true,
            left_out: BTreeSet::new(),
        }
    }

    /// Works until shutdown, then until what is on its way has ended.
    pub(super) async fn run(mut self, mut shutdown: ShutdownSignal) {
        loop {
            let stopping = shutdown.has_begun();
            if stopping {
                self.release_waiting();
            }

            self.turn(stopping).await;

            if stopping && self.flight.is_empty() {
                return;
            }

            if self.look && self.queue.room() > 0 && !stopping {
                continue;
            }

            tokio::select! {
                Some(ended) = self.flight.join_next() => self.settle(ended.ok()),
                () = self.inner.wake.notified(), if !stopping => self.look = true,
                () = self.inner.clock.sleep(POLL_INTERVAL) => self.look = true,
                () = shutdown.begun(), if !stopping => {}
            }

            while let Some(ended) = self.flight.try_join_next() {
                self.settle(ended.ok());
            }
        }
    }

    /// Saves what has ended, claims what is due, sends what may be sent.
    async fn turn(&mut self, stopping: bool) {
        let saturated = self.queue.saturated();
        self.look |= !self.left_out.is_subset(&saturated);

        let limit = if self.look && !stopping {
            self.queue.room()
        } else {
            0
        };

        let now = self.inner.clock.now();
        if limit > 0 || !self.settled.is_empty() {
            let except = saturated.iter().cloned().collect();
            match persist::turn(&self.inner.store, self.settled.clone(), now, except, limit).await {
                Ok(rows) => self.take(rows, limit, saturated),
                Err(error) => {
                    self.look = false;
                    tracing::warn!(%error, "callbacks have to wait for the database");
                }
            }
        }

        while let Some((host, row)) = self.queue.next() {
            self.start(host, row, now);
        }

        self.inner
            .metrics
            .callbacks_in_flight()
            .set(i64::try_from(self.flight.len()).unwrap_or(i64::MAX));
    }

    /// What was settled is saved, and these rows are ours.
    fn take(&mut self, rows: Vec<CallbackRow>, limit: usize, left_out: BTreeSet<String>) {
        self.settled.clear();
        if limit > 0 {
            // As many as were asked for: there may be more.
            self.look = rows.len() == limit;
            self.left_out = left_out;
        }
        rows.into_iter().for_each(|row| self.queue.push(row));
    }

    /// Gives back, for anybody to claim, what was not begun.
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
            self.settled.push(Settled {
                outcome,
                transaction_id: row.transaction_id,
                event: None,
            });
        }
    }

    fn start(&mut self, host: Host, row: CallbackRow, now: Timestamp) {
        if now.after(TIMEOUT).as_millis() >= row.lease_until {
            // It waited too long: by the time it is sent it may be somebody else's. It will be
            // claimed again.
            self.queue.ended(&host);
            return;
        }

        let inner = Arc::clone(&self.inner);

        self.flight.spawn(async move {
            let call = Call {
                id: CallbackId::from_row(&row.id),
                transaction_id: persist::transaction_of(&row.transaction_id),
                callback_uri: row.callback_uri.clone(),
            };
            let settings = inner.settings.load();
            let sending = AssertUnwindSafe(inner.client.send(&settings, &call, inner.clock.now()));
            let result = sending.catch_unwind().await.unwrap_or_else(|_| {
                inner.metrics.actor_panicked("callback");
                Err(Failure::new("not sent: the server failed"))
            });
            Attempt { row, host, result }
        });
    }

    /// Decides what follows from an attempt. None was cancelled, none panicked: both are caught
    /// inside.
    fn settle(&mut self, ended: Option<Attempt>) {
        let Some(Attempt { row, host, result }) = ended else {
            return;
        };
        self.queue.ended(&host);
        let now = self.inner.clock.now();
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

        self.settled.push(Settled {
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

        self.inner.metrics.callback_attempted(label);

        if let Some(error) = error {
            let callback_id = CallbackId::from_row(&row.id);
            tracing::warn!(%callback_id, attempts = row.attempts + 1, outcome = label, error, "a callback was not taken");
        }
    }

    fn event_of(
        &self,
        state: CallbackState,
        row: &CallbackRow,
        now: Timestamp,
    ) -> Option<EventRow> {
        let event_type = match state {
            CallbackState::Due => return None,
            CallbackState::Delivered => EventType::PushAuthCallbackSent,
            CallbackState::Dead => EventType::PushAuthCallbackFailed,
        };

        let transaction = Some(persist::transaction_of(&row.transaction_id));
        let concerning = Concerning {
            transaction,
            ..Concerning::default()
        };
        Some(event(
            event_type,
            concerning,
            now,
            self.inner.random.as_ref(),
        ))
    }

    /// From 0 to 1.
    fn jitter(&self) -> f64 {
        f64::from(u32::from_le_bytes(random::bytes(
            self.inner.random.as_ref(),
        ))) / f64::from(u32::MAX)
    }
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
