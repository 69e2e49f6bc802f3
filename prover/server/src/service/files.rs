//! File descriptors: what the system gives, and how many connections there may be with it.

use std::num::NonZeroUsize;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that the process needs beside its connections: store, keys, the runtime's own, and some to spare.
const OTHERS: usize = 24;
/// Most connections whose clients have not greeted, or wait for a place.
const LOBBY: usize = 1024;
/// Fewest of them.
const SMALL_LOBBY: usize = 64;

/// Fewest connections that may leave at the same time: where one waits for another, the time that a client needs to hear that
/// it has to leave is short.
const FEWEST_LEAVING: usize = 16;

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) standing: usize,
    pub(super) leaving: usize,
    pub(super) lobby: usize,
}

/// The places for so many connections. Asks the system for all files that it gives, and says where they are too few.
pub(super) fn places(connections: NonZeroUsize) -> Places {
    let files = raised().unwrap_or(usize::MAX);
    let places = within(connections.get(), files);
    if places.standing < connections.get() {
        tracing::warn!(
            files,
            connections = places.standing,
            "service.max_connections is lowered to what the system's limit of open files (ulimit -n) allows"
        );
    }
    places
}

/// Raises the soft limit to the hard one; what holds then.
fn raised() -> Option<usize> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files stays");
            limit.current
        }
    };
    current.map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}

fn within(connections: usize, files: usize) -> Places {
    let leaving = (connections / 4).max(FEWEST_LEAVING);
    let files = files.saturating_sub(OTHERS);
    let lobby = files.saturating_sub(connections + leaving).min(LOBBY);
    if lobby >= SMALL_LOBBY {
        return Places {
            standing: connections,
            leaving,
            lobby,
        };
    }
    let (leaving, lobby) = ((files / 8).max(1), (files / 4).max(1));
    Places {
        standing: files.saturating_sub(leaving + lobby).clamp(1, connections),
        leaving,
        lobby,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_never_more_than_the_files() {
        for connections in [1, 2, 20, 256, 4096] {
            for files in [28, 44, 64, 100, 256, 512, 1024, 4096, 1 << 20, usize::MAX] {
                let places = within(connections, files);
                let all = places.standing + places.leaving + places.lobby;
                assert!(all + OTHERS <= files, "{connections} {files}: {places:?}");
                assert!(
                    places.standing <= connections && places.standing > 0,
                    "{places:?}"
                );
                assert!(places.leaving > 0 && places.lobby > 0, "{places:?}");
            }
            let places = within(connections, 1 << 20);
            assert_eq!((places.standing, places.lobby), (connections, LOBBY));
        }
    }
}
