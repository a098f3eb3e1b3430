//! A program that a person's own profile names is run, and what it prints is read: the only place that starts one.
//!
//! No shell reads the command, and nothing of a checkout can be meant by it: a program is named by its full path, or looked for
//! in `PATH`.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long it may take; it may have to wait for a person.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked after.
const GLANCE: Duration = Duration::from_millis(10);
/// The longest answer that is read.
const ANSWER_BYTES: u64 = 64 * 1024;

/// Runs a program and gives what it prints. Its errors go nowhere, for they may hold secrets.
///
/// # Errors
/// A reason in our own words.
pub(super) async fn run(command: &[String], home: Option<&Path>) -> Result<Vec<u8>, String> {
    watch(start(command, home)?).await
}

fn start(command: &[String], home: Option<&Path>) -> Result<Running, String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("its command is empty".to_owned());
    };
    if program.contains(['/', '\\']) && !Path::new(program).is_absolute() {
        return Err("its command is neither a full path nor a name to be looked for in `PATH`".to_owned());
    }
    let mut process = Command::new(program);
    process.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(home) = home {
        process.current_dir(home);
    }
    process.spawn().map(Running).map_err(|error| format!("its program can't be started: {}", error.kind()))
}

/// A program that is killed when nobody waits for it any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn watch(mut running: Running) -> Result<Vec<u8>, String> {
    let Some(out) = running.0.stdout.take() else { return Err("its program has no output".to_owned()) };
    let (told, news) = channel();
    std::thread::spawn(move || {
        let mut answer = Vec::new();
        let read = out.take(ANSWER_BYTES + 1).read_to_end(&mut answer).map(|_| answer);
        // Nobody may be interested any more.
        let _ = told.send(read);
    });
    let deadline = Instant::now() + PATIENCE;
    let answer = loop {
        match news.try_recv() {
            Ok(answer) => break answer.map_err(|error| format!("its answer can't be read: {}", error.kind()))?,
            Err(TryRecvError::Disconnected) => return Err("its answer can't be read".to_owned()),
            Err(TryRecvError::Empty) if Instant::now() >= deadline => {
                return Err(format!("its program took longer than {} s", PATIENCE.as_secs()));
            }
            Err(TryRecvError::Empty) => sleep(GLANCE).await,
        }
    };
    if answer.len() as u64 > ANSWER_BYTES {
        return Err(format!("its program printed more than {ANSWER_BYTES} bytes"));
    }
    loop {
        match running.0.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(answer),
            Ok(Some(status)) => return Err(format!("its program ended with {status}")),
            Ok(None) if Instant::now() < deadline => sleep(GLANCE).await,
            Ok(None) | Err(_) => return Err(format!("its program took longer than {} s", PATIENCE.as_secs())),
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn started(command: &[&str]) -> Running {
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        start(&command, None).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_takes_longer_than_a_minute_is_ended() {
        // Silent, and with its output closed: on a paused clock the minute is over at once.
        for script in ["exec sleep 600", "exec >&-; exec sleep 600"] {
            let running = started(&["sh", "-c", script]);
            let (pid, begun) = (running.0.id(), Instant::now());
            assert_eq!(watch(running).await, Err("its program took longer than 60 s".to_owned()));
            assert!(begun.elapsed() >= PATIENCE && begun.elapsed() < PATIENCE + Duration::from_secs(1));
            assert!(!Path::new(&format!("/proc/{pid}")).exists());
        }
    }

    #[tokio::test]
    async fn an_answer_as_long_as_may_be_is_read_and_a_byte_more_is_refused() {
        for (bytes, more) in [(ANSWER_BYTES, false), (ANSWER_BYTES + 1, true), (16 * ANSWER_BYTES, true)] {
            let printed = watch(started(&["head", "-c", &bytes.to_string(), "/dev/zero"])).await;
            if more {
                assert_eq!(printed, Err("its program printed more than 65536 bytes".to_owned()), "{bytes}");
            } else {
                assert_eq!(printed.unwrap().len() as u64, bytes);
            }
        }
        // An endless answer is no endless wait.
        assert!(watch(started(&["cat", "/dev/zero"])).await.is_err());
    }

    #[tokio::test]
    async fn what_it_printed_counts_only_if_it_ended_well() {
        assert_eq!(watch(started(&["printf", "keys"])).await, Ok(b"keys".to_vec()));
        assert!(watch(started(&["sh", "-c", "printf keys; exit 3"])).await.unwrap_err().contains("ended with"));
    }
}
