use crate::ids::ApplicationId;

/// Which client something was issued to, by its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientRef {
    /// The OAuth `client_id` of a web client or a device.
    pub(crate) id: String,
    /// Set where the client is a device.
    pub(crate) application_id: Option<ApplicationId>,
}

impl ClientRef {
    /// What administrators configure and users consent to: the web client, or the application on
    /// whatever device.
    pub(crate) fn party(&self) -> &str {
        self.application_id
            .as_ref()
            .map_or(self.id.as_str(), ApplicationId::as_str)
    }

    /// `None` where the columns cannot be read.
    pub(super) fn from_columns(id: String, application_id: Option<String>) -> Option<Self> {
        Some(Self {
            id,
            application_id: application_id
                .map(ApplicationId::try_from)
                .transpose()
                .ok()?,
        })
    }

    pub(super) fn application_column(&self) -> Option<String> {
        self.application_id.as_ref().map(ToString::to_string)
    }
}
