//! The inverted index of words: one Tantivy segment with two text fields, document numbers only. It
//! answers "which documents have this token in their message, or in another long text".
//!
//! Presence of tokens is a prefilter; what a condition means is decided on the text. Texts are cut by the query
//! language's own tokenizer, before Tantivy sees them.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use tantivy::HasLen;
use tantivy::directory::{MmapDirectory, RamDirectory};
use tantivy::index::{SegmentComponent, SegmentReader};
use tantivy::indexer::merge_filtered_segments;
use tantivy::postings::SegmentPostings;
use tantivy::schema::document::{ReferenceValue, ReferenceValueLeaf};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions, Value};
use tantivy::store::Compressor;
use tantivy::tokenizer::TokenizerManager;
use tantivy::{
    DocSet, Document, Index, IndexBuilder, IndexSettings, InvertedIndexReader, Segment,
    SingleSegmentIndexWriter, Term,
};

use super::bits::Bits;
use super::filters::{FilterKey, is_id_token, token_key};
use super::lines::{LineTokenizer, lines};
use super::storeless::{self, Storeless};
use crate::error::StoreError;
use crate::limits::{PREFIX_TERMS_MAX, WORDS_BUDGET_BYTES};

/// Name of the tokenizer of both sections.
const TOKENIZER: &str = "millpond";

/// Which words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// Words of `message`, when it is a string, but for ids, which the filters have.
    Message,
    /// Words of all other strings that are texts or in no column.
    Texts,
}

impl Section {
    const ALL: [Self; 2] = [Self::Message, Self::Texts];

    fn field(self) -> Field {
        Field::from_field_id(self as u32)
    }
}

/// The word index of an open split.
pub(crate) struct Words {
    index: Index,
    segment: Segment,
    readers: [Arc<InvertedIndexReader>; 2],
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words").finish_non_exhaustive()
    }
}

impl Words {
    /// Opens the word index in `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        storeless::prepare(builder())?;
        let directory = MmapDirectory::open(dir).map_err(StoreError::index("open the words"))?;
        let index = Index::open(Storeless(directory)).map_err(StoreError::index("open the words"))?;
        Self::of(index)
    }

    fn of(index: Index) -> Result<Self, StoreError> {
        let open = || -> tantivy::Result<_> {
            let segment = index.searchable_segments()?.into_iter().next().ok_or_else(|| {
                tantivy::TantivyError::SystemError("the word index has no segment".to_owned())
            })?;
            let reader = SegmentReader::open(&segment)?;
            let readers = [
                reader.inverted_index(Section::Message.field())?,
                reader.inverted_index(Section::Texts.field())?,
            ];
            Ok((segment, readers))
        };
        let (segment, readers) = open().map_err(StoreError::index("open the words"))?;
        Ok(Self { index, segment, readers })
    }

    /// Joins word indexes, in this order, into a new one in `dir`.
    pub(crate) fn merge(inputs: &[&Self], dir: &Path) -> Result<(), StoreError> {
        let directory = MmapDirectory::open(dir).map_err(StoreError::index("open the merged words"))?;
        let segments: Vec<_> = inputs.iter().map(|input| input.segment.clone()).collect();
        let keep_all = segments.iter().map(|_| None).collect();
        merge_filtered_segments(&segments, settings(), keep_all, Storeless(directory))
            .map_err(StoreError::index("merge words"))?;
        Ok(())
    }

    /// Documents of the segment.
    pub(crate) fn documents(&self) -> u32 {
        self.segment.meta().max_doc()
    }

    /// Checks the checksums of all files. Reads all of them.
    pub(crate) fn verify(&self) -> Result<(), StoreError> {
        let damaged = self.index.validate_checksum().map_err(StoreError::index("check the words"))?;
        match damaged.into_iter().next() {
            None => Ok(()),
            Some(path) => Err(StoreError::damaged(&path, "wrong checksum")),
        }
    }

    /// A cursor over the documents that have this token; `None` when none has.
    pub(crate) fn token(&self, section: Section, token: &str) -> Result<Option<TermCursor>, StoreError> {
        let Some(reader) = self.readers.get(section as usize) else { return Ok(None) };
        let postings = reader
            .read_postings(&Term::from_field_text(section.field(), token), IndexRecordOption::Basic)
            .map_err(StoreError::index("read a word"))?;
        Ok(postings.map(TermCursor::new))
    }

    /// Cursors over the documents that have a token with this prefix; `None` when they are too many
    /// to be worth it.
    pub(crate) fn prefix(
        &self,
        section: Section,
        prefix: &str,
    ) -> Result<Option<Vec<TermCursor>>, StoreError> {
        let Some(reader) = self.readers.get(section as usize) else { return Ok(Some(Vec::new())) };
        let read = || -> std::io::Result<_> {
            let mut terms = reader.terms().range().ge(prefix).into_stream()?;
            let mut cursors = Vec::new();
            while terms.advance() && terms.key().starts_with(prefix.as_bytes()) {
                if cursors.len() == PREFIX_TERMS_MAX {
                    return Ok(None);
                }
                let postings = reader.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
                cursors.push(TermCursor::new(postings));
            }
            Ok(Some(cursors))
        };
        read().map_err(StoreError::index("read words"))
    }

    /// Sizes of its files, for the memory account of a split in memory.
    pub(crate) fn file_bytes(&self) -> u64 {
        let components = [SegmentComponent::Postings, SegmentComponent::Terms];
        let sizes = components
            .into_iter()
            .map(|component| self.segment.open_read(component).map_or(0, |file| file.len() as u64));
        sizes.sum()
    }
}

