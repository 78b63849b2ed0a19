//! Calendar objects are put into notices when they are sent: as the series says then, and with the address that is written to,
//! which so is recorded nowhere.

use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_core::flow::shard::{Performance, Performed};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::notify::{CalendarPart, Invite, Notice};
use boxoffice_core::persist::Payload;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::house::House;
use crate::flows::Performer;

/// What stands under `calendar` among the facts until the notice is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalendarAsk {
    /// Whether to enter it or to take it out.
    pub(super) ask: Invite,
    /// What.
    pub(super) occurrence: OccurrenceId,
}

/// A channel whose notices get their calendar objects on the way to it.
pub(super) struct Inviting {
    pub(super) house: Arc<House>,
    pub(super) channel: Arc<dyn Performer>,
}

#[async_trait]
impl Performer for Inviting {
    async fn perform(&self, request: Performance) -> Result<Performed, String> {
        let Some((notice, mut facts, ask)) = asked(&request.body) else { return self.channel.perform(request).await };
        let part = self.part(&notice, &ask).await?;
        match part.and_then(|part| serde_json::to_value(part).ok()) {
            Some(part) => facts.insert("calendar".to_owned(), part),
            None => facts.remove("calendar"),
        };
        let facts = Payload::new(&facts).map_err(|error| error.to_string())?;
        let body = Payload::new(&Notice { facts, ..notice }).map_err(|error| error.to_string())?;
        self.channel.perform(Performance { body, ..request }).await
    }
}

fn asked(body: &Payload) -> Option<(Notice, Map<String, Value>, CalendarAsk)> {
    let notice: Notice = body.read().ok()?;
    let facts: Map<String, Value> = notice.facts.read().ok()?;
    let ask = serde_json::from_value(facts.get("calendar")?.clone()).ok()?;
    Some((notice, facts, ask))
}

impl Inviting {
    async fn part(&self, notice: &Notice, ask: &CalendarAsk) -> Result<Option<CalendarPart>, String> {
        let house = &self.house;
        let Some(found) = house.happening(&ask.occurrence).await? else { return Ok(None) };
        let profile = house.profile(&notice.to).await?;
        let address = profile.and_then(|(profile, _)| profile.addresses.get(&notice.channel).cloned());
        let organizer = house.options.organizer.as_deref();
        Ok(address.and_then(|address| found.calendar_part(ask.ask, organizer, &address, house.now())))
    }
}
