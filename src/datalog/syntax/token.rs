//! Tokens.

use winnow::ascii::digit1;
use winnow::combinator::{alt, cut_err, dispatch, fail, opt, peek, preceded, repeat, terminated};
use winnow::error::{EmptyError, ErrMode};
use winnow::prelude::*;
use winnow::token::{any, one_of, rest, take_till, take_until, take_while};

use crate::datalog::diagnostic::{Finding, Report};
use crate::datalog::ir::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'s> {
    Word(&'s str),
    /// `.decl` and its like, without the dot.
    Directive(&'s str),
    /// The size of a number: a sign is a token of its own.
    Number(u64),
    /// What stands between the quotes, escapes as they are.
    Text(&'s str),
    /// What stands behind the `@`.
    Instant(&'s str),
    /// Brackets, operators, stops.
    Sign(&'static str),
    /// Was reported when it was read.
    Wrong,
    End,
}

impl<'s> Kind<'s> {
    pub(super) fn word(self) -> Option<&'s str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Directive(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::Instant(_)
            | Self::Sign(_)
            | Self::Wrong
            | Self::End => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind<'s>,
    pub(super) span: Span,
}

/// Words that are a directive when a dot stands right before them. Others follow a stop.
const DIRECTIVES: [&str; 20] = [
    "changeable",
    "comp",
    "decl",
    "extensible",
    "functor",
    "include",
    "init",
    "input",
    "lattice",
    "limitsize",
    "maintain",
    "number_type",
    "once",
    "output",
    "override",
    "plan",
    "pragma",
    "printsize",
    "symbol_type",
    "type",
];

/// Longer ones first.
const SIGNS: [&str; 31] = [
    ":-", "?-", "<=", ">=", "!=", "<:", "**", "->", "(", ")", "{", "}", "[", "]", ",", ";", ":", ".", "=", "<", ">",
    "!", "+", "-", "*", "/", "%", "^", "|", "$", "&",
];

/// What can be wrong with the letters, and how it is said.
#[derive(Clone, Copy)]
enum Slip {
    Unknown,
    OpenText,
    OpenComment,
    Float,
    Number,
    Instant,
}

#[derive(Clone)]
enum Piece<'s> {
    Token(Kind<'s>),
    Blank,
    Slip(Slip),
}

type Read<T> = Result<T, ErrMode<EmptyError>>;

/// The tokens of a text, the last being [`Kind::End`]. What is wrong is reported.
pub(super) fn tokens<'s>(text: &'s str, source: u32, report: &mut Report<'_>) -> Vec<Token<'s>> {
    let mut found = Vec::with_capacity(text.len() / 3);
    let mut left = text;
    let mut place = Span { source, line: 1, column: 1, start: 0, end: 0 };
    while !left.is_empty() {
        let before = left;
        let read = piece(&mut left).unwrap_or_else(|_| {
            let mut letters = before.chars();
            letters.next();
            left = letters.as_str();
            Piece::Slip(Slip::Unknown)
        });
        let (taken, _) = before.split_at(before.len() - left.len());
        place.end = place.start.saturating_add(u32::try_from(taken.len()).unwrap_or(u32::MAX));
        match read {
            Piece::Blank => {
                let first = found.last().is_none_or(|before: &Token<'_>| before.span.line < place.line);
                if let Some(finding) = preprocessor(taken, place).filter(|_| first) {
                    report.add(finding);
                }
            }
            Piece::Token(kind) => found.push(Token { kind, span: place }),
            Piece::Slip(slip) => {
                report.add(explain(slip, place, taken));
                found.push(Token { kind: Kind::Wrong, span: place });
            }
        }
        advance(&mut place, taken);
    }
    found.push(Token { kind: Kind::End, span: place });
    found
}

/// A line for the preprocessor that Souffle runs a program through.
fn preprocessor(line: &str, span: Span) -> Option<Finding> {
    let word = line.strip_prefix('#')?.split(|letter: char| !letter.is_ascii_lowercase()).next()?;
    if !matches!(word, "include" | "define" | "undef" | "if" | "ifdef" | "ifndef" | "else" | "elif" | "endif") {
        return None;
    }
    let message = format!("`#{word}` is ignored: a line that starts with `#` is a comment");
    Some(
        Finding::warning("W-ignored", span, message).hint("there is no preprocessor: put the text together beforehand"),
    )
}

fn advance(place: &mut Span, taken: &str) {
    place.start = place.end;
    for letter in taken.chars() {
        if letter == '\n' {
            place.line += 1;
            place.column = 1;
        } else {
            place.column += 1;
        }
    }
}

fn explain(slip: Slip, span: Span, taken: &str) -> Finding {
    let taken: String = taken.chars().take(40).collect();
    match slip {
        Slip::Unknown => Finding::error("E-syntax", span, format!("{taken:?} means nothing here"))
            .hint("names are made of the letters a to z, digits and `_`; other letters stand in \"quotes\""),
        Slip::OpenText => Finding::error("E-syntax", span, "a text that no `\"` ends on its line")
            .hint("a line break in a text is written `\\n`"),
        Slip::OpenComment => Finding::error("E-syntax", span, "a comment that no `*/` ends"),
        Slip::Float => Finding::error("E-float", span, format!("`{taken}` is no whole number"))
            .hint("there are no fractions; count in a smaller unit"),
        Slip::Number => Finding::error("E-number", span, format!("`{taken}` is no number of 64 bits"))
            .hint("durations end in ms, s, m, h or d"),
        Slip::Instant => Finding::error("E-instant", span, format!("`{taken}` is no instant"))
            .hint("an instant is written @2026-01-05T19:00:00Z"),
    }
}

fn piece<'s>(input: &mut &'s str) -> Read<Piece<'s>> {
    dispatch! { peek(any);
        ' ' | '\t' | '\r' | '\n' | '\u{c}' => take_while(1.., [' ', '\t', '\r', '\n', '\u{c}']).value(Piece::Blank),
        '#' => line_comment,
        '/' => alt((preceded("//", line_comment), block_comment, sign)),
        'a'..='z' | 'A'..='Z' | '_' => word.map(|word| Piece::Token(Kind::Word(word))),
        '?' => alt((sign, word.map(|word| Piece::Token(Kind::Word(word))))),
        '0'..='9' => number,
        '"' => text,
        '@' => instant,
        '.' => alt((directive, sign)),
        _ => sign,
    }
    .parse_next(input)
}

fn line_comment<'s>(input: &mut &'s str) -> Read<Piece<'s>> {
    take_till(0.., '\n').value(Piece::Blank).parse_next(input)
}

fn block_comment<'s>(input: &mut &'s str) -> Read<Piece<'s>> {
    "/*".parse_next(input)?;
    let closed = (take_until(0.., "*/"), "*/").value(Piece::Blank);
    alt((closed, rest.value(Piece::Slip(Slip::OpenComment)))).parse_next(input)
}

