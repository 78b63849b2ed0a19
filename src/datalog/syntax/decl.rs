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

/// Whether a parameter of `.input`, or of what prints, asks for what happens anyway.
fn is_usual(mark: Mark, parts: &[Kind<'_>], names: &[Ident<'_>]) -> bool {
    let [Kind::Word(key), Kind::Sign("="), Kind::Word(value) | Kind::Text(value)] = parts else { return false };
    let input = mark == Mark::Input;
    match *key {
        "IO" if input => *value == "file",
        "IO" => *value == if mark == Mark::PrintSize { "stdoutprintsize" } else { "stdout" },
        // One file for several predicates is not what happens.
        "filename" if input => matches!(names, [name] if value.strip_suffix(".facts") == Some(name.text)),
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
                self.names(None)?;
                let message = "`.limitsize` is ignored: the limits of an evaluation are given to it";
                self.report.add(Finding::warning("W-ignored", start, message));
                Ok(None)
            }
            "pragma" | "plan" | "once" | "include" => {
                if word == "include" {
                    let message = "`.include` is ignored: whoever runs the program gives all its texts";
                    self.report.add(Finding::warning("W-ignored", start, message));
                }
                self.rest_of_line(start.line);
                Ok(None)
            }
            _ => match mark(word) {
                Some(mark) => Ok(Some(Item::Mark(mark, self.names(Some(mark))?))),
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

    /// `a, b(IO=file, ...)`: the parameters are for Souffle's own files. Whoever writes them behind a mark may expect more of
    /// them than there is.
    fn names(&mut self, mark: Option<Mark>) -> Read<Vec<Ident<'s>>> {
        let mut names = Vec::new();
        // The names before this one have parameters of their own.
        let mut first = 0;
        loop {
            let name = self.word("the name of a predicate")?;
            if self.within_component(name.span) {
                self.skip();
                self.skip();
                return Err(self.unsupported(name.span, "a name within a component"));
            }
            names.push(name);
            if self.took("(") {
                while !self.took(")") {
                    if matches!(self.peek(), Kind::End | Kind::Directive(_)) {
                        return Err(self.unexpected("`)`"));
                    }
                    self.parameter(mark, names.get(first..).unwrap_or_default());
                }
                first = names.len();
            }
            if !self.took(",") {
                return Ok(names);
            }
        }
    }

    /// Whether a dot and a name stand right behind this name.
    fn within_component(&self, name: Span) -> bool {
        self.at(".") && self.place().start == name.end && self.peek_second().word().is_some()
    }

    /// One parameter of these names, and the comma behind it.
    fn parameter(&mut self, mark: Option<Mark>, names: &[Ident<'_>]) {
        let start = self.place();
        let mut parts = Vec::new();
        while !matches!(self.peek(), Kind::Sign("," | ")") | Kind::End | Kind::Directive(_)) {
            parts.push(self.peek());
            self.skip();
        }
        let whole = self.since(start);
        self.took(",");
        let Some(mark) = mark.filter(|mark| !parts.is_empty() && !is_usual(*mark, &parts, names)) else { return };
        let (why, hint) = match mark {
            Mark::Input => (
                "facts are given by whoever runs the program",
                "the command line reads `NAME.facts`, with tabs between the columns",
            ),
            Mark::Output | Mark::PrintSize => {
                ("rows go to whoever runs the program", "the command line prints them, with tabs between the columns")
            }
            Mark::Maintain | Mark::Changeable | Mark::Extensible | Mark::Storage | Mark::Equivalence => {
                ("this mark has no parameters", "leave it out")
            }
        };
        let name = parts.first().and_then(|part| part.word());
        let name = name.map_or_else(|| "a parameter".to_owned(), |name| format!("`{name}`"));
        let finding = Finding::warning("W-ignored", whole, format!("{name} is ignored: {why}"));
        self.report.add(finding.hint(hint));
    }

    fn declaration(&mut self) -> Read<Declaration<'s>> {
        let mut names = vec![self.word("the name of a predicate")?];
        while self.took(",") {
            names.push(self.word("the name of a predicate")?);
        }
        let mut columns = Vec::new();
        if self.took("(") && !self.took(")") {
            loop {
                let column = self.column()?;
                if columns.iter().any(|other: &ColumnText<'_>| other.name.text == column.name.text) {
                    let message = format!("two columns are called `{}`", column.name.text);
                    self.report.add(Finding::error("E-redeclared", column.name.span, message));
                }
                columns.push(column);
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
