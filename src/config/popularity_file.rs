//! Opens the file of `popularity`: text, or compressed by gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// How every gzip file begins: RFC 1952, 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Opens a file; it is decompressed as it is read.
///
/// # Errors
/// It can't be opened, or is no regular file: a pipe might keep the reader waiting.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut file = BufReader::with_capacity(64 << 10, file);
    let is_compressed = file.fill_buf()?.starts_with(&GZIP);
    Ok(if is_compressed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
}
