//! Which ids a zone may have, and which words the dictionary of a column.
//!
//! Ids are words of messages that look like ids, and the ids of id columns. Nearly each is one
//! of a kind, so in the word index it would cost a term and a list of one document, some ten bytes; here it costs one,
//! and finding it costs a look at a few zones too many (one in 256). Binary fuse filters (Graf, Lemire: "Binary Fuse
//! Filters: Fast and Smaller Than Xor Filters", 2022), one for each zone.
//!
//! A bare word is looked for in every column. Where a column's values are not single words, only a scan of its
//! dictionary could tell that none has it; its filter tells at once. The layout is in FORMAT.md.

use std::path::Path;

use millpond_query::tokens::for_each_token;
use tantivy::columnar::StrColumn;
use tantivy::directory::OwnedBytes;
use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable, Filter, FilterRef};

use super::ids::IdShape;
use crate::error::StoreError;

/// First bytes of a filters file; the digits are the format version.
const FILTERS_MAGIC: [u8; 8] = *b"MLPFIL01";
const FOOTER_BYTES: usize = 8;
const DESCRIPTOR_BYTES: usize = BinaryFuse8::DESCRIPTOR_LEN;

/// Fewest digits of a number that counts as an id: shorter ones are ports, codes, sizes, which many documents share.
const NUMBER_DIGITS_MIN: usize = 6;

/// Fewest hexadecimal digits of an id, and how many of them must be 0 to 9: else it may be a word.
const ID_DIGITS_MIN: usize = 8;
const ID_NUMERALS_MIN: usize = 2;

/// Most words of a dictionary that are collected for a filter, of which half may be different; it bounds the memory of
/// a merge.
const DICTIONARY_WORDS_MAX: usize = 4 << 20;

/// What a filter is asked for.
pub(crate) type FilterKey = u64;

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

/// Whether a token of a message is kept in the filters, and not in the word index.
pub(crate) fn is_id_token(token: &str) -> bool {
    let numerals = token.bytes().filter(u8::is_ascii_digit).count();
    let is_number = numerals == token.len() && numerals >= NUMBER_DIGITS_MIN;
    let is_id = || token.len() >= ID_DIGITS_MIN && numerals >= ID_NUMERALS_MIN && token.bytes().all(is_digit);
    is_number || is_id()
}

/// Whether some token that begins like this is kept in the filters.
pub(crate) fn may_begin_id_token(prefix: &str) -> bool {
    prefix.bytes().all(is_digit)
}

/// The key of a token of a message.
pub(crate) fn token_key(token: &str) -> FilterKey {
    millpond_query::accumulate::hash(millpond_query::Scalar::Str(token))
}

/// The key of an id in the column of a field.
pub(crate) fn id_key(name: &str, shape: IdShape, id: u128) -> FilterKey {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let folded = (id as u64).wrapping_mul(ODD) ^ (id >> 64) as u64;
    folded.wrapping_mul(ODD) ^ token_key(name).rotate_left(shape as u32 + 1)
}

/// Appends the keys of all tokens of a message that are kept in the filters.
pub(crate) fn push_message_keys(message: &str, keys: &mut Vec<FilterKey>) {
    for_each_token(message, |token| {
        if is_id_token(token) {
            keys.push(token_key(token));
        }
    });
}

/// Collects the filters of a split: one for each zone, then one for each column.
#[derive(Debug)]
pub(crate) struct FiltersWriter {
    bytes: Vec<u8>,
    sizes: Vec<u32>,
    keys: Vec<FilterKey>,
}

impl Default for FiltersWriter {
    fn default() -> Self {
        Self { bytes: FILTERS_MAGIC.to_vec(), sizes: Vec::new(), keys: Vec::new() }
    }
}

impl FiltersWriter {
    /// Adds keys to the open zone.
    pub(crate) fn push(&mut self, keys: &[FilterKey]) {
        self.keys.extend_from_slice(keys);
    }

    /// Ends the open zone. Where no filter can be made its zone rules nothing out.
    pub(crate) fn close_zone(&mut self) {
        self.close(true);
    }

