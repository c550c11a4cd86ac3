//! Sockets on 127.0.0.1, the only address that anything here listens on.

use std::io;
use std::net::Ipv4Addr;

use tokio::net::{TcpListener, TcpSocket};

use crate::Error;

/// Connections that a listening socket keeps waiting for the server.
const BACKLOG: u32 = 1024;

/// A bound socket, so that the URL is known before anything is served.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) url: String,
}

impl Listener {
    /// Binds to the loopback address alone.
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

/// Listens on 127.0.0.1; what it accepts inherits the `TCP_NODELAY` set here, so that no answer waits for an acknowledgement.
pub(crate) fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(cfg!(unix))?;
    socket.set_nodelay(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.listen(BACKLOG)
}
