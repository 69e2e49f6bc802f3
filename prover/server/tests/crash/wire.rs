//! The way from the clients to one process. It can keep to itself what the process answers: then a request is accepted,
//! and only the process knows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Takes connections for a service until it is dropped.
pub(crate) struct Wire {
    /// What clients connect to.
    pub(crate) address: String,
    cut: Arc<AtomicBool>,
    listening: JoinHandle<()>,
}

impl Wire {
    /// A way to the service at `http://…`.
    pub(crate) async fn to(service: &str) -> Self {
        let service: SocketAddr = service.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let cut = Arc::new(AtomicBool::new(false));
        let of_connections = Arc::clone(&cut);
        let listening = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(connection(client, service, Arc::clone(&of_connections)));
            }
        });
        Self {
            address,
            cut,
            listening,
        }
    }

    /// From now on no answer arrives, while requests still do.
    pub(crate) fn lose_answers(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Ends, for both sides, when either of them ends.
async fn connection(client: TcpStream, service: SocketAddr, cut: Arc<AtomicBool>) {
    let Ok(service) = TcpStream::connect(service).await else {
        // It was killed.
        return;
    };
    client.set_nodelay(true).unwrap();
    service.set_nodelay(true).unwrap();
    let (mut requests, client) = client.into_split();
    let (answers, mut service) = service.into_split();
    tokio::select! {
        _ = io::copy(&mut requests, &mut service) => (),
        () = pass_answers(answers, client, &cut) => (),
    }
}

async fn pass_answers(mut answers: OwnedReadHalf, mut client: OwnedWriteHalf, cut: &AtomicBool) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = answers.read(&mut bytes).await {
        if !cut.load(Ordering::SeqCst) && client.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
