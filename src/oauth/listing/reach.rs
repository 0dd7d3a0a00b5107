//! Whose tokens a client may list. Pure.

use std::collections::BTreeSet;

use crate::oauth::error::OAuthError;
use crate::oauth::model::ClientRef;
use crate::settings::{ApiClient, Permission};

/// The clients whose tokens are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    All,
    /// These web clients, and the devices of these applications.
    Parties(BTreeSet<String>),
    Client(String),
}

impl Reach {
    /// Whether it includes the tokens of a client.
    pub(super) fn includes(&self, client: &ClientRef) -> bool {
        match self {
            Self::All => true,
            Self::Parties(parties) => parties.contains(client.party()),
            Self::Client(id) => *id == client.id,
        }
    }
}

/// What an API client may list that shows a token which was issued to `party`, a web client or the
/// application of a device. It has to be one that the API client administers, whatever it may list.
pub(super) fn of_administrator(client: &ApiClient, party: &str) -> Result<Reach, OAuthError> {
    let permissions = &client.permissions;
    let may_list_all = permissions.contains(&Permission::ListUsersOtherClients);
    if !may_list_all && !permissions.contains(&Permission::ListUsers) {
        return Err(OAuthError::InsufficientPermissions);
    }

    // Even where it may list all: whose tokens it lists has to begin with a client in its care.
    if !client.administers.contains(party) {
        return Err(OAuthError::UnauthorizedClient(
            "The token's client is not administered by this one.",
        ));
    }

    Ok(if may_list_all {
        Reach::All
    } else {
        Reach::Parties(client.administers.clone())
    })
}

/// What a client may list that shows a token which was issued to `issued_to`: its own tokens, if
/// that is its own too.
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
    fn a_device_is_reached_by_its_application() {
        let web = |id: &str| ClientRef {
            id: id.to_owned(),
            application_id: None,
        };

        let device = |id: &str, application: &str| ClientRef {
            id: id.to_owned(),
            application_id: Some(application.parse().unwrap()),
        };

        let parties = Reach::Parties(["shop".to_owned(), "bank".to_owned()].into());
        assert!(parties.includes(&web("shop")) && parties.includes(&device("A1B2", "bank")));
        assert!(!parties.includes(&web("bakery")) && !parties.includes(&device("shop", "other")));

        let own = Reach::Client("A1B2".to_owned());
        assert!(own.includes(&device("A1B2", "bank")) && !own.includes(&device("C3D4", "bank")));
        assert!(Reach::All.includes(&web("x")));
    }
}
