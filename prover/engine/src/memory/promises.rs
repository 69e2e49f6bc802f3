//! Memory that proofs at work were promised and have not taken yet. The system does not see it; the next proof has to.
//!
//! There is one book for the process, because memory is the process': its engines share it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Shortage;

/// The promises of this process.
pub(crate) static PROMISES: Promises = Promises::new();

/// What was promised to proofs that are at work.
#[derive(Debug)]
pub(crate) struct Promises(Mutex<Book>);

#[derive(Debug)]
struct Book {
    next: u64,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: u64,
    /// Bytes that are not taken yet.
    rest: u64,
    key: KeyPages,
}

/// Pages of a key. Proofs with the same key share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyPages {
    /// Where they are.
    pub(crate) address: usize,
    /// Their length.
    pub(crate) bytes: u64,
}

/// A promise to one proof, which ends when this is dropped: the proof has ended in whatever way.
#[derive(Debug)]
pub(crate) struct Promise {
    book: &'static Promises,
    id: u64,
}

impl Promises {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Book {
            next: 0,
            entries: Vec::new(),
        }))
    }

    /// Promises `bytes` beside the pages of `key`, if `enough` says so about all that proofs at work, this one among them, are still to
    /// take and the keys that they use. Nobody else is promised anything meanwhile.
    pub(crate) fn promise(
        &'static self,
        bytes: u64,
        key: KeyPages,
        enough: impl FnOnce(u64) -> Result<(), Shortage>,
    ) -> Result<Promise, Shortage> {
        let mut book = self.lock();
        let id = book.next;
        let rest = bytes;
        book.entries.push(Entry { id, rest, key });
        let outcome = enough(book.sum());
        if outcome.is_err() {
            book.entries.pop();
        }
        book.next = book.next.wrapping_add(1);
        outcome.map(|()| Promise { book: self, id })
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        // Entries are pushed, changed and taken out whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn sum(&self) -> u64 {
        let rest = self.entries.iter().map(|entry| entry.rest);
        let mut keys: Vec<KeyPages> = self.entries.iter().map(|entry| entry.key).collect();
        keys.sort_unstable();
        keys.dedup();
        rest.chain(keys.iter().map(|key| key.bytes))
            .fold(0, u64::saturating_add)
    }
}

impl Promise {
    /// All but so many bytes are taken: the system counts them from here on.
    pub(crate) fn keep(&self, rest: u64) {
        let mut book = self.book.lock();
        if let Some(entry) = book.entries.iter_mut().find(|entry| entry.id == self.id) {
            entry.rest = entry.rest.min(rest);
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.book.lock().entries.retain(|entry| entry.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: KeyPages = KeyPages {
        address: 64,
        bytes: 100,
    };
    const OTHER: KeyPages = KeyPages {
        address: 4096,
        bytes: 1000,
    };

    fn within(available: u64) -> impl FnOnce(u64) -> Result<(), Shortage> {
        move |needed| match needed <= available {
            true => Ok(()),
            false => Err(Shortage { needed, available }),
        }
    }

    #[test]
    fn what_one_proof_was_promised_the_next_does_not_get() {
        static BOOK: Promises = Promises::new();
        let first = BOOK.promise(60, KEY, within(160)).unwrap();
        let short = |needed, available| Shortage { needed, available };
        // The same key is there once, another one beside it.
        assert_eq!(BOOK.promise(50, KEY, within(209)).unwrap_err(), short(210, 209));
        assert_eq!(
            BOOK.promise(50, OTHER, within(1209)).unwrap_err(),
            short(1210, 1209)
        );
        // A refusal leaves nothing behind.
        let second = BOOK.promise(50, KEY, within(210)).unwrap();
        // What the first has taken, the system sees; a promise never grows.
        first.keep(10);
        first.keep(40);
        assert_eq!(BOOK.promise(0, KEY, within(0)).unwrap_err(), short(160, 0));
        drop(first);
        assert_eq!(BOOK.promise(0, KEY, within(0)).unwrap_err(), short(150, 0));
        drop(second);
        assert_eq!(BOOK.promise(0, KEY, within(0)).unwrap_err(), short(100, 0));
        assert!(BOOK.lock().entries.is_empty());
    }

    #[test]
    fn a_promise_ends_with_a_panic() {
        static BOOK: Promises = Promises::new();
        let caught = std::panic::catch_unwind(|| {
            let _promise = BOOK.promise(1, KEY, |_| Ok(())).unwrap();
            std::panic::resume_unwind(Box::new("told to"));
        });
        assert!(caught.is_err() && BOOK.lock().entries.is_empty());
    }

    #[test]
    fn promises_at_the_same_time_are_made_one_after_the_other() {
        static BOOK: Promises = Promises::new();
        let promises: Vec<Option<Promise>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| BOOK.promise(10, KEY, within(130)).ok()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(promises.iter().flatten().count(), 3);
    }

    #[test]
    fn sums_end_at_the_largest_number() {
        static BOOK: Promises = Promises::new();
        let _first = BOOK.promise(u64::MAX, KEY, |_| Ok(())).unwrap();
        let enough = |needed| {
            assert_eq!(needed, u64::MAX);
            Ok(())
        };
        let _second = BOOK.promise(u64::MAX, OTHER, enough).unwrap();
    }
}
