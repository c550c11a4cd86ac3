//! Runs the binary with nothing of the machine's own configuration.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::{self, JoinHandle};

use serde_json::Value;

/// Calls the binary; neither AWS variables nor profiles of the machine are seen, and no metadata service is asked.
pub(crate) fn arthouse(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arthouse"));
    let ours = |name: &str| name.starts_with("AWS_") || name.starts_with("ARTHOUSE_");
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null());
    command
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks the exit code and that stderr has each of the texts.
    #[track_caller]
    pub(crate) fn check(&self, code: i32, told: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for text in told {
            assert!(self.stderr.contains(text), "{text:?} is not in {self:?}");
        }
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs a call to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    command.output().unwrap().into()
}

/// Runs a call that reads this from stdin.
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> Ended {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap().into()
}

/// A running `arthouse local` on a free port.
#[derive(Debug)]
pub(crate) struct Local {
    child: Child,
    log: Option<JoinHandle<String>>,
    pub(crate) endpoint: String,
    /// Where its pages are.
    pub(crate) web: String,
}

impl Local {
    /// Starts it and waits until it says where it is.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, "info")
    }

    /// The same with a log filter.
    pub(crate) fn start_with(data: &Path, log: &str) -> Self {
        let mut command = arthouse(&["local", "--port", "0", "--json", "--log", log, "--data"]);
        let mut child = command
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Read as it is written: a full pipe would stop the process.
        let mut stderr = child.stderr.take().unwrap();
        let log = thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let Ok(started) = serde_json::from_str::<Value>(&line) else {
            panic!("{line:?}: {}", log.join().unwrap());
        };
        let address = |name: &str| started[name].as_str().unwrap().to_owned();
        Self {
            child,
            log: Some(log),
            endpoint: address("endpoint_url"),
            web: address("web_url"),
        }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Calls the binary against it.
    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        run(arthouse(arguments).env("AWS_ENDPOINT_URL", &self.endpoint))
    }

    /// Ends it as a container's stop does, and returns what it logged.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> Ended {
        let killed = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        self.end()
    }

    /// Ends it without any warning.
    pub(crate) fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.end()
    }

    /// Ends it without any warning and starts it again on its data, wherever it then is.
    pub(crate) fn restart_killed(&mut self, data: &Path) {
        self.child.kill().unwrap();
        self.end();
        *self = Self::start(data);
    }

    fn end(&mut self) -> Ended {
        let code = self.child.wait().unwrap().code();
        let stderr = self.log.take().unwrap().join().unwrap();
        Ended {
            code,
            stdout: String::new(),
            stderr,
        }
    }
}

/// A test that fails leaves no process behind.
impl Drop for Local {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
