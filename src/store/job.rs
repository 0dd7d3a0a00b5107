//! Work for the store's threads: it gets a connection, answers whoever waits for it, and reports the
//! connection if it broke. Queries are closures; writes can share a commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use diesel::QueryResult;
use diesel::result::Error as DieselError;
use tokio::sync::oneshot;

use super::connection::Connection;
use super::error::{StoreError, WriteError};
use super::pool::Pooled;

/// Runs on a thread of the store, with a connection or the reason why there is none. It reports a
/// broken connection before it answers, so that whoever asks next is not given another one that was
/// lost with it.
pub(super) type Job = Box<dyn FnOnce(Result<&mut Pooled, StoreError>) + Send>;

/// How long a write of its own waits for a lock: nobody waits behind it.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(10);

/// A job that runs `query` and sends its result. It does nothing if the caller has gone.
pub(super) fn read<T, F>(query: F) -> (Job, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: FnOnce(&mut Connection) -> QueryResult<T> + Send + 'static,
{
    let (reply, receiver) = oneshot::channel();
    let job = move |pooled: Result<&mut Pooled, StoreError>| {
        // Nobody waits for the answer, and a query changes nothing: under load this is what lets
        // the queue catch up.
        if reply.is_closed() {
            return;
        }

        let result = pooled.and_then(|pooled| run_query(pooled, query));

        // The caller may have gone meanwhile.
        let _ = reply.send(result);
    };

    (Box::new(job), receiver)
}

/// A change and whoever waits for it.
pub(super) trait Write: Send {
    /// Carries the change out in the transaction that is open, or in its savepoint. After an error
    /// that has to be rolled back.
    fn carry_out(&mut self, connection: &mut Connection) -> Result<(), WriteError<NotKept>>;

    /// Answers, once it is known whether the change is durable.
    fn answer(self: Box<Self>, outcome: Result<(), NotKept>);
}

/// Why nothing of a change is there.
pub(super) enum NotKept {
    /// The change itself refused, and knows its reason.
    Refused,
    Failed(StoreError),
}

impl From<StoreError> for NotKept {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Makes a write of `change`, whose result will arrive at the receiver.
pub(super) fn write<T, E, F>(change: F) -> (Box<dyn Write>, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnOnce(&mut Connection) -> Result<T, WriteError<E>> + Send + 'static,
{
    let (reply, receiver) = oneshot::channel();
    let write = Awaited {
        change: Some(change),
        result: None,
        reply,
    };

    (Box::new(write), receiver)
}

/// A change whose result is sent.
struct Awaited<T, E, F> {
    /// None once it was carried out.
    change: Option<F>,
    /// What the change has answered.
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Write for Awaited<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnOnce(&mut Connection) -> Result<T, WriteError<E>> + Send,
{
    fn carry_out(&mut self, connection: &mut Connection) -> Result<(), WriteError<NotKept>> {
        let Some(change) = self.change.take() else {
            return Ok(());
        };

        match change(connection) {
            Ok(value) => {
                self.result = Some(Ok(value));
                Ok(())
            }
            Err(WriteError::Refused(refusal)) => {
                self.result = Some(Err(refusal));
                Err(WriteError::Refused(NotKept::Refused))
            }
            Err(WriteError::Database(error)) => Err(WriteError::Database(error)),
        }
    }

    fn answer(self: Box<Self>, outcome: Result<(), NotKept>) {
        let result = match (outcome, self.result) {
            (Err(NotKept::Failed(error)), _) => Err(error.into()),
            (Ok(()) | Err(NotKept::Refused), Some(result)) => result,
            // It was never carried out.
            (Ok(()) | Err(NotKept::Refused), None) => Err(StoreError::closed().into()),
        };

        // The caller may have gone meanwhile.
        let _ = self.reply.send(result);
    }
}

/// A job that carries a write out in a database transaction of its own.
pub(super) fn alone(mut write: Box<dyn Write>) -> Job {
    Box::new(move |pooled| {
        let outcome = match pooled {
            Ok(pooled) => transact(pooled, |connection| {
                connection.limit_lock_waits(LOCK_WAIT_MAX)?;
                write.carry_out(connection)?;
                // The change may have gone on after a failed statement, whose transaction PostgreSQL
                // rolls back at the commit without an error.
                Ok(connection.check_transaction()?)
            }),
            Err(error) => Err(error.into()),
        };

        write.answer(outcome);
    })
}

/// Carries writes out in one database transaction, in their order. Each has a savepoint, so that one
/// that is refused or fails takes none of the others along; if the commit fails, all have failed.
pub(super) fn transact_together(pooled: &mut Pooled, mut writes: Vec<Box<dyn Write>>) {
    let mut outcomes = Vec::new();
    let mut has_panicked = false;

    let committed: Result<(), StoreError> = transact(pooled, |connection| {
        for write in &mut writes {
            let outcome = in_savepoint(connection, write.as_mut())?;
            has_panicked |= matches!(outcome, Err(NotKept::Failed(StoreError::Panicked)));
            outcomes.push(outcome);
        }
        Ok(())
    });

    // Nobody knows what state a panic has left the connection in.
    if has_panicked {
        pooled.report_broken();
    }

    match committed {
        Ok(()) => {
            for (write, outcome) in writes.into_iter().zip(outcomes) {
                write.answer(outcome);
            }
        }
        // What one of them has refused may rest on what another wrote.
        Err(error) => {
            for write in writes {
                write.answer(Err(NotKept::Failed(error.clone())));
            }
        }
    }
}

/// Carries one of several writes out. An error is one of the whole transaction.
fn in_savepoint(
    connection: &mut Connection,
    write: &mut dyn Write,
) -> Result<Result<(), NotKept>, WriteError<StoreError>> {
    connection.begin_savepoint()?;

    let error = match catch(|| write.carry_out(connection)) {
        Ok(Ok(())) => {
            connection.commit()?;
            return Ok(Ok(()));
        }
        Ok(Err(error)) => error,
        Err(panicked) => WriteError::Refused(NotKept::Failed(panicked)),
    };

    let rolled_back = connection.rollback();

    match error {
        WriteError::Refused(not_kept) => {
            rolled_back?;
            Ok(Err(not_kept))
        }
        // The database has given up the whole transaction, as it does when the disk is full.
        WriteError::Database(error) if rolled_back.is_err() => Err(error.into()),
        WriteError::Database(error) => match StoreError::from(error) {
            error if breaks_connection(&error) => Err(WriteError::Refused(error)),
            error => Ok(Err(NotKept::Failed(error))),
        },
    }
}

/// Runs a query. Its panic becomes an error, so that the thread lives on.
pub(super) fn run_query<T>(
    pooled: &mut Pooled,
    query: impl FnOnce(&mut Connection) -> QueryResult<T>,
) -> Result<T, StoreError> {
    let result = catch(|| query(&mut pooled.connection)).and_then(|result| Ok(result?));

    if let Err(error) = &result
        && breaks_connection(error)
    {
        pooled.report_broken();
    }

    result
}

/// Runs `change` in a database transaction of its own. After success all it wrote is durable, after
/// anything else nothing is there.
pub(super) fn transact<T, E: From<StoreError>>(
    pooled: &mut Pooled,
    change: impl FnOnce(&mut Connection) -> Result<T, WriteError<E>>,
) -> Result<T, E> {
    let connection = &mut pooled.connection;
    let mut is_committing = false;
    let result = catch(|| {
        connection.begin()?;
        let value = change(connection)?;
        is_committing = true;
        connection.commit()?;
        Ok(value)
    });

    let error = match result {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(WriteError::Refused(refusal))) => {
            roll_back(pooled);
            return Err(refusal);
        }
        Ok(Err(WriteError::Database(error))) => StoreError::from(error),
        Err(panicked) => panicked,
    };

    if !breaks_connection(&error) {
        roll_back(pooled);
        return Err(error.into());
    }

    // It is closed, which ends the transaction. Whether the commit had reached a server, nobody
    // knows; SQLite has no way to lose it on.
    let is_undecided = is_committing && matches!(pooled.connection, Connection::Postgres(_));
    pooled.report_broken();

    Err(if is_undecided {
        StoreError::Undecided.into()
    } else {
        error.into()
    })
}

/// A connection that cannot roll back is of no further use.
fn roll_back(pooled: &mut Pooled) {
    match pooled.connection.rollback() {
        // A failed commit, or the database itself, has rolled back already.
        Ok(()) | Err(DieselError::NotInTransaction) => {}
        Err(_) => pooled.report_broken(),
    }
}

fn catch<T>(run: impl FnOnce() -> T) -> Result<T, StoreError> {
    // The only state that the closure may leave half-changed is the connection's, and the
    // connection is closed after a panic.
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| StoreError::Panicked)
}

/// Whether the connection that an error came from may not be used again.
fn breaks_connection(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable(_) | StoreError::Undecided | StoreError::Panicked => true,
        StoreError::Overloaded
        | StoreError::Aborted(_)
        | StoreError::Query(_)
        | StoreError::Schema(_)
        | StoreError::Corrupt(_) => false,
    }
}
