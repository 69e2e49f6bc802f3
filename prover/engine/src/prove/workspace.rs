//! Memory that is kept from one proof to the next: fresh pages would cost a proof up to a tenth of its time.

use std::sync::{Mutex, PoisonError};

use super::ProveError;
use crate::backend::Backend;
use crate::msm;
use crate::witness_map::{WitnessMap, WitnessMapBuffers};

/// All that a proof needs besides key and assignment. It grows to what the largest proof needs.
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
    /// Tables for this size, on the current pool.
    pub(super) fn of_size(&mut self, backend: Backend, size: usize) -> Result<&WitnessMap, ProveError> {
        let kept = self.0.take().filter(|(kept, _)| *kept == size);
        let entry = match kept {
            Some(entry) => entry,
            None => (size, WitnessMap::new(backend, size)?),
        };
        Ok(&self.0.insert(entry).1)
    }
}

/// One workspace between proofs. Proofs at the same time have one each, and the last one's is kept.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<Option<Box<Workspace>>>);

impl Shelf {
    pub(super) fn take(&self) -> Box<Workspace> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take().unwrap_or_default()
    }

    /// Bytes of what lies here.
    pub(super) fn bytes(&self) -> u64 {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map_or(0, |workspace| workspace.bytes())
    }

    pub(super) fn put(&self, workspace: Box<Workspace>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(workspace);
    }
}
