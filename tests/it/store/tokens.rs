//! Which tokens are alive, and the conditions they are issued and used under.

use countersign::store::journal::{CodeRedemption, Entry, Insert, Outcome, RefreshRotation};
use countersign::store::queries::tokens::{
    delete_grant, delete_grants_of_user, find_live_access_tokens, find_live_refresh_tokens,
};
use countersign::store::rows::{
    AccessTokenRow, AuthorizationRow, GrantRow, LiveAccessToken, RefreshTokenRow,
};
use countersign::store::{Batched, Connection, QueryResult, Store, StoreError, queries};
use diesel::{RunQueryDsl as _, sql_query};
use futures_util::future::join_all;

use super::entries::{guarded, inserting};
use crate::support::databases::{Database, on_both_databases};
use crate::support::rows::{NOW, access_token, assertion_id, grant, id, refresh_token};

on_both_databases!(
    a_token_lives_and_dies_with_its_grant,
    an_epoch_ends_everything_before_it,
    a_disabled_user_has_no_live_tokens,
    many_at_once_share_a_query_and_get_their_own,
    what_several_ask_for_is_looked_up_once,
    a_batched_read_sees_what_was_committed_before,
    a_code_is_exchanged_once,
    a_refresh_token_is_rotated_once,
    what_a_replayed_assertion_came_with_does_not_happen,
    two_assertions_are_both_used_up,
    nothing_happens_in_the_name_of_a_disabled_user,
);

async fn save(store: &Store, inserts: impl IntoIterator<Item = Insert>) {
    assert_eq!(
        store.commit(inserting(inserts)).await,
        Ok(Outcome::Committed)
    );
}

async fn save_login(store: &Store, grant: &GrantRow) -> (AccessTokenRow, RefreshTokenRow) {
    let (token, family) = (access_token(Some(grant)), refresh_token(grant));
    let inserts = [
        grant.clone().into(),
        token.clone().into(),
        family.clone().into(),
    ];

    save(store, inserts).await;

    (token, family)
}

async fn live(store: &Store, token: &AccessTokenRow) -> Option<LiveAccessToken> {
    let id = token.id.clone();
    let found = store
        .read(move |connection| find_live_access_tokens(connection, &[id]))
        .await
        .unwrap();

    found.into_iter().next().map(|(_, live)| live)
}

async fn is_refreshable(store: &Store, family: &RefreshTokenRow) -> bool {
    let id = family.id.clone();
    !store
        .read(move |connection| find_live_refresh_tokens(connection, &[id]))
        .await
        .unwrap()
        .is_empty()
}

async fn run(store: &Store, statement: &'static str) {
    let execute = move |connection: &mut Connection| -> QueryResult<usize> {
        match connection {
            Connection::Postgres(connection) => sql_query(statement).execute(connection),
            Connection::Sqlite(connection) => sql_query(statement).execute(connection),
        }
    };

    let done: Result<usize, StoreError> = store
        .write(move |connection| Ok(execute(connection)?))
        .await;

    assert_eq!(done, Ok(1), "{statement}");
}

async fn a_token_lives_and_dies_with_its_grant(database: Database) {
    let store = database.store();
    let kept = grant("alice");

    let ended = GrantRow {
        amr: Some("[\"pwd\"]".to_owned()),
        ..grant("alice")
    };

    let (kept_token, kept_family) = save_login(&store, &kept).await;
    let (token, family) = save_login(&store, &ended).await;
    let found = live(&store, &token).await.unwrap();
    assert_eq!(found.token, token);

    assert_eq!(
        found.authentication.unwrap().amr.as_deref(),
        Some("[\"pwd\"]")
    );

    let end = ended.id.clone();
    let deleted: Result<bool, StoreError> = store
        .write(move |connection| Ok(delete_grant(connection, &end)?))
        .await;

    assert_eq!(deleted, Ok(true));
    assert_eq!(live(&store, &token).await, None);
    assert!(!is_refreshable(&store, &family).await);

    assert!(
        live(&store, &kept_token).await.is_some() && is_refreshable(&store, &kept_family).await
    );

    let all: Result<usize, StoreError> = store
        .write(|connection| Ok(delete_grants_of_user(connection, "alice")?))
        .await;

    assert_eq!(all, Ok(1));
    assert_eq!(live(&store, &kept_token).await, None);
}

