//! Directives.

use super::ast::{ColumnText, Declaration, Ident, Item, Mark, TypeBody, TypeText};
use super::parser::{Failed, Parser, Read};
use super::token::Kind;
use crate::datalog::diagnostic::Finding;
use crate::datalog::ir::Span;

/// Columns of a predicate.
pub(in crate::datalog) const COLUMNS_MAX: usize = 64;

fn mark(word: &str) -> Option<Mark> {
    Some(match word {
        "input" => Mark::Input,
        "output" => Mark::Output,
        "printsize" => Mark::PrintSize,
        "maintain" => Mark::Maintain,
        "changeable" => Mark::Changeable,
        "extensible" => Mark::Extensible,
        "eqrel" => Mark::Equivalence,
        "inline" | "no_inline" | "magic" | "no_magic" | "btree" | "btree_delete" | "brie" | "overridable" => {
            Mark::Storage
        }
        _ => return None,
    })
}

/// Whether a parameter of `.input` asks for what happens anyway.
fn is_usual(parts: &[Kind<'_>], names: &[Ident<'_>]) -> bool {
    let [Kind::Word(key), Kind::Sign("="), Kind::Word(value) | Kind::Text(value)] = parts else { return false };
    match *key {
        "IO" => *value == "file",
        // One file for several predicates is not what happens.
        "filename" => matches!(names, [name] if value.strip_suffix(".facts") == Some(name.text)),
        "delimiter" => matches!(*value, "\\t" | "\t"),
        _ => false,
    }
}