fn builder() -> IndexBuilder {
    let tokenizers = TokenizerManager::new();
    tokenizers.register(TOKENIZER, LineTokenizer::default());
    IndexBuilder::new().schema(schema()).settings(settings()).tokenizers(tokenizers)
}

fn settings() -> IndexSettings {
    IndexSettings {
        // What is written to a document store is dropped.
        docstore_compression: Compressor::None,
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    }
}

fn schema() -> Schema {
    let mut builder = Schema::builder();
    for section in Section::ALL {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(TOKENIZER)
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        let options = TextOptions::default().set_indexing_options(indexing);
        let name = match section {
            Section::Message => "message",
            Section::Texts => "texts",
        };
        let field = builder.add_text_field(name, options);
        debug_assert_eq!(field, section.field());
    }
    builder.build()
}

/// The documents that have one token, in ascending order, visited a zone at a time.
#[derive(Clone)]
pub(crate) struct TermCursor {
    /// Where the list begins, for zones that are visited out of order.
    start: SegmentPostings,
    /// The first document that is at least `reached`.
    at: SegmentPostings,
    reached: u32,
}

impl TermCursor {
    fn new(postings: SegmentPostings) -> Self {
        Self { start: postings.clone(), at: postings, reached: 0 }
    }

    /// Number of documents in the whole split.
    pub(crate) fn documents(&self) -> u32 {
        self.start.doc_freq()
    }

    /// Sets the bit of each of its documents in `docs`.
    pub(crate) fn fill(&mut self, docs: &Range<u32>, bits: &mut Bits) {
        if docs.start < self.reached {
            self.at = self.start.clone();
        }
        self.reached = docs.end;
        if self.at.doc() < docs.start {
            self.at.seek(docs.start);
        }
        let mut doc = self.at.doc();
        while doc < docs.end {
            bits.set(doc - docs.start);
            doc = self.at.advance();
        }
    }
}

/// Builds a word index in memory.
pub(crate) struct WordsWriter {
    writer: SingleSegmentIndexWriter<WordsDoc>,
}

impl WordsWriter {
    /// An empty index.
    pub(crate) fn new() -> Result<Self, StoreError> {
        storeless::prepare(builder())?;
        let writer = builder()
            .single_segment_index_writer(Storeless(RamDirectory::create()), WORDS_BUDGET_BYTES)
            .map_err(StoreError::index("begin words"))?;
        Ok(Self { writer })
    }

    /// Adds the next document. The tokens of the message that are ids are not indexed: their keys go to `ids`.
    pub(crate) fn push(
        &mut self,
        message: Option<&str>,
        texts: &str,
        ids: &mut Vec<FilterKey>,
    ) -> Result<(), StoreError> {
        let message = message.map(|message| {
            lines(message, |token| {
                let is_id = is_id_token(token);
                if is_id {
                    ids.push(token_key(token));
                }
                !is_id
            })
        });
        let texts = (!texts.is_empty()).then(|| lines(texts, |_| true));
        self.writer.add_document(WordsDoc([message, texts])).map_err(StoreError::index("add words"))
    }

