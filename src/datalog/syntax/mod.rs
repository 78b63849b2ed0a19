//! From text to a tree: tokens, then clauses and directives. What a name means is not looked at here.

mod ast;
mod clause;
mod decl;
mod expr;
mod parser;
mod token;

pub(super) use ast::{Aggregate, Call, Clause, Comparison, Condition, Declaration, Expr, Ident, Item, Mark, TypeBody};
pub(super) use decl::COLUMNS_MAX;
pub(super) use parser::{parse, parse_atom, parse_body};
