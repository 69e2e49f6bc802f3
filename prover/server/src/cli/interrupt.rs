//! SIGINT and SIGTERM during work that makes keys: the process ends at once, and what it was still writing is removed first.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::CliError;

/// What is removed.
static UNFINISHED: Mutex<Vec<Unfinished>> = Mutex::new(Vec::new());

#[derive(Clone, Debug, PartialEq, Eq)]
enum Unfinished {
    /// A directory that nobody needs after this process.
    Directory(PathBuf),
    /// The keys that this process is writing in a directory of keys.
    KeysIn(PathBuf),
}

/// From now on the two signals end this process: exit code 128 + the signal's number, as a shell has it.
pub(super) fn end_on_signals() -> Result<(), CliError> {
    let failed = |error: &dyn std::error::Error| {
        CliError::refused(
            format!("signals cannot be watched: {}", super::error::chain(error)),
            "check the limits of this process",
        )
    };
    let runtime = Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| failed(&error))?;
    let within = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed(&error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed(&error))?;
    drop(within);
    let watch = move || {
        let kind = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = terminate.recv() => SignalKind::terminate(),
            }
        });
        end(kind);
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watch)
        .map(drop)
        .map_err(|error| failed(&error))
}

/// As long as this value lives, a signal removes something.
#[derive(Debug)]
pub(super) struct Removal(Unfinished);

impl Removal {
    /// Removes a directory with all that is in it.
    pub(super) fn of_directory(path: &Path) -> Self {
        Self::of(Unfinished::Directory(path.to_owned()))
    }

    /// Removes the keys that this process has begun to write there, and no finished ones.
    pub(super) fn of_keys_in(path: &Path) -> Self {
        Self::of(Unfinished::KeysIn(path.to_owned()))
    }

    fn of(unfinished: Unfinished) -> Self {
        let mut all = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(unfinished.clone());
        Self(unfinished)
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        let mut all = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = all.iter().position(|unfinished| *unfinished == self.0) {
            all.swap_remove(index);
        }
    }
}

/// A signal that ended another process of this command ends this one too, whichever of the two has heard it first.
pub(super) fn follow(status: ExitStatus) {
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let number = kind.as_raw_value();
        if status.signal() == Some(number) || status.code() == Some(128 + number) {
            end(kind);
        }
    }
}

fn end(kind: SignalKind) -> ! {
    // Never given back: whoever finishes or ends now waits, and the process is gone.
    let all = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
    remove(&all);
    process::exit(128 + kind.as_raw_value())
}

/// Removes what it can; nobody is left to hear of the rest.
fn remove(all: &[Unfinished]) {
    let own = format!(".{}.partial", process::id());
    for unfinished in all {
        match unfinished {
            Unfinished::Directory(path) => drop(fs::remove_dir_all(path)),
            Unfinished::KeysIn(path) => {
                let entries = fs::read_dir(path).into_iter().flatten().flatten();
                let partial = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(&own));
                partial.for_each(|entry| drop(fs::remove_dir_all(entry.path())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unfinished_is_removed_and_nothing_else() {
        let keys = tempfile::tempdir().unwrap();
        let own = keys.path().join(format!(".t2f1.{}.partial", process::id()));
        let others = keys.path().join(".t2f1.partial");
        let finished = keys.path().join("t2f1");
        let (temporary, kept) = (keys.path().join("temporary"), keys.path().join("kept"));
        for path in [&own, &others, &finished, &temporary, &kept] {
            fs::create_dir(path).unwrap();
            fs::write(path.join("proving.key"), "").unwrap();
        }
        let removals = [
            Removal::of_keys_in(keys.path()),
            Removal::of_directory(&temporary),
        ];
        drop(Removal::of_directory(&kept));
        remove(&UNFINISHED.lock().unwrap());
        assert!(!own.exists() && !temporary.exists());
        assert!(others.exists() && finished.exists() && kept.exists());
        drop(removals);
    }
}