    fn close(&mut self, wanted: bool) {
        self.keys.sort_unstable();
        self.keys.dedup();
        let start = self.bytes.len();
        if wanted && let Ok(filter) = BinaryFuse8::try_from(self.keys.as_slice()) {
            let mut descriptor = [0; DESCRIPTOR_BYTES];
            filter.dma_copy_descriptor_to(&mut descriptor);
            self.bytes.extend_from_slice(&descriptor);
            self.bytes.extend_from_slice(filter.dma_fingerprints());
        }
        self.sizes.push((self.bytes.len() - start) as u32);
        self.keys.clear();
    }

    /// Adds the filter of a column: of the words of its dictionary, or one that rules nothing out.
    pub(crate) fn push_dictionary(&mut self, column: Option<&StrColumn>) -> Result<(), StoreError> {
        let broken = StoreError::index::<std::io::Error>("read a dictionary");
        let mut wanted = column.is_some();
        if let Some(column) = column {
            let mut terms = column.dictionary().stream().map_err(broken)?;
            while wanted && terms.advance() {
                let keys = &mut self.keys;
                let term = std::str::from_utf8(terms.key()).unwrap_or_default();
                for_each_token(term, |token| keys.push(token_key(token)));
                if keys.len() > DICTIONARY_WORDS_MAX {
                    keys.sort_unstable();
                    keys.dedup();
                    // Sorting again and again for little room would take for ever.
                    wanted = keys.len() <= DICTIONARY_WORDS_MAX / 2;
                }
            }
        }
        self.close(wanted);
        Ok(())
    }

    /// Adds the filter of a zone that is copied as it is.
    pub(crate) fn copy_zone(&mut self, filter: &[u8]) {
        self.bytes.extend_from_slice(filter);
        self.sizes.push(filter.len() as u32);
    }

    /// The bytes of the file.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.sizes.iter().for_each(|size| self.bytes.extend_from_slice(&size.to_le_bytes()));
        self.bytes.extend_from_slice(&(self.sizes.len() as u32).to_le_bytes());
        let crc = crc32c::crc32c(&self.bytes);
        self.bytes.extend_from_slice(&crc.to_le_bytes());
        self.bytes
    }
}

/// The filters of an open split.
pub(crate) struct Filters {
    bytes: OwnedBytes,
    zones: usize,
    /// By zone, then by column: where its filter ends.
    ends: Vec<usize>,
}

impl std::fmt::Debug for Filters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filters").field("zones", &self.zones).finish_non_exhaustive()
    }
}

impl Filters {
    /// Opens the bytes of a file for so many zones and columns; `path` is for errors. The filters themselves are
    /// checked by [`Self::verify`].
    pub(crate) fn open(
        bytes: OwnedBytes,
        zones: usize,
        columns: usize,
        path: &Path,
    ) -> Result<Self, StoreError> {
        let filters_wanted = zones.saturating_add(columns);
        let sizes_bytes = filters_wanted.saturating_mul(size_of::<u32>());
        let parts = bytes.len().checked_sub(sizes_bytes.saturating_add(FOOTER_BYTES)).and_then(|at| {
            let (filters, rest) = bytes.split_at_checked(at)?;
            let (sizes, footer) = rest.split_at_checked(sizes_bytes)?;
            let (count, _) = footer.split_first_chunk::<4>()?;
            let fits =
                filters.starts_with(&FILTERS_MAGIC) && u32::from_le_bytes(*count) as usize == filters_wanted;
            fits.then_some((filters.len(), sizes))
        });
        let (filters_bytes, sizes) =
            parts.ok_or_else(|| StoreError::damaged(path, "it is no filters file of this split"))?;
        let mut end = FILTERS_MAGIC.len();
        let mut ends = Vec::with_capacity(filters_wanted);
        for size in sizes.as_chunks().0 {
            end += u32::from_le_bytes(*size) as usize;
            ends.push(end);
        }
        if end != filters_bytes {
            return Err(StoreError::damaged(path, "the sizes of the filters do not fit"));
        }
        Ok(Self { bytes, zones, ends })
    }

