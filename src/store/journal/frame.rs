//! The form of one record in a journal file, and the search for what is whole in a damaged one.
//!
//! ```text
//! "\nwtj"  kind   length   crc of payload   crc of offset and all before   payload
//! 4 bytes  1      4        4                4                              length     (little-endian)
//! ```
//!
//! The offset is in the checksum, so that bytes of one journal that lie inside a record of another, or stale
//! blocks of a file system, never pass for a frame. With two checksums a damaged payload is stepped over as a
//! whole, and nothing inside it is taken for a frame. Zeros between frames are space reserved, not damage.

/// The most bytes that the payload of one frame may have.
pub(super) const MAX_PAYLOAD_BYTES: usize = 8 << 20;

/// What a frame takes beside its payload, in bytes.
pub(super) const OVERHEAD: usize = COVERED + 4;

const START: &[u8; 4] = b"\nwtj";
/// The bytes of the head that its checksum covers.
const COVERED: usize = START.len() + 1 + 4 + 4;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// The first frame of a file: whose it is.
    Header = b'H',
    /// What a caller appended.
    Record = b'R',
}

/// Appends the frame of `payload`, which will lie at `offset` in its file.
#[expect(clippy::cast_possible_truncation, reason = "a payload has at most MAX_PAYLOAD_BYTES")]
pub(super) fn encode(kind: Kind, offset: u64, payload: &[u8], into: &mut Vec<u8>) {
    debug_assert!(payload.len() <= MAX_PAYLOAD_BYTES);
    let mut head = [0; COVERED];
    let parts = START.iter().copied().chain([kind as u8]);
    let parts = parts.chain((payload.len() as u32).to_le_bytes());
    let parts = parts.chain(crc32fast::hash(payload).to_le_bytes());
    for (place, byte) in head.iter_mut().zip(parts) {
        *place = byte;
    }
    into.extend_from_slice(&head);
    into.extend_from_slice(&head_checksum(offset, &head).to_le_bytes());
    into.extend_from_slice(payload);
}

/// A walk over the whole frames of a file's bytes, in order, that goes on behind whatever is damaged.
#[derive(Debug, Default)]
pub(super) struct Walk {
    at: usize,
    in_damage: bool,
    damaged_spans: u64,
}

impl Walk {
    /// The next whole frame of `bytes`, which must be the same at each step.
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8]) -> Option<(Kind, &'a [u8])> {
        loop {
            let rest = bytes.get(self.at..)?;
            let gap = find_start(rest).unwrap_or(rest.len());
            if rest.iter().take(gap).any(|byte| *byte != 0) {
                self.note_damage();
            }
            self.at += gap;
            match decode(self.at as u64, rest.get(gap..).filter(|found| !found.is_empty())?) {
                Decoded::Whole(kind, payload) => {
                    self.at += OVERHEAD + payload.len();
                    self.in_damage = false;
                    return Some((kind, payload));
                }
                Decoded::DamagedPayload(length) => {
                    self.at = bytes.len().min(self.at + OVERHEAD + length);
                    self.note_damage();
                }
                Decoded::NoHead => {
                    self.at += 1;
                    self.note_damage();
                }
            }
        }
    }

    /// How many stretches between whole frames held something else than zeros, so far.
    pub(super) fn damaged_spans(&self) -> u64 {
        self.damaged_spans
    }

    fn note_damage(&mut self) {
        self.damaged_spans += u64::from(!self.in_damage);
        self.in_damage = true;
    }
}

enum Decoded<'a> {
    Whole(Kind, &'a [u8]),
    /// The head is sound, so the payload's length is known.
    DamagedPayload(usize),
    NoHead,
}

