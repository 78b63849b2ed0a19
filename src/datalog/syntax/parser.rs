//! From tokens to items, one after the other; what is wrong in one is skipped to its end.

use winnow::stream::{Stream as _, TokenSlice};

use super::ast::{Call, Condition, Ident, Item};
use super::token::{Kind, Token, tokens};
use crate::datalog::diagnostic::{Finding, Report};
use crate::datalog::ir::{Source, Span};

/// Bytes of one source.
const BYTES_MAX: usize = 32 << 20;

/// How deep brackets may be nested, and how many operators may be chained.
const DEPTH_MAX: usize = 64;

/// It was reported why.
#[derive(Debug)]
pub(super) struct Failed;

pub(super) type Read<T> = Result<T, Failed>;

/// What a source consists of.
#[derive(Debug)]
pub(crate) struct Parsed<'s> {
    pub(crate) items: Vec<Item<'s>>,
    /// A directive was not understood, so what is said about predicates later may be wrong.
    pub(crate) incomplete: bool,
}

pub(super) struct Parser<'t, 's, 'r, 'a> {
    input: TokenSlice<'t, Token<'s>>,
    pub(super) report: &'r mut Report<'a>,
    /// Where the item that is being read starts.
    start: Span,
    /// The last token that was taken.
    last: Span,
    depth: usize,
    /// How high the tree is that was read last.
    pub(super) height: usize,
}

/// Reads a program.
pub(crate) fn parse<'s>(source: &'s Source, number: u32, report: &mut Report<'_>) -> Parsed<'s> {
    let Some(tokens) = lex(source, number, report) else {
        return Parsed { items: Vec::new(), incomplete: true };
    };
    let mut parser = Parser::new(&tokens, report);
    let mut parsed = Parsed { items: Vec::new(), incomplete: false };
    while parser.peek() != Kind::End {
        let directive = matches!(parser.peek(), Kind::Directive(_));
        parser.begin();
        let read = if directive { parser.directive() } else { parser.clause().map(Item::Clause).map(Some) };
        match read {
            Ok(item) => parsed.items.extend(item),
            Err(Failed) => {
                parsed.incomplete |= directive;
                parser.recover(directive);
            }
        }
    }
    parsed
}

/// Reads what a query asks: a condition, with or without `?-` before and `.` behind it.
pub(crate) fn parse_body<'s>(source: &'s Source, number: u32, report: &mut Report<'_>) -> Option<Condition<'s>> {
    let tokens = lex(source, number, report)?;
    let mut parser = Parser::new(&tokens, report);
    parser.begin();
    parser.took("?-");
    let condition = parser.condition().ok()?;
    parser.finish().ok()?;
    Some(condition)
}

/// Reads one atom, with or without a `.` behind it.
pub(crate) fn parse_atom<'s>(source: &'s Source, number: u32, report: &mut Report<'_>) -> Option<Call<'s>> {
    let tokens = lex(source, number, report)?;
    let mut parser = Parser::new(&tokens, report);
    parser.begin();
    let atom = parser.head().ok()?;
    parser.finish().ok()?;
    Some(atom)
}

fn lex<'s>(source: &'s Source, number: u32, report: &mut Report<'_>) -> Option<Vec<Token<'s>>> {
    if source.text.len() > BYTES_MAX {
        let place = Span { source: number, line: 1, column: 1, start: 0, end: 0 };
        let message = format!("a text of {} bytes; {BYTES_MAX} are allowed", source.text.len());
        report.add(Finding::error("E-limit", place, message));
        return None;
    }
    Some(tokens(&source.text, number, report))
}

