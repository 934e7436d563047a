//! Measures a document: how much of everything it has, each fragment worked out once.

use std::collections::HashMap;

use async_graphql::Value;

use super::Limits;
use super::lexer::{Lexer, Token};
use crate::error::DocumentLimitExceeded;

/// How much of everything a document has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Its tokens.
    pub tokens: usize,
    /// How deep selections are nested, with what fragments bring.
    pub depth: usize,
    /// How deep lists and objects are nested.
    pub nesting: usize,
    /// Its operations.
    pub operations: usize,
    /// Its fragments.
    pub fragments: usize,
    /// The fields and spreads of the operation or fragment that has most, with what fragments bring.
    pub selections: usize,
    /// Its aliases.
    pub aliases: usize,
    /// Its directives.
    pub directives: usize,
    /// The fields of the operation that has most, with what fragments bring.
    pub root_fields: usize,
    /// How many steps measuring took: one for each token and each spread.
    pub steps: usize,
}

/// Refuses a value from outside of a document, such as a variable's, that is nested deeper than one in it may be:
/// what reads it calls itself for each level. JSON itself is read 128 deep at most.
pub fn measure_value(value: &Value, limits: &Limits) -> Result<(), DocumentLimitExceeded> {
    no_deeper("lists and objects", nesting(value), limits.nesting)
}

fn nesting(value: &Value) -> usize {
    match value {
        Value::List(values) => 1 + values.iter().map(nesting).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(nesting).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Goes over a document once. What cannot be read as GraphQL is measured all the same, and left for the
/// parser to complain of.
///
/// # Errors
/// What there is too much of. The rest of the document is not looked at then.
pub fn measure(document: &str, limits: &Limits) -> Result<Work, DocumentLimitExceeded> {
    at_most("bytes", document.len(), limits.bytes)?;
    let mut scan = Scan::new(limits);
    for token in Lexer::new(document) {
        scan.step(token)?;
    }
    scan.finish()
}

fn at_most(what: &'static str, found: usize, most: usize) -> Result<(), DocumentLimitExceeded> {
    if found > most {
        return Err(DocumentLimitExceeded::TooMany { what, most });
    }
    Ok(())
}

fn no_deeper(what: &'static str, found: usize, most: usize) -> Result<(), DocumentLimitExceeded> {
    if found > most {
        return Err(DocumentLimitExceeded::TooDeep { what, most });
    }
    Ok(())
}

/// An operation or a fragment by itself.
#[derive(Debug, Default)]
struct Definition<'a> {
    /// Fields, spreads and inline fragments, as they are written.
    selections: usize,
    /// Fields of its own selection set.
    root_fields: usize,
    /// How deep its own selections are nested.
    depth: usize,
    /// The fragments that it spreads, each with the depth at which it does and whether that is in its own
    /// selection set, inline fragments looked through.
    spreads: Vec<(&'a str, usize, bool)>,
}

/// An open bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// A selection set; whether its fields are those of the definition itself.
    Selections { of_root: bool },
    /// Arguments or variables.
    Parenthesis,
    /// A list, an object, or a list among types.
    Value,
}

/// What was read last of a selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Nothing,
    /// A field, or the alias of one.
    Field,
    Spread,
    /// `... on`: a type's name follows.
    On,
    /// An inline fragment, up to its selection set.
    Inline,
    /// `@`: a directive's name follows.
    At,
    /// A colon: the name of an aliased field follows.
    Colon,
}

/// What a definition begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header<'a> {
    None,
    Operation,
    /// The fragment's name follows.
    Fragment,
    Named(&'a str),
}

struct Scan<'a, 'b> {
    limits: &'b Limits,
    work: Work,
    open: Vec<Open>,
    /// How many selection sets, and how many values, are open.
    depth: usize,
    nesting: usize,
    last: Last,
    /// What stood before a directive, which it does not change.
    before_at: Last,
    header: Header<'a>,
    definition: Definition<'a>,
    operations: Vec<Definition<'a>>,
    fragments: Vec<(&'a str, Definition<'a>)>,
}

impl<'a, 'b> Scan<'a, 'b> {
    fn new(limits: &'b Limits) -> Self {
        Self {
            limits,
            work: Work::default(),
            open: Vec::new(),
            depth: 0,
            nesting: 0,
            last: Last::Nothing,
            before_at: Last::Nothing,
            header: Header::None,
            definition: Definition::default(),
            operations: Vec::new(),
            fragments: Vec::new(),
        }
    }

