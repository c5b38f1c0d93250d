//! What a split says about itself: enough to plan queries and merges without reading its data.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ids::IdShape;
use super::minutes::MinuteCounts;
use crate::error::StoreError;

/// First bytes of a split's meta file, and the version of everything in its directory.
const META_MAGIC: [u8; 8] = *b"MLPSPLIT";
/// Version of the directory's layout that this program writes; it reads up to this one.
pub(crate) const SPLIT_VERSION: u32 = 1;

/// Type of the values of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// `true` and `false`.
    #[serde(rename = "b")]
    Bool,
    /// Floats that are whole numbers of millionths.
    #[serde(rename = "d")]
    Decimal,
    /// All other floats.
    #[serde(rename = "f")]
    Float,
    /// Strings that are ids of 16 hexadecimal digits.
    #[serde(rename = "x")]
    Hex16,
    /// Strings that are ids of 32 hexadecimal digits.
    #[serde(rename = "y")]
    Hex32,
    /// 64-bit integers.
    #[serde(rename = "i")]
    Integer,
    /// Strings that are one prefix and a decimal number.
    #[serde(rename = "n")]
    Numbered,
    /// Strings with a dictionary.
    #[serde(rename = "s")]
    String,
    /// Strings that are UUIDs.
    #[serde(rename = "u")]
    Uuid,
}

impl Kind {
    /// All kinds; the index is the discriminant.
    pub(crate) const ALL: [Self; 9] = [
        Self::Bool,
        Self::Decimal,
        Self::Float,
        Self::Hex16,
        Self::Hex32,
        Self::Integer,
        Self::Numbered,
        Self::String,
        Self::Uuid,
    ];

    /// First letter of the column's name in the columns file. Integers and floats of one field are two
    /// columns, so that neither is converted into the other. Where an id is wider than a column, it is
    /// the letter of the upper half.
    fn letter(self) -> char {
        match self {
            Self::Bool => 'b',
            Self::Decimal => 'd',
            Self::Float => 'f',
            Self::Hex16 => 'x',
            Self::Hex32 => 'y',
            Self::Integer => 'i',
            Self::Numbered => 'n',
            Self::String => 's',
            Self::Uuid => 'u',
        }
    }

    /// The kind of column for ids of this shape.
    pub(crate) fn of_shape(shape: IdShape) -> Self {
        match shape {
            IdShape::Hex16 => Self::Hex16,
            IdShape::Hex32 => Self::Hex32,
            IdShape::Uuid => Self::Uuid,
        }
    }

    /// The shape of its ids, if that is what it holds.
    pub(crate) fn id_shape(self) -> Option<IdShape> {
        match self {
            Self::Hex16 => Some(IdShape::Hex16),
            Self::Hex32 => Some(IdShape::Hex32),
            Self::Uuid => Some(IdShape::Uuid),
            Self::Bool | Self::Decimal | Self::Float | Self::Integer | Self::Numbered | Self::String => None,
        }
    }

    /// What the API calls it.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Decimal | Self::Float => "float",
            Self::Integer => "integer",
            Self::Hex16 | Self::Hex32 | Self::Numbered | Self::String | Self::Uuid => "string",
        }
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ColumnMeta {
    /// Dotted name of the field.
    pub(crate) name: String,
    /// Type of its values.
    pub(crate) kind: Kind,
    /// What all strings of a numbered column begin with; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) prefix: String,
    /// Documents that have a value in it.
    pub(crate) documents: u32,
    /// Every value is one lower-case token, so a word is found by one dictionary lookup.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) folded: bool,
    /// Every value is a text, so the word index has all its tokens.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) texts: bool,
}

impl ColumnMeta {
    /// Name in the columns file.
    pub(crate) fn tagged_name(&self) -> String {
        let mut name = String::new();
        write_tagged(&mut name, self.kind, &self.prefix, &self.name);
        name
    }

    /// Name of the lower halves of wide ids in the columns file.
    pub(crate) fn tagged_low_name(&self) -> String {
        low_name(&self.tagged_name())
    }
}

/// Appends a column's name in the columns file.
pub(crate) fn write_tagged(out: &mut String, kind: Kind, prefix: &str, name: &str) {
    out.push(kind.letter());
    out.push_str(prefix);
    out.push(':');
    out.push_str(name);
}

/// The tagged name of the lower halves: the prefix in upper case.
pub(crate) fn low_name(tagged: &str) -> String {
    let (prefix, name) = tagged.split_at_checked(1).unwrap_or_default();
    prefix.to_ascii_uppercase() + name
}

/// A file of the split with its size, checked when the split is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileMeta {
    /// Path in the split's directory.
    pub(crate) path: String,
    /// Size in bytes.
    pub(crate) bytes: u64,
}

/// All documents of a partition have event times of this UTC day; `None` is the partition of rare
/// days: of builds that had too many, and of days that were merged because there were too many splits.
pub(crate) type Partition = Option<i32>;

/// The partition of an event time.
pub(crate) fn day_of(timestamp_ns: i64) -> i32 {
    const DAY_NS: i64 = 86_400_000_000_000;
    // An `i64` of nanoseconds spans some 213,504 days.
    timestamp_ns.div_euclid(DAY_NS) as i32
}

