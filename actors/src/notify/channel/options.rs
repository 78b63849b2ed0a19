//! How a channel is set up.

use std::sync::Arc;

use boxoffice_core::id::IdError;
use boxoffice_core::notify::{BreakerSettings, RateLimit, Templates, Transport, UnsubscribeSecret, check_channel};

use crate::flows::RestartIntensity;
use crate::notify::OnUncertain;

/// Where recipients say no: a secret, and the address that a token is put behind.
#[derive(Debug)]
pub(super) struct SayNo {
    pub(super) secret: UnsubscribeSecret,
    pub(super) base_url: String,
}

/// How a [`Channel`](super::Channel) is set up.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a channel is started with them"]
pub struct ChannelOptions {
    pub(super) name: Arc<str>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) rate: Option<RateLimit>,
    pub(super) window: usize,
    pub(super) waiting_max: usize,
    pub(super) breaker: BreakerSettings,
    pub(super) on_uncertain: OnUncertain,
    pub(super) templates: Option<Arc<Templates>>,
    pub(super) unsubscribe: Option<Arc<SayNo>>,
    pub(super) intensity: RestartIntensity,
}

impl ChannelOptions {
    /// The channel `name` over a transport. Notices name it in [`Notice::channel`](crate::notify::Notice::channel), profiles in
    /// their addresses.
    ///
    /// # Errors
    /// [`IdError`] when `name` is not 1 to 64 bytes of `a-z`, `0-9`, `-`, `_` and `.`.
    pub fn new(name: &str, transport: impl Transport) -> Result<Self, IdError> {
        check_channel(name)?;
        Ok(Self {
            name: name.into(),
            transport: Arc::new(transport),
            rate: None,
            window: 16,
            waiting_max: 65_536,
            breaker: BreakerSettings::default(),
            on_uncertain: OnUncertain::default(),
            templates: None,
            unsubscribe: None,
            intensity: RestartIntensity::default(),
        })
    }

    /// How much goes out in a time, also across restarts. Default: as much as the transport takes.
    ///
    /// What is counted is the moment at which a letter is let through; until it is with the transport there may be one write to
    /// the store.
    pub fn rate(self, rate: RateLimit) -> Self {
        Self { rate: Some(rate), ..self }
    }

    /// How many letters are under way at once. At least 1. Default: 16.
    pub fn window(self, window: usize) -> Self {
        Self { window: window.max(1), ..self }
    }

    /// How many notices the channel's queue holds. Those beyond wait before it, in their order. At least 1. Default: 65,536.
    pub fn waiting_max(self, waiting_max: usize) -> Self {
        Self { waiting_max: waiting_max.clamp(1, u32::MAX as usize), ..self }
    }

    /// When the channel is left alone for a while. Default: see [`BreakerSettings`].
    pub fn breaker(self, breaker: BreakerSettings) -> Self {
        Self { breaker, ..self }
    }

    /// What to do about notices that may have been sent or not. Default: [`OnUncertain::Park`].
    pub fn on_uncertain(self, on_uncertain: OnUncertain) -> Self {
        Self { on_uncertain, ..self }
    }

    /// The templates. Default: those of boxoffice.
    pub fn templates(self, templates: Arc<Templates>) -> Self {
        Self { templates: Some(templates), ..self }
    }

    /// Where recipients say no to what is not transactional: an `https:` address that takes a POST, such as
    /// `https://club.example/unsubscribe?token=`. The token is put behind it. Default: nowhere.
    pub fn unsubscribe(self, secret: UnsubscribeSecret, base_url: impl Into<String>) -> Self {
        Self { unsubscribe: Some(Arc::new(SayNo { secret, base_url: base_url.into() })), ..self }
    }

    /// How often the channel's actor may fail before it is left alone. Default: 5 times within a minute.
    pub fn restart_intensity(self, intensity: RestartIntensity) -> Self {
        Self { intensity, ..self }
    }
}
