//! What stands around every call of the database: panics become errors, and a failure that lasts is remembered.
//!
//! redb checks a page only as far as it has to, so that a damaged one can make it panic at any call. Its own header is the one
//! that it may see ([`super::blocks`] refuses all others), and a program may have written a wrong page. And after the first
//! failed read or write it refuses everything until the file is opened again: waiting mends nothing, a restart does.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::thread;

use tokio::sync::watch;

use super::StoreError;

thread_local! {
    /// Whether this thread is inside a call of the database.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether an open database still works.
#[derive(Debug)]
pub(super) struct Health {
    failed: watch::Sender<bool>,
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            failed: watch::Sender::new(false),
        }
    }

    /// Turns true when the database has failed for good.
    pub(super) fn failure(&self) -> watch::Receiver<bool> {
        self.failed.subscribe()
    }

    pub(super) fn has_failed(&self) -> bool {
        *self.failed.borrow()
    }

    /// A call that only reads. A page that cannot be read leaves the rest of the store as it is.
    pub(super) fn read<T>(&self, call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let result = guarded(call);
        if result.as_ref().is_err_and(StoreError::is_fatal) {
            self.failed.send_replace(true);
        }
        result
    }

    /// A call that writes. None follows one that panicked: what the database holds in memory is not known then.
    pub(super) fn write<T>(&self, call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.has_failed() {
            return Err(StoreError::Broken {
                source: Box::new(redb::Error::PreviousIo),
            });
        }
        let result = self.read(call);
        if matches!(result, Err(StoreError::Damaged { .. })) {
            self.failed.send_replace(true);
        }
        result
    }
}

/// Runs a call of the database; its panic becomes [`StoreError::Damaged`] and one line of the log.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    quiet_hook();
    let outer = INSIDE.replace(true);
    // What the call left half done is not used again: reading keeps nothing, and after writing `Health` refuses more.
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    INSIDE.set(outer);
    result.unwrap_or_else(|panic| {
        Err(StoreError::Damaged {
            reason: reason(&*panic),
        })
    })
}

/// Sends the panics of guarded calls to the log instead of to stderr with a backtrace; all others go where they went.
fn quiet_hook() {
    static INSTALLED: Once = Once::new();
    // A hook cannot be set while the thread panics; the calls that open a store never do.
    if thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if INSIDE.try_with(Cell::get).unwrap_or(false) {
                tracing::error!(panic = %info, "the database panicked; its file is damaged");
            } else {
                others(info);
            }
        }));
    });
}

fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("the database panicked")
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(error: redb::StorageError) -> StoreError {
        error.into()
    }

    #[test]
    fn a_panic_is_damage_and_ends_all_writing() {
        let health = Health::new();
        let damaged = health.read(|| -> Result<(), _> { panic!("page {}", 7) });
        assert!(matches!(damaged, Err(StoreError::Damaged { reason }) if reason == "page 7"));
        assert!(!health.has_failed());
        health.write(|| Ok(())).unwrap();
        let damaged = health.write(|| -> Result<(), _> { panic!("page") });
        assert!(matches!(damaged, Err(StoreError::Damaged { reason }) if reason == "page"));
        assert!(*health.failure().borrow());
        assert!(matches!(health.write(|| Ok(())), Err(StoreError::Broken { .. })));
        health.read(|| Ok(())).unwrap();
    }

    #[test]
    fn a_failed_disk_is_final_and_a_refusal_is_not() {
        let disk = || redb::StorageError::Io(std::io::Error::other("disk"));
        let lasting: [fn() -> redb::StorageError; 2] = [
            || redb::StorageError::PreviousIo,
            || redb::StorageError::DatabaseClosed,
        ];
        for last in lasting {
            let error = database(last());
            assert!(matches!(error, StoreError::Broken { .. }));
            assert!(error.is_fatal() && !error.is_transient());
            assert!(error.to_string().contains("restart"), "{error}");
        }
        let health = Health::new();
        let refused = health.write(|| -> Result<(), _> { Err(StoreError::NoBatch { number: 1, last: 0 }) });
        assert!(refused.is_err() && !health.has_failed());
        let failed = health.write(|| -> Result<(), _> { Err(database(disk())) });
        assert!(matches!(failed, Err(StoreError::Database(_))));
        assert!(health.has_failed());
    }
}
