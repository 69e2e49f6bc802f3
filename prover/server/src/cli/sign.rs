//! `quittance sign`.

use ark_bn254::Fr;
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce};
use quittance_proto::v1;

use super::args::SignArgs;
use super::output::{Output, note};
use super::transfer_json::TransferJson;
use super::{CliError, amount, client, files};
use crate::encoding::{fr_from_bytes_be, parse_hex};
use crate::grpc::transfer_to_proto;

pub(super) fn run(args: &SignArgs, out: &mut Output) -> Result<(), CliError> {
    let amount = amount::amount(&args.amount)?;
    let fee = amount::fee(&args.fee)?;
    let secret = files::read_secret(&args.secret)?;
    let (rollup_id, nonce) = context(args)?;
    let transfer = Transfer {
        from: AccountIndex(args.from),
        to: AccountIndex(args.to),
        amount,
        fee,
        nonce: Nonce(nonce),
        valid_until: BatchNumber(args.valid_until),
    };
    let signed = SignedTransfer {
        transfer,
        signature: secret.sign(&transfer.message(&rollup_id)),
    };
    note(format_args!(
        "signed: {} from account {} to account {}, fee {}, nonce {nonce}",
        args.amount, args.from, args.to, args.fee
    ));
    let json = TransferJson::from_proto(&transfer_to_proto(&signed));
    let text = serde_json::to_string(&json)
        .map_err(|error| CliError::refused(format!("cannot write JSON: {error}"), "report this"))?;
    out.line(text)
}

/// Rollup id and nonce, from the arguments or from the service.
fn context(args: &SignArgs) -> Result<(Fr, u32), CliError> {
    let given = args.rollup_id.as_deref().map(rollup_id).transpose()?;
    if let (Some(id), Some(nonce)) = (given, args.nonce) {
        return Ok((id, nonce));
    }
    client::block_on(async {
        let mut client = client::connect(&args.server.server).await?;
        let id = match given {
            Some(id) => id,
            None => {
                let answer = client.get_state(v1::GetStateRequest {}).await?.into_inner();
                let bytes = client::required(answer.state, "state")?.rollup_id;
                let element = <&[u8; 32]>::try_from(bytes.as_slice())
                    .ok()
                    .and_then(fr_from_bytes_be);
                client::required(element, "a rollup id")?
            }
        };
        let nonce = match args.nonce {
            Some(nonce) => nonce,
            None => {
                let request = v1::GetAccountRequest {
                    index: args.from,
                    include_path: false,
                };
                let answer = client.get_account(request).await?.into_inner();
                client::required(answer.account, "the account")?.nonce
            }
        };
        Ok((id, nonce))
    })
}

fn rollup_id(text: &str) -> Result<Fr, CliError> {
    parse_hex(text)
        .filter(|bytes: &[u8; 32]| bytes[0] == 0)
        .and_then(|bytes| fr_from_bytes_be(&bytes))
        .ok_or_else(|| {
            CliError::usage(
                format!("not a rollup id: {text}"),
                "give 0x and 64 hex digits, below 2^248; `quittance state` shows the service's",
            )
        })
}
