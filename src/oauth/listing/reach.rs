//! Whose tokens somebody may list. Pure.

use std::collections::BTreeSet;

use super::super::OAuthError;
use crate::settings::{ApiClient, Permission};

/// The clients whose tokens are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    All,
    /// These web clients, and the installations of these applications.
    Parties(BTreeSet<String>),
    Client(String),
}

impl Reach {
    /// Whether it reaches a client; of an installation, by its application too.
    pub(super) fn includes(&self, client_id: &str, application_id: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Parties(parties) => parties.contains(application_id.unwrap_or(client_id)),
            Self::Client(id) => id == client_id,
        }
    }
}

/// What an API client may list that shows a token which was issued to `party`, a web client or an
/// installation's application. With either permission that has to be one it administers.
pub(super) fn of_administrator(client: &ApiClient, party: &str) -> Result<Reach, OAuthError> {
    let all = client
        .permissions
        .contains(&Permission::ListUsersOtherClients);
    if !all && !client.permissions.contains(&Permission::ListUsers) {
        return Err(OAuthError::InsufficientPermissions);
    }
    if !client.administers.contains(party) {
        return Err(OAuthError::UnauthorizedClient(
            "The token's client is not administered by this one.",
        ));
    }
    Ok(if all {
        Reach::All
    } else {
        Reach::Parties(client.administers.clone())
    })
}

/// What a client may list that shows a token which was issued to `issued_to`: its own, if the token
/// is.
pub(super) fn of_client(client_id: String, issued_to: &str) -> Result<Reach, OAuthError> {
    if client_id == issued_to {
        Ok(Reach::Client(client_id))
    } else {
        Err(OAuthError::InvalidGrant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ClientId;
    use crate::settings::ClientCredential;

    fn administrator(permissions: &[Permission]) -> ApiClient {
        let id = ClientId::new("admin").unwrap();
        let client = ApiClient::new(
            id,
            ClientCredential::SecretHash([0; 32]),
            permissions.iter().copied(),
        );
        ApiClient {
            administers: ["shop".to_owned(), "bank".to_owned()].into(),
            ..client
        }
    }

    #[test]
    fn a_permission_reaches_as_far_as_it_says() {
        let [own, all] = [Permission::ListUsers, Permission::ListUsersOtherClients];
        let parties = Reach::Parties(["shop".to_owned(), "bank".to_owned()].into());
        for (permissions, party, expected) in [
            (&[][..], "shop", Err("insufficient_permissions")),
            (
                &[Permission::Admin],
                "shop",
                Err("insufficient_permissions"),
            ),
            (&[own], "shop", Ok(parties.clone())),
            (&[own], "other", Err("unauthorized_client")),
            (&[all], "bank", Ok(Reach::All)),
            (&[own, all], "bank", Ok(Reach::All)),
            (&[all], "other", Err("unauthorized_client")),
        ] {
            let reach =
                of_administrator(&administrator(permissions), party).map_err(OAuthError::code);
            assert_eq!(reach, expected, "{permissions:?} {party}");
        }
        assert_eq!(
            of_client("shop".to_owned(), "shop"),
            Ok(Reach::Client("shop".to_owned()))
        );
        assert_eq!(
            of_client("shop".to_owned(), "bank"),
            Err(OAuthError::InvalidGrant)
        );
    }

    #[test]
    fn an_installation_is_reached_by_its_application() {
        let parties = Reach::Parties(["shop".to_owned(), "bank".to_owned()].into());
        assert!(parties.includes("shop", None) && parties.includes("A1B2", Some("bank")));
        assert!(!parties.includes("bakery", None) && !parties.includes("shop", Some("other")));
        let own = Reach::Client("A1B2".to_owned());
        assert!(own.includes("A1B2", Some("bank")) && !own.includes("C3D4", Some("bank")));
        assert!(Reach::All.includes("x", None));
    }
}