fn word<'s>(input: &mut &'s str) -> Read<&'s str> {
    let start = one_of(('a'..='z', 'A'..='Z', '_', '?'));
    (start, word_end).take().parse_next(input)
}

fn word_end<'s>(input: &mut &'s str) -> Read<&'s str> {
    take_while(0.., ('a'..='z', 'A'..='Z', '0'..='9', '_', '?')).parse_next(input)
}

fn directive<'s>(input: &mut &'s str) -> Read<Piece<'s>> {
    let named = word.verify(|word: &str| DIRECTIVES.contains(&word));
    preceded('.', named).map(|word| Piece::Token(Kind::Directive(word))).parse_next(input)
}

fn sign<'s>(input: &mut &'s str) -> Read<Piece<'s>> {
    let Some(sign) = SIGNS.into_iter().find(|sign| input.starts_with(sign)) else { return fail.parse_next(input) };
    sign.value(Piece::Token(Kind::Sign(sign))).parse_next(input)
}

/// Also counts `0x1f`, `0b101` and durations such as `90m`.
fn number<'s>(input: &mut &'s str) -> Read<Piece<'s>> {
    let digits = digit1.parse_next(input)?;
    let suffix = word_end.parse_next(input)?;
    let fraction = opt(('.', digit1, word_end)).parse_next(input)?;
    let exponent = suffix.strip_prefix(['e', 'E']).is_some_and(|power| power.bytes().all(|byte| byte.is_ascii_digit()));
    if fraction.is_some() || exponent {
        return Ok(Piece::Slip(Slip::Float));
    }
    let value = if let Some(hex) = suffix.strip_prefix('x').filter(|_| digits == "0") {
        u64::from_str_radix(hex, 16).ok()
    } else if let Some(bits) = suffix.strip_prefix('b').filter(|_| digits == "0") {
        u64::from_str_radix(bits, 2).ok()
    } else {
        unit(suffix).and_then(|unit| digits.parse::<u64>().ok()?.checked_mul(unit))
    };
    Ok(value.map_or(Piece::Slip(Slip::Number), |value| Piece::Token(Kind::Number(value))))
}

/// Milliseconds of a unit; 1 for none and for Souffle's mark of an unsigned number.
fn unit(suffix: &str) -> Option<u64> {
    match suffix {
        "" | "u" | "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    }
}

fn text<'s>(input: &mut &'s str) -> Read<Piece<'s>> {
    let plain = take_while(1.., |letter| !matches!(letter, '"' | '\\' | '\n')).void();
    let escape = ('\\', any.verify(|letter: &char| *letter != '\n')).void();
    let inside = repeat::<_, _, (), _, _>(0.., alt((plain, escape))).take();
    let closed = preceded('"', terminated(inside, '"')).map(|inside| Piece::Token(Kind::Text(inside)));
    let open = take_till(0.., '\n').value(Piece::Slip(Slip::OpenText));
    alt((closed, open)).parse_next(input)
}

/// `@2026-01-05T19:00:00Z`; `@name(` is a function of the host, as Souffle writes it.
fn instant<'s>(input: &mut &'s str) -> Read<Piece<'s>> {
    '@'.parse_next(input)?;
    let called = word.map(|word| Piece::Token(Kind::Word(word)));
    let pair = || take_while(2, '0'..='9');
    let date = (opt('-'), digit1, '-', pair(), '-', pair());
    let clock = (pair(), ':', pair(), opt((':', pair())), opt(('.', digit1)));
    let zone = alt((one_of(['Z', 'z']).void(), (one_of(['+', '-']), pair(), opt(':'), pair()).void()));
    // The second is how an instant is printed that has no date.
    let instant = alt(((date, one_of(['T', 't']), clock, zone).void(), (opt('-'), digit1, "ms").void())).take();
    let wrong = take_while(0.., ('a'..='z', 'A'..='Z', '0'..='9', ':', '-', '_')).value(Piece::Slip(Slip::Instant));
    alt((called, instant.map(|instant| Piece::Token(Kind::Instant(instant))), cut_err(wrong))).parse_next(input)
}
