//! What a recipient wants to be told, where and when; and whether a notice may go out now.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::clock;
use super::digest::DigestTimes;
use super::kind::NoticeKind;
use super::names::{check_channel, is_language_tag};
use super::quiet::{HOURS_MAX, Peace, QuietHours, peace};
use crate::time::Timestamp;

/// Most bytes of a profile as JSON.
const PROFILE_MAX: usize = 4_000;

/// What a recipient wants. Its addresses do not appear in its `Debug` form.
///
/// Kept under one key as JSON of at most 4,000 bytes; what is as by default is left out, and what is not known is refused.
///
/// ```
/// use boxoffice_core::notify::{NoticeKind, Permit, Profile, QuietHours, Why, permit};
/// use boxoffice_core::time::Timestamp;
///
/// let mut ann = Profile::new("Europe/Berlin").reached("mail", "ann@example.org");
/// ann.quiet.push(QuietHours::new("22:00".parse()?, "07:00".parse()?));
///
/// let midnight: Timestamp = "2026-01-05T23:00:00Z".parse()?;
/// let morning = "2026-01-06T06:00:00Z".parse()?;
/// assert_eq!(permit(&ann, &NoticeKind::Reminder, "mail", false, midnight), Permit::Later { at: morning });
/// let to = "ann@example.org".to_owned();
/// assert_eq!(permit(&ann, &NoticeKind::Cancelled, "mail", true, midnight), Permit::Send { to });
/// assert_eq!(permit(&ann, &NoticeKind::Reminder, "push", false, morning), Permit::Never(Why::NoAddress));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Where each channel, by its name, reaches them. An address holds no control characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addresses: BTreeMap<String, String>,
    /// The IANA name of their zone, such as `Europe/Berlin`. One that is not known any more is taken as UTC.
    pub zone: String,
    /// A language tag (BCP 47), such as `de`, for templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// When they are left in peace: at most 28, which leave a minute of the week free.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quiet: Vec<QuietHours>,
    /// What they have switched off. What is transactional can be switched off for a channel, not altogether.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub off: BTreeSet<SwitchedOff>,
    /// When they get digests, if they want any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestTimes>,
    /// What they have unsubscribed from. What is transactional is sent all the same.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unsubscribed: BTreeSet<NoticeKind>,
}

/// A kind of notice that a recipient does not want.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchedOff {
    /// Which kind.
    pub kind: NoticeKind,
    /// By which channel; by any where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// Why a profile is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The zone is not in the IANA database.
    #[error("no zone is called {zone:?}")]
    UnknownZone {
        /// Its name.
        zone: String,
    },
    /// It is too long to be kept.
    #[error("a profile of {length} bytes as JSON is too long: at most {PROFILE_MAX}")]
    TooLong {
        /// Bytes it takes.
        length: usize,
    },
    /// No channel can have this name.
    #[error("{place}: no channel can be called {name:?}")]
    ChannelName {
        /// Where it stands: `addresses` or `off`.
        place: &'static str,
        /// The name, at most 80 characters of it.
        name: String,
    },
    /// An address holds a control character, such as a line break.
    #[error("the address for the channel {channel:?} holds a control character at byte {at}")]
    ControlCharacter {
        /// Whose address.
        channel: String,
        /// Its byte offset in the address.
        at: usize,
    },
    /// The locale is no language tag.
    #[error("the locale {locale:?} is no language tag such as de or pt-BR")]
    Locale {
        /// What was said, at most 80 characters of it.
        locale: String,
    },
    /// There are too many quiet hours.
    #[error("{count} quiet hours are too many: at most {HOURS_MAX}")]
    TooManyQuietHours {
        /// How many there are.
        count: usize,
    },
    /// The quiet hours leave no minute of the week free: whatever is not critical would never be sent.
    #[error("the quiet hours cover the whole week and never end: nothing could be sent")]
    AlwaysQuiet,
}

impl Profile {
    /// Somebody in a zone who has no address yet, wants everything, and no digests.
    pub fn new(zone: impl Into<String>) -> Self {
        Self {
            addresses: BTreeMap::new(),
            zone: zone.into(),
            locale: None,
            quiet: Vec::new(),
            off: BTreeSet::new(),
            digest: None,
            unsubscribed: BTreeSet::new(),
        }
    }

    /// The same, reached at `address` by `channel`.
    #[must_use]
    pub fn reached(mut self, channel: impl Into<String>, address: impl Into<String>) -> Self {
        self.addresses.insert(channel.into(), address.into());
        self
    }

    /// The rules of their zone; UTC where it is not known.
    pub fn time_zone(&self) -> TimeZone {
        clock::zone(&self.zone).unwrap_or(TimeZone::UTC)
    }

