//! A batch on SQLite: row by row through prepared statements, because there is no way to a server
//! to be saved.

use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text};
use diesel::sqlite::Sqlite;
use diesel::{
    ExpressionMethods as _, QueryDsl as _, QueryResult, RunQueryDsl, SqliteConnection, delete,
    insert_into,
};

use super::columns::{Element, epochs_of_u, insert_access_tokens, insert_grants, row_statement};
use super::entry::{Entry, Guard, Insert, Outcome};
use crate::store::rows::{
    AccessTokenRow, AuthenticatorKey, AuthenticatorTry, AuthorizationStep, CodeRedemption,
    GrantRow, IdBytes, IdempotencyRow, RefreshRotation, TransactionUpdate,
};
use crate::store::schema::{
    assertion_ids, authorizations, callbacks, disabled_users, events, idempotency_keys,
    refresh_tokens, transactions,
};

/// Writes the entries inside the transaction that is open: an outcome for each, in order.
pub(super) fn apply(
    connection: &mut SqliteConnection,
    entries: &[&Entry],
) -> QueryResult<Vec<Outcome>> {
    entries
        .iter()
        .map(|entry| apply_one(connection, entry))
        .collect()
}

fn apply_one(connection: &mut SqliteConnection, entry: &Entry) -> QueryResult<Outcome> {
    if let Some(user) = &entry.user
        && disabled_users::table
            .find(user)
            .count()
            .get_result::<i64>(connection)?
            > 0
    {
        return Ok(Outcome::UserDisabled);
    }
    for row in &entry.assertions {
        if insert_into(assertion_ids::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(connection)?
            == 0
        {
            return Ok(Outcome::Replayed);
        }
    }
    if !guard_holds(connection, &entry.guard)? {
        return Ok(Outcome::Refused);
    }
    for insert in &entry.inserts {
        match insert {
            Insert::Transaction(row) => insert_into(transactions::table)
                .values(&**row)
                .execute(connection)?,
            Insert::Event(row) => insert_into(events::table)
                .values(&**row)
                .execute(connection)?,
            Insert::Callback(row) => insert_into(callbacks::table)
                .values(&**row)
                .execute(connection)?,
            Insert::IdempotencyKey(row) => {
                delete_expired_idempotency_key(connection, row)?;
                insert_into(idempotency_keys::table)
                    .values(&**row)
                    .execute(connection)?
            }
            Insert::Authorization(row) => insert_into(authorizations::table)
                .values(&**row)
                .execute(connection)?,
            Insert::Grant(row) => InsertGrant::new(row).execute(connection)?,
            Insert::RefreshToken(row) => insert_into(refresh_tokens::table)
                .values(&**row)
                .execute(connection)?,
            Insert::AccessToken(row) => InsertAccessToken::new(row).execute(connection)?,
            Insert::AuthenticatorSuccess(key) => ForgetFailures::new(key).execute(connection)?,
        };
    }
    Ok(Outcome::Committed)
}

fn guard_holds(connection: &mut SqliteConnection, guard: &Guard) -> QueryResult<bool> {
    let rows = match guard {
        Guard::None => return Ok(true),
        Guard::Transaction(change) => UpdateTransaction(change).execute(connection)?,
        Guard::IdempotencyKey(row) => insert_idempotency_key(connection, row)?,
        Guard::Authorization(step) => StepAuthorization::new(step).execute(connection)?,
        Guard::Code(redemption) => RedeemCode::new(redemption).execute(connection)?,
        Guard::DeviceCode(redemption) => RedeemDeviceCode::new(redemption).execute(connection)?,
        Guard::RefreshToken(rotation) => RotateRefreshToken::new(rotation).execute(connection)?,
        Guard::AuthenticatorTry(attempt) => CountTry::new(attempt).execute(connection)?,
    };
    Ok(rows == 1)
}

/// A key that has expired and was not swept yet counts as new.
fn insert_idempotency_key(
    connection: &mut SqliteConnection,
    row: &IdempotencyRow,
) -> QueryResult<usize> {
    let insert = |connection: &mut SqliteConnection| {
        insert_into(idempotency_keys::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(connection)
    };
    let inserted = insert(connection)?;
    let expired = inserted == 0 && delete_expired_idempotency_key(connection, row)? == 1;
    if expired {
        insert(connection)
    } else {
        Ok(inserted)
    }
}

fn delete_expired_idempotency_key(
    connection: &mut SqliteConnection,
    row: &IdempotencyRow,
) -> QueryResult<usize> {
    use idempotency_keys::dsl;
    let same = dsl::idempotency_keys.find((&row.client_id, &row.key_hash));
    delete(same.filter(dsl::expires_at.le(row.created_at))).execute(connection)
}

/// Saves a transaction whose version is still the expected one. Spelled out, because diesel's own
/// update statements are never kept prepared, and preparing this one takes longer than running it.
struct UpdateTransaction<'a>(&'a TransactionUpdate);

impl QueryFragment<Sqlite> for UpdateTransaction<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let update = self.0;
        out.push_sql("UPDATE transactions SET version = version + 1, status = ");
        out.push_bind_param::<SmallInt, _>(&update.status)?;
        out.push_sql(", reason = ");
        out.push_bind_param::<Nullable<SmallInt>, _>(&update.reason)?;
        out.push_sql(", attempts = ");
        out.push_bind_param::<Integer, _>(&update.attempts)?;
        out.push_sql(", resends = ");
        out.push_bind_param::<Integer, _>(&update.resends)?;
        out.push_sql(", delivery_due = ");
        out.push_bind_param::<Bool, _>(&update.delivery_due)?;
        out.push_sql(", finished_at = ");
        out.push_bind_param::<Nullable<BigInt>, _>(&update.finished_at)?;
        let kept_unless_given = [
            (", answer = COALESCE(", &update.answer, ", answer)"),
            (", user_id = COALESCE(", &update.user_id, ", user_id)"),
            (", device_id = COALESCE(", &update.device_id, ", device_id)"),
            (
                ", profile_id = COALESCE(",
                &update.profile_id,
                ", profile_id)",
            ),
        ];
        for (before, value, after) in kept_unless_given {
            out.push_sql(before);
            out.push_bind_param::<Nullable<Text>, _>(value)?;
            out.push_sql(after);
        }
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<Binary, _>(update.id.as_slice())?;
        out.push_sql(" AND version = ");
        out.push_bind_param::<BigInt, _>(&update.expected_version)
    }
}

