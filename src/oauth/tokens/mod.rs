//! Tokens: what they look like, what they rest on, for whom they speak.
//!
//! Every access token has a row, a JWT too. What a user's tokens rest on is one row more, the
//! grant: without it none of them is accepted anywhere.
//!
//! - `issue` and `id_token` make tokens, `text` and `jwt` say what they look like.
//! - `live` finds what a presented token is; `remade` recognises JWTs that were signed again.
//! - `bearer` and `userinfo` answer those who present a token to this server.
//! - `hint` reads ID tokens that come back.
//! - `rotation` decides what becomes of a refresh token.

mod bearer;
mod hint;
mod id_token;
mod issue;
mod jwt;
mod live;
mod persist;
mod remade;
mod response;
mod rotation;
mod text;
mod userinfo;

pub use bearer::{Bearer, BearerError, BearerLogIn, PresentedToken};
pub use response::{TokenResponse, TokenType};
pub use userinfo::UserInfo;

pub(crate) use bearer::Bearers;
pub(crate) use hint::{IdTokenHint, IdTokenHints};
pub(crate) use issue::{Issuance, Issue, RestsOn};
pub(crate) use live::LiveTokens;
pub(crate) use response::IssuedToken;
pub(crate) use rotation::{Rotation, decide as decide_rotation};
pub(crate) use text::{PresentedRefreshToken, refresh_token};
