use crate::daemon::Daemon;
use crate::rig::{Ended, Local, arthouse, run, run_with_input};

/// What its tables and queues begin with.
const PREFIX: [&str; 2] = ["--prefix", "x-"];

/// A deployment of its own on a live endpoint, whose daemons the test starts itself.
pub(crate) struct Deployment {
    pub(crate) local: Local,
    _data: tempfile::TempDir,
}

impl Deployment {
    pub(crate) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let local = Local::start(data.path());
        let rig = Self { local, _data: data };
        rig.call(&["provision"]).check(0, &[]);
        rig
    }

    /// Starts a daemon of it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Daemon {
        Daemon::start(&[&PREFIX[..], arguments].concat(), &self.local.endpoint)
    }

    /// Calls the binary for it.
    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        let arguments = [&PREFIX[..], arguments].concat();
        run(arthouse(&arguments).env("AWS_ENDPOINT_URL", &self.local.endpoint))
    }

    /// Sends one command from flags and waits until it is applied.
    #[track_caller]
    pub(crate) fn send(&self, arguments: &[&str]) {
        let waiting = ["--wait", "--timeout", "60s"];
        self.call(&[&["send"], arguments, &waiting].concat())
            .check(0, &[]);
    }

    /// Returns a sender of commands, one a line, that waits until all are applied; for another thread.
    pub(crate) fn sender(&self) -> impl Fn(&str) + Send + 'static {
        let endpoint = self.local.endpoint.clone();
        move |lines| {
            let waiting = ["send", "--file", "-", "--wait", "--timeout", "120s"];
            let mut command = arthouse(&[&PREFIX[..], &waiting].concat());
            run_with_input(command.env("AWS_ENDPOINT_URL", &endpoint), lines).check(0, &[]);
        }
    }
}
