use super::error::PageRequestError;
use crate::oauth::model::Reason;

/// The longest `error_description`, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 255;

/// What a client may be told as the reason (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
const ERRORS: [&str; 6] = [
    "access_denied",
    "login_required",
    "interaction_required",
    "consent_required",
    "server_error",
    "temporarily_unavailable",
];

/// The login page, or the consent page, refuses.
#[derive(Clone, Debug, Default)]
pub struct Rejection {
    /// `access_denied` where it is not given.
    pub error: Option<String>,
    /// For the client's developer: at most 255 printable ASCII characters without quotes and
    /// backslashes.
    pub error_description: Option<String>,
}

impl Rejection {
    /// Checks what the page says.
    pub(super) fn reason(&self) -> Result<Reason, PageRequestError> {
        let wanted = self.error.as_deref().unwrap_or("access_denied");
        // A closed list: the text becomes part of an address, and clients act on the codes they
        // know.
        let Some(error) = ERRORS.into_iter().find(|known| *known == wanted) else {
            return Err(PageRequestError::invalid(
                "error",
                "must be `access_denied` or another error of the authorization endpoint.",
            ));
        };

        // The characters of RFC 6749 §4.1.2.1.
        let is_allowed = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
        if let Some(text) = &self.error_description
            && (text.len() > DESCRIPTION_BYTES_MAX || !text.bytes().all(is_allowed))
        {
            return Err(PageRequestError::invalid(
                "error_description",
                "must be at most 255 printable ASCII characters without \" and \\.",
            ));
        }

        Ok(Reason {
            error: error.to_owned(),
            description: self.error_description.clone(),
        })
    }
}
