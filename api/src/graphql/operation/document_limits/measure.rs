//! Measures the size of a document. Each fragment is expanded once.

use std::collections::HashMap;

use async_graphql::Value;

use super::DocumentLimits;
use super::lexer::{Lexer, LexerToken};
use crate::error::DocumentLimitExceeded;

/// The size of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DocumentSize {
    /// The number of tokens.
    pub tokens: usize,
    /// The depth of nested selections, with fragments expanded.
    pub depth: usize,
    /// The depth of nested lists and objects.
    pub nesting: usize,
    /// The number of operations.
    pub operations: usize,
    /// The number of fragments.
    pub fragments: usize,
    /// The number of fields and spreads of the largest operation or fragment, with fragments expanded.
    pub selections: usize,
    /// The number of aliases.
    pub aliases: usize,
    /// The number of directives.
    pub directives: usize,
    /// The number of root fields of the largest operation, with fragments expanded.
    pub root_fields: usize,
    /// The number of steps that measuring took: one for each token and each spread.
    pub steps: usize,
}

/// Rejects a value from outside a document, such as a variable, that is nested deeper than a document allows,
/// because the code that reads it is recursive. JSON itself is read at most 128 levels deep.
pub fn measure_value(value: &Value, limits: &DocumentLimits) -> Result<(), DocumentLimitExceeded> {
    check_depth("lists and objects", nesting_depth(value), limits.nesting)
}

