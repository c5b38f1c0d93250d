//! One condition, planned for one split: which of the split's parts can answer it, and how.
//!
//! What a condition means is `Test::matches` and nothing else. Everything here decides which values
//! it has to be asked about: each term of a dictionary once, numbers of a column, and texts that have
//! the words that the test requires.

use std::sync::Arc;

use millpond_query::aliases::searched_by_bare_words;
use millpond_query::{Leaf, Scalar, Scope, Test};
use millpond_wire::names;
use tantivy::columnar::{Column, StrColumn};

use super::filter::Node;
use super::id_test::IdTest;
use super::numbered_test;
use super::ordinals::{self, Ordinals};
use super::residual_test::ResidualTest;
use crate::query::meter::{Halt, Meter};
use crate::query::values::picked::{select, select_dear};
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;
use crate::split::columns::{SCANNED_TERMS_MAX, Values};
use crate::split::filters::{FilterKey, is_id_token, may_begin_id_token, token_key};
use crate::split::meta::ColumnMeta;
use crate::split::numbered::Numbered;
use crate::split::visits::for_each_present;
use crate::split::words::{Section, TermCursor};

/// A test on one part of a split.
#[derive(Clone)]
pub(crate) enum LeafTest<'q> {
    /// The column has a value.
    Present(&'q Values),
    /// Ids.
    Ids(IdTest<'q>),
    /// Numbered strings whose text matches.
    Numbered(&'q Numbered, &'q Test),
    /// Strings with these ordinals.
    Ordinals(&'q StrColumn, Arc<Ordinals>),
    /// Integers in an inclusive interval; with a test when the interval does not decide.
    Integers(&'q Column<i64>, (i64, i64), Option<&'q Test>),
    /// Floats in an inclusive interval; with a test when the interval does not decide.
    Floats(&'q Column<f64>, (f64, f64), Option<&'q Test>),
    /// This truth value.
    Bool(&'q Column<bool>, bool),
    /// Long texts, of which the words decide.
    Texts(Words),
    /// The message.
    Message(MessageTest<'q>),
    /// Scalars that are in no column.
    Residual(ResidualTest<'q>),
}

/// The words that every text has that matches a test.
#[derive(Clone)]
pub(crate) struct Words {
    /// All of these, the rarest first.
    all: Vec<TermCursor>,
    /// And one of these.
    any: Option<Vec<TermCursor>>,
    /// Keys of ids among them, of which the filters know.
    ids: Vec<FilterKey>,
    /// A text that has them certainly matches.
    decide: bool,
}

/// A test of messages.
#[derive(Clone)]
pub(crate) struct MessageTest<'q> {
    test: &'q Test,
    words: Words,
}

/// Plans one condition.
pub(crate) fn plan_leaf<'q>(leaf: &'q Leaf, split: &'q Split, meter: &Meter<'_>) -> Result<Node<'q>, Halt> {
    meter.check()?;
    match &leaf.scope {
        Scope::Field(name) => plan_field(name, leaf, split, meter),
        Scope::Object(name) => plan_object(name, leaf, split, meter),
        Scope::Any => plan_any(leaf, split, meter),
    }
}

fn plan_field<'q>(name: &str, leaf: &'q Leaf, split: &'q Split, meter: &Meter<'_>) -> Result<Node<'q>, Halt> {
    let mut parts = Vec::new();
    for (index, column) in split.meta().columns_of(name) {
        parts.push(plan_column(index, column, &leaf.test, split, meter)?);
    }
    if name == names::MESSAGE {
        parts.push(plan_message(&leaf.test, split)?);
    }
    if name == names::ORIGINAL || split.meta().has_unindexed(name) {
        parts.push(residual(leaf));
    }
    Ok(Node::or(parts))
}

fn residual(leaf: &Leaf) -> Node<'_> {
    Node::Test(LeafTest::Residual(ResidualTest { test: &leaf.test, scope: &leaf.scope }))
}

/// All fields in an object, none of which is the message.
fn plan_object<'q>(
    name: &str,
    leaf: &'q Leaf,
    split: &'q Split,
    meter: &Meter<'_>,
) -> Result<Node<'q>, Halt> {
    let mut parts = Vec::new();
    for (index, column) in split.meta().columns.iter().enumerate() {
        if Scope::is_inside(&column.name, name) {
            parts.push(plan_column(index, column, &leaf.test, split, meter)?);
        }
    }
    let unindexed = split.meta().unindexed.iter().any(|unindexed| Scope::is_inside(unindexed, name));
    if unindexed || Scope::is_inside(names::ORIGINAL, name) {
        parts.push(residual(leaf));
    }
    Ok(Node::or(parts))
}