    /// Checks the checksum. Reads all of the file.
    pub(crate) fn verify(&self, path: &Path) -> Result<(), StoreError> {
        let sound = self
            .bytes
            .split_last_chunk::<4>()
            .is_some_and(|(bytes, crc)| u32::from_le_bytes(*crc) == crc32c::crc32c(bytes));
        if sound { Ok(()) } else { Err(StoreError::damaged(path, "wrong checksum")) }
    }

    /// Whether a zone may have all of these keys.
    pub(crate) fn may_have(&self, zone: usize, keys: &[FilterKey]) -> bool {
        self.allows(zone, keys)
    }

    /// Whether the dictionary of a column may have all of these words.
    pub(crate) fn dictionary_may_have(&self, column: usize, words: &[String]) -> bool {
        let keys: Vec<_> = words.iter().map(|word| token_key(word)).collect();
        self.allows(self.zones.saturating_add(column), &keys)
    }

    fn allows(&self, filter: usize, keys: &[FilterKey]) -> bool {
        let Some((descriptor, fingerprints)) = self.of_zone(filter).split_at_checked(DESCRIPTOR_BYTES) else {
            return true;
        };
        let filter = BinaryFuse8Ref::from_dma(descriptor, fingerprints);
        keys.iter().all(|key| filter.contains(key))
    }

    /// The bytes of a zone's filter.
    pub(crate) fn of_zone(&self, zone: usize) -> &[u8] {
        let start = zone.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(zone).copied().unwrap_or_default();
        self.bytes.get(start.unwrap_or(FILTERS_MAGIC.len())..end).unwrap_or_default()
    }

    /// Bytes of the file.
    pub(crate) fn file_bytes(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_an_id_and_what_may_become_one() {
        let rows = [
            ("123456", true),
            ("12345", false),
            ("4bf92f35", true),
            ("4bf92f3", false),
            ("deadbeef", false),
            ("deadbee1", false),
            ("deadbe11", true),
            ("4bf92f3g", false),
            ("connection", false),
            ("x86_64", false),
            ("", false),
        ];
        for (token, expected) in rows {
            assert_eq!(is_id_token(token), expected, "{token}");
            for cut in 0..=token.len() {
                assert!(!expected || may_begin_id_token(&token[..cut]), "{token} {cut}");
            }
        }
        assert!(!may_begin_id_token("conn") && may_begin_id_token("4bf"));
    }

    #[test]
    fn filters_rule_out_nothing_that_is_there_and_nearly_everything_else() {
        let mut writer = FiltersWriter::default();
        let key = |zone: u64, at: u64| token_key(&format!("{zone}-{at}"));
        let sizes = [0, 1, 2, 100, 5_000];
        for (zone, keys) in (0..).zip(sizes) {
            (0..keys).for_each(|at| writer.push(&[key(zone, at), key(zone, at)]));
            writer.close_zone();
        }
        let bytes = writer.finish();
        let path = Path::new("filters");
        let filters = Filters::open(OwnedBytes::new(bytes.clone()), sizes.len(), 0, path).expect("valid");
        filters.verify(path).expect("sound");
        for (zone, keys) in (0..).zip(sizes) {
            for at in 0..keys {
                assert!(filters.may_have(zone as usize, &[key(zone, at)]), "{zone} {at}");
            }
            let wrong = (0..10_000).filter(|at| filters.may_have(zone as usize, &[key(99, *at)])).count();
            assert!(wrong < 120, "{wrong} of 10,000 in zone {zone}");
        }
        let mut copy = FiltersWriter::default();
        (0..sizes.len()).for_each(|zone| copy.copy_zone(filters.of_zone(zone)));
        assert_eq!(copy.finish(), bytes);
        for cut in 0..bytes.len() {
            let open = Filters::open(OwnedBytes::new(bytes[..cut].to_vec()), sizes.len(), 0, path);
            assert!(open.is_err() || open.is_ok_and(|filters| filters.verify(path).is_err()), "cut at {cut}");
        }
        assert!(Filters::open(OwnedBytes::new(bytes), sizes.len(), 1, path).is_err());
    }
}
