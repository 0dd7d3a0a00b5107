//! Work for the store's threads: a closure that gets a connection, answers whoever waits for it,
//! and reports the connection if it broke.

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

/// A job that runs `change` in a database transaction and sends its result.
pub(super) fn write<T, E, F>(change: F) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnOnce(&mut Connection) -> Result<T, WriteError<E>> + Send + 'static,
{
    let (reply, receiver) = oneshot::channel();
    let job = move |pooled: Result<&mut Pooled, StoreError>| {
        let result = match pooled {
            Ok(pooled) => transact(pooled, |connection| {
                connection.limit_lock_waits(LOCK_WAIT_MAX)?;
                let value = change(connection)?;
                // `change` may have gone on after a failed statement, whose transaction PostgreSQL
                // rolls back at the commit without an error.
                connection.check_transaction()?;
                Ok(value)
            }),
            Err(error) => Err(error.into()),
        };

        let _ = reply.send(result);
    };

    (Box::new(job), receiver)
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