impl<'t, 's, 'r, 'a> Parser<'t, 's, 'r, 'a> {
    fn new(tokens: &'t [Token<'s>], report: &'r mut Report<'a>) -> Self {
        let input = TokenSlice::new(tokens);
        Self { input, report, start: Span::default(), last: Span::default(), depth: 0, height: 0 }
    }

    fn begin(&mut self) {
        self.start = self.place();
        self.last = Span { end: self.start.start, ..self.start };
        self.depth = 0;
    }

    pub(super) fn token(&self) -> Option<&'t Token<'s>> {
        self.input.peek_token()
    }

    pub(super) fn peek(&self) -> Kind<'s> {
        self.token().map_or(Kind::End, |token| token.kind)
    }

    /// The token behind the next one.
    pub(super) fn peek_second(&self) -> Kind<'s> {
        let mut ahead = self.input;
        ahead.next_token();
        ahead.next_token().map_or(Kind::End, |token| token.kind)
    }

    /// The line of the token behind the next one.
    pub(super) fn second_line(&self) -> Option<u32> {
        let mut ahead = self.input;
        ahead.next_token();
        ahead.next_token().map(|token| token.span.line)
    }

    /// Where the next token is.
    pub(super) fn place(&self) -> Span {
        self.token().map_or(self.last, |token| token.span)
    }

    pub(super) fn skip(&mut self) -> Span {
        if let Some(token) = self.token().filter(|token| token.kind != Kind::End) {
            self.last = token.span;
            self.input.next_token();
        }
        self.last
    }

    pub(super) fn at(&self, sign: &str) -> bool {
        matches!(self.peek(), Kind::Sign(next) if next == sign)
    }

    pub(super) fn at_word(&self, word: &str) -> bool {
        matches!(self.peek(), Kind::Word(next) if next == word)
    }

    /// Takes the sign if it is next.
    pub(super) fn took(&mut self, sign: &str) -> bool {
        let next = self.at(sign);
        if next {
            self.skip();
        }
        next
    }

    pub(super) fn expect(&mut self, sign: &str, wanted: &str) -> Read<()> {
        if self.took(sign) { Ok(()) } else { Err(self.unexpected(wanted)) }
    }

    pub(super) fn word(&mut self, wanted: &str) -> Read<Ident<'s>> {
        let Some(text) = self.peek().word() else { return Err(self.unexpected(wanted)) };
        Ok(Ident { text, span: self.skip() })
    }

    /// From there to the last token taken.
    pub(super) fn since(&self, start: Span) -> Span {
        Span { end: self.last.end.max(start.start), ..start }
    }

    pub(super) fn clause_span(&self) -> Span {
        self.since(self.start)
    }

    pub(super) fn fail(&mut self, finding: Finding) -> Failed {
        let clause = Span { end: self.last.end.max(self.place().end), ..self.start };
        self.report.add(finding.within(clause));
        Failed
    }

    /// The next token is not what it should be.
    pub(super) fn unexpected(&mut self, wanted: &str) -> Failed {
        let found = match self.peek() {
            Kind::Wrong => return Failed,
            Kind::End => "the end of the text".to_owned(),
            Kind::Word(word) => format!("`{word}`"),
            Kind::Directive(word) => format!("`.{word}`"),
            Kind::Number(number) => format!("`{number}`"),
            Kind::Text(_) => "a text".to_owned(),
            Kind::Instant(_) => "an instant".to_owned(),
            Kind::Sign(sign) => format!("`{sign}`"),
        };
        self.fail(Finding::error("E-syntax", self.place(), format!("{wanted} should stand here, not {found}")))
    }

    /// One bracket deeper; [`Self::leave`] undoes it.
    pub(super) fn enter(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(self.too_deep()) } else { Ok(()) }
    }

    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// What was just read is one higher than its highest part.
    pub(super) fn grow(&mut self, parts: usize) -> Read<()> {
        self.height = parts.saturating_add(1);
        if self.height > DEPTH_MAX { Err(self.too_deep()) } else { Ok(()) }
    }

    fn too_deep(&mut self) -> Failed {
        let message = format!("more than {DEPTH_MAX} brackets or operators within one another");
        self.fail(Finding::error("E-limit", self.place(), message).hint("use several rules"))
    }

    /// Skips to behind the `.` that ends a clause, or to the next directive.
    fn recover(&mut self, directive: bool) {
        while !matches!(self.peek(), Kind::End | Kind::Directive(_)) {
            // A directive has no stop of its own: what starts a line may be a clause again.
            let fresh = directive && self.place().column == 1 && self.place().line > self.last.line;
            if fresh || self.took(".") {
                return;
            }
            if directive && self.at("{") {
                self.block();
            } else {
                self.skip();
            }
        }
        // The directive that could not be read has not been passed yet.
        if directive && self.place() == self.start {
            self.skip();
        }
    }

    /// Skips what stands between braces, with all directives in it.
    fn block(&mut self) {
        let mut open = 0_usize;
        while self.peek() != Kind::End {
            open += usize::from(self.at("{"));
            let last = self.at("}") && open == 1;
            open -= usize::from(self.at("}"));
            self.skip();
            if last {
                return;
            }
        }
    }

    fn finish(&mut self) -> Read<()> {
        self.took(".");
        if self.peek() == Kind::End { Ok(()) } else { Err(self.unexpected("the end")) }
    }
}