async fn an_epoch_ends_everything_before_it(database: Database) {
    let store = database.store();
    let own = access_token(None);

    let for_api = AccessTokenRow {
        resource_server: Some("api".to_owned()),
        ..access_token(None)
    };

    save(&store, [own.clone().into(), for_api.clone().into()]).await;
    let first = grant("alice");
    let (token_of_first, family_of_first) = save_login(&store, &first).await;

    run(
        &store,
        "INSERT INTO token_epochs (kind, name, epoch) VALUES ('resource_server', 'api', 1)",
    )
    .await;

    assert!(live(&store, &own).await.is_some() && live(&store, &for_api).await.is_none());

    run(
        &store,
        "INSERT INTO token_epochs (kind, name, epoch) VALUES ('client', 'shop', 1)",
    )
    .await;

    assert!(live(&store, &own).await.is_none() && live(&store, &token_of_first).await.is_none());
    assert!(!is_refreshable(&store, &family_of_first).await);

    // What is made from now on is of the new epoch; a token that rests on an old grant is not.
    let (second, late) = (grant("alice"), access_token(Some(&first)));
    let (token_of_second, family_of_second) = save_login(&store, &second).await;
    save(&store, [late.clone().into()]).await;

    assert!(
        live(&store, &token_of_second).await.is_some()
            && is_refreshable(&store, &family_of_second).await
    );

    assert!(live(&store, &late).await.is_none());

    // An application of the same name is another thing.
    run(
        &store,
        "INSERT INTO token_epochs (kind, name, epoch) VALUES ('application', 'shop', 7)",
    )
    .await;

    assert!(live(&store, &token_of_second).await.is_some());
}

async fn a_disabled_user_has_no_live_tokens(database: Database) {
    let store = database.store();
    let (token, family) = save_login(&store, &grant("alice")).await;
    let (other, _) = save_login(&store, &grant("bob")).await;

    run(
        &store,
        "INSERT INTO disabled_users (user_id, disabled_at) VALUES ('alice', 1)",
    )
    .await;

    assert!(live(&store, &token).await.is_none() && !is_refreshable(&store, &family).await);
    assert!(live(&store, &other).await.is_some());
}

async fn many_at_once_share_a_query_and_get_their_own(database: Database) {
    let store = database.store();
    let tokens: Vec<AccessTokenRow> = (0..700).map(|_| access_token(None)).collect();
    save(&store, tokens.iter().cloned().map(Insert::from)).await;
    let batched = Batched::new(store.clone(), find_live_access_tokens);
    let unknown = id();
    let keys = tokens
        .iter()
        .map(|token| token.id.clone())
        .chain([unknown.clone(), tokens[0].id.clone()]);

    let found = join_all(keys.map(|key| {
        let batched = batched.clone();
        async move { (key.clone(), batched.find(key).await.unwrap()) }
    }))
    .await;

    for (key, live) in found {
        assert_eq!(
            live.map(|live| live.token.id),
            (key != unknown).then_some(key)
        );
    }

    store.close();

    assert!(matches!(
        batched.find(unknown).await,
        Err(StoreError::Unavailable(_))
    ));
}

async fn what_several_ask_for_is_looked_up_once(database: Database) {
    /// As a lookup of lists does: what a key is given twice for, it finds twice.
    fn count(_: &mut Connection, keys: &[i32]) -> QueryResult<Vec<(i32, usize)>> {
        let times = |key| keys.iter().filter(|other| *other == key).count();
        Ok(keys.iter().map(|key| (*key, times(key))).collect())
    }

    let batched = Batched::new(database.store(), count);
    let found = join_all((0..400).map(|number| batched.find(number % 4))).await;

    assert_eq!(found, vec![Ok(Some(1)); 400]);
}

async fn a_batched_read_sees_what_was_committed_before(database: Database) {
    let store = database.store();
    let batched = Batched::new(store.clone(), find_live_access_tokens);

    for _ in 0..50 {
        let token = access_token(None);
        assert_eq!(batched.find(token.id.clone()).await, Ok(None));
        save(&store, [token.clone().into()]).await;
        assert!(batched.find(token.id).await.unwrap().is_some());
    }
}

