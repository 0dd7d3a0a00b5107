//! File descriptors: each connection takes one, and a process may have so many.

/// Kept for all that is not a public connection: the management listener, the database, providers, callbacks.
const RESERVED_MAX: usize = 2048;

/// Raises the process's limit as far as it may, and returns how many of the `wanted` public connections
/// there may be under it. The management listener must answer however many clients connect.
pub(super) fn public_connections(wanted: usize) -> usize {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of file descriptors is unknown");
        u64::MAX
    });
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);

    let allowed = allowed_under(limit, wanted);
    if allowed < wanted {
        tracing::warn!(
            limit,
            connections = allowed,
            wanted,
            "the limit of file descriptors (`ulimit -n`, `LimitNOFILE`) allows fewer public connections \
             than are configured: further ones have to wait"
        );
    }

    allowed
}

/// How many of the `wanted` public connections a limit allows: a part of it, at least half, is for them.
fn allowed_under(limit: usize, wanted: usize) -> usize {
    let reserved = RESERVED_MAX.min(limit / 2);
    wanted.min(limit - reserved).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_descriptors_is_kept() {
        assert_eq!(allowed_under(256, 58_000), 128);
        assert_eq!(allowed_under(4096, 58_000), 2048);
        assert_eq!(allowed_under(65_536, 58_000), 58_000);
        assert_eq!(allowed_under(65_536, 100), 100);
        assert_eq!(allowed_under(0, 100), 1);
    }
}
