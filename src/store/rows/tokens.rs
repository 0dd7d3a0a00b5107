use diesel::prelude::*;

use super::ids::IdBytes;
use crate::store::record::row;

row! {
    /// One login of one user at one client. Tokens rest on it and end with it. The epochs it was
    /// made under are the database's matter.
    pub struct GrantRow in grants (id) {
        pub id: IdBytes,
        pub client_id: String,
        pub application_id: Option<String>,
        pub user_id: String,
        pub scope: String,
        pub resource_server: Option<String>,
        /// How the user was authenticated: a JSON array of names.
        pub amr: Option<String>,
        pub acr: Option<String>,
        pub auth_time: i64,
        /// What the login page says of the user, sealed.
        pub claims: Option<String>,
        /// The remembered log-in that it comes from.
        pub session_id: Option<IdBytes>,
        pub created_at: i64,
        /// No token that rests on it lives longer.
        pub expires_at: i64,
    }
}

row! {
    /// An access token. The epochs it was made under are the database's matter.
    #[derive(QueryableByName)]
    pub struct AccessTokenRow in access_tokens (id) {
        pub id: IdBytes,
        /// A keyed hash of the whole token, opaque or JWT.
        pub token_hash: Option<Vec<u8>>,
        /// None for a client's own token.
        pub grant_id: Option<IdBytes>,
        pub client_id: String,
        pub application_id: Option<String>,
        pub user_id: Option<String>,
        pub scope: String,
        pub resource_server: Option<String>,
        /// The key it is bound to (RFC 9449 §6.1).
        pub jkt: Option<String>,
        /// Of a token that was exchanged: a JSON array of the clients that act, the last one first.
        pub actors: Option<String>,
        /// Of a JWT. None for an opaque token.
        pub signing_algorithm: Option<String>,
        pub issued_at: i64,
        pub expires_at: i64,
    }
}

row! {
    /// A family of refresh tokens. Only the token of `generation`, the last one, is good.
    #[derive(Insertable)]
    pub struct RefreshTokenRow in refresh_tokens (id) {
        pub id: IdBytes,
        pub grant_id: IdBytes,
        /// `default`, `pin`, `fingerprint`, `custom:ID`.
        pub authenticator: String,
        /// The key it is bound to (RFC 9449 §5).
        pub jkt: Option<String>,
        /// 0 at first, one more with each rotation.
        pub generation: i32,
        /// When the last token was issued.
        pub issued_at: i64,
        /// When the last token expires.
        pub expires_at: i64,
    }
}

row! {
    /// The `jti` of a client assertion that was used, as a keyed hash.
    pub struct AssertionIdRow in assertion_ids (client_id, jti_hash) {
        pub client_id: String,
        pub jti_hash: Vec<u8>,
        pub expires_at: i64,
    }
}
