//! A file system in memory, where the test may mount one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A mounted file system; it goes when this is dropped.
pub(crate) struct Mount {
    directory: TempDir,
}

impl Mount {
    /// A new file system with these options, or none where mounting is not allowed.
    pub(crate) fn new(options: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        mount(&["-t", "tmpfs", "-o", options, "tmpfs"], &path).then_some(Self { directory })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// Changes its options.
    pub(crate) fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(mount(&["-o", &options], self.directory.path()), "{options}");
    }

    /// Pages of 4 KiB that are in use.
    pub(crate) fn used_pages(&self) -> u64 {
        let df = Command::new("df")
            .args(["--block-size=4096", "--output=used"])
            .arg(self.directory.path())
            .output()
            .unwrap();
        let text = String::from_utf8(df.stdout).unwrap();
        text.lines().nth(1).unwrap().trim().parse().unwrap()
    }
}

fn mount(arguments: &[&str], path: &Path) -> bool {
    let status = Command::new("mount")
        .args(arguments)
        .arg(path)
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a process that was killed may still be going away.
        let _ = Command::new("umount")
            .arg("-l")
            .arg(self.directory.path())
            .status();
    }
}
