//! A file system that cannot be written: every command says which path and what to do, and creates nothing.

use std::fs;

use crate::harness::{Home, SHAPE, run};
use crate::mount::Mount;

/// Also where nothing may be mounted: `/proc` takes no directory from anybody.
#[test]
fn commands_that_can_create_no_directory_say_so() {
    let home = Home::without_store();
    let refused = |arguments: &[&str]| {
        let ended = run(&mut home.command(arguments));
        // The system says that there is no such directory: the argument is wrong.
        ended.failed(2, &["/proc/new"]);
        assert_eq!(ended.out, "", "{ended:?}");
    };
    refused(&["genesis", "accounts.csv", "--store", "/proc/new"]);
    refused(&["setup", "--shape", SHAPE, "--keys", "/proc/new"]);
}

#[test]
fn commands_on_a_read_only_disk_say_so_where_one_may_be_mounted() {
    let Some(disk) = Mount::new("size=64m") else {
        println!(
            "SKIPPED: no file system may be mounted here; commands_that_can_create_no_directory_say_so stands for it"
        );
        return;
    };
    let home = Home::with_new_store_at(&disk.path().join("store"));
    let before = fs::read(home.file()).unwrap();
    disk.remount("ro");
    let store = home.store().display().to_string();
    let keys = disk.path().join("keys").display().to_string();
    let new = disk.path().join("new").display().to_string();
    let refused = |arguments: &[&str], says: &str| {
        let ended = run(&mut home.command(arguments));
        ended.failed(1, &[says, "ead-only"]);
        assert_eq!(ended.out, "", "{ended:?}");
    };
    refused(&["serve"], &store);
    refused(&["genesis", "accounts.csv", "--store", &new], &new);
    refused(&["setup", "--shape", SHAPE, "--keys", &keys], &keys);
    refused(&["rollback", "--to", "0"], &store);
    let mut names: Vec<_> = fs::read_dir(disk.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["store"]);
    assert_eq!(fs::read_dir(home.store()).unwrap().count(), 1);
    assert!(fs::read(home.file()).unwrap() == before, "the store was changed");

    // The disk can be written again: nothing had happened.
    disk.remount("rw");
    let served = home.serve();
    assert_eq!(served.terminate().code, Some(0));
}