    /// Ends the index.
    pub(crate) fn finish(self) -> Result<Words, StoreError> {
        Words::of(self.writer.finalize().map_err(StoreError::index("finish words"))?)
    }
}

/// The tokens of a document, one a line, by section.
struct WordsDoc([Option<String>; 2]);

/// One text, as Tantivy wants values.
#[derive(Clone, Copy, Debug)]
struct TextValue<'a>(&'a str);

impl<'a> Value<'a> for TextValue<'a> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = std::iter::Empty<(&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(ReferenceValueLeaf::Str(self.0))
    }
}

impl Document for WordsDoc {
    type Value<'a> = TextValue<'a>;
    type FieldsValuesIter<'a> = std::vec::IntoIter<(Field, TextValue<'a>)>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        let texts = Section::ALL.into_iter().zip(&self.0);
        let values: Vec<_> = texts
            .filter_map(|(section, text)| Some((section.field(), TextValue(text.as_deref()?))))
            .collect();
        values.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(texts: &[(Option<&str>, &str)]) -> Words {
        let mut writer = WordsWriter::new().expect("memory");
        let mut ids = Vec::new();
        texts.iter().for_each(|(message, text)| writer.push(*message, text, &mut ids).expect("memory"));
        writer.finish().expect("memory")
    }

    fn docs(cursor: Option<TermCursor>, range: Range<u32>) -> Vec<u32> {
        let Some(mut cursor) = cursor else { return Vec::new() };
        let mut bits = Bits::none(range.len());
        cursor.fill(&range, &mut bits);
        bits.ones().map(|bit| bit as u32 + range.start).collect()
    }

    #[test]
    fn tokens_are_found_by_section_and_range() {
        let words = words(&[
            (Some("Connection refused"), ""),
            (None, "connection"),
            (Some("connect"), ""),
            (None, ""),
        ]);
        assert_eq!(words.documents(), 4);
        let found = |section, token, range| docs(words.token(section, token).expect("valid"), range);
        assert_eq!(found(Section::Message, "connection", 0..4), [0]);
        assert_eq!(found(Section::Texts, "connection", 0..4), [1]);
        assert!(found(Section::Texts, "connection", 2..4).is_empty());
        assert!(found(Section::Message, "nothing", 0..4).is_empty());
        let prefixed = words.prefix(Section::Message, "conn").expect("valid").expect("few");
        assert_eq!(prefixed.iter().map(TermCursor::documents).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn ids_of_messages_go_elsewhere() {
        let (mut writer, mut ids) = (WordsWriter::new().expect("memory"), Vec::new());
        let text = "took deadbeef01 of 1234567";
        writer.push(Some(text), text, &mut ids).expect("memory");
        assert_eq!(ids, ["deadbeef01", "1234567"].map(token_key));
        let words = writer.finish().expect("memory");
        for (token, in_message) in [("took", 1), ("of", 1), ("deadbeef01", 0), ("1234567", 0)] {
            let found = |section| docs(words.token(section, token).expect("valid"), 0..1).len();
            assert_eq!((found(Section::Message), found(Section::Texts)), (in_message, 1), "{token}");
        }
    }

    #[test]
    fn a_cursor_goes_back() {
        let words = words(&vec![(Some("a"), ""); 300]);
        let mut cursor = words.token(Section::Message, "a").expect("valid").expect("present");
        for range in [200..300, 0..100, 100..200, 100..200] {
            let mut bits = Bits::none(100);
            cursor.fill(&range, &mut bits);
            assert_eq!(bits.count(), 100, "{range:?}");
        }
    }

    #[test]
    fn merged_words_are_stacked() {
        let (first, second) = (words(&[(Some("a"), "")]), words(&[(Some("b"), ""), (Some("a"), "")]));
        let dir = tempfile::tempdir().expect("temporary directory");
        Words::merge(&[&first, &second], dir.path()).expect("mergeable");
        let merged = Words::open(dir.path()).expect("valid");
        merged.verify().expect("undamaged");
        assert_eq!(docs(merged.token(Section::Message, "a").expect("valid"), 0..3), [0, 2]);
    }
}
