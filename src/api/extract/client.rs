//! API clients, and what they may do: a right is a parameter's type, so a handler cannot forget to
//! ask for it.

use std::collections::BTreeSet;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::body::{self, MediaType};
use super::credentials;
use super::fields::{Fields, FromFields};
use super::form;
use crate::api::Api;
use crate::api::error::ApiError;
use crate::ids::ClientId;
use crate::oauth::Credentials;
use crate::settings::{ApiClient, Permission};

/// A right, as a type.
pub(crate) trait Right: 'static {
    /// Whether these permissions include it.
    fn is_granted(permissions: &BTreeSet<Permission>) -> bool;
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident = $($permission:ident)|+;)+) => {
        $($(#[$doc])*
        pub(crate) struct $name;

        impl Right for $name {
            fn is_granted(permissions: &BTreeSet<Permission>) -> bool {
                permissions.iter().any(|permission| matches!(permission, $(Permission::$permission)|+))
            }
        })+
    };
}

rights! {
    /// To start transactions and read their results.
    MobileAuthentication = MobileAuthentication;
    /// To say who a user is.
    UserAuthentication = UserAuthentication;
    /// To ask what tokens mean.
    TokenIntrospection = TokenIntrospection;
    /// To show and remove what users have.
    EndUsers = EndUser;
    /// To see and change what the management listener offers.
    Administration = Admin | Configuration;
}

/// A website.
pub(crate) type Website = Client<MobileAuthentication>;
/// A form a website sends.
pub(crate) type WebsiteForm<T> = ClientForm<MobileAuthentication, T>;
/// A form that an API sends which takes tokens.
pub(crate) type ResourceGatewayForm<T> = ClientForm<TokenIntrospection, T>;
/// A page that logs people in.
pub(crate) type LoginPage = Client<UserAuthentication>;
/// A page where users see what they have, and remove it.
pub(crate) type Portal = Client<EndUsers>;
/// An administrator's program.
pub(crate) type Administrator = Client<Administration>;

/// An API client that has the right, by the credentials in the request's header.
pub(crate) struct Client<R> {
    client: Arc<ApiClient>,
    right: PhantomData<R>,
}

impl<R> Client<R> {
    /// Its id.
    pub(crate) fn id(&self) -> &ClientId {
        &self.client.client_id
    }

    /// All that is configured of it.
    pub(crate) fn settings(&self) -> &ApiClient {
        &self.client
    }
}

impl<R: Right> FromRequest for Client<R> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move {
            let api = super::api(&request)?;
            let client = authenticate::<R>(&api, &request, &mut Fields::default()).await?;
            Ok(Self {
                client,
                right: PhantomData,
            })
        }
        .boxed_local()
    }
}

/// A form sent by an API client that has the right, by the credentials in the header or in the form
/// itself.
pub(crate) struct ClientForm<R, T> {
    /// Who sent it.
    pub(crate) client: Client<R>,
    /// What it says.
    pub(crate) form: T,
    /// The same, byte for byte.
    pub(crate) body: Bytes,
}

impl<R: Right, T: FromFields + 'static> FromRequest for ClientForm<R, T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        async move {
            let api = super::api(&request)?;
            let (body, mut fields) = read_form(&api, &request, &mut payload).await?;
            let client = authenticate::<R>(&api, &request, &mut fields).await?;
            let form =
                T::from_fields(&mut fields).map_err(|fault| super::fault(&request, &fault))?;
            Ok(Self {
                client: Client {
                    client,
                    right: PhantomData,
                },
                form,
                body,
            })
        }
        .boxed_local()
    }
}

/// A form whose credentials the facade checks: the token endpoint's.
pub(crate) struct PresentedForm<T> {
    /// Who sent it, still to be checked.
    pub(crate) credentials: Credentials,
    /// What it says.
    pub(crate) form: T,
}

impl<T: FromFields + 'static> FromRequest for PresentedForm<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        async move {
            let api = super::api(&request)?;
            let (_, mut fields) = read_form(&api, &request, &mut payload).await?;
            let credentials = credentials::of(&request, &mut fields)?;
            let form =
                T::from_fields(&mut fields).map_err(|fault| super::fault(&request, &fault))?;
            Ok(Self { credentials, form })
        }
        .boxed_local()
    }
}

/// A query string with credentials in the header, which the facade checks. Nobody's secret belongs
/// into an address.
pub(crate) struct PresentedQuery<T> {
    /// Who asks, still to be checked.
    pub(crate) credentials: Credentials,
    /// What for.
    pub(crate) query: T,
}

impl<T: FromFields + 'static> FromRequest for PresentedQuery<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let taken = form::parse(request.query_string().as_bytes())
            .and_then(|mut fields| T::from_fields(&mut fields))
            .map_err(|fault| super::fault(request, &fault))
            .and_then(|query| {
                let credentials = credentials::of(request, &mut Fields::default())?;
                Ok(Self { credentials, query })
            });
        ready(taken)
    }
}

/// A form of whoever: the pages'.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: FromFields + 'static> FromRequest for Form<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        async move {
            let api = super::api(&request)?;
            let (_, mut fields) = read_form(&api, &request, &mut payload).await?;
            T::from_fields(&mut fields)
                .map(Self)
                .map_err(|fault| super::fault(&request, &fault))
        }
        .boxed_local()
    }
}

async fn read_form(
    api: &Api,
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<(Bytes, Fields), ApiError> {
    let in_shape = |fault| super::fault(request, &fault);
    let body = body::read(api, request, payload, MediaType::Form)
        .await
        .map_err(in_shape)?;
    let fields = form::parse(&body).map_err(in_shape)?;
    Ok((body, fields))
}

async fn authenticate<R: Right>(
    api: &Api,
    request: &HttpRequest,
    fields: &mut Fields,
) -> Result<Arc<ApiClient>, ApiError> {
    let credentials = credentials::of(request, fields)?;
    let client = api
        .app()
        .token_server
        .clients
        .authenticate_api_client(&credentials)
        .await?;
    tracing::Span::current().record("client.id", client.client_id.as_str());
    if R::is_granted(&client.permissions) {
        Ok(client)
    } else {
        Err(ApiError::insufficient_permissions())
    }
}
