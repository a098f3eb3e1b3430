//! An internal error ends the program with its own code, whatever thread it comes from, and repeats no value.

use std::process::Command;

use cdn_purge::ci::internal_error;

/// Set in the process that is to fail.
const THREAD: &str = "FAIL_ON_THREAD";

/// This program again, with nothing to run but the test that fails.
fn fail_on(thread: &str) -> (Option<i32>, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["internal_error::fails_where_it_is_asked_to", "--exact", "--nocapture", "--test-threads=1"])
        .env(THREAD, thread)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn fails_where_it_is_asked_to() {
    let Ok(thread) = std::env::var(THREAD) else { return };
    std::panic::set_hook(Box::new(internal_error));
    let fail = || panic!("the key is oRd3r");
    let failing = std::thread::Builder::new().name(thread).spawn(fail).unwrap();
    // Nobody comes here: the hook has ended the process.
    let _ = failing.join();
}

#[test]
fn a_panic_on_any_thread_ends_with_70_and_names_the_place_but_no_value() {
    for thread in ["main", "reader"] {
        let (code, said) = fail_on(thread);
        assert_eq!(code, Some(70), "{said}");
        assert!(said.contains("internal error (bug)") && said.contains("internal_error.rs:"), "{said}");
        assert!(said.contains("run the same command again") && !said.contains("oRd3r"), "{said}");
    }
}

#[test]
fn a_panic_of_the_repositorys_library_is_the_repositorys_fault() {
    let (code, said) = fail_on("git");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("the repository can't be read") && !said.contains("oRd3r"), "{said}");
}
