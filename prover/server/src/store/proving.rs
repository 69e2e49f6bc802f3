//! The moves of stored batches while they are proved, each one transaction.

use super::rows::read_batch;
use super::tables::{BATCHES, INPUTS, META, PENDING, PROOFS, batch_row, proof_row};
use super::{Store, StoreError, begin, meta, record};
use crate::batch::{Batch, Event, Moved, Stage};

impl Store {
    /// Moves a batch by one event, in one transaction, and gives it as it is then. A finished proof comes with its
    /// bundle through [`Store::store_proof`] instead.
    pub fn advance(&self, number: u32, event: Event) -> Result<(Batch, Moved), StoreError> {
        self.health.write(|| self.transition(number, event, None))
    }

    /// Stores the bundle of a verified proof and moves its batch to proved, in one transaction.
    pub fn store_proof(&self, number: u32, finish: Event, bundle: &[u8]) -> Result<Batch, StoreError> {
        self.health
            .write(|| self.transition(number, finish, Some(bundle)))
            .map(|(batch, _)| batch)
    }

    /// Takes every batch that was being proved back to executed, or to failed after its last attempt: nobody is
    /// proving when a process starts. Gives the batches that wait for a proof, in ascending order.
    pub fn recover(&self, max_attempts: u32) -> Result<Vec<Batch>, StoreError> {
        let mut waiting = Vec::new();
        for number in self.snapshot()?.pending()? {
            let (batch, _) = self.advance(number, Event::Lost { max_attempts })?;
            if batch.stage == Stage::Executed {
                waiting.push(batch);
            }
        }
        Ok(waiting)
    }

    fn transition(
        &self,
        number: u32,
        event: Event,
        bundle: Option<&[u8]>,
    ) -> Result<(Batch, Moved), StoreError> {
        let txn = begin(self.db()?)?;
        let last = meta::read_head(&txn.open_table(META)?)?.batch_number;
        let batch = read_batch(&txn.open_table(BATCHES)?, number)?;
        let mut batch = match batch {
            Some(batch) => batch,
            None if (1..=last).contains(&number) => return Err(batch_row(number).lost()),
            None => return Err(StoreError::NoBatch { number, last }),
        };
        let moved = batch.apply(event)?;
        if moved == Moved::Unchanged {
            return Ok((batch, moved));
        }
        txn.open_table(BATCHES)?.insert(
            number,
            batch_row(number).seal(record::batch::encode(&batch)).as_slice(),
        )?;
        if let Some(bundle) = bundle {
            txn.open_table(PROOFS)?
                .insert(number, proof_row(number).seal(bundle.to_vec()).as_slice())?;
        }
        if batch.stage == Stage::Proved {
            // The proof says all that they were kept for.
            txn.open_table(INPUTS)?.remove(number)?;
        }
        {
            let mut pending = txn.open_table(PENDING)?;
            if batch.stage.is_active() {
                pending.insert(number, ())?;
            } else {
                pending.remove(number)?;
            }
        }
        txn.commit()?;
        Ok((batch, moved))
    }
}
