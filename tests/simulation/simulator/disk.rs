//! The disk with the journal: a crash loses what wasn't synced, or all but a torn beginning of it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, BufRead};
use std::rc::Rc;

use cdn_purge::exec::journal::Storage;
use tokio::time::Instant;

use super::faults::Fault;
use super::shared::{Fate, Shared};

/// How a record of a batch that is about to leave looks in the journal.
const LEAVING: &[u8] = br#"{"record":"sent""#;

/// A disk with one file.
#[derive(Default)]
pub struct Disk {
    /// What a crash leaves for certain.
    durable: RefCell<Vec<u8>>,
    /// What the process sees.
    current: RefCell<Vec<u8>>,
    /// Records of leaving batches that are durable, of this run.
    pub leaving: Cell<usize>,
    /// The same, of those that were durable when the signal came.
    pub leaving_at_signal: Cell<usize>,
}

impl Disk {
    /// A new run opens it.
    pub fn begin_run(&self) {
        self.leaving.set(0);
        self.leaving_at_signal.set(0);
    }

    /// The process was killed: what wasn't synced is lost, in part or as a whole.
    pub fn crash(&self, shared: &Shared) {
        let (mut durable, mut current) = (self.durable.borrow_mut(), self.current.borrow_mut());
        if current.starts_with(&durable) {
            let unsynced = current.len() - durable.len();
            let kept = shared.draw(unsynced as u64 + 1) as usize;
            current.truncate(durable.len() + kept);
            if kept > 0 {
                shared.faults.borrow_mut().count(Fault::TornJournal);
                shared.say(|| format!("the crash tears the journal: {kept} of {unsynced} unsynced bytes are left"));
            }
            if kept > 0 && shared.happens(0.2) {
                // In the last line, after which nothing can have been sent. A first line that is no journal's is a stranger's file.
                let line =
                    current.trim_ascii_end().iter().rposition(|byte| *byte == b'\n').map_or(usize::MAX, |at| at + 1);
                let from = line.max(durable.len());
                let at = from.saturating_add(shared.draw(current.len().saturating_sub(from) as u64) as usize);
                if let Some(byte) = current.get_mut(at) {
                    *byte ^= 1 << shared.draw(8);
                }
            }
        } else if shared.happens(0.5) {
            current.clone_from(&durable);
        }
        durable.clone_from(&current);
    }

    /// What is on it.
    pub fn content(&self) -> Vec<u8> {
        self.current.borrow().clone()
    }
}

/// The open file of a process.
pub struct OpenFile {
    disk: Rc<Disk>,
    shared: Rc<Shared>,
}

impl OpenFile {
    /// Opens the file.
    pub fn open(disk: &Rc<Disk>, shared: &Rc<Shared>) -> Self {
        Self { disk: Rc::clone(disk), shared: Rc::clone(shared) }
    }

    fn full(&self) -> io::Error {
        self.shared.faults.borrow_mut().count(Fault::FullDisk);
        self.shared.say(|| "the disk is full".to_owned());
        io::Error::new(io::ErrorKind::StorageFull, "no space left on the disk")
    }
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file in memory")
    }
}

impl Storage for OpenFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.current.borrow().len() as u64)
    }

    fn content(&mut self) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(Box::new(io::Cursor::new(self.disk.content())))
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        if !self.shared.is_dead.get() {
            self.disk.current.borrow_mut().truncate(length as usize);
            // What a file is emptied of may come back after a crash; a torn end that is cut off doesn't matter.
            if length > 0 {
                self.disk.durable.borrow_mut().truncate(length as usize);
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fate = self.shared.effect(|| {
            let lines = String::from_utf8_lossy(bytes);
            let lines: Vec<&str> = lines.lines().map(|line| line.get(9..).unwrap_or(line)).collect();
            format!("journal ← {}", lines.join(" "))
        });
        let is_full = self.shared.is_full();
        let written = match fate {
            Fate::Lives if is_full => self.shared.draw(bytes.len() as u64) as usize,
            Fate::Lives => bytes.len(),
            Fate::Dies => self.shared.draw(bytes.len() as u64 + 1) as usize,
            Fate::Dead => 0,
        };
        self.disk.current.borrow_mut().extend(&bytes[..written]);
        if fate == Fate::Lives && is_full { Err(self.full()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.shared.effect(|| "journal synced".to_owned()) != Fate::Lives {
            return Ok(());
        }
        if self.shared.is_full() {
            return Err(self.full());
        }
        let (mut durable, current) = (self.disk.durable.borrow_mut(), self.disk.current.borrow());
        let is_longer = current.starts_with(&durable);
        let new = if is_longer { &current[durable.len()..] } else { &current[..] };
        let leaving = new.windows(LEAVING.len()).filter(|window| *window == LEAVING).count();
        self.disk.leaving.set(self.disk.leaving.get() + leaving);
        if self.shared.signalled.get().is_none_or(|(at, _)| Instant::now() <= at) {
            self.disk.leaving_at_signal.set(self.disk.leaving.get());
        }
        if is_longer {
            durable.extend(new);
        } else {
            durable.clone_from(&current);
        }
        Ok(())
    }
}
