use crate::daemon::Daemon;
use crate::relay::Relay;
use crate::rig::{Ended, Local, arthouse, run, run_with_input};

/// What its tables and queues begin with.
pub(crate) const PREFIX: [&str; 2] = ["--prefix", "x-"];

/// A deployment of its own on a live endpoint, whose daemons the test starts itself.
pub(crate) struct Deployment {
    pub(crate) local: Local,
    relay: Relay,
    data: tempfile::TempDir,
}

impl Deployment {
    pub(crate) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let local = Local::start(data.path());
        let relay = Relay::to(&local.endpoint);
        let rig = Self { local, relay, data };
        rig.call(&["provision"]).check(0, &[]);
        rig
    }

    /// Where it is, for as long as the test runs.
    pub(crate) fn endpoint(&self) -> &str {
        &self.relay.endpoint
    }

    /// Kills the services, all at once and without any warning, and starts them again on their data.
    pub(crate) fn kill_services(&mut self) {
        self.local.restart_killed(self.data.path());
        self.relay.turn_to(&self.local.endpoint);
    }

    /// Starts a daemon of it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Daemon {
        Daemon::start(&[&PREFIX[..], arguments].concat(), self.endpoint())
    }

    /// Calls the binary for it.
    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        let arguments = [&PREFIX[..], arguments].concat();
        run(arthouse(&arguments).env("AWS_ENDPOINT_URL", self.endpoint()))
    }

    /// Sends one command from flags and waits until it is applied.
    #[track_caller]
    pub(crate) fn send(&self, arguments: &[&str]) {
        let waiting = ["--wait", "--timeout", "60s"];
        self.call(&[&["send"], arguments, &waiting].concat())
            .check(0, &[]);
    }

    /// Returns a sender of commands, one a line, with these options; for another thread.
    pub(crate) fn sender(
        &self,
        options: &'static [&str],
    ) -> impl Fn(&str) -> Ended + Send + 'static {
        let endpoint = self.endpoint().to_owned();
        move |lines| {
            let arguments = [&PREFIX[..], &["send", "--file", "-"], options].concat();
            run_with_input(
                arthouse(&arguments).env("AWS_ENDPOINT_URL", &endpoint),
                lines,
            )
        }
    }
}

/// Options of a sender that waits until all is applied.
pub(crate) const WAITING: [&str; 3] = ["--wait", "--timeout", "120s"];
