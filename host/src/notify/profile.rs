//! `boxoffice notify STORE profile`: how people are reached, and when.

use core::str::FromStr;

use boxoffice::id::AttendeeId;
use boxoffice::notify::{DigestTimes, LocalTime, Profile, QuietHours, forget_profile, put_profile, recipient_key};
use boxoffice::persist::{Backend, CommitOutcome, Fault, KvWrite, Transaction};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::args::{ProfileCommand, SetArgs, ShowArgs};
use crate::error::{HostError, damaged};
use crate::output::{print, visible};
use crate::store::Place;

/// An address on a channel, as `email=ann@example.org`; none to take it away.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    channel: String,
    address: Option<String>,
}

impl FromStr for Reach {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (channel, address) =
            text.split_once('=').filter(|(channel, _)| !channel.is_empty()).ok_or("not CHANNEL=ADDRESS")?;
        Ok(Self {
            channel: channel.to_owned(),
            address: Some(address.to_owned()).filter(|address| !address.is_empty()),
        })
    }
}

/// Quiet hours, as `22:00-07:00` or `22:00-07:00@fri,sat`; none by `none`.
#[derive(Clone, Debug)]
pub(crate) struct Quiet(Option<QuietHours>);

impl FromStr for Quiet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let (hours, days) = text.split_once('@').unwrap_or((text, ""));
        let (from, to) = hours.split_once('-').ok_or("not FROM-TO as in 22:00-07:00")?;
        let days: Vec<&str> = days.split(',').filter(|day| !day.is_empty()).collect();
        let hours: QuietHours = read(&json!({ "from": time(from)?, "to": time(to)?, "days": days }))?;
        if QuietHours::never_end(core::slice::from_ref(&hours)) {
            return Err("these hours never end: nothing could be sent".to_owned());
        }
        Ok(Self(Some(hours)))
    }
}

/// When digests are sent, as `daily@08:00` or `mon@08:00`; none by `none`.
#[derive(Clone, Debug)]
pub(crate) struct Digest(Option<DigestTimes>);

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let (day, at) = text.split_once('@').ok_or("not DAY@TIME as in daily@08:00 or mon@08:00")?;
        let at = time(at)?;
        let times = if day == "daily" {
            json!({ "daily": { "at": at } })
        } else {
            json!({ "weekly": { "on": day, "at": at } })
        };
        read(&times).map(|times| Self(Some(times)))
    }
}

fn time(text: &str) -> Result<LocalTime, String> {
    text.parse().map_err(|error: boxoffice::notify::LocalTimeError| error.to_string())
}

/// Days of the week are read where they are recorded.
fn read<T: DeserializeOwned>(value: &serde_json::Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| error.to_string())
}

pub(super) async fn run(place: &Place, command: &ProfileCommand) -> Result<bool, HostError> {
    match command {
        ProfileCommand::Set(args) => set(&*place.open(args.create).await?, args).await,
        ProfileCommand::Show(args) => show(&*place.open(false).await?, args).await,
        ProfileCommand::Forget(args) => {
            let store = place.open(false).await?;
            profile_of(&*store, &args.recipient).await?.ok_or_else(|| missing(&args.recipient))?;
            write(&*store, forget_profile(&args.recipient)).await
        }
    }
}

fn missing(recipient: &AttendeeId) -> HostError {
    HostError::Usage(format!("the store has no profile of {recipient}"))
}

async fn profile_of(store: &dyn Backend, recipient: &AttendeeId) -> Result<Option<Profile>, HostError> {
    let key = recipient_key(recipient);
    let Some(value) = store.get(&key).await? else { return Ok(None) };
    let read = value.read().map_err(|error| damaged(&key, &error))?;
    Ok(Some(read))
}

async fn set(store: &dyn Backend, args: &SetArgs) -> Result<bool, HostError> {
    let there = profile_of(store, &args.recipient).await?;
    let mut profile = there.unwrap_or_else(|| Profile::new("UTC"));
    for Reach { channel, address } in &args.reach {
        match address {
            Some(address) => profile.addresses.insert(channel.clone(), address.clone()),
            None => profile.addresses.remove(channel),
        };
    }
    if let Some(zone) = &args.zone {
        profile.zone.clone_from(zone);
    }
    if let Some(locale) = &args.locale {
        profile.locale = Some(locale.clone()).filter(|locale| !locale.is_empty());
    }
    if !args.quiet.is_empty() {
        profile.quiet = args.quiet.iter().filter_map(|quiet| quiet.0.clone()).collect();
    }
    if let Some(digest) = &args.digest {
        profile.digest = digest.0;
    }
    let write_it = put_profile(&args.recipient, &profile).map_err(|error| HostError::Usage(error.to_string()))?;
    write(store, write_it).await
}

async fn write(store: &dyn Backend, write: KvWrite) -> Result<bool, HostError> {
    match store.commit_one(Transaction::new().write(write)).await? {
        CommitOutcome::Done(_) | CommitOutcome::Already(_) => Ok(true),
        other @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused | CommitOutcome::Conflict(_)) => {
            Err(Fault::Unknown { reason: format!("a profile was answered {other:?}").into() }.into())
        }
    }
}

async fn show(store: &dyn Backend, args: &ShowArgs) -> Result<bool, HostError> {
    let profile = profile_of(store, &args.recipient).await?.ok_or_else(|| missing(&args.recipient))?;
    print(&if args.json { format!("{}\n", json!(profile)) } else { table(&profile) })
}

/// A recorded value without quotes.
fn words(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn table(profile: &Profile) -> String {
    let mut lines: Vec<String> =
        profile.addresses.iter().map(|(channel, address)| format!("{channel:<13} {address}")).collect();
    lines.push(format!("zone          {}", profile.zone));
    lines.extend(profile.locale.iter().map(|locale| format!("locale        {locale}")));
    for quiet in &profile.quiet {
        let recorded = json!(quiet);
        let days = recorded.pointer("/days").and_then(serde_json::Value::as_array);
        let days: Vec<String> = days.into_iter().flatten().map(words).collect();
        let line = format!("quiet         {}-{} {}", quiet.from, quiet.to, days.join(","));
        lines.push(line.trim_end().to_owned());
    }
    lines.extend(profile.digest.map(|digest| match digest {
        DigestTimes::Daily { at } => format!("digest        daily@{at}"),
        DigestTimes::Weekly { at, .. } => {
            let on = json!(digest).pointer("/weekly/on").map(words).unwrap_or_default();
            format!("digest        {on}@{at}")
        }
    }));
    let off = |off: &boxoffice::notify::SwitchedOff| match &off.channel {
        Some(channel) => format!("off           {}@{channel}", off.kind),
        None => format!("off           {}", off.kind),
    };
    lines.extend(profile.off.iter().map(off));
    lines.extend(profile.unsubscribed.iter().map(|kind| format!("unsubscribed  {kind}")));
    lines.iter().map(|line| visible(line) + "\n").collect()
}
