//! Sockets on 127.0.0.1, the only address on which this crate listens.

use std::io;
use std::net::Ipv4Addr;

use tokio::net::{TcpListener, TcpSocket};

use crate::Error;

/// The backlog of a listening socket.
const BACKLOG: u32 = 1024;

/// A bound socket, so that the URL is known before the server starts.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) url: String,
}

impl Listener {
    /// Binds to the loopback address.
    ///
    /// # Errors
    ///
    /// [`Error::PortInUse`] and [`Error::Listen`].
    pub(crate) fn bind(port: u16) -> Result<Self, Error> {
        let refused = |source: io::Error| {
            if source.kind() == io::ErrorKind::AddrInUse {
                Error::PortInUse { port }
            } else {
                Error::Listen { port, source }
            }
        };
        let socket = listen(port).map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self {
            socket,
            url: format!("http://{address}"),
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Listens on 127.0.0.1. Accepted connections inherit `TCP_NODELAY`, so that no response waits for an acknowledgement.
pub(crate) fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(cfg!(unix))?;
    socket.set_nodelay(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.listen(BACKLOG)
}
