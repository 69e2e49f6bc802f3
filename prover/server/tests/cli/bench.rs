//! `quittance bench`: every figure is there, and both sides of a comparison have done the same.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use quittance_engine::rivals::Library;
use serde_json::Value;

use crate::harness::{KEYS, SHAPE, command, run};

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&run(Path::new("."), args).ok()).unwrap()
}

/// Whether this build measures halo2curves, on this processor.
fn has_halo2curves() -> bool {
    cfg!(feature = "halo2curves") && Library::ALL.iter().all(|library| library.runs_here())
}

/// The figures are there and above zero.
fn has(value: &Value, fields: &[&str]) {
    for field in fields {
        let figure = field.split('.').fold(value, |value, key| &value[key]);
        assert!(
            figure.as_f64().is_some_and(|figure| figure > 0.0),
            "{field}: {value}"
        );
    }
}

#[test]
fn a_batch_is_measured_in_every_figure() {
    let keys = KEYS.path().to_str().unwrap();
    let args = ["bench", "--shape", SHAPE, "--keys", keys, "--runs", "1"];
    let rows = json(&[&args[..], &["--threads", "2", "--json"]].concat());
    let row = &rows[0];
    assert_eq!(
        (row["shape"].as_str(), row["phases"].as_array().unwrap().len()),
        (Some(SHAPE), 9)
    );
    has(
        row,
        &[
            "constraints",
            "wall_seconds",
            "cpu_seconds",
            "peak_memory_bytes",
            "transfers_per_second",
            "core_seconds_per_transfer",
            "verify_seconds",
        ],
    );
    assert_eq!(row.get("rival"), None);
}

#[test]
fn a_batch_is_proved_beside_ark_groth16() {
    let keys = KEYS.path().to_str().unwrap();
    let args = [
        "bench",
        "--shape",
        SHAPE,
        "--keys",
        keys,
        "--rival",
        "ark-groth16",
    ];
    let rows = json(&[&args[..], &["--threads", "2", "--backend", "portable", "--json"]].concat());
    assert_eq!(rows.as_array().unwrap().len(), 1);
    let row = &rows[0];
    assert_eq!(row["backend"], "portable");
    has(
        row,
        &[
            "wall_seconds",
            "peak_memory_bytes",
            "engine.wall_s",
            "engine.cpu_s",
        ],
    );
    has(row, &["rival.wall_s", "rival.cpu_s", "wall_ratio", "cpu_ratio"]);

    run(Path::new("."), &[&args[..], &["--runs", "2"]].concat()).fails(2, &["too few", "--runs"]);
}