impl QueryId for UpdateTransaction<'_> {
    type QueryId = UpdateTransaction<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<SqliteConnection> for UpdateTransaction<'_> {}

row_statement! {
    /// A new grant, under the epochs of now.
    InsertGrant over GrantRow:
    concat!(insert_grants!(), "("), concat!(") AS u", epochs_of_u!());
    {
        id: IdBytes,
        client_id: String,
        application_id: Option<String>,
        user_id: String,
        scope: String,
        resource_server: Option<String>,
        amr: Option<String>,
        acr: Option<String>,
        auth_time: i64,
        created_at: i64,
        expires_at: i64,
    }
}

row_statement! {
    /// A new access token, under the epochs of now.
    InsertAccessToken over AccessTokenRow:
    concat!(insert_access_tokens!(), "("), concat!(") AS u", epochs_of_u!());
    {
        id: IdBytes,
        token_hash: Option<Vec<u8>>,
        grant_id: Option<IdBytes>,
        client_id: String,
        application_id: Option<String>,
        user_id: Option<String>,
        scope: String,
        resource_server: Option<String>,
        jkt: Option<String>,
        signing_algorithm: Option<String>,
        issued_at: i64,
        expires_at: i64,
    }
}

row_statement! {
    /// Takes an authorization a step further.
    StepAuthorization over AuthorizationStep:
    "UPDATE authorizations SET status = u.status, challenge_hash = u.challenge_hash, code_hash = u.code_hash, \
       scope = u.scope, user_id = u.user_id, amr = u.amr, acr = u.acr, auth_time = u.auth_time, \
       expires_at = u.expires_at FROM (",
    ") AS u WHERE authorizations.id = u.id AND authorizations.status = u.expected_status";
    {
        id: IdBytes,
        expected_status: i16,
        status: i16,
        challenge_hash: Vec<u8>,
        code_hash: Option<Vec<u8>>,
        scope: String,
        user_id: Option<String>,
        amr: Option<String>,
        acr: Option<String>,
        auth_time: Option<i64>,
        expires_at: i64,
    }
}

row_statement! {
    /// Marks a code as exchanged.
    RedeemCode over CodeRedemption:
    "UPDATE authorizations SET status = u.status, grant_id = u.grant_id FROM (",
    ") AS u WHERE authorizations.id = u.id AND authorizations.status = u.expected_status";
    { id: IdBytes, expected_status: i16, status: i16, grant_id: Option<IdBytes> }
}

row_statement! {
    /// Marks a device's code as exchanged.
    RedeemDeviceCode over CodeRedemption:
    "UPDATE device_codes SET status = u.status FROM (",
    ") AS u WHERE device_codes.id = u.id AND device_codes.status = u.expected_status";
    { id: IdBytes, expected_status: i16, status: i16 }
}

row_statement! {
    /// Rotates a refresh token that is still the last one.
    RotateRefreshToken over RefreshRotation:
    "UPDATE refresh_tokens SET generation = u.generation + 1, issued_at = u.issued_at, expires_at = u.expires_at FROM (",
    ") AS u WHERE refresh_tokens.id = u.id AND refresh_tokens.generation = u.generation";
    { id: IdBytes, generation: i32, issued_at: i64, expires_at: i64 }
}

row_statement! {
    /// Counts a try, if there is one left.
    CountTry over AuthenticatorTry:
    "UPDATE authenticators SET failures = authenticators.failures + 1 FROM (",
    ") AS u WHERE authenticators.device_id = u.device_id AND authenticators.user_id = u.user_id \
       AND authenticators.name = u.name AND authenticators.failures < u.failures_max";
    { device_id: String, user_id: String, name: String, failures_max: i32 }
}

row_statement! {
    /// Forgets failures after a success.
    ForgetFailures over AuthenticatorKey:
    "UPDATE authenticators SET failures = 0 FROM (",
    ") AS u WHERE authenticators.device_id = u.device_id AND authenticators.user_id = u.user_id \
       AND authenticators.name = u.name";
    { device_id: String, user_id: String, name: String }
}