impl<'s> Parser<'_, 's, '_, '_> {
    /// None for a directive that means nothing here.
    pub(super) fn directive(&mut self) -> Read<Option<Item<'s>>> {
        let Kind::Directive(word) = self.peek() else { return Err(self.unexpected("a directive")) };
        let start = self.skip();
        match word {
            "decl" => self.declaration().map(|one| Some(Item::Declaration(one))),
            "type" => self.type_declaration().map(|one| Some(Item::Type(one))),
            "number_type" => self.old_type(TypeBody::Number),
            "symbol_type" => self.old_type(TypeBody::Symbol),
            "limitsize" => {
                self.names(false)?;
                let message = "`.limitsize` is ignored: the limits of an evaluation are given to it";
                self.report.add(Finding::warning("W-ignored", start, message));
                Ok(None)
            }
            "pragma" | "plan" | "once" | "include" => {
                self.rest_of_line(start.line);
                Ok(None)
            }
            _ => match mark(word) {
                Some(mark) => Ok(Some(Item::Mark(mark, self.names(mark == Mark::Input)?))),
                None => Err(self.unsupported(start, &format!("`.{word}`"))),
            },
        }
    }

    fn unsupported(&mut self, span: Span, what: &str) -> Failed {
        self.fail(Finding::error("E-unsupported", span, format!("{what} is not supported")))
    }

    fn rest_of_line(&mut self, line: u32) {
        while self.peek() != Kind::End && self.place().line == line {
            self.skip();
        }
    }

    /// `a, b(IO=file, ...)`: the parameters are for Souffle's own files. Whoever writes them behind `.input` may expect
    /// more of them than there is.
    fn names(&mut self, input: bool) -> Read<Vec<Ident<'s>>> {
        let mut names = Vec::new();
        // The names before this one have parameters of their own.
        let mut first = 0;
        loop {
            names.push(self.word("the name of a predicate")?);
            if self.took("(") {
                while !self.took(")") {
                    if matches!(self.peek(), Kind::End | Kind::Directive(_)) {
                        return Err(self.unexpected("`)`"));
                    }
                    self.parameter(input, names.get(first..).unwrap_or_default());
                }
                first = names.len();
            }
            if !self.took(",") {
                return Ok(names);
            }
        }
    }

    /// One parameter of these names, and the comma behind it.
    fn parameter(&mut self, input: bool, names: &[Ident<'_>]) {
        let start = self.place();
        let mut parts = Vec::new();
        while !matches!(self.peek(), Kind::Sign("," | ")") | Kind::End | Kind::Directive(_)) {
            parts.push(self.peek());
            self.skip();
        }
        let whole = self.since(start);
        self.took(",");
        if input && !parts.is_empty() && !is_usual(&parts, names) {
            let name = parts.first().and_then(|part| part.word());
            let name = name.map_or_else(|| "a parameter of `.input`".to_owned(), |name| format!("`{name}`"));
            let message = format!("{name} is ignored: facts are given by whoever runs the program");
            let finding = Finding::warning("W-ignored", whole, message);
            self.report.add(finding.hint("the command line reads `NAME.facts`, with tabs between the columns"));
        }
    }

    fn declaration(&mut self) -> Read<Declaration<'s>> {
        let mut names = vec![self.word("the name of a predicate")?];
        while self.took(",") {
            names.push(self.word("the name of a predicate")?);
        }
        let mut columns = Vec::new();
        if self.took("(") && !self.took(")") {
            loop {
                columns.push(self.column()?);
                if !self.took(",") {
                    break;
                }
            }
            self.expect(")", "`,` or `)`")?;
        }
        let line = self.since(self.place()).line;
        let marks = self.marks(line)?;
        Ok(Declaration { names, columns, marks })
    }

    fn column(&mut self) -> Read<ColumnText<'s>> {
        let name = self.word("the name of a column")?;
        self.expect(":", "`:` and the type of the column")?;
        let bound = self.took("+");
        let ty = self.word("the type of the column")?;
        Ok(ColumnText { name, ty, bound })
    }

    /// Bare words may follow on later lines, as long as no bracket, stop or `:-` makes them a clause. Marks with a dot that
    /// name no predicate belong to the declaration.
    fn marks(&mut self, line: u32) -> Read<Vec<(Mark, Span)>> {
        let mut marks = Vec::new();
        loop {
            let starts_clause = matches!(self.peek_second(), Kind::Sign("(" | ":-" | "." | ","));
            let word = match self.peek() {
                Kind::Word("choice") => return Err(self.unsupported(self.place(), "`choice-domain`")),
                Kind::Word(word) if !starts_clause => word,
                Kind::Directive(word) if self.place().line == line && !self.named_mark(line) => word,
                Kind::Word(_)
                | Kind::Directive(_)
                | Kind::Number(_)
                | Kind::Text(_)
                | Kind::Instant(_)
                | Kind::Sign(_)
                | Kind::Wrong
                | Kind::End => return Ok(marks),
            };
            let Some(mark) = mark(word) else {
                if matches!(self.peek(), Kind::Directive(_)) {
                    return Ok(marks);
                }
                return Err(self.unexpected("a mark such as `maintain`, or a clause,"));
            };
            marks.push((mark, self.skip()));
        }
    }

    /// Whether a name follows the mark on its line: then it is a directive of its own.
    fn named_mark(&self, line: u32) -> bool {
        self.peek_second().word().is_some_and(|word| mark(word).is_none()) && self.second_line() == Some(line)
    }

    fn old_type(&mut self, body: TypeBody<'s>) -> Read<Option<Item<'s>>> {
        let name = self.word("the name of a type")?;
        Ok(Some(Item::Type(TypeText { name, body })))
    }

    fn type_declaration(&mut self) -> Read<TypeText<'s>> {
        let name = self.word("the name of a type")?;
        if self.took("<:") {
            return Ok(TypeText { name, body: TypeBody::Of(vec![self.word("a type")?]) });
        }
        if !self.took("=") {
            return Ok(TypeText { name, body: TypeBody::Symbol });
        }
        if self.at("[") || matches!(self.peek_second(), Kind::Sign("{")) {
            return Err(self.fail(
                Finding::error("E-unsupported", name.span, "records and their like are not supported")
                    .hint("give each part a column of its own"),
            ));
        }
        let mut of = vec![self.word("a type")?];
        while self.took("|") {
            of.push(self.word("a type")?);
        }
        Ok(TypeText { name, body: TypeBody::Of(of) })
    }
}
