//! A condition on a column of ids. Nearly all that are asked name one id, which is a number to compare; the rest
//! is asked about the text of each id.

use millpond_query::{Scalar, Test};

use crate::query::values::picked::select;
use crate::query::zone::ZoneView;
use crate::split::bits::Bits;
use crate::split::columns::Ids;
use crate::split::filters::{FilterKey, id_key};
use crate::split::ids::IdShape;

/// Which ids of a column match.
#[derive(Clone)]
pub(crate) enum IdTest<'q> {
    /// This one, with its key in the filters.
    One(&'q Ids, u128, FilterKey),
    /// Those whose text matches.
    Texts(&'q Ids, &'q Test),
}

impl<'q> IdTest<'q> {
    /// Plans the test; `None` when no id can match.
    pub(crate) fn plan(ids: &'q Ids, name: &str, test: &'q Test) -> Option<Self> {
        let shape = ids.shape();
        let one = |text: &str| {
            let (found, id) = IdShape::parse(text)?;
            (found == shape && test.matches(Scalar::Str(text)))
                .then(|| Self::One(ids, id, id_key(name, shape, id)))
        };
        if let Some(only) = test.exact_str() {
            return one(only);
        }
        let tokens = test.required_tokens();
        if !tokens.iter().all(|token| shape.may_have_token(token)) {
            return None;
        }
        match tokens.first() {
            // The whole id is one token.
            Some(token) if shape != IdShape::Uuid => one(token),
            _ => Some(Self::Texts(ids, test)),
        }
    }

    /// Rank by the cost of a zone.
    pub(crate) fn cost(&self) -> u8 {
        match self {
            Self::One(..) => 2,
            Self::Texts(..) => 6,
        }
    }

    /// The documents of `among` that match.
    pub(crate) fn eval(&self, view: &ZoneView<'_>, among: &Bits) -> Bits {
        let docs = view.docs();
        let mut bits = Bits::none(view.len());
        match self {
            Self::One(ids, id, key) if view.may_have(&[*key]) => {
                view.look();
                let (column, wanted) = ids.narrow(*id);
                let mut found = Bits::none(view.len());
                select(column, view, among, &mut found, |part| part == wanted);
                for at in
                    found.ones().filter(|at| ids.of_doc(docs.start + *at as u32).any(|other| other == *id))
                {
                    bits.set(at as u32);
                }
            }
            Self::One(..) => {}
            Self::Texts(ids, test) => {
                view.look();
                let mut text = String::new();
                for at in among.ones() {
                    let matching = ids.of_doc(docs.start + at as u32).any(|id| {
                        text.clear();
                        ids.shape().write(id, &mut text);
                        test.matches(Scalar::Str(&text))
                    });
                    if matching {
                        bits.set(at as u32);
                    }
                }
            }
        }
        bits
    }
}
