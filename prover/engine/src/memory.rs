//! What memory this process has, and may have: asked of the system when it matters, never kept.

mod groups;
mod promises;

use std::fs;
use std::path::PathBuf;

pub(crate) use self::promises::{KeyPages, PROMISES, Promise, Promises};

/// More memory is needed than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{needed} bytes of memory are needed, {available} are available")]
pub struct Shortage {
    /// What the process would come to hold: its own memory, the key's pages, and what other proofs at work have not taken yet, in bytes.
    pub needed: u64,
    /// What it may hold, in bytes: see [`available`].
    pub available: u64,
}

/// Bytes that this process may hold in all, with what it holds already: what the system could give without swapping
/// (`MemAvailable`) and the process' own pages, but no more than its control group, and each group above it, leaves to it: the limit
/// less what others of the group have taken (versions 1 and 2). `None` where the system does not tell.
///
/// Pages of mapped keys are not counted as held, nor is other file cache, by whomever: the system can always take it back.
#[must_use]
pub fn available() -> Option<u64> {
    Host::default().available()
}

/// Bytes of this process' own pages: resident memory without mapped files.
pub(crate) fn own() -> Option<u64> {
    Host::default().own()
}

/// The peak of this process' resident memory so far, in bytes; `None` where the system does not tell.
#[must_use]
pub fn peak_rss_bytes() -> Option<u64> {
    field(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Where the system tells about memory.
struct Host {
    /// `/proc`.
    proc: PathBuf,
    /// `/sys/fs/cgroup`.
    groups: PathBuf,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            proc: PathBuf::from("/proc"),
            groups: PathBuf::from("/sys/fs/cgroup"),
        }
    }
}

impl Host {
    fn available(&self) -> Option<u64> {
        let free = field(&self.read("meminfo")?, "MemAvailable:")?;
        let own = self.own()?;
        let of_system = free.saturating_add(own);
        let of_groups = self
            .read("self/cgroup")
            .and_then(|groups| groups::allowance(&self.groups, &groups, own));
        Some(of_groups.map_or(of_system, |bytes| bytes.min(of_system)))
    }

    fn own(&self) -> Option<u64> {
        field(&self.read("self/status")?, "RssAnon:")
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.proc.join(name)).ok()
    }
}

/// A line `name: 12 kB` in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen() {
        let linux = cfg!(target_os = "linux");
        assert!(!linux || peak_rss_bytes().unwrap() > 1 << 20);
        assert!(!linux || own().unwrap() > 1 << 18);
        assert!(!linux || available().unwrap() > own().unwrap());
    }

    fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/meminfo", "MemTotal: 900 kB\nMemAvailable: 100 kB\n");
        write("proc/self/status", "VmRSS:\t  60 kB\nRssAnon:\t  20 kB\n");
        for (name, text) in files {
            write(name, text);
        }
        let host = Host {
            proc: directory.path().join("proc"),
            groups: directory.path().join("groups"),
        };
        (directory, host)
    }

    #[test]
    fn the_least_of_system_and_groups_counts() {
        let cases: [(&[(&str, &str)], u64); 4] = [
            (&[], 120 << 10),
            (&[("proc/self/cgroup", "0::/a/b\n")], 120 << 10),
            (
                &[
                    ("proc/self/cgroup", "0::/\n"),
                    ("groups/memory.max", "999999999\n"),
                ],
                120 << 10,
            ),
            (
                &[
                    ("proc/self/cgroup", "0::/a\n"),
                    ("groups/a/memory.max", "60000\n"),
                    ("groups/a/memory.current", "50000\n"),
                    ("groups/a/memory.stat", "anon 30000\nactive_file 1000\n"),
                ],
                60_000 - 49_000 + (20 << 10),
            ),
        ];
        for (files, expected) in cases {
            let (_directory, host) = host(files);
            assert_eq!(host.available(), Some(expected), "{files:?}");
            assert_eq!(host.own(), Some(20 << 10));
        }
    }

    #[test]
    fn what_the_system_does_not_tell_is_not_known() {
        let (directory, host) = host(&[("proc/meminfo", "MemTotal: 900 kB\n")]);
        assert_eq!(host.available(), None);
        fs::remove_file(directory.path().join("proc/self/status")).unwrap();
        assert_eq!(host.own(), None);
    }
}
