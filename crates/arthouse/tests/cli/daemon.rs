//! A daemon that runs with `--http`, and what it answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::rig::{Ended, arthouse};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The least pause between two questions, so that waiting leaves the machine to what is waited for.
const PAUSE: Duration = Duration::from_millis(50);

/// A running daemon on a free port.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    log: Arc<Mutex<String>>,
    logging: Option<JoinHandle<()>>,
    pub(crate) address: SocketAddr,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status();
    assert!(sent.unwrap().success(), "{name} to {process}");
}

/// Asks until the answer is right; returns it.
#[track_caller]
pub(crate) fn until<T: std::fmt::Debug>(
    what: &str,
    mut ask: impl FnMut() -> T,
    holds: impl Fn(&T) -> bool,
) -> T {
    let began = Instant::now();
    loop {
        let answer = ask();
        if holds(&answer) {
            return answer;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "waited in vain for {what}: {answer:?}"
        );
        thread::sleep(PAUSE);
    }
}

impl Daemon {
    /// Starts a daemon against an endpoint and waits until it says where it answers.
    pub(crate) fn start(arguments: &[&str], endpoint: &str) -> Self {
        let mut command = arthouse(arguments);
        let mut child = command
            .args(["--log-format", "json"])
            .env("ARTHOUSE_HTTP", "127.0.0.1:0")
            .env("AWS_ENDPOINT_URL", endpoint)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (tell, told) = mpsc::channel();
        let log = Arc::<Mutex<String>>::default();
        let written = Arc::clone(&log);
        let logging = thread::spawn(move || {
            for line in stderr.lines() {
                let line = line.unwrap();
                if let Some(address) = address(&line) {
                    let _nobody_waits = tell.send(address);
                }
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let Ok(address) = told.recv_timeout(PATIENCE) else {
            let _gone = child.kill();
            panic!("it never listened: {}", log.lock().unwrap());
        };
        Self {
            child,
            log,
            logging: Some(logging),
            address,
        }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Asks; nothing if it does not answer.
    pub(crate) fn try_get(&self, path: &str) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer {
            status,
            body: body.to_owned(),
        })
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        let answer = self.try_get(path);
        answer.unwrap_or_else(|| panic!("{path} was not answered"))
    }

    /// Asks until the status is this one.
    #[track_caller]
    pub(crate) fn until(&self, path: &str, status: u16) -> Answer {
        until(
            &format!("{path} to be {status}"),
            || self.get(path),
            |answer| answer.status == status,
        )
    }

    /// Adds up the samples of a metric whose labels hold this text; 0 if there is none.
    pub(crate) fn metric(&self, name: &str, label: &str) -> f64 {
        let body = self.get("/metrics").body;
        let samples = body
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(label));
        let rest = samples.filter_map(|line| line.strip_prefix(name));
        rest.filter(|rest| rest.starts_with(['{', ' ']))
            .filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// What it has logged so far.
    pub(crate) fn logged(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Asks it through the binary, as a container does.
    pub(crate) fn healthy(&self, arguments: &[&str]) -> Ended {
        let mut command = arthouse(&["healthy"]);
        command.args(arguments);
        command.env("ARTHOUSE_HTTP", self.address.to_string());
        crate::rig::run(&mut command)
    }

    /// Ends it without any warning.
    pub(crate) fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let code = self.child.wait().unwrap().code();
        self.logging.take().unwrap().join().unwrap();
        Ended {
            code,
            stdout: String::new(),
            stderr: self.logged(),
        }
    }
}

/// A test that fails leaves no process behind.
impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn address(line: &str) -> Option<SocketAddr> {
    let event: Value = serde_json::from_str(line).ok()?;
    event["address"].as_str()?.parse().ok()
}
