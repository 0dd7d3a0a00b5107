//! File descriptors: each connection takes one, and a process may have so many.

use crate::config::LimitsConfig;

/// Kept for all that is not a public connection: the management listener, the database, providers,
/// callbacks.
const RESERVED_MAX: usize = 2048;

/// How many of the `wanted` public connections there may be, once the process's limit is raised. The
/// management listener must answer however many clients connect.
pub(super) fn public_connections(wanted: usize) -> usize {
    allowed_under(raise_limit(), wanted)
}

/// Warns where the limit allows fewer public connections than `config` does.
pub fn warn_if_few(config: &LimitsConfig) {
    let wanted = wanted(config);
    let limit = raise_limit();
    let connections = allowed_under(limit, wanted);

    if connections < wanted {
        tracing::warn!(
            limit,
            connections,
            wanted,
            "the limit of file descriptors (`ulimit -n`, `LimitNOFILE`) allows fewer public connections \
             than are configured: further ones have to wait"
        );
    }
}

/// How many public connections a configuration has use for.
pub(super) fn wanted(config: &LimitsConfig) -> usize {
    let working = config.requests_in_flight_max.get();
    working.saturating_add(config.waiting_requests_max.get())
}

/// Raises the limit as far as it may, and returns it.
fn raise_limit() -> usize {
    // Where it is unknown, the kernel will say when it is reached.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    usize::try_from(limit).unwrap_or(usize::MAX)
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