    fn step(&mut self, token: Token<'a>) -> Result<(), DocumentLimitExceeded> {
        self.work.steps += 1;
        self.work.tokens += 1;
        at_most("tokens", self.work.tokens, self.limits.tokens)?;
        match self.open.last() {
            None => self.between_definitions(token),
            Some(Open::Selections { of_root }) => self.among_selections(token, *of_root),
            Some(Open::Parenthesis | Open::Value) => self.among_values(token),
        }
    }

    fn directive(&mut self) -> Result<(), DocumentLimitExceeded> {
        self.work.directives += 1;
        at_most("directives", self.work.directives, self.limits.directives)
    }

    fn between_definitions(&mut self, token: Token<'a>) -> Result<(), DocumentLimitExceeded> {
        match (token, self.header) {
            (Token::Mark('{'), _) => return self.open_selections(true),
            (Token::Mark('('), _) => self.open.push(Open::Parenthesis),
            (Token::Mark('@'), _) => return self.directive(),
            (Token::Name("fragment"), Header::None) => self.header = Header::Fragment,
            (Token::Name(name), Header::Fragment) => self.header = Header::Named(name),
            (Token::Name(_), Header::None) => self.header = Header::Operation,
            _ => {}
        }
        Ok(())
    }

    fn open_selections(&mut self, of_root: bool) -> Result<(), DocumentLimitExceeded> {
        self.depth += 1;
        self.definition.depth = self.definition.depth.max(self.depth);
        no_deeper("selections", self.depth, self.limits.depth)?;
        self.open.push(Open::Selections { of_root });
        self.last = Last::Nothing;
        Ok(())
    }

    fn selection(&mut self) -> Result<(), DocumentLimitExceeded> {
        self.definition.selections += 1;
        at_most("selections", self.definition.selections, self.limits.selections)
    }

    fn among_selections(&mut self, token: Token<'a>, of_root: bool) -> Result<(), DocumentLimitExceeded> {
        match (token, self.last) {
            (Token::Spread, _) => {
                self.selection()?;
                self.last = Last::Spread;
            }
            (Token::Name("on"), Last::Spread) => self.last = Last::On,
            (Token::Name(fragment), Last::Spread) => {
                self.definition.spreads.push((fragment, self.depth, of_root));
                self.last = Last::Nothing;
            }
            (Token::Name(_), Last::On) => self.last = Last::Inline,
            (Token::Name(_), Last::At) => self.last = self.before_at,
            (Token::Name(_), Last::Colon) => self.last = Last::Field,
            (Token::Name(_), _) => {
                self.selection()?;
                if of_root {
                    self.definition.root_fields += 1;
                    at_most(
                        "root fields",
                        self.definition.root_fields,
                        self.limits.root_fields,
                    )?;
                }
                self.last = Last::Field;
            }
            (Token::Mark(':'), Last::Field) => {
                self.work.aliases += 1;
                at_most("aliases", self.work.aliases, self.limits.aliases)?;
                self.last = Last::Colon;
            }
            (Token::Mark('@'), last) => {
                self.directive()?;
                // One without a type before its directives is an inline fragment.
                self.before_at = if last == Last::Spread { Last::Inline } else { last };
                self.last = Last::At;
            }
            (Token::Mark('('), _) => self.open.push(Open::Parenthesis),
            (Token::Mark('{'), last) => {
                let looked_through = matches!(last, Last::Spread | Last::Inline);
                return self.open_selections(of_root && looked_through);
            }
            (Token::Mark('}'), _) => self.close_selections(),
            (Token::Mark(_) | Token::Literal, _) => {}
        }
        Ok(())
    }

    fn close_selections(&mut self) {
        self.open.pop();
        self.depth = self.depth.saturating_sub(1);
        self.last = Last::Nothing;
        if self.open.is_empty() {
            self.define();
        }
    }

    /// Ends the definition that is being read.
    fn define(&mut self) {
        let definition = std::mem::take(&mut self.definition);
        match std::mem::replace(&mut self.header, Header::None) {
            Header::Named(name) => self.fragments.push((name, definition)),
            Header::None | Header::Operation | Header::Fragment => self.operations.push(definition),
        }
    }

