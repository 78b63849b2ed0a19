//! The command line of `boxoffice notify`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use boxoffice::flows::RetryPolicy;
use boxoffice::id::{AttendeeId, NoticeId};
use boxoffice::notify::{Lead, NoticeKind, OnUncertain, RateLimit};
use boxoffice::transport::SmtpSecurity;
use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;

use super::profile::{Digest, Quiet, Reach};
use crate::error::HostError;
use crate::store::Place;

#[derive(Debug, Args)]
pub(crate) struct NotifyArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(crate) store: Place,
    #[command(subcommand)]
    pub(crate) command: Option<NotifyCommand>,
    #[command(flatten)]
    pub(crate) dispatch: DispatchArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DispatchArgs {
    /// Send mail by this server
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "out")]
    pub(crate) smtp: Option<String>,
    /// Write each mail into this directory instead, one file for each notice
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How the connection to the server is protected
    #[arg(long, value_enum, default_value_t = Security::Tls)]
    pub(crate) security: Security,
    /// Log in at the server as this user
    #[arg(long, value_name = "USER", requires = "password_file")]
    pub(crate) user: Option<String>,
    /// With the password that is the first line of this file
    #[arg(long, value_name = "FILE", requires = "user")]
    pub(crate) password_file: Option<PathBuf>,
    /// Who mail is from
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: Option<String>,
    /// The channel that mail goes by, as profiles and notices name it
    #[arg(long, value_name = "NAME", default_value = "email")]
    pub(crate) channel: String,
    /// Send no more than this, also across restarts: 20/s, 600/m or 1000/h [default: as much as the server takes]
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub(crate) rate: Option<RateLimit>,
    /// Mails that are under way at once; connections to the server too
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) window: u16,
    /// Remind so long before the start, as P1D, PT30M or '1 day before at 18:00', of what has no reminder of its own; may be given up
    /// to ten times
    #[arg(long, value_name = "LEAD")]
    pub(crate) lead: Vec<Lead>,
    /// What to do about a mail that may have been sent or not
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Doubt::Park)]
    pub(crate) on_uncertain: Doubt,
    /// Where recipients say no to what is not transactional: https://... that a token is put behind
    #[arg(long, value_name = "URL", requires = "secret_file")]
    pub(crate) unsubscribe_base: Option<String>,
    /// The 32 secret bytes behind these tokens, as they are or as 64 hexadecimal digits
    #[arg(long, value_name = "FILE", requires = "unsubscribe_base")]
    pub(crate) secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) retry: RetryArgs,
    /// End once nothing is due any more; what waits for its next attempt is not due
    #[arg(long)]
    pub(crate) once: bool,
    /// Print JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

/// How often a notice is tried.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// Wait so long after the first attempt that failed, as 20s, 1h30m or PT5M, and twice as long after each further
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = backoff)]
    pub(crate) backoff: SignedDuration,
    /// Attempts to send a notice at most
    #[arg(long, value_name = "N", default_value = "8")]
    pub(crate) attempts: NonZeroU32,
}