/// What a split says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SplitMeta {
    /// Unique in the store for ever; also the name of the directory.
    pub(crate) id: u64,
    /// Splits of one partition are merged with each other; those of several only into the rare days.
    pub(crate) partition: Partition,
    /// Number of documents, at least 1.
    pub(crate) documents: u32,
    /// Oldest event time, Unix nanoseconds.
    pub(crate) min_ns: i64,
    /// Newest event time, Unix nanoseconds.
    pub(crate) max_ns: i64,
    /// When the last of its documents arrived, Unix nanoseconds: what retention by age counts from.
    pub(crate) arrived_ns: i64,
    /// Highest sequence number.
    pub(crate) max_sequence: u64,
    /// Sorted by name, then kind, then prefix.
    pub(crate) columns: Vec<ColumnMeta>,
    /// Names of scalars that some document has in its residual only, sorted.
    pub(crate) unindexed: Vec<String>,
    /// Its documents by minute and level; `None` when that says no more than its columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) minutes: Option<MinuteCounts>,
    /// Log position below which its documents lie.
    pub(crate) wal_upto: u64,
    /// Disk splits that it was merged from.
    pub(crate) replaces: Vec<u64>,
    /// All other files of its directory; empty in memory.
    pub(crate) files: Vec<FileMeta>,
    /// crc32c of the columns file; 0 in memory. The other files carry their own.
    pub(crate) columns_crc: u32,
}

impl SplitMeta {
    /// The columns of one field, at most one of each kind but for prefixes, with their indexes.
    pub(crate) fn columns_of(&self, name: &str) -> impl Iterator<Item = (usize, &ColumnMeta)> {
        let first = self.columns.partition_point(|column| column.name.as_str() < name);
        let columns = self.columns.iter().enumerate().skip(first);
        columns.take_while(move |(_, column)| column.name == name)
    }

    /// True when some scalar of this field may be in residuals only.
    pub(crate) fn has_unindexed(&self, name: &str) -> bool {
        self.unindexed.binary_search_by(|other| other.as_str().cmp(name)).is_ok()
    }

    /// The bytes of the meta file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let body = serde_json::to_vec(self).expect("a plain struct with string keys");
        let mut bytes = META_MAGIC.to_vec();
        bytes.extend_from_slice(&SPLIT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Reads a meta file; `path` is for errors.
    pub(crate) fn decode(bytes: &[u8], path: &Path) -> Result<Self, StoreError> {
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or_else(|| short(path))?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(|| short(path))?;
        let (crc, body) = rest.split_first_chunk::<4>().ok_or_else(|| short(path))?;
        if *magic != META_MAGIC {
            return Err(StoreError::damaged(path, "it does not begin like the meta file of a split"));
        }
        let version = u32::from_le_bytes(*version);
        if version > SPLIT_VERSION {
            return Err(StoreError::Version {
                path: path.to_owned(),
                found: version,
                supported: SPLIT_VERSION,
            });
        }
        if u32::from_le_bytes(*crc) != crc32c::crc32c(body) {
            return Err(StoreError::damaged(path, "wrong checksum"));
        }
        serde_json::from_slice(body).map_err(|error| StoreError::damaged(path, error.to_string()))
    }
}

fn short(path: &Path) -> StoreError {
    StoreError::damaged(path, "it is too short")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> SplitMeta {
        let column = |name: &str, kind| ColumnMeta {
            name: name.to_owned(),
            kind,
            prefix: String::new(),
            documents: 3,
            folded: kind == Kind::String,
            texts: false,
        };
        SplitMeta {
            id: 7,
            partition: Some(-1),
            documents: 3,
            min_ns: -5,
            max_ns: 9,
            arrived_ns: 11,
            max_sequence: 4,
            columns: vec![column("a", Kind::Integer), column("b", Kind::Float), column("b", Kind::String)],
            unindexed: vec!["long".to_owned()],
            minutes: None,
            wal_upto: 12,
            replaces: vec![1, 2],
            files: vec![FileMeta { path: "rows".to_owned(), bytes: 40 }],
            columns_crc: 77,
        }
    }

    #[test]
    fn a_meta_file_round_trips_and_every_flipped_byte_is_found() {
        let bytes = meta().encode();
        assert_eq!(SplitMeta::decode(&bytes, Path::new("m")).expect("valid"), meta());
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            assert!(SplitMeta::decode(&flipped, Path::new("m")).is_err(), "byte {at}");
        }
        for cut in 0..bytes.len() {
            assert!(SplitMeta::decode(&bytes[..cut], Path::new("m")).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn columns_are_found_by_name() {
        let meta = meta();
        let kinds =
            |name| meta.columns_of(name).map(|(index, column)| (index, column.kind)).collect::<Vec<_>>();
        assert_eq!(kinds("a"), [(0, Kind::Integer)]);
        assert_eq!(kinds("b"), [(1, Kind::Float), (2, Kind::String)]);
        assert_eq!(kinds("c"), []);
        assert_eq!(kinds(""), []);
    }

    #[test]
    fn days_round_towards_the_past() {
        const DAY: i64 = 86_400_000_000_000;
        for (time, day) in [(0, 0), (DAY - 1, 0), (DAY, 1), (-1, -1), (-DAY, -1), (-DAY - 1, -2)] {
            assert_eq!(day_of(time), day, "{time}");
        }
        assert!(day_of(i64::MIN) < day_of(i64::MAX));
    }
}