    fn among_values(&mut self, token: Token<'a>) -> Result<(), DocumentLimitExceeded> {
        match token {
            Token::Mark('[' | '{') => {
                self.open.push(Open::Value);
                self.nesting += 1;
                self.work.nesting = self.work.nesting.max(self.nesting);
                no_deeper("lists, objects and types", self.nesting, self.limits.nesting)?;
            }
            // One inside another is no GraphQL, and is not to be nested without end either.
            Token::Mark('(') => {
                self.nesting += 1;
                no_deeper("lists, objects and types", self.nesting, self.limits.nesting)?;
                self.open.push(Open::Value);
            }
            Token::Mark(']' | '}' | ')') => {
                let closes_a_value = self.open.pop() == Some(Open::Value);
                self.nesting -= usize::from(closes_a_value);
            }
            // The variables of an operation may have directives.
            Token::Mark('@') => return self.directive(),
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Work, DocumentLimitExceeded> {
        // One that was never closed is measured too.
        if !self.open.is_empty() {
            self.define();
        }
        at_most("operations", self.operations.len(), self.limits.operations)?;
        at_most("fragments", self.fragments.len(), self.limits.fragments)?;
        self.work.operations = self.operations.len();
        self.work.fragments = self.fragments.len();
        let mut expansion = Expansion::of(&self.fragments);
        let mut totals = Vec::with_capacity(self.operations.len() + self.fragments.len());
        for (at, _) in self.fragments.iter().enumerate() {
            totals.push((expansion.total_of(at)?, false));
        }
        for operation in &self.operations {
            totals.push((expansion.with_fragments(operation), true));
        }
        self.work.steps += expansion.steps;
        for (total, is_operation) in totals {
            at_most("selections", total.selections, self.limits.selections)?;
            no_deeper("selections", total.depth, self.limits.depth)?;
            self.work.selections = self.work.selections.max(total.selections);
            self.work.depth = self.work.depth.max(total.depth);
            if is_operation {
                at_most("root fields", total.root_fields, self.limits.root_fields)?;
                self.work.root_fields = self.work.root_fields.max(total.root_fields);
            }
        }
        Ok(self.work)
    }
}

/// A definition with what its fragments bring.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    selections: usize,
    root_fields: usize,
    depth: usize,
}

/// How far the working out of a fragment has come.
#[derive(Clone, Copy, Debug)]
enum State {
    NotBegun,
    UnderWay,
    Done(Total),
}

/// Works each fragment out once, whoever spreads it.
struct Expansion<'a, 'b> {
    fragments: &'b [(&'a str, Definition<'a>)],
    by_name: HashMap<&'a str, usize>,
    states: Vec<State>,
    steps: usize,
}

impl<'a, 'b> Expansion<'a, 'b> {
    fn of(fragments: &'b [(&'a str, Definition<'a>)]) -> Self {
        // Of several with one name, which is an error, the first is meant here.
        let named = fragments.iter().enumerate().rev();
        Self {
            fragments,
            by_name: named.map(|(at, (name, _))| (*name, at)).collect(),
            states: vec![State::NotBegun; fragments.len()],
            steps: 0,
        }
    }

    /// What a fragment comes to. Goes down by a list of its own rather than by calling itself.
    fn total_of(&mut self, fragment: usize) -> Result<Total, DocumentLimitExceeded> {
        // Each with how many of its spreads were gone into.
        let mut under_way = vec![(fragment, 0)];
        while let Some((at, gone_into)) = under_way.pop() {
            let (name, definition) = &self.fragments[at];
            if let State::Done(_) = self.states[at] {
                continue;
            }
            if gone_into == 0 {
                self.states[at] = State::UnderWay;
            }
            let Some((spread, ..)) = definition.spreads.get(gone_into) else {
                let total = self.with_fragments(definition);
                self.states[at] = State::Done(total);
                continue;
            };
            self.steps += 1;
            under_way.push((at, gone_into + 1));
            // One that is not there is for the library to complain of.
            if let Some(next) = self.by_name.get(spread) {
                match self.states[*next] {
                    State::NotBegun => under_way.push((*next, 0)),
                    State::UnderWay => return Err(DocumentLimitExceeded::Cycle((*name).to_owned())),
                    State::Done(_) => {}
                }
            }
        }
        Ok(match self.states[fragment] {
            State::Done(total) => total,
            // Everything that was begun is done by now.
            State::NotBegun | State::UnderWay => Total::default(),
        })
    }

    /// What a definition comes to whose fragments are worked out.
    fn with_fragments(&mut self, definition: &Definition<'_>) -> Total {
        let mut total = Total {
            selections: definition.selections,
            root_fields: definition.root_fields,
            depth: definition.depth,
        };
        for (spread, depth, of_root) in &definition.spreads {
            self.steps += 1;
            let Some(State::Done(of_spread)) = self.by_name.get(spread).map(|at| self.states[*at]) else {
                continue;
            };
            total.selections = total.selections.saturating_add(of_spread.selections);
            // A fragment's own selection set takes the place of its spread.
            total.depth = total.depth.max(depth - 1 + of_spread.depth);
            if *of_root {
                total.root_fields = total.root_fields.saturating_add(of_spread.root_fields);
            }
        }
        total
    }
}
