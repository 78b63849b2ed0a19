//! `boxoffice notify STORE`: sends what is to be sent, until it is told to end.

use std::fs;
use std::path::Path;
use std::time::Duration;

use boxoffice::BoxOffice;
use boxoffice::clock::{Clock, SystemClock};
use boxoffice::flows::{OpenFilter, Place as Stands};
use boxoffice::notify::flows::DEAD_LETTERS;
use boxoffice::notify::{
    Channel, ChannelOptions, ChannelState, DeadLetters, Notifier, NotifierBuilder, UnsubscribeSecret,
};
use boxoffice::transport::{FileTransport, MailComposer, SmtpTransport};
use serde_json::json;

use super::args::DispatchArgs;
use crate::ends::Ends;
use crate::error::HostError;
use crate::output::print;
use crate::store::Place;

/// How often it is looked whether there is something left to do.
const LOOK: Duration = Duration::from_millis(200);
/// Looks between two lines of counters: ten seconds.
const LOOKS: u32 = 50;
/// Most leads.
const LEADS_MAX: usize = 10;

pub(super) async fn run(place: &Place, args: &DispatchArgs) -> Result<bool, HostError> {
    // The flags first: bad ones must leave the store untouched.
    let options = options(args)?;
    let notifier = notifier(args)?;
    let mut ends = Ends::new()?;
    let office = BoxOffice::builder().shared_store(place.open(false).await?).start()?;
    let channel = Channel::start(options, &office)?;
    let dead = DeadLetters::new(&office);
    let notifier = notifier
        .channel(&args.channel, channel.clone())
        .flows(|flows| flows.performer(DEAD_LETTERS, dead))
        .start(&office)?;
    let done = attend(args, &mut ends, &channel, &notifier).await;
    let last = channel.clone();
    channel.shutdown().await;
    notifier.shutdown().await;
    office.shutdown().await;
    if done? {
        print(&line(args, &last.state()))?;
    }
    Ok(true)
}

fn notifier(args: &DispatchArgs) -> Result<NotifierBuilder, HostError> {
    if args.lead.len() > LEADS_MAX {
        return Err(usage(format_args!("--lead: at most {LEADS_MAX}")));
    }
    let builder = Notifier::builder().leads(args.lead.iter().copied()).retry(args.retry.policy()?);
    Ok(match &args.secret_file {
        Some(file) => builder.unsubscribe_secret(secret(file)?),
        None => builder,
    })
}

/// Waits for the end, and prints counters now and then. Says whether anybody still reads them.
async fn attend(
    args: &DispatchArgs,
    ends: &mut Ends,
    channel: &Channel,
    notifier: &Notifier,
) -> Result<bool, HostError> {
    let (mut look, mut looks, mut shown) = (tokio::time::interval(LOOK), 0, String::new());
    let mut heard = true;
    loop {
        tokio::select! {
            () = ends.told() => return Ok(heard),
            _ = look.tick() => {}
        }
        if args.once && channel.state().waiting == 0 && nothing_due(notifier).await? {
            return Ok(heard);
        }
        looks += 1;
        if looks % LOOKS == 0 {
            let line = line(args, &channel.state());
            if heard && line != shown {
                heard = print(&line)?;
            }
            shown = line;
        }
    }
}

/// Whether all that was committed is heard of, no flow is at work and none waits for an instant that has come.
async fn nothing_due(notifier: &Notifier) -> Result<bool, HostError> {
    if notifier.lag().await?.events > 0 {
        return Ok(false);
    }
    let filter = OpenFilter { place: Some("due".to_owned()), limit: 1, ..OpenFilter::default() };
    let now = SystemClock.now();
    Ok(!notifier.flows().open(&filter).await?.iter().any(|flow| matches!(flow.place, Stands::Due(at) if at <= now)))
}

/// Counters in a line.
fn line(args: &DispatchArgs, state: &ChannelState) -> String {
    let counts = [
        ("sent", state.sent),
        ("retried", state.retried),
        ("failed", state.failed),
        ("skipped", state.skipped),
        ("postponed", state.postponed),
        ("uncertain", state.uncertain),
        ("waiting", state.waiting as u64),
    ];
    if args.json {
        let counts: serde_json::Map<String, serde_json::Value> =
            counts.into_iter().map(|(name, count)| (name.to_owned(), json!(count))).collect();
        return format!("{}\n", json!(counts));
    }
    counts.map(|(name, count)| format!("{name} {count}")).join("  ") + "\n"
}

fn usage(error: impl core::fmt::Display) -> HostError {
    HostError::Usage(error.to_string())
}

fn options(args: &DispatchArgs) -> Result<ChannelOptions, HostError> {
    let from = args.from.as_ref().ok_or_else(|| usage("--from: who is the mail from?"))?;
    let composer = MailComposer::new(from).map_err(usage)?;
    let options = match (&args.smtp, &args.out) {
        (Some(server), _) => ChannelOptions::new(&args.channel, smtp(args, server, composer)?),
        (None, Some(out)) => ChannelOptions::new(&args.channel, FileTransport::new(out, composer)),
        (None, None) => return Err(usage("--smtp or --out: where does the mail go?")),
    };
    let mut options = options.map_err(usage)?.window(args.window.into()).on_uncertain(args.on_uncertain.into());
    if let Some(rate) = args.rate {
        options = options.rate(rate);
    }
    if let (Some(base), Some(file)) = (&args.unsubscribe_base, &args.secret_file) {
        if !base.starts_with("https://") {
            return Err(usage("--unsubscribe-base: not an https:// address"));
        }
        options = options.unsubscribe(secret(file)?, base);
    }
    Ok(options)
}

fn smtp(args: &DispatchArgs, server: &str, composer: MailComposer) -> Result<SmtpTransport, HostError> {
    let port = server.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = port.ok_or_else(|| usage("--smtp: not HOST:PORT"))?;
    let mut builder = SmtpTransport::builder(host, composer)
        .security(args.security.into())
        .port(port)
        .connections(args.window.into());
    if let (Some(user), Some(file)) = (&args.user, &args.password_file) {
        let password = fs::read_to_string(file).map_err(|error| HostError::Read { path: file.clone(), error })?;
        builder = builder.credentials(user, password.lines().next().unwrap_or_default());
    }
    builder.build().map_err(usage)
}

/// 32 bytes, as they are or in hexadecimal digits.
fn secret(file: &Path) -> Result<UnsubscribeSecret, HostError> {
    let bytes = fs::read(file).map_err(|error| HostError::Read { path: file.to_owned(), error })?;
    let wrong = || usage(format!("{}: neither 32 bytes nor 64 hexadecimal digits", file.display()));
    if let Ok(secret) = <[u8; 32]>::try_from(bytes.as_slice()) {
        return Ok(UnsubscribeSecret::new(secret));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let digits: Option<Vec<u8>> =
        text.trim().chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits: [u8; 64] = digits.and_then(|digits| digits.try_into().ok()).ok_or_else(wrong)?;
    let (pairs, _) = digits.as_chunks::<2>();
    let mut secret = [0; 32];
    for (byte, [high, low]) in secret.iter_mut().zip(pairs) {
        *byte = high << 4 | low;
    }
    Ok(UnsubscribeSecret::new(secret))
}
