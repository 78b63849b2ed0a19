mod syntax;
mod syntax_print;
