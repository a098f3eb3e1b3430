//! Runs the command of a person's own profile, and reads its output: the only place that starts a program.
//!
//! No shell reads the command, and it can't be a file of the checkout: a program has an absolute path, or is searched in `PATH`.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The timeout; the program may have to wait for a person.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often to look whether it has ended.
const INTERVAL: Duration = Duration::from_millis(10);
/// The longest output that is read.
const OUTPUT_BYTES: u64 = 64 * 1024;

/// Runs a command and gives its output. Its standard error is dropped, since it may hold secrets.
///
/// # Errors
/// A sentence fragment, without any output.
pub(super) async fn run(command: &[String], home: Option<&Path>) -> Result<Vec<u8>, String> {
    watch(start(command, home)?).await
}

fn start(command: &[String], home: Option<&Path>) -> Result<Running, String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("its command is empty".to_owned());
    };
    if program.contains(['/', '\\']) && !Path::new(program).is_absolute() {
        return Err("its command is neither an absolute path nor a name to be found in `PATH`".to_owned());
    }
    let mut process = Command::new(program);
    process.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(home) = home {
        process.current_dir(home);
    }
    process.spawn().map(Running).map_err(|error| format!("its program can't be started: {}", error.kind()))
}

/// A program that is killed on drop.
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
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut output = Vec::new();
        let read = out.take(OUTPUT_BYTES + 1).read_to_end(&mut output).map(|_| output);
        // Nobody may be interested any more.
        let _ = sender.send(read);
    });
    let deadline = Instant::now() + TIMEOUT;
    let output = loop {
        match receiver.try_recv() {
            Ok(output) => break output.map_err(|error| format!("its output can't be read: {}", error.kind()))?,
            Err(TryRecvError::Disconnected) => return Err("its output can't be read".to_owned()),
            Err(TryRecvError::Empty) if Instant::now() >= deadline => {
                return Err(format!("its program took longer than {} s", TIMEOUT.as_secs()));
            }
            Err(TryRecvError::Empty) => sleep(INTERVAL).await,
        }
    };
    if output.len() as u64 > OUTPUT_BYTES {
        return Err(format!("its program printed more than {OUTPUT_BYTES} bytes"));
    }
    loop {
        match running.0.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(output),
            Ok(Some(status)) => return Err(format!("its program ended with {status}")),
            Ok(None) if Instant::now() < deadline => sleep(INTERVAL).await,
            Ok(None) | Err(_) => return Err(format!("its program took longer than {} s", TIMEOUT.as_secs())),
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
    async fn a_program_that_takes_longer_than_a_minute_is_killed() {
        // Silent, and with its output closed: on a paused clock the minute is over at once.
        for script in ["exec sleep 600", "exec >&-; exec sleep 600"] {
            let running = started(&["sh", "-c", script]);
            let (pid, begun) = (running.0.id(), Instant::now());
            assert_eq!(watch(running).await, Err("its program took longer than 60 s".to_owned()));
            assert!(begun.elapsed() >= TIMEOUT && begun.elapsed() < TIMEOUT + Duration::from_secs(1));
            assert!(!Path::new(&format!("/proc/{pid}")).exists());
        }
    }

    #[tokio::test]
    async fn output_of_the_longest_length_is_read_and_a_byte_more_is_refused() {
        for (bytes, more) in [(OUTPUT_BYTES, false), (OUTPUT_BYTES + 1, true), (16 * OUTPUT_BYTES, true)] {
            let printed = watch(started(&["head", "-c", &bytes.to_string(), "/dev/zero"])).await;
            if more {
                assert_eq!(printed, Err("its program printed more than 65536 bytes".to_owned()), "{bytes}");
            } else {
                assert_eq!(printed.unwrap().len() as u64, bytes);
            }
        }
        // Endless output is no endless wait.
        assert!(watch(started(&["cat", "/dev/zero"])).await.is_err());
    }

    #[tokio::test]
    async fn output_counts_only_if_the_program_succeeds() {
        assert_eq!(watch(started(&["printf", "secrets"])).await, Ok(b"secrets".to_vec()));
        assert!(watch(started(&["sh", "-c", "printf secrets; exit 3"])).await.unwrap_err().contains("ended with"));
    }
}