    /// Checks what is to be kept: the zone is known, it is short enough, channels have names that channels can have
    /// (see [`check_channel`]), addresses hold no control characters, the locale is a language tag, and the quiet hours
    /// end. What was kept before is read without it.
    ///
    /// # Errors
    /// [`ProfileError`] for the first that is wrong.
    pub fn check(&self) -> Result<(), ProfileError> {
        if clock::zone(&self.zone).is_none() {
            return Err(ProfileError::UnknownZone { zone: clipped(&self.zone) });
        }
        let length = serde_json::to_string(self).map_or(usize::MAX, |json| json.len());
        if length > PROFILE_MAX {
            return Err(ProfileError::TooLong { length });
        }
        self.check_channels()?;
        if let Some(locale) = self.locale.as_ref().filter(|locale| !is_language_tag(locale)) {
            return Err(ProfileError::Locale { locale: clipped(locale) });
        }
        self.check_quiet()
    }

    fn check_channels(&self) -> Result<(), ProfileError> {
        let named = |place: &'static str, name: &str| {
            check_channel(name).map_err(|_| ProfileError::ChannelName { place, name: clipped(name) })
        };
        for (channel, address) in &self.addresses {
            named("addresses", channel)?;
            if let Some(at) = address.find(char::is_control) {
                return Err(ProfileError::ControlCharacter { channel: channel.clone(), at });
            }
        }
        self.off.iter().filter_map(|off| off.channel.as_deref()).try_for_each(|name| named("off", name))
    }

    fn check_quiet(&self) -> Result<(), ProfileError> {
        match self.quiet.len() {
            count if count > HOURS_MAX => Err(ProfileError::TooManyQuietHours { count }),
            _ if QuietHours::never_end(&self.quiet) => Err(ProfileError::AlwaysQuiet),
            _ => Ok(()),
        }
    }

    /// Whether they switched a kind off, for a channel or altogether.
    fn has_off(&self, kind: &NoticeKind, channel: &str) -> bool {
        self.off.iter().filter(|off| off.kind == *kind).any(|off| match &off.channel {
            Some(named) => named == channel,
            None => !kind.is_transactional(),
        })
    }
}

/// As much of what is wrong as an error repeats.
fn clipped(text: &str) -> String {
    text.chars().take(80).collect()
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels: Vec<&String> = self.addresses.keys().collect();
        f.debug_struct("Profile").field("channels", &channels).field("zone", &self.zone).finish_non_exhaustive()
    }
}

/// Why somebody is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// The channel does not reach them.
    NoAddress,
    /// They have switched it off.
    SwitchedOff,
    /// They have unsubscribed from it.
    Unsubscribed,
    /// The address takes nothing any more: it bounced, or its owner complained.
    Suppressed,
    /// Their quiet hours do not end. Such profiles are not kept any more, but may have been.
    AlwaysQuiet,
    /// It was not sent in time: see [`Notice::until`](super::Notice::until).
    TooLate,
    /// A later word about the same was sent: see [`Thread`](super::Thread).
    Outdated,
}

/// Whether a notice may go out. The address does not appear in its `Debug` form.
#[must_use]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permit {
    /// It may.
    Send {
        /// Where to.
        to: String,
    },
    /// Not now. Then it is asked again: what they want may have changed.
    Later {
        /// When their quiet hours are over.
        at: Timestamp,
    },
    /// It may not, and will not.
    Never(Why),
}

impl Permit {
    /// The same, unless `to` was found on the suppression list (see [`suppression_key`](super::suppression_key)).
    pub fn unless_suppressed(self, suppressed: bool) -> Self {
        match self {
            Self::Send { .. } if suppressed => Self::Never(Why::Suppressed),
            Self::Send { .. } | Self::Later { .. } | Self::Never(_) => self,
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { .. } => f.debug_struct("Send").finish_non_exhaustive(),
            Self::Later { at } => f.debug_struct("Later").field("at", at).finish(),
            Self::Never(why) => f.debug_tuple("Never").field(why).finish(),
        }
    }
}

/// Whether a notice of a kind may go out by a channel now. To be asked before every attempt, not when a notice is planned.
///
/// `critical` passes over what they want and over quiet hours. The suppression list binds all the same: whoever sends looks the
/// address up, and says so by [`Permit::unless_suppressed`].
pub fn permit(profile: &Profile, kind: &NoticeKind, channel: &str, critical: bool, now: Timestamp) -> Permit {
    let Some(to) = profile.addresses.get(channel) else {
        return Permit::Never(Why::NoAddress);
    };
    let send = || Permit::Send { to: to.clone() };
    if critical {
        return send();
    }
    if profile.has_off(kind, channel) {
        return Permit::Never(Why::SwitchedOff);
    }
    if profile.unsubscribed.contains(kind) && !kind.is_transactional() {
        return Permit::Never(Why::Unsubscribed);
    }
    if profile.quiet.is_empty() {
        return send();
    }
    match peace(&profile.quiet, &profile.time_zone(), now) {
        Peace::Over => send(),
        Peace::Until(at) => Permit::Later { at },
        Peace::Always => Permit::Never(Why::AlwaysQuiet),
    }
}