fn plan_any<'q>(leaf: &'q Leaf, split: &'q Split, meter: &Meter<'_>) -> Result<Node<'q>, Halt> {
    let test = &leaf.test;
    let mut parts = vec![plan_message(test, split)?];
    let texts = required_words(test, Section::Texts, split)?;
    let words_decide = texts.as_ref().map_or(test.tokens_decide(), |words| words.decide);
    if let Some(words) = texts.filter(|words| words.decide) {
        parts.push(Node::Test(LeafTest::Texts(words)));
    }
    for (index, column) in split.meta().columns.iter().enumerate() {
        if searched_by_bare_words(&column.name) && !(words_decide && column.texts) {
            parts.push(plan_column(index, column, test, split, meter)?);
        }
    }
    // The words of strings in residuals are in the word index.
    let beyond_words = !words_decide
        || test.number_range().is_some()
        || [true, false].into_iter().any(|truth| test.matches(Scalar::Bool(truth)));
    if beyond_words && !split.meta().unindexed.is_empty() {
        parts.push(residual(leaf));
    }
    Ok(Node::or(parts))
}

/// The words that the test requires; `None` when no text of the split has them.
fn required_words(test: &Test, section: Section, split: &Split) -> Result<Option<Words>, Halt> {
    let (mut all, mut ids) = (Vec::new(), Vec::new());
    let in_message = section == Section::Message;
    for token in test.required_tokens() {
        if in_message && is_id_token(token) {
            ids.push(token_key(token));
            continue;
        }
        match split.words().token(section, token)? {
            Some(cursor) => all.push(cursor),
            None => return Ok(None),
        }
    }
    all.sort_by_key(TermCursor::documents);
    let prefix = test.required_token_prefix();
    let any = match prefix {
        // Its words may be in filters, which know no prefixes.
        Some(prefix) if in_message && may_begin_id_token(prefix) => None,
        Some(prefix) => split.words().prefix(section, prefix)?,
        None => None,
    };
    if any.as_ref().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    // A prefix of too many words is not looked up, and then decides nothing.
    let looked_up = any.is_some() || (prefix.is_none() && !all.is_empty());
    let decide = test.tokens_decide() && looked_up && ids.is_empty();
    Ok(Some(Words { all, any, ids, decide }))
}

fn plan_message<'q>(test: &'q Test, split: &'q Split) -> Result<Node<'q>, Halt> {
    if split.rows().zones().iter().all(|zone| zone.messages == 0) {
        return Ok(Node::Never);
    }
    let words = required_words(test, Section::Message, split)?;
    Ok(words.map_or(Node::Never, |words| Node::Test(LeafTest::Message(MessageTest { test, words }))))
}

fn plan_column<'q>(
    index: usize,
    column: &ColumnMeta,
    test: &'q Test,
    split: &'q Split,
    meter: &Meter<'_>,
) -> Result<Node<'q>, Halt> {
    let values = split.columns().values(index)?;
    if matches!(test, Test::Exists) {
        return Ok(present(values, split));
    }
    Ok(match values {
        Values::Bool(data) => match [true, false].map(|truth| test.matches(Scalar::Bool(truth))) {
            [false, false] => Node::Never,
            [true, true] => present(values, split),
            [truth, _] => Node::Test(LeafTest::Bool(data, truth)),
        },
        Values::Integer(data) => {
            let Some(range) = test.number_range() else { return Ok(Node::Never) };
            match range.whole_numbers() {
                Some((low, high)) if low <= data.max_value() && data.min_value() <= high => {
                    let test = (!range.decides).then_some(test);
                    Node::Test(LeafTest::Integers(data, (low, high), test))
                }
                _ => Node::Never,
            }
        }
        Values::Float(data) => {
            let Some(range) = test.number_range() else { return Ok(Node::Never) };
            match range.floats() {
                Some((low, high)) if low <= data.max_value() && data.min_value() <= high => {
                    let test = (!range.decides).then_some(test);
                    Node::Test(LeafTest::Floats(data, (low, high), test))
                }
                _ => Node::Never,
            }
        }
        Values::Ids(ids) => {
            IdTest::plan(ids, &column.name, test).map_or(Node::Never, |ids| Node::Test(LeafTest::Ids(ids)))
        }
        Values::Numbered(numbered) => numbered_test::plan(numbered, test),
        Values::String(data) => match plan_strings(index, column, data, test, split, meter)? {
            ordinals if *ordinals == Ordinals::None => Node::Never,
            ordinals if *ordinals == Ordinals::All => present(values, split),
            ordinals => Node::Test(LeafTest::Ordinals(data, ordinals)),
        },
    })
}

fn present<'q>(values: &'q Values, split: &Split) -> Node<'q> {
    match values.index() {
        tantivy::columnar::ColumnIndex::Full if split.meta().documents > 0 => Node::All,
        _ => Node::Test(LeafTest::Present(values)),
    }
}

/// The ordinals of the strings that match: by lookup where only one string can, else by a scan.
fn plan_strings(
    index: usize,
    column: &ColumnMeta,
    data: &StrColumn,
    test: &Test,
    split: &Split,
    meter: &Meter<'_>,
) -> Result<Arc<Ordinals>, Halt> {
    if let Some(only) = test.exact_str() {
        return lookup(data, test, only);
    }
    if column.folded
        && let Some((first, others)) = test.required_tokens().split_first()
    {
        // Each value is one token, so it can only be the token that is required.
        let one = others.iter().all(|other| other == first);
        return if one { lookup(data, test, first) } else { Ok(Arc::new(Ordinals::None)) };
    }
    if data.num_terms() < SCANNED_TERMS_MAX {
        return Ok(Arc::new(ordinals::scan(data, meter, test.required_tokens(), |term| {
            test.matches(Scalar::Str(term))
        })?));
    }
    if !split.filters().dictionary_may_have(index, test.required_tokens()) {
        return Ok(Arc::new(Ordinals::None));
    }
    let condition = test.key();
    if let Some(found) = meter.scans().find(split.id(), index, &condition) {
        return Ok(found);
    }
    let found = Arc::new(ordinals::scan(data, meter, test.required_tokens(), |term| {
        test.matches(Scalar::Str(term))
    })?);
    meter.scans().keep(split.id(), index, &condition, &found);
    Ok(found)
}