fn decode(offset: u64, bytes: &[u8]) -> Decoded<'_> {
    let Some((head, rest)) = bytes.split_first_chunk::<COVERED>() else { return Decoded::NoHead };
    let Some((checksum, rest)) = rest.split_first_chunk::<4>() else { return Decoded::NoHead };
    if u32::from_le_bytes(*checksum) != head_checksum(offset, head) {
        return Decoded::NoHead;
    }
    let [_, _, _, _, kind, l0, l1, l2, l3, c0, c1, c2, c3] = *head;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let kind = match kind {
        b'H' => Kind::Header,
        b'R' => Kind::Record,
        _ => return Decoded::DamagedPayload(length),
    };
    match rest.get(..length) {
        Some(payload) if crc32fast::hash(payload) == u32::from_le_bytes([c0, c1, c2, c3]) => {
            Decoded::Whole(kind, payload)
        }
        _ => Decoded::DamagedPayload(length),
    }
}

fn head_checksum(offset: u64, head: &[u8; COVERED]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    hasher.update(head);
    hasher.finalize()
}

fn find_start(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == b'\n')?;
        if bytes.get(at..)?.starts_with(START) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};
    use proptest::sample::Index;

    use super::*;

    /// A file of these records with reserved space behind, and where each frame ends.
    fn file(records: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for record in records {
            encode(Kind::Record, bytes.len() as u64, record, &mut bytes);
            ends.push(bytes.len());
        }
        bytes.resize(bytes.len() + 100, 0);
        (bytes, ends)
    }

    fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, u64) {
        let mut walk = Walk::default();
        let records = std::iter::from_fn(|| walk.step(bytes)).map(|(_, payload)| payload.to_vec()).collect();
        (records, walk.damaged_spans())
    }

    #[test]
    fn a_tail_torn_at_any_byte_costs_only_the_record_it_tears() {
        let records = [b"first".to_vec(), b"\nwtjR second\n\n".to_vec(), vec![], b"the last".to_vec()];
        let (bytes, ends) = file(&records);
        for cut in 0..=*ends.last().unwrap() {
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let mut torn = bytes[..cut].to_vec();
            assert_eq!(read(&torn).0, records[..whole], "cut at {cut}");
            torn.resize(bytes.len(), 0);
            let (found, spans) = read(&torn);
            assert_eq!(found, records[..whole], "cut at {cut}, then zeros");
            let on_a_border = cut == 0 || ends.contains(&cut);
            assert_eq!(spans, u64::from(!on_a_border), "cut at {cut}, then zeros");
        }
    }

    #[test]
    fn a_frame_inside_a_damaged_record_is_not_taken_for_a_record() {
        let mut inner = Vec::new();
        encode(Kind::Record, OVERHEAD as u64, b"forged", &mut inner);
        inner.extend_from_slice(b"tail");
        let (mut bytes, ends) = file(&[inner, b"next".to_vec()]);
        bytes[ends[0] - 1] ^= 1;
        assert_eq!(read(&bytes), (vec![b"next".to_vec()], 1));
    }

    #[test]
    fn a_frame_of_another_place_is_not_taken_for_a_record() {
        let (bytes, _) = file(&[b"moved".to_vec()]);
        let moved = [&b"x"[..], &bytes].concat();
        assert_eq!(read(&moved), (vec![], 1));
    }

    proptest! {
        #[test]
        fn records_read_back_as_written(records in vec(vec(any::<u8>(), 0..200), 0..20)) {
            assert_eq!(read(&file(&records).0), (records, 0));
        }

        #[test]
        fn flipped_bits_cost_at_most_the_records_they_touch(
            records in vec(vec(any::<u8>(), 0..60), 1..12),
            flips in vec((any::<Index>(), 0..8_u32), 1..6),
        ) {
            let (mut bytes, ends) = file(&records);
            let mut touched = vec![false; records.len()];
            for (place, bit) in flips {
                let at = place.index(bytes.len());
                bytes[at] ^= 1 << bit;
                if let Some(record) = ends.iter().position(|end| at < *end) {
                    touched[record] = true;
                }
            }
            let found = read(&bytes).0;
            let mut rest = found.iter();
            for (record, touched) in records.iter().zip(touched) {
                // Flips may undo each other, so a touched record may be there; an untouched one must be.
                if !touched {
                    assert!(rest.any(|found| found == record), "lost a record that was not touched");
                }
            }
            assert!(found.iter().all(|found| records.contains(found)), "made up a record");
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..2000)) {
            read(&bytes);
        }
    }
}
