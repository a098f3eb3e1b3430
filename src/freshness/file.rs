//! A file as a server may send it: its bytes, or those of what its pointer names.

use md5::Digest as _;

use crate::provider::edge::Fingerprint;

/// What one form of a file is recognized by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVersion {
    /// Its length.
    pub bytes: u64,
    /// The beginning of its SHA-256: all of it, or as much as is known.
    pub sha256: Vec<u8>,
    md5: Option<[u8; 16]>,
    /// Where its bytes are at hand.
    crc32: Option<u32>,
}

/// The least of a SHA-256 that identifies a file.
const LEAST_DIGEST: usize = 16;
/// How a pointer of Git LFS begins; the file itself is elsewhere.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

impl FileVersion {
    /// That of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let Fingerprint { bytes, sha256, md5, crc32 } = Fingerprint::of(bytes);
        Self { bytes, sha256: sha256.to_vec(), md5: Some(md5), crc32: Some(crc32) }
    }

    /// A file of which only length and SHA-256, or its beginning, are known.
    pub fn known(bytes: u64, sha256: &[u8]) -> Self {
        Self { bytes, sha256: sha256.to_vec(), md5: None, crc32: None }
    }

    /// A file of which only length and MD5 are known, as a store lists it.
    pub fn listed(bytes: u64, md5: [u8; 16]) -> Self {
        Self { bytes, sha256: Vec::new(), md5: Some(md5), crc32: None }
    }

    /// The forms in which a committed file may be deployed: as it is, with the line ends of Windows, or what an LFS pointer
    /// names.
    pub fn committed(content: &[u8]) -> Vec<Self> {
        if let Some(pointed) = pointed(content) {
            return vec![pointed];
        }
        let mut forms = vec![Self::of(content)];
        let is_text = content.len() < 1 << 20 && !content.contains(&0) && !content.contains(&b'\r');
        if is_text && content.contains(&b'\n') {
            let mut windows = Vec::with_capacity(content.len() + content.len() / 16);
            for line in content.split_inclusive(|&byte| byte == b'\n') {
                match line.strip_suffix(b"\n") {
                    Some(line) => windows.extend([line, b"\r\n"].concat()),
                    None => windows.extend(line),
                }
            }
            forms.push(Self::of(&windows));
        }
        forms
    }

    /// Whether these are its bytes.
    pub fn is(&self, body: &Fingerprint) -> bool {
        let is_digest = match (&self.sha256[..], self.md5) {
            ([], Some(md5)) => md5 == body.md5,
            (sha256, _) => sha256.len() >= LEAST_DIGEST && body.sha256.starts_with(sha256),
        };
        self.bytes == body.bytes && is_digest
    }

    /// Whether a gzip stream of so many bytes that ends like this holds it. The stream of an empty file is short: a longer one
    /// only ends in an empty part.
    pub fn is_compressed_as(&self, crc32: u32, length: u32, stream: u64) -> bool {
        let is_length = self.bytes & u64::from(u32::MAX) == u64::from(length);
        self.crc32 == Some(crc32) && is_length && (self.bytes > 0 || stream < 64)
    }

    /// Whether its MD5 is this, in hexadecimal or base64.
    pub fn has_md5(&self, digest: &str) -> bool {
        use base64::Engine as _;
        self.md5.is_some_and(|md5| match digest.len() {
            32 => md5.iter().map(|byte| format!("{byte:02x}")).collect::<String>().eq_ignore_ascii_case(digest),
            24 => base64::engine::general_purpose::STANDARD.encode(md5) == digest,
            _ => false,
        })
    }
}

/// The file that an LFS pointer names.
fn pointed(content: &[u8]) -> Option<FileVersion> {
    let text = std::str::from_utf8(content.strip_prefix(LFS)?).ok().filter(|text| text.len() < 1_024)?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let digest = field("oid sha256:").filter(|digest| digest.len() == 64 && digest.is_ascii())?;
    let byte = |place: usize| u8::from_str_radix(&digest[place..place + 2], 16).ok();
    let sha256: Vec<u8> = (0..64).step_by(2).map(byte).collect::<Option<_>>()?;
    debug_assert_eq!(sha256.len(), sha2::Sha256::output_size());
    Some(FileVersion::known(field("size ")?.parse().ok()?, &sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_be_deployed_with_other_line_ends() {
        let forms = FileVersion::committed(b"a\nb\n\nc");
        assert_eq!(forms, [FileVersion::of(b"a\nb\n\nc"), FileVersion::of(b"a\r\nb\r\n\r\nc")]);
        for alone in [&b"no line end"[..], b"binary\0\n", b"mixed\r\n\n", b""] {
            assert_eq!(FileVersion::committed(alone), [FileVersion::of(alone)]);
        }
    }

    #[test]
    fn a_pointer_is_the_file_that_it_names() {
        let file = Fingerprint::of(b"a large file");
        let digest: String = file.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 12\n");
        let [version] = &FileVersion::committed(pointer.as_bytes())[..] else { panic!("one form") };
        assert!(version.is(&file) && !version.is(&Fingerprint::of(pointer.as_bytes())));
        for broken in ["oid sha256:zz", "", &format!("oid sha256:{digest}\nsize many")] {
            let pointer = format!("version https://git-lfs.github.com/spec/v1\n{broken}\n");
            assert!(FileVersion::committed(pointer.as_bytes())[0].is(&Fingerprint::of(pointer.as_bytes())));
        }
    }

    #[test]
    fn a_short_digest_identifies_nothing() {
        let file = Fingerprint::of(b"file");
        assert!(FileVersion::known(4, &file.sha256[..16]).is(&file));
        assert!(!FileVersion::known(4, &file.sha256[..15]).is(&file));
        assert!(!FileVersion::known(5, &file.sha256).is(&file));
    }

    #[test]
    fn a_file_that_a_store_lists_is_known_by_its_md5() {
        let file = Fingerprint::of(b"file");
        let listed = FileVersion::listed(4, file.md5);
        assert!(listed.is(&file) && listed.has_md5("8c7dd922ad47494fc02c388e12c00eac"));
        assert!(!listed.is(&Fingerprint::of(b"fine")) && !FileVersion::listed(5, file.md5).is(&file));
        assert!(!listed.is_compressed_as(file.crc32, 4, 24));
    }
}