#[test]
fn synthetic_circuits_are_proved_beside_ark_groth16() {
    let keys = tempfile::tempdir().unwrap();
    let args = [
        "bench",
        "prove",
        "--rival",
        "ark-groth16",
        "--log2",
        "6,8",
        "--threads",
        "2",
    ];
    let args = [&args[..], &["--keys", keys.path().to_str().unwrap()]].concat();
    let report = json(&[&args[..], &["--backend", "portable", "--json"]].concat());
    let results = report["results"].as_array().unwrap();
    let sizes: Vec<_> = results.iter().map(|row| row["log2"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [6, 8]);
    for row in results {
        assert_eq!(
            (row["threads"].as_u64(), row["backend"].as_str()),
            (Some(2), Some("portable"))
        );
        has(
            row,
            &["constraints", "runs", "peak_rss_bytes", "wall_ratio", "cpu_ratio"],
        );
        has(
            row,
            &["engine.wall_s", "engine.cpu_s", "rival.wall_s", "rival.cpu_s"],
        );
        has(
            row,
            &[
                "circuit.boolean_share",
                "circuit.unit_coefficient_share",
                "circuit.absent_from_b_share",
                "circuit.wires_per_row",
            ],
        );
        for (time, ratio) in [("wall_s", "wall_ratio"), ("cpu_s", "cpu_ratio")] {
            let [engine, rival] = ["engine", "rival"].map(|side| row[side][time].as_f64().unwrap());
            let found = row[ratio].as_f64().unwrap();
            assert!((rival / engine - found).abs() < 1e-9 * found, "{ratio}: {row}");
        }
        // A process without the rival: a few MiB of program, a small key.
        assert!(row["peak_rss_bytes"].as_u64().unwrap() < 256 << 20, "{row}");
    }

    // The keys that were made are used again, and a table says the same to people.
    let made = || std::fs::read(keys.path().join("synthetic-8/verifying.key")).unwrap();
    let before = made();
    let table = run(Path::new("."), &args).ok();
    assert_eq!(made(), before);
    let lines: Vec<_> = table.lines().collect();
    assert!(
        lines[0].starts_with("2 threads, backend ") && lines[1].contains("ark-groth16"),
        "{table}"
    );
    assert!(
        lines[3].starts_with("2^6 ") && lines[4].starts_with("2^8 "),
        "{table}"
    );
    assert!(lines[4].matches(" x").count() == 2, "{table}");

    // A key of another circuit is refused, not used.
    std::fs::rename(keys.path().join("synthetic-6"), keys.path().join("synthetic-7")).unwrap();
    let other = [
        "bench",
        "prove",
        "--rival",
        "ark-groth16",
        "--log2",
        "7",
        "--keys",
    ];
    run(
        Path::new("."),
        &[&other[..], &[keys.path().to_str().unwrap()]].concat(),
    )
    .fails(1, &["synthetic-7", "remove the directory"]);
}

/// Ctrl-C while it proves: it ends at once, and the directory with its keys is gone.
#[test]
fn an_interrupted_benchmark_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut child = command(Path::new("."))
        .args([
            "bench",
            "prove",
            "--log2",
            "10",
            "--threads",
            "1",
            "--runs",
            "100000",
        ])
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // As a terminal does it: the signal reaches the processes that this one has started, too.
        .process_group(0)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("engine alone")));
    assert!(std::fs::read_dir(temporary.path()).unwrap().next().is_some());
    let group = format!("-{}", child.id());
    let kill = Command::new("kill").args(["-INT", "--", &group]).status();
    assert!(kill.unwrap().success());
    // Until every process that holds it has ended.
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(std::fs::read_dir(temporary.path()).unwrap().next().is_none());
}

#[test]
fn setups_are_compared_in_one_process() {
    let args = [
        "bench",
        "setup",
        "--log2",
        "5,6",
        "--runs",
        "1",
        "--threads",
        "1",
        "--json",
    ];
    let report = json(&[&args[..], &["--rival", "ark-groth16", "--backend", "portable"]].concat());
    for (row, log2) in report["results"].as_array().unwrap().iter().zip([5, 6]) {
        assert_eq!(row["log2"], log2);
        assert_eq!(row["backend"], "portable");
        assert_eq!(row["constraints"], (1 << log2) - 8);
        has(
            row,
            &[
                "engine.wall_s",
                "engine.cpu_s",
                "rival.wall_s",
                "rival.cpu_s",
                "rival_synthesis.cpu_s",
                "wall_ratio",
                "cpu_ratio",
            ],
        );
    }
    let report = json(&args);
    assert!(report["results"][1]["rival"].is_null(), "{report}");
    let table = run(Path::new("."), &args[..8]).ok();
    assert_eq!(table.lines().count(), 5, "{table}");
}

#[test]
fn without_a_rival_the_engine_is_measured_alone() {
    let report = json(&["bench", "prove", "--log2", "6", "--threads", "1", "--json"]);
    let row = &report["results"][0];
    has(row, &["engine.wall_s", "engine.cpu_s", "peak_rss_bytes"]);
    for absent in ["rival", "wall_ratio", "cpu_ratio"] {
        assert!(row[absent].is_null(), "{absent}: {row}");
    }
}

