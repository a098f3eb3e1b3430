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
pub async fn run(command: &[String], home: Option<&Path>) -> Result<Vec<u8>, String> {
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
    let child = process.spawn().map_err(|error| format!("its program can't be started: {}", error.kind()))?;
    watch(Running(child)).await
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
