//! What login requests and consent requests have in common.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::str::FromStr;

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::error::Fault;
use crate::api::extract::{Fields, FromFields, PathParameter};
use crate::oauth::{Rejection, RequestedScope, RequestingInstallation};

/// The longest text in the body.
pub(super) const TEXT_BYTES_MAX: usize = 1024;

/// The challenge that a page was called with. The token server knows whether it is one.
pub(super) struct Challenge(pub(super) String);

impl FromStr for Challenge {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl PathParameter for Challenge {
    const NAME: &'static str = "challenge";
    const DESCRIPTION: &'static str =
        "The `login_challenge` or `consent_challenge` that the page was called with.";
}

/// A scope that the client asks for.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestedScope)]
pub(super) struct ScopeBody {
    id: String,
    /// What the scope allows, by language.
    descriptions: BTreeMap<String, String>,
}

impl From<RequestedScope> for ScopeBody {
    fn from(RequestedScope { id, descriptions }: RequestedScope) -> Self {
        Self { id, descriptions }
    }
}

/// The appliance that waits for its user (RFC 8628).
#[derive(Serialize, ToSchema)]
#[schema(as = RequestingDevice)]
pub(super) struct DeviceBody {
    /// The code that it shows: the user compares it.
    pub(super) user_code: String,
}

/// The installation that asks.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestingInstallation)]
pub(super) struct InstallationBody {
    /// The name that the user gave the device.
    name: String,
    /// `ios` or `android`.
    platform: &'static str,
    /// The name of the application.
    application: String,
}

impl From<RequestingInstallation> for InstallationBody {
    fn from(asking: RequestingInstallation) -> Self {
        Self {
            name: asking.name,
            platform: asking.platform.as_str(),
            application: asking.application,
        }
    }
}

/// Why a request is rejected.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "documents the body, which is read member by member"
)]
pub(crate) struct RejectBody {
    /// The error that the client gets. Default: `access_denied`.
    error: Option<String>,
    /// A description for the client's developers: at most 255 printable ASCII characters, without
    /// quotes and backslashes.
    error_description: Option<String>,
}

impl FromFields for Rejection {
    type Schema = RejectBody;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            error: fields.text("error", TEXT_BYTES_MAX)?,
            error_description: fields.text("error_description", TEXT_BYTES_MAX)?,
        })
    }
}

/// Where the browser goes on.
#[derive(Serialize, ToSchema)]
pub(super) struct RedirectBody {
    /// The URL that the page sends the browser to.
    pub(super) redirect_to: String,
}