fn lookup(data: &StrColumn, test: &Test, only: &str) -> Result<Arc<Ordinals>, Halt> {
    let found = if test.matches(Scalar::Str(only)) { ordinals::lookup(data, only)? } else { Ordinals::None };
    Ok(Arc::new(found))
}

impl LeafTest<'_> {
    /// The documents of `among` that match.
    pub(crate) fn eval(&mut self, view: &ZoneView<'_>, among: &Bits) -> Result<Bits, Halt> {
        let docs = view.docs();
        let mut bits = Bits::none(view.len());
        let first = docs.start;
        if !matches!(self, Self::Ids(_) | Self::Message(_)) {
            view.look();
        }
        match self {
            Self::Present(values) => for_each_present(values.index(), &docs, |doc| bits.set(doc - first)),
            Self::Ids(test) => bits = test.eval(view, among),
            Self::Numbered(numbered, test) => numbered_test::eval(numbered, test, view, among, &mut bits),
            Self::Ordinals(column, ordinals) => {
                let ords = column.ords();
                match ordinals.only() {
                    Some(only) => select(ords, view, among, &mut bits, |ordinal| ordinal == only),
                    None => select(ords, view, among, &mut bits, |ordinal| ordinals.contains(ordinal)),
                }
            }
            Self::Integers(column, (low, high), None) => {
                select(column, view, among, &mut bits, |value| (*low..=*high).contains(&value));
            }
            Self::Integers(column, (low, high), Some(test)) => {
                select_dear(column, view, among, &mut bits, |value| {
                    (*low..=*high).contains(&value) && test.matches(Scalar::I64(value))
                });
            }
            Self::Floats(column, (low, high), None) => {
                select(column, view, among, &mut bits, |value| (*low..=*high).contains(&value));
            }
            Self::Floats(column, (low, high), Some(test)) => {
                select_dear(column, view, among, &mut bits, |value| {
                    (*low..=*high).contains(&value) && test.matches(Scalar::F64(value))
                });
            }
            Self::Bool(column, wanted) => select(column, view, among, &mut bits, |value| value == *wanted),
            Self::Texts(words) => bits = words.eval(view, among),
            Self::Message(test) => return test.eval(view, among),
            Self::Residual(test) => return test.eval(view, among),
        }
        bits.and(among);
        Ok(bits)
    }

    /// Rank by the cost of a zone; see [`Node`].
    pub(crate) fn cost(&self) -> u8 {
        match self {
            Self::Present(_) => 2,
            Self::Ids(test) => test.cost(),
            Self::Texts(_) => 3,
            Self::Message(test) if test.words.decide => 3,
            Self::Ordinals(..) | Self::Integers(..) | Self::Floats(..) | Self::Bool(..) => 4,
            Self::Message(test) if !test.words.all.is_empty() || !test.words.ids.is_empty() => 5,
            Self::Message(_) | Self::Numbered(..) => 6,
            Self::Residual(_) => 7,
        }
    }
}

impl Words {
    /// The documents of `among` that have the words.
    fn eval(&mut self, view: &ZoneView<'_>, among: &Bits) -> Bits {
        let docs = view.docs();
        let mut bits = among.clone();
        for cursor in &mut self.all {
            if bits.is_empty() {
                return bits;
            }
            let mut having = Bits::none(view.len());
            cursor.fill(&docs, &mut having);
            bits.and(&having);
        }
        if let Some(any) = &mut self.any {
            let mut having = Bits::none(view.len());
            any.iter_mut().for_each(|cursor| cursor.fill(&docs, &mut having));
            bits.and(&having);
        }
        bits
    }
}

impl MessageTest<'_> {
    fn eval(&mut self, view: &ZoneView<'_>, among: &Bits) -> Result<Bits, Halt> {
        if view.zone.messages == 0 || !view.may_have(&self.words.ids) {
            return Ok(Bits::none(view.len()));
        }
        view.look();
        if matches!(self.test, Test::Exists) && view.zone.messages == view.zone.documents {
            return Ok(among.clone());
        }
        let bits = self.words.eval(view, among);
        if self.words.decide || bits.is_empty() {
            return Ok(bits);
        }
        let rows = view.rows()?;
        let mut matching = Bits::none(view.len());
        for at in bits.ones() {
            if rows.message(at).is_some_and(|message| self.test.matches(Scalar::Str(&message))) {
                matching.set(at as u32);
            }
        }
        Ok(matching)
    }
}
