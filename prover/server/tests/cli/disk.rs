//! A store file that is damaged, or may not grow.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::harness::{KEYS, STORE, genesis, limited, with};

/// Arguments of a service over the store in the directory, on a free port.
fn serve_args() -> Vec<&'static str> {
    let keys = KEYS.path().to_str().unwrap();
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
    with(&args, STORE)
}

/// No damage of the file ends the service with a panic's code.
#[test]
fn a_damaged_store_is_an_error_and_no_panic() {
    let directory = genesis();
    let path = directory.path();
    let file = path.join("store/quittance.redb");
    let sound = fs::read(&file).unwrap();
    for page in
        (0..sound.len() / 4096).filter(|page| sound[page * 4096..][..4096].iter().any(|byte| *byte != 0))
    {
        let mut damaged = sound.clone();
        damaged[page * 4096..][..4096].fill(0);
        fs::write(&file, damaged).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_quittance"))
            .args(serve_args())
            .current_dir(path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        if line.starts_with("listening") {
            // Damage that only shows later, if at all.
            let id = child.id().to_string();
            assert!(
                Command::new("kill")
                    .args(["-TERM", &id])
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "page {page}: {output:?}"
        );
        if output.status.code() == Some(1) {
            assert!(
                said.contains("error: ") && said.contains("next:  "),
                "page {page}: {said}"
            );
        }
    }
}

/// The system's signal for a file above the limit does not end the command without a word.
#[test]
fn a_limit_of_file_sizes_is_an_error_like_others() {
    let directory = genesis();
    let path = directory.path();
    let says = ["ulimit -f"];
    let other = with(&["genesis", "accounts.csv", "--store", "other"], &STORE[2..]);
    limited(path, "-f 8", &other).fails(1, &says);
}
