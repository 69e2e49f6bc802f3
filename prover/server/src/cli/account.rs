//! `quittance account` and `quittance state`.

use quittance_proto::v1;
use serde_json::{Value, json};

use super::args::{AccountArgs, ServerArgs};
use super::client::Client;
use super::genesis::parse_public_key;
use super::output::Output;
use super::{CliError, client};
use crate::encoding::{fr_to_bytes_be, to_hex};

/// Accounts asked for at a time.
const PAGE: u32 = 1000;

pub(super) fn run(args: &AccountArgs, out: &mut Output) -> Result<(), CliError> {
    client::block_on(async {
        let mut client = client::connect(&args.server.server).await?;
        let accounts = match (&args.key, args.index) {
            (Some(key), _) => of_key(&mut client, key, args.path).await?,
            (None, index) => {
                let request = v1::GetAccountRequest {
                    index: index.unwrap_or_default(),
                    include_path: args.path,
                };
                let answer = client.get_account(request).await?.into_inner();
                vec![(client::required(answer.account, "the account")?, answer.state)]
            }
        };
        if out.is_json() {
            let all: Vec<Value> = accounts
                .iter()
                .map(|(account, state)| account_json(account, state.as_ref()))
                .collect();
            return match (&args.key, all.as_slice()) {
                (None, [one]) => out.line(one),
                _ => out.line(Value::Array(all)),
            };
        }
        if accounts.is_empty() {
            out.line("no account has this key")?;
        }
        accounts
            .iter()
            .try_for_each(|(account, state)| out.line(account_text(account, state.as_ref())))
    })
}

/// An account, and the state in which it was read: each page of a list has its own.
type Read = (v1::Account, Option<v1::State>);

async fn of_key(client: &mut Client, key: &str, paths: bool) -> Result<Vec<Read>, CliError> {
    let key = parse_public_key(key)
        .map_err(|problem| CliError::usage(problem, "give the key as `quittance keygen` prints it"))?;
    let mut accounts = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListAccountsByKeyRequest {
            public_key: Some(v1::PublicKey {
                x: fr_to_bytes_be(&key.x()).to_vec(),
                y: fr_to_bytes_be(&key.y()).to_vec(),
            }),
            include_paths: paths,
            page_size: PAGE,
            page_token,
        };
        let answer = client.list_accounts_by_key(request).await?.into_inner();
        let state = answer.state;
        accounts.extend(
            answer
                .accounts
                .into_iter()
                .map(|account| (account, state.clone())),
        );
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(accounts);
        }
    }
}

pub(super) fn state(args: &ServerArgs, out: &mut Output) -> Result<(), CliError> {
    client::block_on(async {
        let mut client = client::connect(&args.server).await?;
        let answer = client.get_state(v1::GetStateRequest {}).await?.into_inner();
        let state = client::required(answer.state, "the state")?;
        let value = json!({
            "root": to_hex(&state.root),
            "batch_number": state.batch_number,
            "rollup_id": to_hex(&state.rollup_id),
            "levels": state.levels,
            "genesis_root": to_hex(&state.genesis_root),
            "accounts": state.accounts,
            "unproved_batches": state.unproved_batches,
            "queued_operations": state.queued_operations,
            "last_operation": state.last_operation,
            "stopped_batches": state.stopped_batches,
        });
        out.result(
            &value,
            format_args!(
                "state root {} after batch {}\nrollup {}\n{} accounts in a tree of {} levels, {} batches to prove, {} cancelled or failed\n{} operations accepted, {} of them queued",
                to_hex(&state.root),
                state.batch_number,
                to_hex(&state.rollup_id),
                state.accounts,
                state.levels,
                state.unproved_batches,
                state.stopped_batches,
                state.last_operation,
                state.queued_operations
            ),
        )
    })
}

fn balance(account: &v1::Account) -> String {
    <[u8; 16]>::try_from(account.balance.as_slice())
        .map(|bytes| u128::from_be_bytes(bytes).to_string())
        .unwrap_or_default()
}

fn key_hex(account: &v1::Account) -> String {
    let key = account.public_key.clone().unwrap_or_default();
    to_hex(&[key.x, key.y].concat())
}

fn account_json(account: &v1::Account, state: Option<&v1::State>) -> Value {
    let mut value = json!({
        "index": account.index,
        "key": key_hex(account),
        "balance": balance(account),
        "nonce": account.nonce,
        "token": account.token,
        "owner": to_hex(&account.owner),
    });
    if let (Some(path), Some(object)) = (&account.path, value.as_object_mut()) {
        let levels: Vec<Vec<String>> = path
            .levels
            .iter()
            .map(|siblings| siblings.hashes.iter().map(|hash| to_hex(hash)).collect())
            .collect();
        object.insert("leaf_hash".to_owned(), to_hex(&path.leaf_hash).into());
        object.insert("path".to_owned(), json!(levels));
        // What the path leads to.
        if let Some(state) = state {
            object.insert("root".to_owned(), to_hex(&state.root).into());
            object.insert("batch_number".to_owned(), state.batch_number.into());
        }
    }
    value
}

fn account_text(account: &v1::Account, state: Option<&v1::State>) -> String {
    let mut text = format!(
        "account {}: balance {} of token {}, nonce {}, owner {}, key {}",
        account.index,
        balance(account),
        account.token,
        account.nonce,
        to_hex(&account.owner),
        key_hex(account)
    );
    for (level, siblings) in account
        .path
        .iter()
        .flat_map(|path| path.levels.iter().enumerate())
    {
        let hashes: Vec<String> = siblings.hashes.iter().map(|hash| to_hex(hash)).collect();
        text.push_str(&format!("\n  level {level}: {}", hashes.join(" ")));
    }
    if let (Some(_), Some(state)) = (&account.path, state) {
        text.push_str(&format!(
            "\n  state root {} after batch {}",
            to_hex(&state.root),
            state.batch_number
        ));
    }
    text
}
