//! Explanations as text.

use core::fmt;
use std::collections::BTreeSet;

use super::proof::{Counted, Part, Proof, RuleRef};
use super::repair::Repair;
use super::why_not::{Attempt, Failure, Obstacle, Reason, WhyNot};

/// Levels that are indented; deeper ones begin with their number instead.
const INDENT_MAX: usize = 30;
/// A tree of more facts than this is printed once, and named wherever else it is used.
const REPEATED_MAX: u128 = 4;

/// The start of a line at this depth.
fn indent(f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    write!(f, "{:width$}", "", width = depth.min(INDENT_MAX) * 2)?;
    if depth > INDENT_MAX { write!(f, "[{depth}] ") } else { Ok(()) }
}

impl fmt::Display for RuleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, line, clause } = self;
        write!(f, "by {source}:{line}  {clause}")
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tree(f, self, 0)
    }
}

/// Prints a tree. Goes by a list of its own, since a proof may be deeper than the stack.
fn tree(f: &mut fmt::Formatter<'_>, proof: &Proof, depth: usize) -> fmt::Result {
    let root = Part::Step(proof.at);
    let (mut open, mut seen) = (vec![(&root, depth)], BTreeSet::new());
    let mut first = true;
    while let Some((part, depth)) = open.pop() {
        if !core::mem::take(&mut first) {
            f.write_str("\n")?;
        }
        indent(f, depth)?;
        let at = match part {
            Part::Step(at) => *at,
            Part::Absent(text) => {
                write!(f, "no row of {text}")?;
                continue;
            }
            Part::Condition(text) => {
                f.write_str(text)?;
                continue;
            }
            Part::Aggregate(counted) => {
                members(f, counted, depth)?;
                continue;
            }
        };
        let Some(step) = proof.steps.get(at) else { continue };
        f.write_str(&step.text())?;
        let Some((_, rule)) = &step.rule else { continue };
        if step.size > REPEATED_MAX && !seen.insert(at) {
            f.write_str("  (see above)")?;
            continue;
        }
        f.write_str("\n")?;
        indent(f, depth + 1)?;
        write!(f, "{rule}")?;
        open.extend(step.parts.iter().rev().map(|part| (part, depth + 1)));
    }
    Ok(())
}

fn members(f: &mut fmt::Formatter<'_>, counted: &Counted, depth: usize) -> fmt::Result {
    let Counted { text, value, lines, total, .. } = counted;
    write!(f, "{value} = {text}, over {total}")?;
    for line in lines {
        f.write_str("\n")?;
        indent(f, depth + 1)?;
        f.write_str(line)?;
    }
    more(f, lines.len(), *total, depth + 1)
}

/// Says how many were left out.
fn more(f: &mut fmt::Formatter<'_>, shown: usize, total: u64, depth: usize) -> fmt::Result {
    let left = total.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
    if left == 0 {
        return Ok(());
    }
    f.write_str("\n")?;
    indent(f, depth)?;
    write!(f, "and {left} more")
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds(proof) => proof.fmt(f),
            Self::Fails(failure) => failure.fmt(f),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not hold", self.text)?;
        if let Some(missing) = &self.missing {
            f.write_str("\n  no such fact was given")?;
            if missing.is_empty {
                write!(f, "; there is none of {} at all", self.name)?;
            }
            for line in &missing.lines {
                write!(f, "\n  but there is {line}")?;
            }
        } else if self.attempts.is_empty() {
            f.write_str("\n  no rule gives it")?;
        }
        self.attempts.iter().try_for_each(|attempt| write!(f, "\n{attempt}"))
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  not {}", self.rule)?;
        if !self.bound.is_empty() {
            let bound: Vec<String> = self.bound.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            write!(f, "\n    with {}", bound.join(", "))?;
        }
        write!(f, "\n    {}", self.obstacle)?;
        self.others.iter().try_for_each(|other| write!(f, "\n    nor otherwise: {other}"))
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.literal;
        match &self.reason {
            Reason::HeadDiffers => write!(f, "it gives only {text}"),
            Reason::NoRow => write!(f, "there is no {text}"),
            Reason::NoRowsAtAll => write!(f, "there is no {text}: nothing of that relation holds at all"),
            Reason::False => write!(f, "{text} is not so"),
            Reason::Aggregate(None) => write!(f, "{text} has no value: there is nothing to take it over"),
            Reason::Aggregate(Some(counted)) => {
                write!(f, "{text} is not so:\n      ")?;
                members(f, counted, 3)
            }
            Reason::RowsThere { proofs, total } => {
                write!(f, "{text} is not so:")?;
                for proof in proofs {
                    f.write_str("\n")?;
                    tree(f, proof, 3)?;
                }
                more(f, proofs.len(), *total, 3)
            }
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lines.is_empty() {
            return f.write_str("nothing needs to change");
        }
        f.write_str(&self.lines.join(", "))
    }
}
