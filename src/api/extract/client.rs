//! API clients. A permission is part of a parameter's type, so no handler can forget to check it.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Bytes;

use super::client_credentials;
use super::fields::{Fields, FromFields};
use super::form;
use super::request::{Extract, Request};
use crate::api::error::ApiError;
use crate::api::openapi::{Operation, Scheme};
use crate::ids::ClientId;
use crate::settings::{ApiClient, Permission};

/// A right, as a type.
pub(crate) trait Right: 'static {
    /// The permissions that grant it. One of them is enough.
    const PERMISSIONS: &'static [Permission];
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident: $($permission:ident)|+;)+) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl Right for $name {
                const PERMISSIONS: &'static [Permission] = &[$(Permission::$permission),+];
            }
        )+
    };
}

rights! {
    /// To start transactions and read their results.
    MobileAuthentication: MobileAuthentication;
    /// To tell who a user is.
    UserAuthentication: UserAuthentication;
    /// To introspect tokens.
    TokenIntrospection: TokenIntrospection | TokenIntrospectionAll;
    /// To list and remove what users have.
    EndUsers: EndUser;
    /// To use what the management listener offers.
    Administration: Admin | Configuration;
}

/// A website.
pub(crate) type Website = Client<MobileAuthentication>;
/// A form that a website sends.
pub(crate) type WebsiteForm<T> = ClientForm<MobileAuthentication, T>;
/// A form that a resource server sends.
pub(crate) type ResourceServerForm<T> = ClientForm<TokenIntrospection, T>;
/// A login page or consent page.
pub(crate) type LoginPage = Client<UserAuthentication>;
/// A portal, where users see what they have and remove it.
pub(crate) type Portal = Client<EndUsers>;
/// An administrator's program.
pub(crate) type Administrator = Client<Administration>;

/// An API client with a right, by the credentials in the `Authorization` header.
pub(crate) struct Client<R> {
    client: Arc<ApiClient>,
    right: PhantomData<R>,
}

impl<R: Right> Client<R> {
    pub(crate) fn id(&self) -> &ClientId {
        &self.client.client_id
    }

    pub(crate) fn settings(&self) -> &ApiClient {
        &self.client
    }

    /// Verifies the credentials in the header or among the parameters, and checks the permission.
    async fn authenticate(request: &Request<'_>, fields: &mut Fields) -> Result<Self, ApiError> {
        let credentials = client_credentials::of(request.head, fields)?;
        let client = request
            .api
            .app
            .token_server
            .clients
            .authenticate_api_client(&credentials)
            .await?;

        tracing::Span::current().record("client.id", client.client_id.as_str());
        let permitted = |permission| client.permissions.contains(permission);
        if !R::PERMISSIONS.iter().any(permitted) {
            return Err(ApiError::insufficient_permissions());
        }

        Ok(Self {
            client,
            right: PhantomData,
        })
    }
}

impl<R: Right> Extract for Client<R> {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        Self::authenticate(request, &mut Fields::default()).await
    }

    fn describe(operation: &mut Operation<'_>) {
        let permissions: Vec<String> = R::PERMISSIONS.iter().map(name).collect();
        operation.require(Scheme::ApiClient, &permissions);

        let names: Vec<String> = permissions.iter().map(|name| format!("`{name}`")).collect();
        operation.note(format!(
            "Requires an API client with the permission {}.",
            names.join(" or ")
        ));

        operation.client_error(
            StatusCode::UNAUTHORIZED,
            "The client's credentials are missing or wrong.",
        );

        operation.client_error(
            StatusCode::FORBIDDEN,
            "The client does not have the permission.",
        );
    }
}

/// The name of a permission in the settings.
fn name(permission: &Permission) -> String {
    let name = serde_json::to_value(permission).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

/// A form of an API client with a right, by the credentials in the header or in the form.
pub(crate) struct ClientForm<R, T> {
    pub(crate) client: Client<R>,
    pub(crate) form: T,
    /// The form as it was sent.
    pub(crate) body: Bytes,
}

impl<R: Right, T: FromFields> Extract for ClientForm<R, T> {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let (body, mut fields) = form::read(request).await?;
        let client = Client::authenticate(request, &mut fields).await?;
        let form = form::take(&mut fields)?;

        Ok(Self { client, form, body })
    }

    fn describe(operation: &mut Operation<'_>) {
        Client::<R>::describe(operation);
        operation.form::<T::Schema>();
    }
}
