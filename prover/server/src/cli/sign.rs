//! `quittance sign`.

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::opening::{Opening, SignedOpening};
use quittance_circuits::tx::rotation::{Rotation, SignedRotation};
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::tx::withdrawal::{SignedWithdrawal, Withdrawal};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress};
use quittance_proto::v1;

use super::args::{
    SignArgs, SignCommand, SignOpeningArgs, SignRotationArgs, SignTransferArgs, SignWithdrawalArgs,
    SignerArgs,
};
use super::output::{Output, note};
use super::{CliError, amount, client, files, genesis, operation_json};
use crate::encoding::{fr_from_bytes_be, fr_to_bytes_be, parse_hex};
use crate::grpc::operation_to_proto;

pub(super) fn run(args: &SignArgs, out: &mut Output) -> Result<(), CliError> {
    let signed = match &args.command {
        SignCommand::Transfer(args) => transfer(args),
        SignCommand::Open(args) => opening(args),
        SignCommand::Withdraw(args) => withdrawal(args),
        SignCommand::Rotate(args) => rotation(args),
    }?;
    let json = operation_json::SignedJson::from_proto(&operation_to_proto(&signed));
    out.line(operation_json::to_line(&json)?)
}

fn transfer(args: &SignTransferArgs) -> Result<SignedOperation, CliError> {
    let amount = amount::amount(&args.amount)?;
    let fee = amount::fee(&args.signer.fee)?;
    let secret = files::read_secret(&args.signer.secret)?;
    let signer = Signer::of(&args.signer, &secret, Owner::NotNeeded)?;
    let transfer = Transfer {
        from: signer.from,
        to: AccountIndex(args.to),
        amount,
        fee,
        nonce: signer.nonce,
        valid_until: signer.valid_until,
    };
    signer.note(
        format_args!("{} to account {}", args.amount, args.to),
        &args.signer,
    );
    Ok(SignedOperation::Transfer(SignedTransfer {
        signature: secret.sign(&transfer.message(&signer.rollup_id)),
        transfer,
    }))
}

fn opening(args: &SignOpeningArgs) -> Result<SignedOperation, CliError> {
    let amount = amount::amount(&args.amount)?;
    let fee = amount::fee(&args.signer.fee)?;
    let (key, owner) = (public_key(&args.key)?, address("owner", &args.owner)?);
    if args.to >= genesis::FIRST_ROOT_CHAIN_LEAF {
        return Err(CliError::usage(
            format!(
                "account {} is at or above 2^31, where only the root chain opens accounts",
                args.to
            ),
            "name an index below; `quittance account INDEX` says whether it is taken",
        ));
    }
    let secret = files::read_secret(&args.signer.secret)?;
    let signer = Signer::of(&args.signer, &secret, Owner::NotNeeded)?;
    let opening = Opening {
        from: signer.from,
        to: AccountIndex(args.to),
        amount,
        fee,
        nonce: signer.nonce,
        valid_until: signer.valid_until,
        key,
        owner,
    };
    signer.note(
        format_args!("{} to the new account {}", args.amount, args.to),
        &args.signer,
    );
    Ok(SignedOperation::Opening(SignedOpening {
        signature: secret.sign(&opening.message(&signer.rollup_id)),
        opening,
    }))
}

fn withdrawal(args: &SignWithdrawalArgs) -> Result<SignedOperation, CliError> {
    let amount = amount::exact(&args.amount)?;
    let fee = amount::fee(&args.signer.fee)?;
    let address = address("address", &args.address)?;
    let secret = files::read_secret(&args.signer.secret)?;
    let signer = Signer::of(&args.signer, &secret, Owner::NotNeeded)?;
    let withdrawal = Withdrawal {
        from: signer.from,
        amount,
        fee,
        nonce: signer.nonce,
        valid_until: signer.valid_until,
        address,
    };
    signer.note(format_args!("{amount} to address {}", args.address), &args.signer);
    Ok(SignedOperation::Withdrawal(SignedWithdrawal {
        signature: secret.sign(&withdrawal.message(&signer.rollup_id)),
        withdrawal,
    }))
}

fn rotation(args: &SignRotationArgs) -> Result<SignedOperation, CliError> {
    let fee = amount::fee(&args.signer.fee)?;
    let key = public_key(&args.key)?;
    let owner = match &args.owner {
        Some(text) => Owner::Given(address("owner", text)?),
        None => Owner::Asked,
    };
    let secret = files::read_secret(&args.signer.secret)?;
    let signer = Signer::of(&args.signer, &secret, owner)?;
    let rotation = Rotation {
        from: signer.from,
        fee,
        nonce: signer.nonce,
        valid_until: signer.valid_until,
        key,
        owner: signer.owner,
    };
    signer.note(format_args!("a new key, {}", args.key), &args.signer);
    Ok(SignedOperation::Rotation(SignedRotation {
        signature: secret.sign(&rotation.message(&signer.rollup_id)),
        rotation,
    }))
}

