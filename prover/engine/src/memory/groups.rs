//! What the control groups of this process leave to it, versions 1 and 2.
//!
//! A group's limit holds for everything in it, so that what others of the group have taken is gone. File cache is not taken: the
//! system gives it back before it refuses memory, whether pages were used lately or not. The pages of a mapped key are such cache.

use std::fs;
use std::path::{Path, PathBuf};

/// How one version names its files.
struct Version {
    limit: &'static str,
    usage: &'static str,
    /// Lines of `memory.stat` whose bytes can be taken back. Files in memory (tmpfs) are in none of them.
    reclaimable: &'static [&'static str],
}

const V1: Version = Version {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    // Without `total_` they leave out the groups below, which the usage counts.
    reclaimable: &["total_active_file", "total_inactive_file"],
};

const V2: Version = Version {
    limit: "memory.max",
    usage: "memory.current",
    reclaimable: &["active_file", "inactive_file", "slab_reclaimable"],
};

/// The most that a process with `own` bytes may come to hold in its groups and in those above them; `None` if none has a limit.
///
/// `groups` is the text of `/proc/self/cgroup`, `root` is `/sys/fs/cgroup`.
pub(super) fn allowance(root: &Path, groups: &str, own: u64) -> Option<u64> {
    let least = groups.lines().filter_map(|line| {
        // hierarchy:controllers:path; version 2 has no controllers.
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (root, version) = if controllers.is_empty() {
            (root.to_owned(), V2)
        } else if controllers.split(',').any(|name| name == "memory") {
            (root.join("memory"), V1)
        } else {
            return None;
        };
        // A container may see its own group as the root, whatever the path says: what is not there is passed over.
        let group: PathBuf = root.join(path.trim_start_matches('/'));
        let above = group.ancestors().take_while(|group| group.starts_with(&root));
        above.filter_map(|group| version.allowance(group, own)).min()
    });
    least.min()
}

impl Version {
    /// What one group leaves to the process.
    fn allowance(&self, group: &Path, own: u64) -> Option<u64> {
        // "max" in version 2 is no number; version 1 writes a huge one.
        let limit = number(&group.join(self.limit))?;
        let Some(usage) = number(&group.join(self.usage)) else {
            return Some(limit);
        };
        let used = usage.saturating_sub(self.reclaimable(group));
        // Not above the limit, should the process' pages be another group's: it may have been moved.
        Some(limit.saturating_sub(used).saturating_add(own).min(limit))
    }

    fn reclaimable(&self, group: &Path) -> u64 {
        let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
        let bytes = stat.lines().filter_map(|line| {
            let (name, bytes) = line.split_once(' ')?;
            let bytes: u64 = bytes.trim().parse().ok()?;
            self.reclaimable.contains(&name).then_some(bytes)
        });
        bytes.fold(0, u64::saturating_add)
    }
}

/// The number that is all of a file.
fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of the process itself.
    const OWN: u64 = 1000;

    /// A directory with these files, and what is allowed in it.
    fn allowed(groups: &str, files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        allowance(root.path(), groups, OWN)
    }

    #[test]
    fn without_a_limit_everything_is_allowed() {
        assert_eq!(allowed("", &[]), None);
        assert_eq!(allowed("0::/a/b\n", &[]), None);
        let unlimited = [("a/memory.max", "max\n"), ("a/memory.current", "5000\n")];
        assert_eq!(allowed("0::/a\n", &unlimited), None);
        assert_eq!(allowed("9:cpu,cpuacct:/x\n", &[("x/memory.max", "1\n")]), None);
    }

    #[test]
    fn the_least_of_all_limits_counts_where_the_usage_is_not_told() {
        let nested = [
            ("a/b/memory.max", "max\n"),
            ("a/memory.max", "5000\n"),
            ("memory.max", "6000\n"),
        ];
        assert_eq!(allowed("0::/a/b\n", &nested), Some(5000));
        // A container, which sees its own group as the root.
        assert_eq!(
            allowed("0::/docker/1234\n", &[("memory.max", "6000\n")]),
            Some(6000)
        );
        let first = [
            ("memory/y/memory.limit_in_bytes", "7000\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ];
        assert_eq!(allowed("9:cpu,cpuacct:/x\n4:memory:/y\n", &first), Some(7000));
    }

    #[test]
    fn what_others_of_a_group_hold_is_not_to_be_had() {
        let second = [
            ("a/memory.max", "9000\n"),
            ("a/memory.current", "5000\n"),
            ("a/memory.stat", "anon 4000\nfile 1000\n"),
        ];
        assert_eq!(allowed("0::/a\n", &second), Some(9000 - 5000 + OWN));
        let first = [
            ("memory/a/memory.limit_in_bytes", "9000\n"),
            ("memory/a/memory.usage_in_bytes", "5000\n"),
        ];
        assert_eq!(allowed("4:memory:/a\n", &first), Some(9000 - 5000 + OWN));
    }

    /// Pages of a mapped key are active when proofs use them, and are given back all the same.
    #[test]
    fn file_cache_can_be_had_files_in_memory_cannot() {
        let stat = "anon 1500\nfile 3400\nshmem 400\ninactive_anon 400\nactive_anon 1500\ninactive_file 1000\nactive_file 2000\n\
                    slab_reclaimable 50\nslab_unreclaimable 60\nworkingset_refault_file 7\n";
        let second = [
            ("a/memory.max", "9000\n"),
            ("a/memory.current", "5010\n"),
            ("a/memory.stat", stat),
        ];
        assert_eq!(allowed("0::/a\n", &second), Some(9000 - (5010 - 3050) + OWN));
        // Version 1 tells of the group alone and, in other lines, of those below it, too.
        let stat =
            "cache 10\nactive_file 10\ninactive_file 20\ntotal_inactive_file 1000\ntotal_active_file 2000\n";
        let first = [
            ("memory/a/memory.limit_in_bytes", "9000\n"),
            ("memory/a/memory.usage_in_bytes", "5010\n"),
            ("memory/a/memory.stat", stat),
        ];
        assert_eq!(allowed("4:memory:/a\n", &first), Some(9000 - (5010 - 3000) + OWN));
    }

    /// A group may have more left than one above it, which others share.
    #[test]
    fn each_group_above_counts_with_its_own_usage() {
        let files = [
            ("a/b/memory.max", "5000\n"),
            ("a/b/memory.current", "1000\n"),
            ("a/memory.max", "9000\n"),
            ("a/memory.current", "8500\n"),
            ("a/memory.stat", "inactive_file 200\n"),
            ("memory.max", "90000\n"),
            ("memory.current", "10000\n"),
        ];
        assert_eq!(allowed("0::/a/b\n", &files), Some(9000 - 8300 + OWN));
        assert_eq!(allowed("0::/\n", &files), Some(80_000 + OWN));
    }

    #[test]
    fn numbers_that_do_not_fit_together_end_at_the_bounds() {
        let full = [("memory.max", "3000\n"), ("memory.current", "3500\n")];
        assert_eq!(allowed("0::/\n", &full), Some(OWN));
        // The process' pages are counted elsewhere.
        let empty = [("memory.max", "3000\n"), ("memory.current", "0\n")];
        assert_eq!(allowed("0::/\n", &empty), Some(3000));
        let cache = [
            ("memory.max", "3000\n"),
            ("memory.current", "2500\n"),
            (
                "memory.stat",
                "inactive_file 18446744073709551615\nactive_file 9\nanon x\n\n",
            ),
        ];
        assert_eq!(allowed("0::/\n", &cache), Some(3000));
    }
}