impl RetryArgs {
    pub(super) fn policy(&self) -> Result<RetryPolicy, HostError> {
        let first = Duration::try_from(self.backoff);
        let first = first.map_err(|_| HostError::Usage("--backoff: below zero".to_owned()))?;
        // 64 times the first delay, as the notices that boxoffice sends by itself.
        let policy = RetryPolicy::growing(first, first.saturating_mul(64));
        Ok(policy.map_err(|error| HostError::Usage(error.to_string()))?.attempts(self.attempts))
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Security {
    /// For a server on this machine only
    Plain,
    /// TLS after STARTTLS
    Starttls,
    /// TLS from the first byte
    Tls,
}

impl From<Security> for SmtpSecurity {
    fn from(security: Security) -> Self {
        match security {
            Security::Plain => Self::Plain,
            Security::Starttls => Self::StartTls,
            Security::Tls => Self::Tls,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Doubt {
    /// Send it again: it may arrive twice
    Resend,
    /// Keep it as a dead letter, for somebody to look at: it may not have arrived
    Park,
    /// Take it for sent: it may not have arrived
    AssumeSent,
}

impl From<Doubt> for OnUncertain {
    fn from(doubt: Doubt) -> Self {
        match doubt {
            Doubt::Resend => Self::Resend,
            Doubt::Park => Self::Park,
            Doubt::AssumeSent => Self::AssumeSent,
        }
    }
}

fn backoff(text: &str) -> Result<SignedDuration, String> {
    let wanted =
        "not a duration of hours, minutes, seconds and milliseconds, such as 20s, 1h30m or PT5M; no days, but 48h";
    text.parse().map_err(|_| wanted.to_owned())
}

fn rate(text: &str) -> Result<RateLimit, String> {
    let wanted = "not a rate such as 20/s, 600/m or 1000/h";
    let (count, unit) = text.split_once('/').ok_or(wanted)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(wanted.to_owned()),
    };
    let count: NonZeroU32 = count.parse().map_err(|_| wanted)?;
    Ok(RateLimit::new(count, Duration::from_secs(seconds)))
}

#[derive(Debug, Subcommand)]
pub(crate) enum NotifyCommand {
    /// Keep how people are reached, and when
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Have a notice delivered by the dispatcher that runs next
    ///
    /// Prints the flow that delivers it. The same notice twice is delivered once. Where there is no store, says so unless
    /// --create is given.
    Send(SendArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// Change what is given and leave the rest; where there is no store, says so unless --create is given
    Set(SetArgs),
    /// Print a profile, addresses and all
    Show(ShowArgs),
    /// Forget a profile
    Forget(ForgetArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Who, as in bookings
    #[arg(value_name = "RECIPIENT", value_parser = recipient)]
    pub(crate) recipient: AttendeeId,
    /// Where a channel reaches them, as email=ann@example.org; email= takes it away
    #[arg(long, value_name = "CHANNEL=ADDRESS")]
    pub(crate) reach: Vec<Reach>,
    /// The zone of their clocks, such as Europe/Berlin [default: as it was, at first UTC]
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// Their language, such as de; empty for none
    #[arg(long, value_name = "TAG")]
    pub(crate) locale: Option<String>,
    /// When they are left in peace instead of before: 22:00-07:00, 00:00-00:00@sat,sun, or none; may be given more than once
    #[arg(long, value_name = "HOURS")]
    pub(crate) quiet: Vec<Quiet>,
    /// When they get digests: daily@08:00, mon@08:00 or none
    #[arg(long, value_name = "TIMES")]
    pub(crate) digest: Option<Digest>,
    /// Make the store when there is none
    #[arg(long)]
    pub(crate) create: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Who
    #[arg(value_name = "RECIPIENT", value_parser = recipient)]
    pub(crate) recipient: AttendeeId,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    /// Who
    #[arg(value_name = "RECIPIENT", value_parser = recipient)]
    pub(crate) recipient: AttendeeId,
}

fn recipient(text: &str) -> Result<AttendeeId, String> {
    AttendeeId::new(text).map_err(|error| error.to_string())
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// Many notices instead of one: a file of JSON lines, or - for standard input; id, kind, to, channel, facts each
    #[arg(long, value_name = "FILE", conflicts_with_all = ["id", "to", "kind", "facts", "critical"])]
    pub(crate) notices: Option<PathBuf>,
    /// The name of the notice, in mailboxes too; not personal
    #[arg(long, value_name = "ID", required_unless_present = "notices", value_parser = |text: &str| NoticeId::new(text))]
    pub(crate) id: Option<NoticeId>,
    /// Who is told
    #[arg(long, value_name = "RECIPIENT", required_unless_present = "notices", value_parser = recipient)]
    pub(crate) to: Option<AttendeeId>,
    /// What it is about: reminder, confirmation, offer, ...
    #[arg(long, value_name = "KIND", required_unless_present = "notices")]
    pub(crate) kind: Option<NoticeKind>,
    /// What its templates are given, as a JSON object
    #[arg(long, value_name = "JSON", required_unless_present = "notices")]
    pub(crate) facts: Option<String>,
    /// By which channel
    #[arg(long, value_name = "NAME", default_value = "email")]
    pub(crate) channel: String,
    /// Send it at whatever hour, and whatever they prefer
    #[arg(long)]
    pub(crate) critical: bool,
    /// Make the store when there is none
    #[arg(long)]
    pub(crate) create: bool,
    #[command(flatten)]
    pub(crate) retry: RetryArgs,
}
