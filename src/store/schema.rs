//! The tables, as both databases have them. The store's tests compare this file with the migrated
//! databases. What the columns mean is documented in the migrations and in [`rows`](super::rows).

diesel::table! {
    settings (kind, name) {
        kind -> Text,
        name -> Text,
        body -> Text,
        version -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    server_state (id) {
        id -> Integer,
        settings_revision -> BigInt,
        key_check -> Nullable<Binary>,
    }
}

diesel::table! {
    transactions (id) {
        id -> Binary,
        version -> BigInt,
        client_id -> Text,
        type_name -> Text,
        method -> SmallInt,
        status -> SmallInt,
        reason -> Nullable<SmallInt>,
        user_id -> Nullable<Text>,
        device_id -> Nullable<Text>,
        profile_id -> Nullable<Text>,
        attempts -> Integer,
        attempts_max -> Integer,
        resends -> Integer,
        resends_max -> Integer,
        delivery_due -> Bool,
        created_at -> BigInt,
        expires_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        callback_uri -> Nullable<Text>,
        content -> Binary,
        answer -> Nullable<Text>,
        delivery_progress -> SmallInt,
        delivery_fence -> BigInt,
        delivery_lease_until -> BigInt,
        delivered -> Bool,
    }
}

diesel::table! {
    prompts (id) {
        id -> Binary,
        device_id -> Text,
        user_id -> Text,
        client_id -> Text,
        prompted_at -> BigInt,
    }
}

diesel::table! {
    events (id) {
        id -> Binary,
        occurred_at -> BigInt,
        event_type -> Text,
        client_id -> Nullable<Text>,
        user_id -> Nullable<Text>,
        device_id -> Nullable<Text>,
        transaction_id -> Nullable<Binary>,
    }
}

diesel::table! {
    callbacks (id) {
        id -> Binary,
        transaction_id -> Binary,
        callback_uri -> Text,
        state -> SmallInt,
        attempts -> Integer,
        created_at -> BigInt,
        due_at -> BigInt,
        lease_until -> BigInt,
        fence -> BigInt,
        finished_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        host -> Text,
        logout_token -> Nullable<Text>,
    }
}

diesel::table! {
    idempotency_keys (client_id, key_hash) {
        client_id -> Text,
        key_hash -> Binary,
        request_hash -> Binary,
        transaction_id -> Nullable<Binary>,
        answer -> Nullable<Binary>,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    devices (id) {
        id -> Text,
        application_id -> Text,
        application_version -> Text,
        platform -> Text,
        name -> Text,
        model -> Nullable<Text>,
        os_version -> Nullable<Text>,
        public_key -> Text,
        registration_token_hash -> Binary,
        created_at -> BigInt,
        updated_at -> BigInt,
        unused_since -> Nullable<BigInt>,
    }
}

diesel::table! {
    user_failures (user_id, channel) {
        user_id -> Text,
        channel -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    message_counts (key, window_start) {
        key -> Binary,
        window_start -> BigInt,
        count -> BigInt,
    }
}

diesel::table! {
    registration_counts (source, hour) {
        source -> Binary,
        hour -> BigInt,
        count -> BigInt,
    }
}

diesel::table! {
    enrolments (device_id, user_id) {
        device_id -> Text,
        user_id -> Text,
        profile_id -> Text,
        public_key -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    authenticators (device_id, user_id, name) {
        device_id -> Text,
        user_id -> Text,
        name -> Text,
        public_key -> Text,
        created_at -> BigInt,
        failures -> Integer,
    }
}

diesel::table! {
    push_addresses (device_id) {
        device_id -> Text,
        transport -> Text,
        address -> Nullable<Binary>,
        address_hash -> Nullable<Binary>,
        registered_at -> BigInt,
        dead_since -> Nullable<BigInt>,
    }
}

diesel::table! {
    push_enrolments (device_id, user_id) {
        device_id -> Text,
        user_id -> Text,
        application_id -> Text,
        slot -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    assertion_ids (client_id, jti_hash) {
        client_id -> Text,
        jti_hash -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    grants (id) {
        id -> Binary,
        client_id -> Text,
        application_id -> Nullable<Text>,
        user_id -> Text,
        scope -> Text,
        resource_server -> Nullable<Text>,
        amr -> Nullable<Text>,
        acr -> Nullable<Text>,
        auth_time -> BigInt,
        claims -> Nullable<Text>,
        session_id -> Nullable<Binary>,
        client_epoch -> BigInt,
        resource_epoch -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    access_tokens (id) {
        id -> Binary,
        token_hash -> Nullable<Binary>,
        grant_id -> Nullable<Binary>,
        client_id -> Text,
        application_id -> Nullable<Text>,
        user_id -> Nullable<Text>,
        scope -> Text,
        resource_server -> Nullable<Text>,
        jkt -> Nullable<Text>,
        actors -> Nullable<Text>,
        signing_algorithm -> Nullable<Text>,
        client_epoch -> BigInt,
        resource_epoch -> BigInt,
        issued_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    refresh_tokens (id) {
        id -> Binary,
        grant_id -> Binary,
        authenticator -> Text,
        jkt -> Nullable<Text>,
        generation -> Integer,
        issued_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    token_epochs (kind, name) {
        kind -> Text,
        name -> Text,
        epoch -> BigInt,
    }
}

diesel::table! {
    authorizations (id) {
        id -> Binary,
        challenge_hash -> Binary,
        code_hash -> Nullable<Binary>,
        client_id -> Text,
        redirect_uri -> Nullable<Text>,
        scope -> Text,
        resource_server -> Nullable<Text>,
        state -> Nullable<Text>,
        nonce -> Nullable<Text>,
        code_challenge -> Nullable<Text>,
        jkt -> Nullable<Text>,
        hints -> Nullable<Text>,
        device_code_id -> Nullable<Binary>,
        status -> SmallInt,
        user_id -> Nullable<Text>,
        amr -> Nullable<Text>,
        acr -> Nullable<Text>,
        auth_time -> Nullable<BigInt>,
        claims -> Nullable<Text>,
        session_id -> Nullable<Binary>,
        grant_id -> Nullable<Binary>,
        created_at -> BigInt,
        expires_at -> BigInt,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    pushed_requests (request_hash) {
        request_hash -> Binary,
        client_id -> Text,
        parameters -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    device_codes (id) {
        id -> Binary,
        device_code_hash -> Binary,
        user_code_hash -> Binary,
        client_id -> Text,
        scope -> Text,
        resource_server -> Nullable<Text>,
        status -> SmallInt,
        user_id -> Nullable<Text>,
        amr -> Nullable<Text>,
        acr -> Nullable<Text>,
        auth_time -> Nullable<BigInt>,
        claims -> Nullable<Text>,
        interval_seconds -> Integer,
        polled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    consents (id) {
        id -> Binary,
        user_id -> Text,
        client -> Text,
        scope -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    login_sessions (id) {
        id -> Binary,
        session_hash -> Binary,
        user_id -> Text,
        amr -> Nullable<Text>,
        acr -> Nullable<Text>,
        auth_time -> BigInt,
        claims -> Nullable<Text>,
        expires_at -> BigInt,
        used_at -> BigInt,
    }
}

diesel::table! {
    session_clients (session_id, client_id) {
        session_id -> Binary,
        client_id -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    disabled_users (user_id) {
        user_id -> Text,
        disabled_at -> BigInt,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        private_key -> Binary,
        created_at -> BigInt,
        active_from -> BigInt,
        published_until -> Nullable<BigInt>,
    }
}

// Only what is joined: each pair costs compile time.
diesel::allow_tables_to_appear_in_same_query!(devices, enrolments, push_addresses, push_enrolments,);
diesel::allow_tables_to_appear_in_same_query!(authorizations, devices);
diesel::allow_tables_to_appear_in_same_query!(callbacks, transactions);
diesel::allow_tables_to_appear_in_same_query!(grants, refresh_tokens);
