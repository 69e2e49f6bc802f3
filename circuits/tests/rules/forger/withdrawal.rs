//! Withdrawals without rules.

use super::Forger;
use ark_bn254::Fr;
use quittance_circuits::tx::SignedWithdrawal;
use quittance_circuits::tx::withdrawal::constraints::WithdrawalWitness;

impl Forger {
    /// Executes a withdrawal as it is.
    pub(crate) fn withdrawal(self, signed: &SignedWithdrawal) -> Self {
        self.withdrawal_with(signed, |_| {})
    }

    /// Executes a withdrawal after a change to what its slot is told.
    pub(crate) fn withdrawal_with(
        mut self,
        signed: &SignedWithdrawal,
        change: impl FnOnce(&mut WithdrawalWitness),
    ) -> Self {
        let withdrawal = &signed.withdrawal;
        let mut w = WithdrawalWitness {
            signer: self.signer(&(*signed).into()),
            amount: Fr::from(withdrawal.amount),
            address: Fr::from(withdrawal.address),
        };
        change(&mut w);
        self.spend(&mut w.signer, w.amount, Fr::from(withdrawal.fee.value()), None);
        self.witness.withdrawals[self.withdrawals] = w;
        self.withdrawals += 1;
        self
    }
}
