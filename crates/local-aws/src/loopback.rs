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
        let socket = listen((Ipv4Addr::LOCALHOST, port)).map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self {
            socket,
            url: format!("http://{address}"),
        })
    }
}

/// Listens on a loopback address. Accepted connections inherit `TCP_NODELAY`, so that no response waits for an acknowledgement.
fn listen(address: (Ipv4Addr, u16)) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(cfg!(unix))?;
    socket.set_nodelay(true)?;
    socket.bind(address.into())?;
    socket.listen(BACKLOG)
}

/// Listens where only this process looks: at a random one of the 2^24 loopback addresses and a free port.
///
/// dynoxide's server answers every web page (`Access-Control-Allow-Origin: *`) and takes a TCP listener only. A page would have to find it among
/// 2^40 places. Systems other than Linux have 127.0.0.1 alone, where a page has to find the port.
pub(crate) fn listen_hidden() -> io::Result<TcpListener> {
    let [a, b, c, ..] = *uuid::Uuid::new_v4().as_bytes();
    let hidden = Ipv4Addr::new(127, a, b, c.clamp(2, 254));
    listen((hidden, 0)).or_else(|_| listen((Ipv4Addr::LOCALHOST, 0)))
}
