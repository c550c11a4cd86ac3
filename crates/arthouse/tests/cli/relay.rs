//! An address that stays the same while the services behind it are killed and started again elsewhere.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Passes connections on; it ends with the test.
pub(crate) struct Relay {
    pub(crate) endpoint: String,
    behind: watch::Sender<SocketAddr>,
    _runtime: Runtime,
}

impl Relay {
    pub(crate) fn to(endpoint: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (behind, watched) = watch::channel(socket(endpoint));
        runtime.spawn(pass_on(listener, watched));
        Self {
            endpoint: format!("http://{address}"),
            behind,
            _runtime: runtime,
        }
    }

    /// Passes new connections on to there. Those to the former services have ended with them.
    pub(crate) fn turn_to(&self, endpoint: &str) {
        self.behind.send_replace(socket(endpoint));
    }
}

fn socket(endpoint: &str) -> SocketAddr {
    endpoint.strip_prefix("http://").unwrap().parse().unwrap()
}

async fn pass_on(listener: TcpListener, behind: watch::Receiver<SocketAddr>) {
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let behind = *behind.borrow();
        tokio::spawn(async move {
            client.set_nodelay(true)?;
            let mut services = TcpStream::connect(behind).await?;
            services.set_nodelay(true)?;
            copy_bidirectional(&mut client, &mut services).await
        });
    }
}
