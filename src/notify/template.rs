//! Facts to words: templates of notices.

use core::fmt;
use std::io;

use jiff::tz::TimeZone;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};
use serde::Serialize;

use super::clock;
use super::kind::NoticeKind;

/// Most bytes of a part that was written out.
const OUTPUT_MAX: usize = 256 * 1_024;

/// Most bytes of a template.
const SOURCE_MAX: usize = 64 * 1_024;

/// Most steps that a part may take. A digest of 1,000 entries takes about 100,000.
const FUEL: u64 = 500_000;

/// Most characters of a subject. What is beyond is cut off.
const SUBJECT_MAX: usize = 200;

/// A part of a notice that has a template of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplatePart {
    /// The subject: one line.
    Subject,
    /// The letter as plain text. Nothing is escaped.
    Text,
    /// The letter as HTML. What the facts say is escaped.
    Html,
}

impl TemplatePart {
    fn suffix(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Text => "txt",
            Self::Html => "html",
        }
    }
}

/// Why a template cannot be used. Names it, as in `reminder.html`, and the line, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// It cannot be read.
    #[error("{template}, line {line}: {reason}")]
    Syntax {
        /// The template.
        template: String,
        /// The line, counted from 1; 0 where it is not known.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// It cannot be filled in with these facts.
    #[error("{template}, line {line}: {reason}")]
    Render {
        /// The template.
        template: String,
        /// The line, counted from 1; 0 where it is not known.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// It takes too many steps.
    #[error("{template}: takes more than {FUEL} steps")]
    Endless {
        /// The template.
        template: String,
    },
    /// It is too long, or what it writes is.
    #[error("{template}: longer than {limit} bytes")]
    TooLong {
        /// The template.
        template: String,
        /// Bytes allowed.
        limit: usize,
    },
    /// The host has set none for a kind of its own.
    #[error("{template}: there is no such template")]
    Missing {
        /// The template.
        template: String,
    },
}

/// A notice in words.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line of at most 200 characters, without line breaks and other control characters.
    pub subject: String,
    /// The letter as plain text.
    pub text: String,
    /// The same as HTML; none where there is no template for it.
    pub html: Option<String>,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").finish_non_exhaustive()
    }
}

/// Templates of all kinds of notice, in the language of Jinja as the crate minijinja reads it: expressions, `if`, `for`, `set`
/// and filters; no macros, no includes, no files.
///
/// * Each kind of boxoffice has templates in English. A host may set any of them, and sets those of its own kinds: subject and
///   text at least.
/// * What a template names and the facts do not have is an error, in templates of boxoffice and of the host alike. A fact that is
///   absent is `none` and may be asked for (`{% if location %}`); a fact that may be unknown by `is defined`.
/// * Filters: `starts | local(zone)` is `Monday, 5 January 2026, 19:00 CET (UTC+01:00)`, `starts | day(zone)` the day alone,
///   `starts | time(zone)` as in `19:00 CET`, `starts | rfc3339(zone)` for machines.
/// * A part takes at most 500,000 steps and writes at most 256 KiB; a template has at most 64 KiB. How much memory one step takes
///   is not bounded: a text can be doubled again and again. So templates are for the host to write, not for strangers; what the
///   facts say is harmless, whoever wrote it.
///
/// ```
/// use boxoffice_core::notify::{NoticeKind, TemplatePart, Templates};
/// use std::collections::BTreeMap;
///
/// let mut templates = Templates::new();
/// let news = NoticeKind::custom("news")?;
/// templates.set(&news, TemplatePart::Subject, "News for {{ name }}")?;
/// templates.set(&news, TemplatePart::Text, "{{ headline }}")?;
/// templates.set(&news, TemplatePart::Html, "<p>{{ headline }}</p>")?;
/// let facts = BTreeMap::from([("name", "Ann\r\nBcc: all"), ("headline", "Tea & cake")]);
/// let letter = templates.render(&news, &facts)?;
/// assert_eq!(letter.subject, "News for Ann Bcc: all");
/// assert_eq!(letter.text, "Tea & cake");
/// assert_eq!(letter.html.as_deref(), Some("<p>Tea &amp; cake</p>"));
///
/// let error = templates.set(&news, TemplatePart::Text, "one\n{% if %}").unwrap_err();
/// assert!(error.to_string().starts_with("news.txt, line 2: "), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Templates {
    environment: Environment<'static>,
}

impl Default for Templates {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.environment.templates().map(|(name, _)| name).collect();
        f.debug_struct("Templates").field("names", &names).finish()
    }
}

