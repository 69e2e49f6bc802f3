//! Every operation of the disk goes wrong once, in every way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::dump::{difference, dump};
use super::scenario::{Scenario, all_transactions};
use super::{Disk, Fault, open};

/// No space left on the device.
const ENOSPC: i32 = 28;
/// The file would be larger than is allowed.
const EFBIG: i32 = 27;
/// The file system can only be read.
const EROFS: i32 = 30;
/// The device failed.
const EIO: i32 = 5;

/// Runs the scenario with the fault at this operation, and checks what is left.
fn survive(scenario: &Scenario, at: usize, fault: Fault) {
    let disk = Disk::new(scenario.image.clone(), Some((at, fault)));
    // Dumps that were reached, the one before opening not counted.
    let mut done = 0;
    let mut refused = true;
    if let Ok(store) = open(&disk) {
        done = 1;
        refused = false;
        for step in &scenario.steps {
            match (step.run)(&store) {
                Ok(()) => done += 1,
                Err(error) => {
                    refused = true;
                    assert!(disk.has_failed(), "{}: {error}", step.name);
                    // The service ends then, and says so; it never goes on with a store in doubt.
                    assert!(store.has_failed(), "{}: {error}", step.name);
                    let again = (step.run)(&store).unwrap_err();
                    assert!(
                        again.is_fatal() && !again.is_transient(),
                        "{}: {again}",
                        step.name
                    );
                    break;
                }
            }
        }
    }
    let left = disk.surviving();
    let got = dump(&left);
    let mut reached = done;
    if got != scenario.dumps[done] {
        // The step in progress may be done, but nobody was told so.
        reached += 1;
        assert!(
            refused && scenario.dumps.get(reached) == Some(&got),
            "{done} steps were done, and then: {}",
            difference(&got, &scenario.dumps[done]).unwrap_or_default()
        );
    }
    // From there it goes on to the same end.
    let disk = Disk::new(left, None);
    let store = open(&disk).unwrap();
    let next = reached.saturating_sub(1);
    if let Some(step) = next.checked_sub(1).map(|last| &scenario.steps[last])
        && step.repeatable
    {
        (step.run)(&store).unwrap();
        assert_eq!(
            difference(&dump(&disk.surviving()), &scenario.dumps[reached]),
            None,
            "{} again",
            step.name
        );
    }
    for step in &scenario.steps[next..] {
        (step.run)(&store).unwrap_or_else(|error| panic!("{} after the fault: {error}", step.name));
    }
    drop(store);
    let end = scenario.dumps.last().unwrap();
    assert_eq!(difference(&dump(&disk.surviving()), end), None);
}

/// Every operation of the disk with every one of these faults, on all cores.
fn everywhere(faults: impl Fn(usize) -> Vec<Fault> + Sync) {
    let scenario = &all_transactions();
    let next = AtomicUsize::new(0);
    let runs = AtomicUsize::new(0);
    let failures: Vec<String> = thread::scope(|scope| {
        let threads = thread::available_parallelism().unwrap().get().min(4);
        let work = || {
            let mut failures = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= scenario.operations {
                    return failures;
                }
                for fault in faults(at) {
                    runs.fetch_add(1, Ordering::Relaxed);
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| survive(scenario, at, fault))) {
                        let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                        failures.push(format!("operation {at}, {fault:?}: {why}"));
                    }
                }
            }
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let runs = runs.into_inner();
    assert!(
        failures.is_empty(),
        "{} of {runs} runs, for instance:\n{}",
        failures.len(),
        failures[..failures.len().min(5)].join("\n")
    );
    println!("{} operations, {runs} runs", scenario.operations);
    assert!(scenario.operations > 5 * scenario.steps.len() && runs >= scenario.operations);
}

#[test]
fn a_kill_at_any_operation_loses_no_step_and_leaves_none_half_done() {
    everywhere(|_| vec![Fault::Kill, Fault::KillWithin]);
}

#[test]
fn a_power_loss_at_any_operation_loses_no_step_and_leaves_none_half_done() {
    everywhere(|at| {
        let seed = u64::try_from(at).unwrap();
        let loss = |piece, seed| Fault::PowerLoss { piece, seed };
        vec![loss(512, seed), loss(4096, seed + 1), loss(1 << 20, seed + 2)]
    });
}

#[test]
fn a_full_or_failing_disk_loses_no_step_and_ends_the_store() {
    everywhere(|_| {
        vec![
            Fault::Errno(ENOSPC),
            Fault::Errno(EFBIG),
            Fault::Errno(EROFS),
            Fault::Once(ENOSPC),
            Fault::Once(EIO),
        ]
    });
}
