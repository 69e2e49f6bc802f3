//! Runs the command in a directory of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

/// The smallest circuit that is worth testing.
pub(crate) const SHAPE: &str = "t2f1l2";

/// A directory with a development key, made once by `quittance setup`.
pub(crate) static KEYS: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().to_str().unwrap();
    run(Path::new("."), &["setup", "--shape", SHAPE, "--keys", keys]).ok();
    directory
});

/// A circuit that has room for every kind.
pub(crate) const MIXED: &str = "p1o1t2w1r1f1l2";

/// A directory with a development key for it.
pub(crate) static MIXED_KEYS: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().to_str().unwrap();
    run(Path::new("."), &["setup", "--shape", MIXED, "--keys", keys]).ok();
    directory
});

/// What a run of the command gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The run succeeded; its output.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// The run ended with this code, prints nothing, says all of this, and what to do next.
    /// With `--json` the error is one object at the end of stderr.
    pub(crate) fn fails(mut self, code: i32, says: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{self:?}");
        let last = self.err.lines().last().unwrap_or_default();
        if let Ok(object) = serde_json::from_str::<serde_json::Value>(last) {
            let (error, next) = (object["error"].as_str(), object["next"].as_str());
            self.err = format!("error: {}\nnext:  {}", error.unwrap(), next.unwrap());
        }
        assert!(
            self.err.contains("error: ") && self.err.contains("next:  "),
            "{self:?}"
        );
        assert!(!self.err.contains("panicked"), "{self:?}");
        for text in says {
            assert!(self.err.contains(text), "{text:?} is missing: {self:?}");
        }
    }

    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The command, without the environment's own settings.
pub(crate) fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quittance"));
    command
        .current_dir(directory)
        .env_remove("QUITTANCE_SERVER")
        .env_remove("QUITTANCE_CONFIG");
    command
}

/// Runs the command to its end.
pub(crate) fn run(directory: &Path, args: &[&str]) -> Ran {
    Ran::of(
        command(directory)
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap(),
    )
}

/// The same within a limit of the system, such as `-f 8`.
pub(crate) fn limited(directory: &Path, limit: &str, args: &[&str]) -> Ran {
    Ran::of(
        limited_command(directory, limit)
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap(),
    )
}

/// The command within a limit of the system.
pub(crate) fn limited_command(directory: &Path, limit: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_quittance"))
        .current_dir(directory)
        .env_remove("QUITTANCE_SERVER")
        .env_remove("QUITTANCE_CONFIG");
    command
}

/// The same with something on standard input.
pub(crate) fn run_with_input(directory: &Path, args: &[&str], input: &str) -> Ran {
    let mut child = command(directory)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

/// A directory with keys and a store of three accounts: 0 and 1 with 1,000,000 each, 2 takes fees; token 1.
pub(crate) fn genesis() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut accounts = "key,balance,token,owner\n".to_owned();
    for index in 0..3 {
        let key = run(path, &["keygen", &format!("{index}.secret")]).ok();
        accounts += &format!("{},1000000,1,0x{:040x}\n", key.trim(), index + 1);
    }
    std::fs::write(path.join("accounts.csv"), accounts).unwrap();
    run(path, &with(&["genesis", "accounts.csv"], STORE)).ok();
    directory
}

/// Flags of the small tree's store.
pub(crate) const STORE: &[&str] = &["--store", "store", "--levels", "2", "--allow-development-keys"];

/// Arguments together.
pub(crate) fn with<'a>(args: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [args, more].concat()
}

/// A service that runs until it is dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
    pub(crate) address: String,
}

impl Served {
    /// Serves the store in the directory on a free port.
    pub(crate) fn start(directory: &Path) -> Self {
        Self::of(command(directory).stderr(Stdio::null()))
    }

    /// The same by this command, which has its directory, environment and standard error.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::with_keys(command, KEYS.path())
    }

    /// The same with these keys.
    pub(crate) fn with_keys(command: &mut Command, keys: &Path) -> Self {
        let keys = keys.to_str().unwrap();
        let args = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--keys",
            keys,
            "--fee-leaf",
            "2",
            "--threads",
            "2",
        ];
        let mut child = command
            .args(with(&args, STORE))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("{line:?}"))
            .to_owned();
        Self {
            child,
            url: format!("http://{address}"),
            address,
        }
    }

    /// Runs a command against the service.
    pub(crate) fn run(&self, directory: &Path, args: &[&str]) -> Ran {
        Ran::of(
            command(directory)
                .args(args)
                .env("QUITTANCE_SERVER", &self.url)
                .stdin(Stdio::null())
                .output()
                .unwrap(),
        )
    }

    /// Stops as an operator does; gives the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap().code()
    }

    /// Ends as if the power had gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A copy of the key directory that a test may damage.
pub(crate) fn copied_keys() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join(SHAPE);
    std::fs::create_dir(&copy).unwrap();
    for file in ["manifest.json", "proving.key", "verifying.key"] {
        std::fs::copy(KEYS.path().join(SHAPE).join(file), copy.join(file)).unwrap();
    }
    (directory, copy)
}
