//! An object and what changes in it become the other object.
//!
//! Source of the form: gitformat-pack(5), "Deltified representation", git 2.51.

/// Takes a number as git writes sizes in packs, seven bits to a byte from the lowest on, off the front of `bytes`; `None` for one
/// that is cut off or doesn't fit.
pub(super) fn size(bytes: &mut &[u8]) -> Option<usize> {
    let mut size = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = usize::from(byte & 0x7f);
        size |= bits.checked_shl(shift).filter(|part| part >> shift == bits)?;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

/// What `delta` makes of `base`, at most `largest` bytes; `None` for a delta that is of another object or makes no sense.
pub(super) fn apply(base: &[u8], mut delta: &[u8], largest: usize) -> Option<Vec<u8>> {
    let delta = &mut delta;
    if size(delta)? != base.len() {
        return None;
    }
    let length = size(delta)?;
    if length > largest {
        return None;
    }
    let mut made = Vec::with_capacity(length);
    while let Some((&instruction, rest)) = delta.split_first() {
        *delta = rest;
        let piece = if instruction & 0x80 != 0 {
            // Each of the lower bits says whether a byte of the offset or of the length follows.
            let start = number(delta, instruction, 4)?;
            let length = match number(delta, instruction >> 4, 3)? {
                0 => 0x1_0000,
                length => length,
            };
            base.get(start..start.checked_add(length)?)?
        } else {
            // Zero is reserved.
            let (new, rest) = delta.split_at_checked(usize::from(instruction)).filter(|(new, _)| !new.is_empty())?;
            *delta = rest;
            new
        };
        if made.len() + piece.len() > length {
            return None;
        }
        made.extend_from_slice(piece);
    }
    (made.len() == length).then_some(made)
}

/// A number of up to `bytes` bytes from the lowest on, of which those are there whose bit is set.
fn number(delta: &mut &[u8], bits: u8, bytes: u32) -> Option<usize> {
    let mut number = 0;
    for at in (0..bytes).filter(|at| bits & 1 << at != 0) {
        let (&byte, rest) = delta.split_first()?;
        *delta = rest;
        number |= usize::from(byte) << (8 * at);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LARGEST: usize = 1 << 20;

    fn sized(mut size: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while size > 0x7f {
            bytes.push(0x80 | u8::try_from(size & 0x7f).unwrap());
            size >>= 7;
        }
        bytes.push(u8::try_from(size).unwrap());
        bytes
    }

    /// A piece of the base by place and length, or bytes of its own.
    #[derive(Clone, Debug)]
    enum Piece {
        Copy(usize, usize),
        New(Vec<u8>),
    }

    /// The plainest way to write a delta.
    fn written(base: &[u8], pieces: &[Piece]) -> (Vec<u8>, Vec<u8>) {
        let (mut delta, mut whole) = (Vec::new(), Vec::new());
        for piece in pieces {
            match piece {
                Piece::Copy(start, length) => {
                    let (start_bytes, length_bytes) = (start.to_le_bytes(), length.to_le_bytes());
                    delta.push(0xff);
                    delta.extend([&start_bytes[..4], &length_bytes[..3]].concat());
                    whole.extend_from_slice(&base[*start..start + length]);
                }
                Piece::New(bytes) => {
                    delta.push(u8::try_from(bytes.len()).unwrap());
                    delta.extend(bytes);
                    whole.extend(bytes);
                }
            }
        }
        ([sized(base.len()), sized(whole.len()), delta].concat(), whole)
    }

    #[test]
    fn bytes_that_are_left_out_are_zero_and_no_length_means_64_kibibytes() {
        let base = vec![7; 0x1_0100];
        let delta = [sized(base.len()), sized(0x1_0000 + 3), vec![0x80 | 0x02, 1, 0x80 | 0x10, 3]].concat();
        assert_eq!(apply(&base, &delta, LARGEST), Some(vec![7; 0x1_0003]));
        assert_eq!(apply(&base, &delta, 0x1_0002), None);
    }

    #[test]
    fn what_makes_no_sense_makes_nothing() {
        let base = b"0123456789";
        for (wrong, why) in [
            (&[][..], "no size"),
            (&[10], "no second size"),
            (&[9, 1, 1, b'x'], "of another object"),
            (&[10, 1, 0], "the reserved instruction"),
            (&[10, 1, 2, b'x'], "cut off"),
            (&[10, 2, 1, b'x'], "too short"),
            (&[10, 1, 1, b'x', 1, b'y'], "too long"),
            (&[10, 1, 0x91, 10, 1], "behind the end"),
            (&[10, 1, 0x91, 9], "a length that is cut off"),
            (&[10, 1, 0xff, 255, 255, 255, 255, 255, 255, 255], "far behind the end"),
            (&[0x8a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 1, 1], "a size without an end"),
        ] {
            assert_eq!(apply(base, wrong, LARGEST), None, "{why}");
        }
        assert_eq!(size(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01][..]), Some(usize::MAX));
        assert_eq!(size(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02][..]), None);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            base in prop::collection::vec(any::<u8>(), 1..400),
            pieces in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), 1..128_usize), 0..20),
        ) {
            let piece = |(copy, at, length): (bool, prop::sample::Index, usize)| {
                let start = at.index(base.len());
                let length = length.min(base.len() - start);
                if copy { Piece::Copy(start, length) } else { Piece::New(base[start..start + length].to_vec()) }
            };
            let pieces: Vec<Piece> = pieces.into_iter().map(piece).collect();
            let (delta, whole) = written(&base, &pieces);
            prop_assert_eq!(apply(&base, &delta, LARGEST), Some(whole));
        }

        #[test]
        fn no_bytes_make_a_panic(base in prop::collection::vec(any::<u8>(), 0..40), delta in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(made) = apply(&base, &delta, 1 << 10) {
                prop_assert!(made.len() <= 1 << 10);
            }
        }
    }
}