impl Templates {
    /// The templates of boxoffice.
    pub fn new() -> Self {
        let mut environment = Environment::new();
        let html = format!(".{}", TemplatePart::Html.suffix());
        environment.set_auto_escape_callback(
            move |name| {
                if name.ends_with(&html) { AutoEscape::Html } else { AutoEscape::None }
            },
        );
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.add_filter("local", |at: i64, zone: &str| shown(at, zone, "%A, %-d %B %Y, %H:%M %Z (UTC%:z)"));
        environment.add_filter("day", |at: i64, zone: &str| shown(at, zone, "%A, %-d %B %Y"));
        environment.add_filter("time", |at: i64, zone: &str| shown(at, zone, "%H:%M %Z"));
        environment.add_filter("rfc3339", |at: i64, zone: &str| shown(at, zone, "%Y-%m-%dT%H:%M:%S%:z"));
        let mut templates = Self { environment };
        for (kind, parts) in super::wording::BUILT_IN {
            for (part, source) in [TemplatePart::Subject, TemplatePart::Text, TemplatePart::Html].into_iter().zip(parts)
            {
                // The tests read all of them.
                let read = templates.set(&kind, part, source);
                debug_assert_eq!(read, Ok(()));
            }
        }
        templates
    }

    /// Sets a template, in the place of the one before.
    ///
    /// # Errors
    /// [`TemplateError`] when it cannot be read or is too long; the one before stays.
    pub fn set(&mut self, kind: &NoticeKind, part: TemplatePart, source: &str) -> Result<(), TemplateError> {
        let template = name(kind, part);
        if source.len() > SOURCE_MAX {
            return Err(TemplateError::TooLong { template, limit: SOURCE_MAX });
        }
        let added = self.environment.add_template_owned(template.clone(), source.to_owned());
        added.map_err(|error| {
            let (line, reason) = said(&error);
            TemplateError::Syntax { template, line, reason }
        })
    }

    /// Writes a notice. `facts` are those of the kind (see [`ReminderFacts`](super::ReminderFacts) and its neighbours), or a map.
    ///
    /// # Errors
    /// [`TemplateError`] when a template is missing, names what the facts do not have, takes too many steps or writes too much.
    pub fn render<T: Serialize + ?Sized>(&self, kind: &NoticeKind, facts: &T) -> Result<Rendered, TemplateError> {
        let facts = Value::from(minijinja::value::Serde(facts));
        let part = |part| self.part(name(kind, part), &facts);
        let missing = |part| TemplateError::Missing { template: name(kind, part) };
        let subject = part(TemplatePart::Subject)?.ok_or_else(|| missing(TemplatePart::Subject))?;
        Ok(Rendered {
            subject: one_line(&subject),
            text: part(TemplatePart::Text)?.ok_or_else(|| missing(TemplatePart::Text))?,
            html: part(TemplatePart::Html)?,
        })
    }

    fn part(&self, template: String, facts: &Value) -> Result<Option<String>, TemplateError> {
        let Ok(found) = self.environment.get_template(&template) else { return Ok(None) };
        let mut written = Written { bytes: Vec::new(), full: false };
        match found.render_captured_to(facts.clone(), &mut written) {
            Ok(_) => Ok(Some(String::from_utf8_lossy(&written.bytes).into_owned())),
            Err(_) if written.full => Err(TemplateError::TooLong { template, limit: OUTPUT_MAX }),
            Err(error) if error.kind() == ErrorKind::OutOfFuel => Err(TemplateError::Endless { template }),
            Err(error) => {
                let (line, reason) = said(&error);
                Err(TemplateError::Render { template, line, reason })
            }
        }
    }
}

/// What was written so far.
struct Written {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_MAX {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn name(kind: &NoticeKind, part: TemplatePart) -> String {
    format!("{kind}.{}", part.suffix())
}

/// The line and the reason.
fn said(error: &Error) -> (usize, String) {
    let reason =
        error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    (error.line().unwrap_or(0), reason)
}

/// A subject as one line: what breaks lines, controls or only spaces becomes one space.
fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= SUBJECT_MAX {
        return line;
    }
    line.chars().take(SUBJECT_MAX - 1).chain(['\u{2026}']).collect()
}

/// An instant as clocks of a zone show it; in UTC where the zone is not known.
fn shown(at: i64, zone: &str, format: &str) -> Result<String, Error> {
    let no_date = || Error::new(ErrorKind::InvalidOperation, "an instant beyond the calendar");
    let at = jiff::Timestamp::from_millisecond(at).map_err(|_| no_date())?;
    let zoned = at.to_zoned(clock::zone(zone).unwrap_or(TimeZone::UTC));
    jiff::fmt::strtime::format(format, &zoned).map_err(|_| no_date())
}
