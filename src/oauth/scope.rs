//! Scopes of installations' tokens. Pure.

/// What a token of an installation alone allows.
pub(super) const DEVICE: &str = "device";
/// What a token of a user on an installation allows.
pub(super) const DEVICE_AND_USER: &str = "device user";

/// The longest `scope` that is looked at, in bytes.
const SCOPE_BYTES_MAX: usize = 255;

/// Whether `requested` names only scopes of `granted`, each at most once; absent asks for what there is.
pub(super) fn is_within(requested: Option<&str>, granted: &str) -> bool {
    let Some(requested) = requested else { return true };
    if requested.len() > SCOPE_BYTES_MAX {
        return false;
    }
    let mut left: Vec<&str> = granted.split(' ').collect();
    requested.split(' ').all(|name| {
        let position = left.iter().position(|candidate| *candidate == name);
        position.map(|position| left.swap_remove(position)).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_no_scope_it_does_not_have() {
        for requested in [None, Some("device"), Some("user"), Some("device user"), Some("user device")] {
            assert!(is_within(requested, DEVICE_AND_USER), "{requested:?}");
        }
        let huge = "device ".repeat(10_000);
        for requested in [
            "",
            " ",
            "device ",
            "device  user",
            "device device",
            "Device",
            "admin",
            "device,user",
            "device\tuser",
            &huge,
        ] {
            assert!(!is_within(Some(requested), DEVICE_AND_USER), "{requested:?}");
        }
        assert!(!is_within(Some("device user"), DEVICE));
    }
}
