//! Memory that is kept from one proof to the next: fresh pages would cost a proof up to a tenth of its time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::backend::Backend;
use crate::witness_map::{QuotientError, WitnessMap, WitnessMapBuffers};
use crate::{CircuitSize, Control, msm};

/// All that a proof needs besides key and assignment. It grows to what the largest proof of its circuit needs.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) map: Map,
    pub(super) buffers: WitnessMapBuffers,
    pub(super) msm: msm::Workspace,
}

impl Workspace {
    /// Gives the memory back, on the threads of the current pool: 300 MiB at 2^20 rows take their time, and somebody waits.
    pub(super) fn discard(self) {
        let Self { map, buffers, msm } = self;
        rayon::join(|| drop(msm), || rayon::join(|| drop(buffers), || drop(map)));
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> u64 {
        let tables = self.map.0.as_ref().map_or(0, |(_, map)| map.bytes());
        u64::try_from(tables + self.buffers.bytes() + self.msm.bytes()).unwrap_or(u64::MAX)
    }
}

/// The witness map's tables, for the size of domain that was proved last.
#[derive(Debug, Default)]
pub(super) struct Map(Option<(usize, WitnessMap)>);

impl Map {
    /// Tables for this size, on the current pool. Tables whose making was cancelled are not kept.
    pub(super) fn of_size(
        &mut self,
        backend: Backend,
        size: usize,
        control: &Control<'_>,
    ) -> Result<&WitnessMap, QuotientError> {
        let kept = self.0.take().filter(|(kept, _)| *kept == size);
        let entry = match kept {
            Some(entry) => entry,
            None => (size, WitnessMap::under(backend, size, control)?),
        };
        Ok(&self.0.insert(entry).1)
    }
}

/// One workspace between proofs, with the size of the circuit that it was made for. Proofs at the same time have one each, and the
/// last one's is kept.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<Option<(CircuitSize, Box<Workspace>)>>);

impl Shelf {
    pub(super) fn take(&self) -> Option<(CircuitSize, Box<Workspace>)> {
        self.lock().take()
    }

    /// Bytes of what lies here.
    pub(super) fn bytes(&self) -> u64 {
        self.lock().as_ref().map_or(0, |(_, workspace)| workspace.bytes())
    }

    pub(super) fn put(&self, size: CircuitSize, workspace: Box<Workspace>) {
        *self.lock() = Some((size, workspace));
    }

    fn lock(&self) -> MutexGuard<'_, Option<(CircuitSize, Box<Workspace>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CancelFlag;

    #[test]
    fn tables_whose_making_was_cancelled_are_not_kept() {
        let backend = Backend::Portable;
        let mut workspace = Workspace::default();
        let cancel = CancelFlag::new();
        let control = Control::new(cancel.clone());
        let bytes = |workspace: &mut Workspace, size| {
            let map = workspace.map.of_size(backend, size, &control);
            map.map(WitnessMap::bytes)
        };
        let made = bytes(&mut workspace, 1 << 12).unwrap();
        cancel.cancel();
        // What is there need not be made.
        assert_eq!(bytes(&mut workspace, 1 << 12), Ok(made));
        assert_eq!(bytes(&mut workspace, 1 << 13), Err(QuotientError::Cancelled));
        assert_eq!(workspace.bytes(), 0);
    }
}