fn nesting_depth(value: &Value) -> usize {
    match value {
        Value::List(values) => 1 + values.iter().map(nesting_depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(nesting_depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Measures a document in one pass. Invalid GraphQL is measured as well; the parser reports it.
///
/// # Errors
/// The first limit that is exceeded. The rest of the document is not read then.
pub fn measure_document(
    document: &str,
    limits: &DocumentLimits,
) -> Result<DocumentSize, DocumentLimitExceeded> {
    check_count("bytes", document.len(), limits.bytes)?;
    let mut scan = DocumentScan::new(limits);
    for token in Lexer::new(document) {
        scan.read_token(token)?;
    }
    scan.finish()
}

fn check_count(what: &'static str, found: usize, most: usize) -> Result<(), DocumentLimitExceeded> {
    if found > most {
        return Err(DocumentLimitExceeded::TooMany { what, most });
    }
    Ok(())
}

fn check_depth(what: &'static str, found: usize, most: usize) -> Result<(), DocumentLimitExceeded> {
    if found > most {
        return Err(DocumentLimitExceeded::TooDeep { what, most });
    }
    Ok(())
}

/// The size of an operation or a fragment, without the fragments that it spreads.
#[derive(Debug, Default)]
struct DefinitionSize<'a> {
    /// The number of fields, spreads and inline fragments as written.
    selections: usize,
    /// The number of fields of its own selection set.
    root_fields: usize,
    /// The depth of its own nested selections.
    depth: usize,
    /// The fragments that it spreads, each with the depth of the spread and whether the spread is in its own
    /// selection set, directly or within inline fragments.
    spreads: Vec<(&'a str, usize, bool)>,
}

/// An open bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OpenBracket {
    /// A selection set, and whether its fields are root fields of the definition.
    Selections { of_root: bool },
    /// Arguments or variables.
    Parenthesis,
    /// A list or an object, or a list in a type.
    Value,
}

/// The last token of a selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastToken {
    Nothing,
    /// A field or its alias.
    Field,
    Spread,
    /// `... on`, before the name of a type.
    On,
    /// An inline fragment, before its selection set.
    Inline,
    /// `@`, before the name of a directive.
    At,
    /// A colon, before the name of an aliased field.
    Colon,
}

/// The start of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DefinitionHeader<'a> {
    None,
    Operation,
    /// The keyword `fragment`, before the name of the fragment.
    Fragment,
    Named(&'a str),
}

struct DocumentScan<'a, 'b> {
    limits: &'b DocumentLimits,
    size: DocumentSize,
    open: Vec<OpenBracket>,
    /// The number of open selection sets. `nesting` is the number of open values.
    depth: usize,
    nesting: usize,
    last: LastToken,
    /// The state before a directive, to return to after it.
    before_at: LastToken,
    header: DefinitionHeader<'a>,
    definition: DefinitionSize<'a>,
    operations: Vec<DefinitionSize<'a>>,
    fragments: Vec<(&'a str, DefinitionSize<'a>)>,
}

impl<'a, 'b> DocumentScan<'a, 'b> {
    fn new(limits: &'b DocumentLimits) -> Self {
        Self {
            limits,
            size: DocumentSize::default(),
            open: Vec::new(),
            depth: 0,
            nesting: 0,
            last: LastToken::Nothing,
            before_at: LastToken::Nothing,
            header: DefinitionHeader::None,
            definition: DefinitionSize::default(),
            operations: Vec::new(),
            fragments: Vec::new(),
        }
    }

    fn read_token(&mut self, token: LexerToken<'a>) -> Result<(), DocumentLimitExceeded> {
        self.size.steps += 1;
        self.size.tokens += 1;
        check_count("tokens", self.size.tokens, self.limits.tokens)?;
        match self.open.last() {
            None => self.read_between_definitions(token),
            Some(OpenBracket::Selections { of_root }) => self.read_in_selections(token, *of_root),
            Some(OpenBracket::Parenthesis | OpenBracket::Value) => self.read_in_values(token),
        }
    }

    fn count_directive(&mut self) -> Result<(), DocumentLimitExceeded> {
        self.size.directives += 1;
        check_count("directives", self.size.directives, self.limits.directives)
    }

    fn read_between_definitions(&mut self, token: LexerToken<'a>) -> Result<(), DocumentLimitExceeded> {
        match (token, self.header) {
            (LexerToken::Punctuator('{'), _) => return self.open_selections(true),
            (LexerToken::Punctuator('('), _) => self.open.push(OpenBracket::Parenthesis),
            (LexerToken::Punctuator('@'), _) => return self.count_directive(),
            (LexerToken::Name("fragment"), DefinitionHeader::None) => {
                self.header = DefinitionHeader::Fragment;
            }
            (LexerToken::Name(name), DefinitionHeader::Fragment) => {
                self.header = DefinitionHeader::Named(name);
            }
            (LexerToken::Name(_), DefinitionHeader::None) => self.header = DefinitionHeader::Operation,
            _ => {}
        }
        Ok(())
    }

    fn open_selections(&mut self, of_root: bool) -> Result<(), DocumentLimitExceeded> {
        self.depth += 1;
        self.definition.depth = self.definition.depth.max(self.depth);
        check_depth("selections", self.depth, self.limits.depth)?;
        self.open.push(OpenBracket::Selections { of_root });
        self.last = LastToken::Nothing;
        Ok(())
    }

    fn count_selection(&mut self) -> Result<(), DocumentLimitExceeded> {
        self.definition.selections += 1;
        check_count("selections", self.definition.selections, self.limits.selections)
    }

    fn read_in_selections(
        &mut self,
        token: LexerToken<'a>,
        of_root: bool,
    ) -> Result<(), DocumentLimitExceeded> {
        match (token, self.last) {
            (LexerToken::Spread, _) => {
                self.count_selection()?;
                self.last = LastToken::Spread;
            }
            (LexerToken::Name("on"), LastToken::Spread) => self.last = LastToken::On,
            (LexerToken::Name(fragment), LastToken::Spread) => {
                self.definition.spreads.push((fragment, self.depth, of_root));
                self.last = LastToken::Nothing;
            }
            (LexerToken::Name(_), LastToken::On) => self.last = LastToken::Inline,
            (LexerToken::Name(_), LastToken::At) => self.last = self.before_at,
            (LexerToken::Name(_), LastToken::Colon) => self.last = LastToken::Field,
            (LexerToken::Name(_), _) => {
                self.count_selection()?;
                if of_root {
                    self.definition.root_fields += 1;
                    check_count(
                        "root fields",
                        self.definition.root_fields,
                        self.limits.root_fields,
                    )?;
                }
                self.last = LastToken::Field;
            }
            (LexerToken::Punctuator(':'), LastToken::Field) => {
                self.size.aliases += 1;
                check_count("aliases", self.size.aliases, self.limits.aliases)?;
                self.last = LastToken::Colon;
            }
            (LexerToken::Punctuator('@'), last) => {
                self.count_directive()?;
                // A spread followed by a directive is an inline fragment without a type condition.
                self.before_at = if last == LastToken::Spread {
                    LastToken::Inline
                } else {
                    last
                };
                self.last = LastToken::At;
            }
            (LexerToken::Punctuator('('), _) => self.open.push(OpenBracket::Parenthesis),
            (LexerToken::Punctuator('{'), last) => {
                let looked_through = matches!(last, LastToken::Spread | LastToken::Inline);
                return self.open_selections(of_root && looked_through);
            }
            (LexerToken::Punctuator('}'), _) => self.close_selections(),
            (LexerToken::Punctuator(_) | LexerToken::Literal, _) => {}
        }
        Ok(())
    }

    fn close_selections(&mut self) {
        self.open.pop();
        self.depth = self.depth.saturating_sub(1);
        self.last = LastToken::Nothing;
        if self.open.is_empty() {
            self.finish_definition();
        }
    }

    /// Ends the current definition.
    fn finish_definition(&mut self) {
        let definition = std::mem::take(&mut self.definition);
        match std::mem::replace(&mut self.header, DefinitionHeader::None) {
            DefinitionHeader::Named(name) => self.fragments.push((name, definition)),
            DefinitionHeader::None | DefinitionHeader::Operation | DefinitionHeader::Fragment => {
                self.operations.push(definition);
            }
        }
    }

    fn read_in_values(&mut self, token: LexerToken<'a>) -> Result<(), DocumentLimitExceeded> {
        match token {
            LexerToken::Punctuator('[' | '{') => {
                self.open.push(OpenBracket::Value);
                self.nesting += 1;
                self.size.nesting = self.size.nesting.max(self.nesting);
                check_depth("lists, objects and types", self.nesting, self.limits.nesting)?;
            }
            // A parenthesis inside another is invalid GraphQL, but its nesting must be limited as well.
            LexerToken::Punctuator('(') => {
                self.nesting += 1;
                check_depth("lists, objects and types", self.nesting, self.limits.nesting)?;
                self.open.push(OpenBracket::Value);
            }
            LexerToken::Punctuator(']' | '}' | ')') => {
                let closes_a_value = self.open.pop() == Some(OpenBracket::Value);
                self.nesting -= usize::from(closes_a_value);
            }
            // The variables of an operation can have directives.
            LexerToken::Punctuator('@') => return self.count_directive(),
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Result<DocumentSize, DocumentLimitExceeded> {
        // An unclosed definition is measured as well.
        if !self.open.is_empty() {
            self.finish_definition();
        }
        check_count("operations", self.operations.len(), self.limits.operations)?;
        check_count("fragments", self.fragments.len(), self.limits.fragments)?;
        self.size.operations = self.operations.len();
        self.size.fragments = self.fragments.len();
        let mut expansion = FragmentExpansion::new(&self.fragments);
        let mut totals = Vec::with_capacity(self.operations.len() + self.fragments.len());
        for (at, _) in self.fragments.iter().enumerate() {
            totals.push((expansion.expand_fragment(at)?, false));
        }
        for operation in &self.operations {
            totals.push((expansion.expand_definition(operation), true));
        }
        self.size.steps += expansion.steps;
        for (total, is_operation) in totals {
            check_count("selections", total.selections, self.limits.selections)?;
            check_depth("selections", total.depth, self.limits.depth)?;
            self.size.selections = self.size.selections.max(total.selections);
            self.size.depth = self.size.depth.max(total.depth);
            if is_operation {
                check_count("root fields", total.root_fields, self.limits.root_fields)?;
                self.size.root_fields = self.size.root_fields.max(total.root_fields);
            }
        }
        Ok(self.size)
    }
}

/// The size of a definition with its fragments expanded.
#[derive(Clone, Copy, Debug, Default)]
struct ExpandedSize {
    selections: usize,
    root_fields: usize,
    depth: usize,
}

/// The state of the expansion of a fragment.
#[derive(Clone, Copy, Debug)]
enum ExpansionState {
    Pending,
    InProgress,
    Done(ExpandedSize),
}

/// Expands each fragment once, however often it is spread.
struct FragmentExpansion<'a, 'b> {
    fragments: &'b [(&'a str, DefinitionSize<'a>)],
    by_name: HashMap<&'a str, usize>,
    states: Vec<ExpansionState>,
    steps: usize,
}

impl<'a, 'b> FragmentExpansion<'a, 'b> {
    fn new(fragments: &'b [(&'a str, DefinitionSize<'a>)]) -> Self {
        // Two fragments with the same name are an error. The first is used here.
        let named = fragments.iter().enumerate().rev();
        Self {
            fragments,
            by_name: named.map(|(at, (name, _))| (*name, at)).collect(),
            states: vec![ExpansionState::Pending; fragments.len()],
            steps: 0,
        }
    }

    /// Computes the expanded size of a fragment. Uses an explicit stack instead of recursion.
    fn expand_fragment(&mut self, fragment: usize) -> Result<ExpandedSize, DocumentLimitExceeded> {
        // Each fragment with the number of its spreads that were followed.
        let mut under_way = vec![(fragment, 0)];
        while let Some((at, gone_into)) = under_way.pop() {
            let (name, definition) = &self.fragments[at];
            if let ExpansionState::Done(_) = self.states[at] {
                continue;
            }
            if gone_into == 0 {
                self.states[at] = ExpansionState::InProgress;
            }
            let Some((spread, ..)) = definition.spreads.get(gone_into) else {
                let total = self.expand_definition(definition);
                self.states[at] = ExpansionState::Done(total);
                continue;
            };
            self.steps += 1;
            under_way.push((at, gone_into + 1));
            // The library reports an unknown fragment.
            if let Some(next) = self.by_name.get(spread) {
                match self.states[*next] {
                    ExpansionState::Pending => under_way.push((*next, 0)),
                    ExpansionState::InProgress => {
                        return Err(DocumentLimitExceeded::Cycle((*name).to_owned()));
                    }
                    ExpansionState::Done(_) => {}
                }
            }
        }
        Ok(match self.states[fragment] {
            ExpansionState::Done(total) => total,
            // Every fragment that was started is done by now.
            ExpansionState::Pending | ExpansionState::InProgress => ExpandedSize::default(),
        })
    }

    /// Computes the expanded size of a definition whose fragments are already expanded.
    fn expand_definition(&mut self, definition: &DefinitionSize<'_>) -> ExpandedSize {
        let mut total = ExpandedSize {
            selections: definition.selections,
            root_fields: definition.root_fields,
            depth: definition.depth,
        };
        for (spread, depth, of_root) in &definition.spreads {
            self.steps += 1;
            let Some(ExpansionState::Done(of_spread)) = self.by_name.get(spread).map(|at| self.states[*at])
            else {
                continue;
            };
            total.selections = total.selections.saturating_add(of_spread.selections);
            // The selection set of a fragment replaces its spread.
            total.depth = total.depth.max(depth - 1 + of_spread.depth);
            if *of_root {
                total.root_fields = total.root_fields.saturating_add(of_spread.root_fields);
            }
        }
        total
    }
}
