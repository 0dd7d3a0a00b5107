//! Work for the store's threads: a closure, somebody who waits for its result, and what it means for the connection.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::QueryResult;
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

/// Runs on a thread of the store, with a connection or the reason why there is none.
pub(super) type Job = Box<dyn FnOnce(Result<&mut Connection, StoreError>) -> Health + Send>;

/// A job that runs `query` and sends its result; nothing is run for a caller who has gone.
pub(super) fn read<T, F>(query: F) -> (Job, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: FnOnce(&mut Connection) -> QueryResult<T> + Send + 'static,
{
    let (reply, receiver) = oneshot::channel();
    let job = move |connection: Result<&mut Connection, StoreError>| {
        if reply.is_closed() {
            return Health::Sound;
        }
        let result = connection.and_then(|connection| Ok(guarded(|| query(connection))??));
        let health = health_after(result.as_ref().err());
        // Whoever asked may have gone meanwhile.
        let _ = reply.send(result);
        health
    };
    (Box::new(job), receiver)
}

/// A job that runs `change` in a database transaction and sends its result.
pub(super) fn write<T, E, F>(change: F) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnOnce(&mut Connection) -> Result<T, WriteError<E>> + Send + 'static,
{
    let (reply, receiver) = oneshot::channel();
    let job = move |connection: Result<&mut Connection, StoreError>| {
        let result = connection.map_err(Failure::Store).and_then(|connection| in_transaction(connection, change));
        let (result, health) = match result {
            Ok(value) => (Ok(value), Health::Sound),
            Err(Failure::Refused(refusal)) => (Err(refusal), Health::Sound),
            Err(Failure::Store(error)) => {
                let health = health_after(Some(&error));
                (Err(error.into()), health)
            }
        };
        let _ = reply.send(result);
        health
    };
    (Box::new(job), receiver)
}

enum Failure<E> {
    Refused(E),
    Store(StoreError),
}

impl<E> From<diesel::result::Error> for Failure<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

fn in_transaction<T, E>(
    connection: &mut Connection,
    change: impl FnOnce(&mut Connection) -> Result<T, WriteError<E>>,
) -> Result<T, Failure<E>> {
    connection.begin()?;
    let failure = match guarded(|| change(connection)) {
        Ok(Ok(value)) => {
            connection.commit()?;
            return Ok(value);
        }
        Ok(Err(WriteError::Refused(refusal))) => Failure::Refused(refusal),
        Ok(Err(WriteError::Database(error))) => Failure::Store(error.into()),
        // The connection is dropped, and with it the transaction.
        Err(panicked) => return Err(Failure::Store(panicked)),
    };
    // A connection that cannot even roll back is of no use, whatever went wrong before.
    connection.rollback()?;
    Err(failure)
}

/// Runs a closure so that its panic becomes an error and the thread lives on.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, StoreError> {
    // What the closure leaves half-done is the connection's state, and that is thrown away after a panic.
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| StoreError::Panicked)
}

/// What an error tells about the connection it came from.
pub(super) fn health_after(error: Option<&StoreError>) -> Health {
    match error {
        None | Some(StoreError::Overloaded | StoreError::Query(_) | StoreError::Schema(_)) => Health::Sound,
        Some(StoreError::Unavailable(_) | StoreError::Panicked) => Health::Broken,
    }
}
