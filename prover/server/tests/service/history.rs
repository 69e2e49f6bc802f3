//! Operations by id, by account and by state, paged both ways.

use quittance_proto::v1;
use tonic::Code;

use crate::harness::{Held, Service, config, fields, genesis, transfer};

#[tokio::test(flavor = "multi_thread")]
async fn an_accounts_history_is_what_it_sent_or_received() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = 1;
    raw.proving.max_unproved_batches = 2;
    let mut service = Service::restart(raw, Held::new()).await;
    let transfers = [
        transfer(0, 1, 0, |_| ()),
        transfer(1, 2, 0, |_| ()),
        transfer(2, 2, 0, |_| ()),
        transfer(0, 2, 1, |_| ()),
        transfer(1, 0, 1, |_| ()),
    ];
    for signed in &transfers {
        service.single(signed, "").await.unwrap();
    }
    service.wait_for(2, v1::BatchState::Executed).await;
    let mut list = async |account: Option<u32>, state: v1::OperationState, newest_first, page_size: u32| {
        let mut ids = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = v1::ListOperationsRequest {
                account,
                state: state.into(),
                newest_first,
                page_size,
                page_token,
            };
            let page = service
                .client
                .list_operations(request)
                .await
                .unwrap()
                .into_inner();
            assert!(page_size == 0 || page.operations.len() <= usize::try_from(page_size).unwrap());
            ids.extend(page.operations.iter().map(|operation| operation.id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return ids;
            }
        }
    };
    let any = v1::OperationState::Unspecified;
    for (account, ids) in [
        (None, vec![1, 2, 3, 4, 5]),
        (Some(0), vec![1, 4, 5]),
        (Some(1), vec![1, 2, 5]),
        (Some(2), vec![2, 3, 4]),
        (Some(3), vec![]),
        (Some(15), vec![]),
    ] {
        let newest: Vec<u64> = ids.iter().rev().copied().collect();
        for page_size in [0, 1, 2, 100] {
            assert_eq!(list(account, any, false, page_size).await, ids, "{account:?}");
            assert_eq!(list(account, any, true, page_size).await, newest, "{account:?}");
        }
    }
    let executed = list(None, v1::OperationState::Executed, false, 1).await;
    let queued = list(None, v1::OperationState::Queued, true, 1).await;
    assert!(!executed.is_empty());
    assert_eq!(executed.len() + queued.len(), 5);
    assert!(
        list(Some(0), v1::OperationState::Rejected, false, 0)
            .await
            .is_empty()
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_questions_about_operations_name_their_field() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.service.max_watch_streams = 1;
    raw.batching.max_delay_ms = crate::batching::NEVER;
    let mut service = Service::restart(raw, Held::new()).await;
    let client = &mut service.client;
    let list = |change: fn(&mut v1::ListOperationsRequest)| {
        let mut request = v1::ListOperationsRequest::default();
        change(&mut request);
        request
    };
    let cases = [
        (
            "id",
            client
                .get_operation(v1::GetOperationRequest { id: 0 })
                .await
                .unwrap_err(),
        ),
        (
            "id",
            client
                .watch_operation(v1::WatchOperationRequest { id: 0 })
                .await
                .unwrap_err(),
        ),
        (
            "account",
            client
                .list_operations(list(|r| r.account = Some(16)))
                .await
                .unwrap_err(),
        ),
        (
            "state",
            client.list_operations(list(|r| r.state = 9)).await.unwrap_err(),
        ),
        (
            "page_token",
            client
                .list_operations(list(|r| r.page_token = "00000001".to_owned()))
                .await
                .unwrap_err(),
        ),
    ];
    for (path, status) in cases {
        assert_eq!(
            (status.code(), fields(&status)),
            (Code::InvalidArgument, vec![path.to_owned()]),
            "{status:?}"
        );
    }
    for id in [1, u64::MAX] {
        let status = client
            .get_operation(v1::GetOperationRequest { id })
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{status:?}");
        let status = client
            .watch_operation(v1::WatchOperationRequest { id })
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{status:?}");
    }
    // Watchers of operations and of batches share one limit.
    service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap();
    let request = v1::WatchOperationRequest { id: 1 };
    let stream = service.client.watch_operation(request).await.unwrap();
    let status = service.client.watch_operation(request).await.unwrap_err();
    assert_eq!(crate::harness::quota(&status), "service.max_watch_streams");
    drop(stream);
    service.stop().await;
}
