use std::io;

use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::Exit;

/// Returns a token that fires with the first SIGINT or SIGTERM. The second ends the process at once.
///
/// # Errors
/// Returns why the signals can't be listened to.
pub(crate) fn shutdown() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let fired = token.clone();
    let mut signals = Signals::listen()?;
    tokio::spawn(async move {
        signals.next().await;
        info!("stopping; a second signal stops at once");
        fired.cancel();
        signals.next().await;
        std::process::exit(Exit::Interrupted.code().into());
    });
    Ok(token)
}

/// Returns what ends with the first SIGINT or SIGTERM from now on.
///
/// # Errors
/// Returns why the signals can't be listened to.
pub(crate) fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::listen()?;
    Ok(async move { signals.next().await })
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
