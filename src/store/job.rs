//! Work for the store's threads: a closure, somebody who waits for its result, and what it means
//! for the connection.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::QueryResult;
use diesel::result::Error as DieselError;
use tokio::sync::oneshot;

use super::Connection;
use super::error::{StoreError, WriteError};

/// Whether a connection may be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Sound,
    /// It was lost, or is in a state nobody knows.
    Broken,
}

/// Runs on a thread of the store, with a connection or the reason why there is none. It reports the
/// connection's health before it answers, so that whoever asks next after a loss is not given a
/// connection that was lost with it.
pub(super) type Job =
    Box<dyn FnOnce(Result<&mut Connection, StoreError>, &mut dyn FnMut(Health)) + Send>;

/// A job that runs `query` and sends its result; nothing is run for a caller who has gone.
pub(super) fn read<T, F>(query: F) -> (Job, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: FnOnce(&mut Connection) -> QueryResult<T> + Send + 'static,
{
    let (reply, receiver) = oneshot::channel();
    let job = move |connection: Result<&mut Connection, StoreError>,
                    report: &mut dyn FnMut(Health)| {
        if reply.is_closed() {
            return;
        }
        let result = connection.and_then(|connection| Ok(guarded(|| query(connection))??));
        report(health_after(result.as_ref().err()));
        // Whoever asked may have gone meanwhile.
        let _ = reply.send(result);
    };
    (Box::new(job), receiver)
}

/// A job that answers for itself, and tells how it failed.
pub(super) fn shared(
    run: impl FnOnce(Result<&mut Connection, StoreError>) -> Option<StoreError> + Send + 'static,
) -> Job {
    Box::new(move |connection, report| {
        let connected = connection.is_ok();
        let error = run(connection);
        if connected {
            report(health_after(error.as_ref()));
        }
    })
}

/// Runs a query so that its panic becomes an error and the thread lives on.
pub(super) fn guarded_query<T>(query: impl FnOnce() -> QueryResult<T>) -> Result<T, StoreError> {
    Ok(guarded(query)??)
}

/// A job that runs `change` in a database transaction and sends its result.
pub(super) fn write<T, E, F>(change: F) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnOnce(&mut Connection) -> Result<T, WriteError<E>> + Send + 'static,
{
    let (reply, receiver) = oneshot::channel();
    let job = move |connection: Result<&mut Connection, StoreError>,
                    report: &mut dyn FnMut(Health)| {
        let checked = |connection: &mut Connection| {
            let value = change(connection)?;
            connection.check_transaction()?;
            Ok(value)
        };
        let (result, health) = match connection {
            Ok(connection) => transact(connection, checked),
            Err(error) => (Err(error.into()), Health::Sound),
        };
        report(health);
        let _ = reply.send(result);
    };
    (Box::new(job), receiver)
}

/// Runs `change` in a database transaction of its own: all of it is durable after success, none of
/// it after anything else.
pub(super) fn transact<T, E: From<StoreError>>(
    connection: &mut Connection,
    change: impl FnOnce(&mut Connection) -> Result<T, WriteError<E>>,
) -> (Result<T, E>, Health) {
    let result = guarded(|| {
        connection.begin()?;
        let value = change(connection)?;
        connection.commit()?;
        Ok(value)
    });
    let error = match result {
        Ok(Ok(value)) => return (Ok(value), Health::Sound),
        Ok(Err(WriteError::Refused(refusal))) => return (Err(refusal), undo(connection)),
        Ok(Err(WriteError::Database(error))) => StoreError::from(error),
        Err(panicked) => panicked,
    };
    let health = match health_after(Some(&error)) {
        Health::Sound => undo(connection),
        // It is dropped, and with it the transaction.
        Health::Broken => Health::Broken,
    };
    (Err(error.into()), health)
}

/// Rolls back. A connection that cannot is of no further use.
fn undo(connection: &mut Connection) -> Health {
    match connection.rollback() {
        // A failed commit, or the database itself, has rolled back before.
        Ok(()) | Err(DieselError::NotInTransaction) => Health::Sound,
        Err(_) => Health::Broken,
    }
}

/// Runs a closure so that its panic becomes an error and the thread lives on.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, StoreError> {
    // What the closure leaves half-done is the connection's state, and that is thrown away after a
    // panic.
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| StoreError::Panicked)
}

/// What an error tells about the connection it came from.
fn health_after(error: Option<&StoreError>) -> Health {
    match error {
        None
        | Some(
            StoreError::Overloaded
            | StoreError::Query(_)
            | StoreError::Schema(_)
            | StoreError::Corrupt(_),
        ) => Health::Sound,
        Some(StoreError::Unavailable(_) | StoreError::Panicked) => Health::Broken,
    }
}