/// Who is to be the owner of an account that gets a new key.
#[derive(Clone, Copy)]
enum Owner {
    /// The operation names none.
    NotNeeded,
    /// As the arguments say.
    Given(RootAddress),
    /// As before.
    Asked,
}

/// What every signed operation names, from the arguments or from the service.
struct Signer {
    rollup_id: Fr,
    from: AccountIndex,
    nonce: Nonce,
    valid_until: BatchNumber,
    /// All zero where the operation names none.
    owner: RootAddress,
}

impl Signer {
    fn of(args: &SignerArgs, secret: &SecretKey, owner: Owner) -> Result<Self, CliError> {
        let rollup_id = args.rollup_id.as_deref().map(rollup_id).transpose()?;
        let with = |rollup_id: Fr, nonce: u32, owner: RootAddress| Self {
            rollup_id,
            from: AccountIndex(args.from),
            nonce: Nonce(nonce),
            valid_until: BatchNumber(args.valid_until),
            owner,
        };
        let given = match owner {
            Owner::NotNeeded => Some(RootAddress([0; 20])),
            Owner::Given(owner) => Some(owner),
            Owner::Asked => None,
        };
        if let (Some(id), Some(nonce), Some(owner)) = (rollup_id, args.nonce, given) {
            return Ok(with(id, nonce, owner));
        }
        client::block_on(async {
            let mut client = client::connect(&args.server.server).await?;
            let id = match rollup_id {
                Some(id) => id,
                None => asked_rollup_id(&mut client).await?,
            };
            if let (Some(nonce), Some(owner)) = (args.nonce, given) {
                return Ok(with(id, nonce, owner));
            }
            let request = v1::GetAccountRequest {
                index: args.from,
                include_path: false,
            };
            let answer = client.get_account(request).await?.into_inner();
            let account = client::required(answer.account, "the account")?;
            // A rotation may wait: then the account has this key when its turn comes.
            if account.public_key.as_ref().is_some_and(|key| !is_of(secret, key)) {
                note(format_args!(
                    "the secret in {} is not of the key that account {} has now: only after a rotation to its key will this be accepted",
                    args.secret.display(),
                    args.from
                ));
            }
            let owner = match given {
                Some(owner) => owner,
                None => RootAddress(client::required(
                    account.owner.as_slice().try_into().ok(),
                    "the account's owner",
                )?),
            };
            Ok(with(id, args.nonce.unwrap_or(account.nonce), owner))
        })
    }

    fn note(&self, what: std::fmt::Arguments<'_>, args: &SignerArgs) {
        note(format_args!(
            "signed: from account {} {what}, fee {}, nonce {}",
            self.from.get(),
            args.fee,
            self.nonce.get()
        ));
    }
}

/// Whether the service's account has the key of this secret.
fn is_of(secret: &SecretKey, key: &v1::PublicKey) -> bool {
    let own = secret.public_key();
    (&key.x[..], &key.y[..]) == (&fr_to_bytes_be(&own.x())[..], &fr_to_bytes_be(&own.y())[..])
}

async fn asked_rollup_id(client: &mut client::Client) -> Result<Fr, CliError> {
    let answer = client.get_state(v1::GetStateRequest {}).await?.into_inner();
    let bytes = client::required(answer.state, "state")?.rollup_id;
    let element = <&[u8; 32]>::try_from(bytes.as_slice())
        .ok()
        .and_then(fr_from_bytes_be);
    client::required(element, "a rollup id")
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

/// A key that an account may have; the service would refuse any other.
pub(super) fn public_key(text: &str) -> Result<Point, CliError> {
    let key = genesis::parse_public_key(text)
        .map_err(|problem| CliError::usage(problem, "give the key as `quittance keygen` prints it"))?;
    Ok(Point::new(key.x(), key.y()))
}

/// An address that may be paid; the service would refuse any other.
pub(super) fn address(name: &str, text: &str) -> Result<RootAddress, CliError> {
    parse_hex(text)
        .filter(|bytes: &[u8; 20]| *bytes != [0; 20])
        .map(RootAddress)
        .ok_or_else(|| {
            CliError::usage(
                format!("{name} is not an address: {text}"),
                "give 0x and 40 hex digits, not all zero",
            )
        })
}