#[test]
fn kernels_are_measured_beside_other_libraries() {
    for (what, kernels) in [("msm", &["msm_g1", "msm_g2"][..]), ("ntt", &["ntt", "intt"])] {
        let args = ["bench", what, "--log2", "4,9", "--runs", "3", "--threads", "2"];
        let report = json(&[&args[..], &["--json"]].concat());
        let results = report["results"].as_array().unwrap();
        let rows: Vec<_> = results
            .iter()
            .map(|row| (row["kernel"].as_str().unwrap(), row["log2"].as_u64().unwrap()))
            .collect();
        let expected = kernels.iter().flat_map(|&kernel| [(kernel, 4), (kernel, 9)]);
        assert_eq!(rows, expected.collect::<Vec<_>>());
        for row in results {
            has(row, &["engine.wall_s", "threads"]);
            let rivals = row["rivals"].as_array().unwrap();
            let libraries: Vec<_> = rivals
                .iter()
                .map(|rival| rival["library"].as_str().unwrap())
                .collect();
            assert!(libraries[0].starts_with("ark-") && libraries[1..] == ["halo2curves"]);
            for rival in &rivals[..1 + usize::from(has_halo2curves())] {
                has(rival, &["wall_s", "wall_ratio"]);
            }
            let why = rivals[1]["not_measured"].as_str();
            assert_eq!(why.is_none(), has_halo2curves(), "{row}");
        }
        let table = run(Path::new("."), &args).ok();
        assert_eq!(table.lines().count(), 3 + results.len(), "{table}");
        assert_eq!(table.contains("not measured"), !has_halo2curves(), "{table}");
    }
}

#[test]
fn what_cannot_be_measured_is_refused_before_any_work() {
    let fails = |args: &[&str], says: &[&str]| {
        run(Path::new("."), &[&["bench"], args, &["--json"]].concat()).fails(2, says);
    };
    for size in ["0", "4", "25", "40", "-1", "x", "", "16,25"] {
        fails(&["prove", &format!("--log2={size}")], &["--log2"]);
    }
    fails(&["msm", "--log2", "25"], &["25", "24"]);
    fails(&["ntt", "--log2", "4,99"], &["99", "24"]);
    fails(&["prove", "--runs", "2"], &["2"]);
    fails(&["ntt", "--runs", "0"], &["0"]);
    fails(&["prove", "--threads", "0"], &["--threads", "256"]);
    fails(&["msm", "--threads", "257"], &["--threads", "256"]);
    fails(&["prove", "--rival", "nobody"], &["nobody", "ark-groth16"]);
    fails(&["--rival", "nobody"], &["nobody", "ark-groth16"]);
    fails(&["--shape", "cube"], &["cube", "quittance circuits"]);
    fails(&["msm", "--backend", "none"], &["none", "portable"]);
    fails(&["prove", "--size", "16"], &["--size"]);
    fails(&["sums"], &["sums"]);
    let unknown = command(Path::new("."))
        .env("QUITTANCE_BACKEND", "quantum")
        .args(["bench", "ntt", "--log2", "4"])
        .output()
        .unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    let stderr = String::from_utf8(unknown.stderr).unwrap();
    assert!(
        stderr.contains("quantum") && stderr.contains("portable"),
        "{stderr}"
    );
}

#[test]
fn every_kind_of_operation_is_executed() {
    let args = [
        "bench",
        "execute",
        "--accounts",
        "1000",
        "--operations",
        "60",
        "--batch",
        "20",
    ];
    let rows = json(&[&args[..], &["--json"]].concat());
    let rows = rows.as_array().unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["operations"].as_str().unwrap())
        .collect();
    let kinds = [
        "all kinds",
        "priority",
        "openings",
        "transfers",
        "withdrawals",
        "rotations",
    ];
    assert_eq!(names, kinds);
    for row in rows {
        assert_eq!((&row["count"], &row["batches"]), (&60.into(), &3.into()));
        has(
            row,
            &[
                "wall_seconds",
                "cpu_seconds",
                "operations_per_second",
                "operations_per_cpu_second",
            ],
        );
    }
    let text = run(Path::new("."), &args).ok();
    assert_eq!(text.lines().count(), 6, "{text}");
    // Too few to hold one of each kind.
    assert_eq!(
        run(Path::new("."), &["bench", "execute", "--batch", "9"]).code,
        Some(2)
    );
}
