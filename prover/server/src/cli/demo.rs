//! `quittance demo`: the whole path in one process, over real gRPC on a loopback port.

use std::path::Path;
use std::sync::Arc;

use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::tx::SignedOperation;
use quittance_proto::v1;
use quittance_verifier::{Bundle, DevelopmentKeys, Shape, Verifier, VerifyingKey};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::args::DemoArgs;
use super::output::{Output, note};
use super::sample::{self, Signer};
use super::{CliError, client, error, jobs, keygen, progress, setup};
use crate::config::{Config, RawConfig};
use crate::encoding::{fr_from_bytes_be, fr_to_hex};
use crate::engine_backend::EngineBackend;
use crate::grpc::operation_to_proto;
use crate::service;
use crate::store::Store;

/// The demo's token.
const TOKEN: u32 = 1;
/// Leaves: Alice, Bob, and the operator who earns the fees.
const ALICE: u32 = 0;
const BOB: u32 = 1;
const OPERATOR: u32 = 2;

pub(super) fn run(args: &DemoArgs, out: &mut Output) -> Result<(), CliError> {
    let shape = setup::shape(&args.shape)?;
    let temporary = tempfile::tempdir().map_err(|error| failed(&error))?;
    let key_directory = args.keys.clone().unwrap_or_else(|| temporary.path().join("keys"));

    note(format_args!(
        "[1/6] key for shape {} in {}",
        shape.name(),
        key_directory.display()
    ));
    let engine = setup::engine(None)?;
    let (key, facts, _) = setup::ensure(&engine, &key_directory, &shape)?;
    let verifying_key = key.key().verifying_key().clone();
    let calibration = engine.calibrate().map_err(|error| failed(&error))?;
    let backend = Arc::new(EngineBackend::new(engine, vec![(key, facts)], &calibration));

    note("[2/6] secret keys and accounts of alice, bob and the operator");
    let config = config(&shape, temporary.path())?;
    let people = People::generate(temporary.path())?;
    let accounts = people.accounts().map_err(|error| failed(&error))?;
    let rollup_id = config.rollup.rollup_id;
    let store = Store::create(&config.store_directory, rollup_id, shape.levels, accounts)?;

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| failed(&error))?.block_on(async {
        let listener = TcpListener::bind(config.service.listen)
            .await
            .map_err(|error| failed(&error))?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        note(format_args!("[3/6] service on {address}"));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let shutdown = async { drop(stopped.await) };
            service::serve(listener, backend, Arc::new(store), &config, || (), shutdown).await
        });
        let talked = talk(&format!("http://{address}"), &people, &rollup_id).await;
        drop(stop);
        serving.await.map_err(|error| failed(&error))??;
        verify(&talked?, &verifying_key, out)
    })
}

fn failed(error: &dyn std::error::Error) -> CliError {
    CliError::refused(error::chain(error), "try again; if it fails again, report this")
}

/// Everybody's secret key.
struct People {
    alice: SecretKey,
    bob: SecretKey,
    operator: SecretKey,
}

impl People {
    fn generate(directory: &Path) -> Result<Self, CliError> {
        let key = |name: &str| keygen::generate(&directory.join(name));
        Ok(Self {
            alice: key("alice.secret")?,
            bob: key("bob.secret")?,
            operator: key("operator.secret")?,
        })
    }

    fn accounts(
        &self,
    ) -> Result<
        Vec<(
            quittance_circuits::types::AccountIndex,
            quittance_circuits::leaf::Leaf,
        )>,
        quittance_circuits::leaf::LeafError,
    > {
        [(ALICE, &self.alice), (BOB, &self.bob), (OPERATOR, &self.operator)]
            .into_iter()
            .map(|(index, key)| sample::account(index, key, TOKEN))
            .collect()
    }
}

fn config(shape: &Shape, directory: &Path) -> Result<Config, CliError> {
    let mut raw = RawConfig::default();
    raw.rollup.levels = shape.levels;
    raw.service.listen = "127.0.0.1:0".to_owned();
    raw.store.directory = directory.join("store");
    raw.keys.allow_development_keys = true;
    raw.fees.leaf = Some(OPERATOR);
    Ok(Config::check(raw)?)
}

/// Submits two transfers, follows the proof, and fetches the bundle.
async fn talk(url: &str, people: &People, rollup_id: &[u8; 32]) -> Result<Vec<u8>, CliError> {
    let mut client = client::connect(url).await?;
    let rollup_id = client::required(fr_from_bytes_be(rollup_id), "a rollup id")?;
    note("[4/6] alice pays bob 1500, bob pays alice 250, each with a fee of 10");
    let transfers = [
        Signer::new(people.alice.clone(), ALICE).transfer(&rollup_id, BOB, 1500),
        Signer::new(people.bob.clone(), BOB).transfer(&rollup_id, ALICE, 250),
    ];
    let request = v1::SubmitBatchRequest {
        operations: transfers
            .into_iter()
            .map(|signed| operation_to_proto(&SignedOperation::Transfer(signed)))
            .collect(),
        fee_slots: Vec::new(),
        idempotency_key: Vec::new(),
    };
    let batch = client.submit_batch(request).await?.into_inner().batch;
    let number = client::required(batch, "the batch")?.number;
    note(format_args!("[5/6] proof of batch {number}"));
    let last = progress::follow(&mut client, number).await?;
    jobs::require_proved(&last)?;
    let request = v1::GetProofRequest {
        number,
        format: v1::BundleFormat::Binary.into(),
    };
    Ok(client.get_proof(request).await?.into_inner().bundle)
}

/// Verifies as anybody would, with the key from setup and not from the service.
fn verify(bytes: &[u8], key: &VerifyingKey, out: &mut Output) -> Result<(), CliError> {
    note("[6/6] offline verification");
    let bundle = Bundle::from_bytes(bytes).map_err(|error| failed(&error))?;
    let verifier = Verifier::new(key, DevelopmentKeys::Accept).map_err(|error| failed(&error))?;
    verifier
        .verify(&bundle)
        .map_err(|error| CliError::refused(format!("the proof is invalid: {error}"), "report this"))?;
    let facts = &bundle.facts;
    let (count, number) = (facts.transfers.len(), facts.batch_number);
    let (old, new) = (fr_to_hex(&facts.old_root), fr_to_hex(&facts.new_root));
    out.result(
        &json!({ "verified": true, "transfers": count, "batch": number, "old_root": old, "new_root": new }),
        format_args!("verified: {count} transfers, batch {number}, {old} -> {new}"),
    )
}
