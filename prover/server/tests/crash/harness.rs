//! A directory with a store, and the service as a process over it. Every wait has a deadline.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use quittance::store::Store;
use tempfile::TempDir;

use crate::accounts;

/// A small circuit with a slot for every kind of operation.
pub(crate) const SHAPE: &str = "p1o1t2w1r1f1l3";
/// Its levels: 64 leaves.
pub(crate) const LEVELS: u8 = 3;
/// Longest wait for anything that a process has to do by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A directory with a development key, made once by `quittance setup`.
pub(crate) static KEYS: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().to_str().unwrap();
    let made = run(command().args(["setup", "--shape", SHAPE, "--keys", keys]));
    assert_eq!(made.code, Some(0), "{made:?}");
    directory
});

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// The process ended with this code, no panic, and an error that says all of this and what to do next.
    pub(crate) fn failed(&self, code: i32, says: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        for text in says.iter().chain(&["error: ", "next:  "]) {
            assert!(self.err.contains(text), "{text:?} is missing: {self:?}");
        }
    }
}

/// The command, without the environment's own settings.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quittance"));
    command
        .env_remove("QUITTANCE_SERVER")
        .env_remove("QUITTANCE_CONFIG");
    command
}

/// Runs a command to its end, which has to come within [`PATIENCE`].
pub(crate) fn run(command: &mut Command) -> Ended {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = Collected::of(child.stdout.take().unwrap());
    let err = Collected::of(child.stderr.take().unwrap());
    let code = wait(&mut child, &|| format!("{command:?}: {}", err.text()));
    Ended {
        code,
        out: out.end(),
        err: err.end(),
    }
}

/// Waits for the end of a process; kills it and fails if it does not come.
fn wait(child: &mut Child, what: &dyn Fn() -> String) -> Option<i32> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("still running after {PATIENCE:?}: {}", what());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Output of a process, read by a thread of its own so that the process never waits for it.
struct Collected {
    text: Arc<Mutex<String>>,
    reader: thread::JoinHandle<()>,
}

impl Collected {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&text);
        let reader = thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                writeln!(into.lock().unwrap(), "{line}").unwrap();
            }
        });
        Self { text, reader }
    }

    fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// All of it, after the process has ended.
    fn end(self) -> String {
        self.reader.join().unwrap();
        Arc::into_inner(self.text).unwrap().into_inner().unwrap()
    }
}

/// A store with sixteen accounts, and a configuration file.
pub(crate) struct Home {
    _directory: TempDir,
    path: PathBuf,
    store: PathBuf,
}

impl Home {
    /// A new store in a directory of its own.
    pub(crate) fn new() -> Self {
        let home = Self::without_store();
        home.genesis();
        home
    }

    /// The same without a store.
    pub(crate) fn without_store() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let store = path.join("store");
        Self::at(directory, path, store)
    }

    /// A new store in this directory, the rest elsewhere.
    pub(crate) fn with_new_store_at(store: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let home = Self::at(directory, path, store.to_owned());
        home.genesis();
        home
    }

    fn at(directory: TempDir, path: PathBuf, store: PathBuf) -> Self {
        let home = Self {
            _directory: directory,
            path,
            store,
        };
        std::fs::write(home.path.join("quittance.toml"), home.config()).unwrap();
        std::fs::write(home.path.join("accounts.csv"), accounts::csv()).unwrap();
        home
    }

    fn config(&self) -> String {
        format!(
            "[rollup]\nlevels = {LEVELS}\n\
             [service]\nlisten = \"127.0.0.1:0\"\ndrain_timeout_ms = 2000\n\
             [store]\ndirectory = {:?}\n\
             [keys]\ndirectory = {:?}\nallow_development_keys = true\n\
             [proving]\nthreads = 2\nmax_unproved_batches = 1000\nmax_attempts = 1000\n\
             [batching]\nmax_delay_ms = 200\n\
             [fees]\nleaf = {}\n",
            self.store,
            KEYS.path(),
            accounts::OPERATOR,
        )
    }

    fn genesis(&self) {
        let rollup_id = accounts::rollup_id_bytes();
        drop(Store::create(&self.store, rollup_id, LEVELS, accounts::genesis()).unwrap());
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of the store.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// The file of the store.
    pub(crate) fn file(&self) -> PathBuf {
        self.store.join("quittance.redb")
    }

    /// A command on this store.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command
            .current_dir(&self.path)
            .env("QUITTANCE_CONFIG", self.path.join("quittance.toml"))
            .args(arguments);
        command
    }

    /// The service, which has to come up.
    pub(crate) fn serve(&self) -> Served {
        self.start(self.command(&["serve"]))
            .unwrap_or_else(|ended| panic!("the service did not start: {ended:?}"))
    }

    /// A service started in another way, or how it ended instead.
    pub(crate) fn start(&self, mut command: Command) -> Result<Served, Ended> {
        let mut started = Starting::spawn(&mut command);
        match started.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                let address = line
                    .strip_prefix("listening on ")
                    .unwrap_or_else(|| panic!("{line:?}"))
                    .to_owned();
                Ok(Served {
                    child: started.child,
                    err: Some(started.err),
                    address: format!("http://{address}"),
                })
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let err = started.err;
                let code = wait(&mut started.child, &|| err.text());
                Err(Ended {
                    code,
                    out: String::new(),
                    err: err.end(),
                })
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let _ = started.child.kill();
                let _ = started.child.wait();
                panic!("the service neither listens nor ends: {}", started.err.text());
            }
        }
    }
}

/// A service that was just started.
pub(crate) struct Starting {
    child: Child,
    lines: mpsc::Receiver<String>,
    err: Collected,
}

impl Starting {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let err = Collected::of(child.stderr.take().unwrap());
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // Nobody waits for a second line.
                let _ = tell.send(line);
            }
        });
        Self { child, lines, err }
    }

    /// Ends as if the power had gone, wherever the start has come to.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A running service; it is killed when this is dropped.
pub(crate) struct Served {
    child: Child,
    err: Option<Collected>,
    pub(crate) address: String,
}

impl Served {
    /// Ends as if the power had gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops as an operator does.
    pub(crate) fn terminate(self) -> Ended {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(told.success());
        self.end()
    }

    /// Waits until the service ends by itself.
    pub(crate) fn end(mut self) -> Ended {
        let err = self.err.take().unwrap();
        let code = wait(&mut self.child, &|| err.text());
        Ended {
            code,
            out: String::new(),
            err: err.end(),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
