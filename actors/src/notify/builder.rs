//! How a notifier is set up and started.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;

use boxoffice_core::calendar::Zone;
use boxoffice_core::flow::RetryPolicy;
use boxoffice_core::notify::flows::{DEAD_LETTERS, channel_performer, deliver_program, programs};
use boxoffice_core::notify::{Lead, NoticeKind, UnsubscribeSecret};
use tokio::sync::{oneshot, watch};

use super::dead::DeadLetters;
use super::house::{House, Options};
use super::invite::Inviting;
use super::listener::listen;
use super::notifier::{Inner, Notifier};
use super::people::with_performers;
use crate::error::StartError;
use crate::flows::{Flows, FlowsBuilder, Performer};
use crate::office::BoxOffice;

/// Sets up a [`Notifier`].
#[must_use = "a builder does nothing until it is started"]
pub struct NotifierBuilder {
    set_up: Vec<Box<dyn FnOnce(FlowsBuilder) -> FlowsBuilder + Send>>,
    channels: Vec<(String, Arc<dyn Performer>)>,
    options: Options,
}

impl core::fmt::Debug for NotifierBuilder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NotifierBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}

impl NotifierBuilder {
    pub(super) fn new(zone: Zone) -> Self {
        let options = Options {
            leads: Vec::new(),
            hold_lead: Duration::from_secs(300),
            policy: RetryPolicy::notices(),
            kinds: NoticeKind::BUILT_IN.into_iter().collect(),
            critical: BTreeSet::new(),
            channels: BTreeSet::new(),
            zone,
            organizer: None,
            stale_after: Duration::from_secs(3 * 86_400),
            digest_entries_max: 20,
            secret: None,
        };
        Self { set_up: Vec::new(), channels: Vec::new(), options }
    }

    /// Adds a channel: who carries out what is asked of `channel:NAME`, a [`Notice`](super::Notice), and answers with an
    /// [`Attempt`](super::Attempt). Recipients are reached by the channels that have an address in their profiles.
    /// Profiles take only names of 1 to 64 lower case letters, digits, `-`, `_` and `.`.
    pub fn channel(mut self, name: &str, performer: impl Performer) -> Self {
        self.options.channels.insert(name.to_owned());
        self.channels.push((name.to_owned(), Arc::new(performer)));
        self
    }

    /// Sets up the flows beneath: further programs and performers, in the place of those of the same name.
    pub fn flows(mut self, set_up: impl FnOnce(FlowsBuilder) -> FlowsBuilder + Send + 'static) -> Self {
        self.set_up.push(Box::new(set_up));
        self
    }

    /// When people are reminded of what has no VALARM of its own. At most 10. Default: never.
    pub fn leads(mut self, leads: impl IntoIterator<Item = Lead>) -> Self {
        self.options.leads = leads.into_iter().collect();
        self
    }

    /// How long before a hold lapses its holder is told; half of the hold's length, if that is less. Default: 5 minutes.
    pub fn hold_lead(mut self, lead: Duration) -> Self {
        self.options.hold_lead = lead;
        self
    }

    /// How often a notice is tried. Default: [`RetryPolicy::notices`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options.policy = policy;
        self
    }

    /// What people are told at all. Default: all kinds of boxoffice.
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = NoticeKind>) -> Self {
        self.options.kinds = kinds.into_iter().collect();
        self
    }

    /// What is sent whatever the recipient prefers and at whatever hour. Default: nothing.
    pub fn critical(mut self, kinds: impl IntoIterator<Item = NoticeKind>) -> Self {
        self.options.critical = kinds.into_iter().collect();
        self
    }

    /// The zone in which whole days and floating times are meant. Default: UTC.
    pub fn zone(mut self, zone: Zone) -> Self {
        self.options.zone = zone;
        self
    }

    /// Who invites, as a mail address, where an event does not say so itself. Default: nobody; then no calendar object goes with
    /// the notices of such events.
    pub fn organizer(mut self, address: impl Into<String>) -> Self {
        self.options.organizer = Some(address.into());
        self
    }

    /// Of what happened longer ago nobody is told any more: a notifier that is new to a store does not write to everybody who ever
    /// booked. Reminders of what is yet to come are started all the same. Default: 3 days.
    pub fn stale_after(mut self, length: Duration) -> Self {
        self.options.stale_after = length;
        self
    }

    /// Most entries of one letter of a digest; fewer, if they are long. At least 1. Default: 20.
    pub fn digest_entries_max(mut self, entries: usize) -> Self {
        self.options.digest_entries_max = entries.max(1);
        self
    }

    /// What unsubscribe tokens are read with. Default: none is.
    pub fn unsubscribe_secret(mut self, secret: UnsubscribeSecret) -> Self {
        self.options.secret = Some(secret);
        self
    }

    /// Starts the notifier on the store of `office`: its flows on two threads, and one that follows what is committed.
    ///
    /// The box office is kept until the notifier is shut down, or its last handle is dropped.
    ///
    /// # Errors
    /// [`StartError`] when there is no thread to be had.
    pub fn start(self, office: &BoxOffice) -> Result<Notifier, StartError> {
        let (slot, running) = watch::channel(None);
        let house = Arc::new(House::new(office.clone(), self.options, running));
        let built_in = programs().map_err(|_| StartError::System)?;
        let flows = built_in.into_iter().fold(Flows::builder().program(deliver_program()), FlowsBuilder::program);
        let mut flows = with_performers(flows, &house).performer(DEAD_LETTERS, DeadLetters::new(office));
        for (name, channel) in self.channels {
            let channel = Inviting { house: Arc::clone(&house), channel };
            flows = flows.performer(&channel_performer(&name), channel);
        }
        let flows = self.set_up.into_iter().fold(flows, |flows, set_up| set_up(flows));
        let flows = flows.start(office)?;
        slot.send_replace(Some(flows.clone()));
        let (stop, stopped) = watch::channel(false);
        let (finished, ended) = oneshot::channel();
        let listening = Arc::clone(&house);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        thread::Builder::new().name("boxoffice-notifier".to_owned()).spawn(move || {
            runtime.block_on(listen(listening, stopped));
            if finished.send(()).is_err() {
                tracing::debug!("nobody waits for the end of the notifier");
            }
        })?;
        let inner = Inner { house, flows, slot, stop, ended: Mutex::new(Some(ended)) };
        Ok(Notifier { inner: Arc::new(inner) })
    }
}
