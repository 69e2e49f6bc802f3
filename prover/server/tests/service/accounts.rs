//! Accounts by index and by key, with paths that lead to the root.

use ark_bn254::Fr;
use quittance::encoding::{fr_from_bytes_be, fr_to_bytes_be};
use quittance_circuits::tree::Path;
use quittance_proto::v1;

use crate::harness::{BALANCE, Held, OPERATOR, Service, key, transfer};

fn fr(bytes: &[u8]) -> Fr {
    fr_from_bytes_be(bytes.try_into().unwrap()).unwrap()
}

fn root(account: &v1::Account) -> Fr {
    let path = account.path.as_ref().unwrap();
    let siblings = path.levels.iter().map(|level| {
        let hashes: Vec<Fr> = level.hashes.iter().map(|hash| fr(hash)).collect();
        <[Fr; 3]>::try_from(hashes).unwrap()
    });
    let path_to_root = Path {
        siblings: siblings.collect(),
    };
    path_to_root.root(account.index, fr(&path.leaf_hash))
}

fn balance(account: &v1::Account) -> u128 {
    u128::from_be_bytes(account.balance.as_slice().try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_their_paths_follow_the_state() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    for round in 0..2 {
        for (index, change) in [(0, -110i128), (1, 100), (OPERATOR, 10), (3, 0)] {
            let request = v1::GetAccountRequest {
                index,
                include_path: true,
            };
            let answer = service.client.get_account(request).await.unwrap().into_inner();
            let (account, state) = (answer.account.unwrap(), answer.state.unwrap());
            assert_eq!(
                fr_to_bytes_be(&root(&account)).to_vec(),
                state.root,
                "account {index}"
            );
            let expected = i128::try_from(BALANCE).unwrap() + change * round;
            assert_eq!(i128::try_from(balance(&account)).unwrap(), expected);
            assert_eq!(account.nonce, u32::from(index == 0 && round == 1));
        }
        if round == 0 {
            service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
        }
    }
    let request = v1::GetAccountRequest {
        index: 0,
        include_path: false,
    };
    let answer = service.client.get_account(request).await.unwrap().into_inner();
    assert!(answer.account.unwrap().path.is_none());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_leaves_may_share_a_key() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    let public = key(0).public_key();
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListAccountsByKeyRequest {
            public_key: Some(v1::PublicKey {
                x: fr_to_bytes_be(&public.x()).to_vec(),
                y: fr_to_bytes_be(&public.y()).to_vec(),
            }),
            include_paths: true,
            page_size: 1,
            page_token,
        };
        let page = service
            .client
            .list_accounts_by_key(request)
            .await
            .unwrap()
            .into_inner();
        let state_root = page.state.unwrap().root;
        for account in page.accounts {
            assert_eq!(fr_to_bytes_be(&root(&account)).to_vec(), state_root);
            found.push(account.index);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, [0, 4]);
    service.stop().await;
}