async fn a_code_is_exchanged_once(database: Database) {
    let store = database.store();

    let code = AuthorizationRow {
        id: id(),
        challenge_hash: vec![1; 32],
        status: 1,
        ..AuthorizationRow::default()
    };

    let row = code.clone();
    let saved: Result<(), StoreError> = store
        .write(move |connection| {
            Ok(queries::authorizations::insert_authorization(
                connection, &row,
            )?)
        })
        .await;

    saved.unwrap();

    let attempts = join_all((0..10).map(|_| {
        let grant = grant("alice");
        let redemption = CodeRedemption {
            expires_at: None,
            id: code.id.clone(),
            expected_status: 1,
            status: 2,
            grant_id: Some(grant.id.clone()),
        };

        store.commit(Entry {
            inserts: vec![grant.into()],
            ..guarded(redemption)
        })
    }))
    .await;

    assert_eq!(
        attempts
            .iter()
            .filter(|outcome| **outcome == Ok(Outcome::Committed))
            .count(),
        1
    );

    assert_eq!(
        attempts
            .iter()
            .filter(|outcome| **outcome == Ok(Outcome::Refused))
            .count(),
        9
    );
}

async fn a_refresh_token_is_rotated_once(database: Database) {
    let store = database.store();
    let (_, family) = save_login(&store, &grant("alice")).await;
    let rotate = |generation| {
        let rotation = RefreshRotation {
            id: family.id.clone(),
            generation,
            issued_at: NOW.as_millis() + 1,
            expires_at: 5,
        };

        store.commit(guarded(rotation))
    };

    let outcomes = join_all((0..10).map(|_| rotate(0))).await;
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Ok(Outcome::Committed))
            .count(),
        1
    );

    assert_eq!(rotate(1).await, Ok(Outcome::Committed));

    for generation in [0, 1, 3, -1, i32::MAX] {
        assert_eq!(
            rotate(generation).await,
            Ok(Outcome::Refused),
            "{generation}"
        );
    }

    let id = family.id.clone();
    let found = store
        .read(move |connection| find_live_refresh_tokens(connection, &[id]))
        .await
        .unwrap();

    assert_eq!(
        (
            found[0].1.refresh_token.generation,
            found[0].1.refresh_token.expires_at
        ),
        (2, 5)
    );
}

async fn what_a_replayed_assertion_came_with_does_not_happen(database: Database) {
    let store = database.store();
    let (_, family) = save_login(&store, &grant("alice")).await;
    let entry = |jti| {
        let rotation = RefreshRotation {
            id: family.id.clone(),
            generation: 0,
            issued_at: 0,
            expires_at: 0,
        };

        Entry {
            assertions: vec![assertion_id(jti)],
            ..guarded(rotation)
        }
    };

    let seen = Entry {
        assertions: vec![assertion_id(1)],
        ..Entry::default()
    };

    assert_eq!(store.commit(seen).await, Ok(Outcome::Committed));
    assert_eq!(store.commit(entry(1)).await, Ok(Outcome::Replayed));
    assert_eq!(store.commit(entry(2)).await, Ok(Outcome::Committed));
    assert_eq!(store.commit(entry(3)).await, Ok(Outcome::Refused));

    assert_eq!(
        store.commit(entry(3)).await,
        Ok(Outcome::Replayed),
        "seen, though refused"
    );
}

async fn two_assertions_are_both_used_up(database: Database) {
    let store = database.store();

    let entry = |first, second| Entry {
        assertions: vec![assertion_id(first), assertion_id(second)],
        ..Entry::default()
    };

    assert_eq!(store.commit(entry(1, 2)).await, Ok(Outcome::Committed));

    for (first, second) in [(1, 3), (4, 2), (1, 2)] {
        assert_eq!(
            store.commit(entry(first, second)).await,
            Ok(Outcome::Replayed)
        );
    }
}

async fn nothing_happens_in_the_name_of_a_disabled_user(database: Database) {
    let store = database.store();
    run(
        &store,
        "INSERT INTO disabled_users (user_id, disabled_at) VALUES ('alice', 1)",
    )
    .await;

    let (of_alice, of_bob) = (access_token(None), access_token(None));

    let entry = |user: &str, token: &AccessTokenRow| Entry {
        user: Some(user.to_owned()),
        assertions: vec![assertion_id(1)],
        ..inserting([token.clone().into()])
    };

    let outcomes = join_all(
        [entry("alice", &of_alice), entry("bob", &of_bob)].map(|entry| store.commit(entry)),
    )
    .await;
    assert_eq!(
        outcomes,
        [Ok(Outcome::UserDisabled), Ok(Outcome::Committed)],
        "her assertion is not used up"
    );

    assert!(live(&store, &of_alice).await.is_none() && live(&store, &of_bob).await.is_some());
}
