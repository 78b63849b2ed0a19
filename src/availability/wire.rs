//! How rulesets and facts of the host are recorded: the only place that knows both.
//!
//! Names and shapes are constants of the format; a new shape gets a new version.
//!
//! | type | data (JSON) |
//! | --- | --- |
//! | `availability.ruleset_put.v1` | `{"name":"house","text":"forbid(...) :- ..."}` |
//! | `availability.ruleset_removed.v1` | `{"name":"house"}` |
//! | `availability.facts_changed.v1` | `{"added":[["at","chess@20260105T190000","hall"]],"removed":[["travel","a","b",900000]]}` |
//! | `availability.text.v1` | `{"text":"..."}`: the beginning of the text of the ruleset that follows in the same transaction |
//!
//! A value of a fact is a text, a whole number, or `true` or `false`; an instant is the number of its milliseconds. Those
//! removed of one event go first.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::log::HostFact;
use crate::datalog::Value;
use crate::persist::{EventType, NewEvent, Payload, RecordedEvent, StreamName};
use crate::schedule::split_text;
use crate::time::Timestamp;

const RULESET_PUT: &str = "availability.ruleset_put.v1";
const RULESET_REMOVED: &str = "availability.ruleset_removed.v1";
const FACTS_CHANGED: &str = "availability.facts_changed.v1";
const TEXT: &str = "availability.text.v1";

/// Bytes of facts in one event: less than the 4,000 bytes that the embedded store takes.
pub(super) const FACTS_ROOM: usize = 3_000;

/// The stream in which rulesets and facts of the host are recorded: `availability`.
pub fn rules_stream() -> StreamName {
    StreamName::stored("availability")
}

/// What can have happened to the rules and to the facts of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulesEvent {
    /// A ruleset was put, in the place of one of its name if there was one.
    RulesetPut {
        /// Its name.
        name: String,
        /// Its rules.
        text: String,
    },
    /// A ruleset was removed.
    RulesetRemoved {
        /// Its name.
        name: String,
    },
    /// Facts of relations marked `input` were changed.
    FactsChanged {
        /// Those that hold from then on.
        added: Vec<HostFact>,
        /// Those that do not; they go before the others come.
        removed: Vec<HostFact>,
    },
}

#[derive(Serialize, Deserialize)]
struct Put {
    name: String,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct Removed {
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Text {
    text: String,
}

/// A value of a fact in JSON.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Plain {
    Number(i64),
    Truth(bool),
    Text(String),
}

#[derive(Default, Serialize, Deserialize)]
struct Facts {
    added: Vec<HostFact>,
    removed: Vec<HostFact>,
}

impl Serialize for HostFact {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plain = |value: &Value| match value {
            Value::Number(number) => Plain::Number(*number),
            Value::Symbol(text) => Plain::Text(text.as_ref().to_owned()),
            Value::Time(at) => Plain::Number(at.as_millis()),
            Value::Bool(truth) => Plain::Truth(*truth),
        };
        let relation = core::iter::once(Plain::Text(self.relation.as_ref().to_owned()));
        serializer.collect_seq(relation.chain(self.values.iter().map(plain)))
    }
}

impl<'de> Deserialize<'de> for HostFact {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut read = Vec::<Plain>::deserialize(deserializer)?.into_iter();
        let Some(Plain::Text(relation)) = read.next() else {
            return Err(serde::de::Error::custom("a fact begins with the name of its relation"));
        };
        let value = |plain| match plain {
            Plain::Number(number) => Value::Number(number),
            Plain::Truth(truth) => Value::Bool(truth),
            Plain::Text(text) => Value::Symbol(text.into()),
        };
        Ok(Self { relation: relation.into(), values: read.map(value).collect() })
    }
}

fn recorded<T: Serialize>(name: &str, at: Timestamp, data: &T) -> NewEvent {
    // Texts and numbers always have a JSON form.
    let data = Payload::new(data).unwrap_or_else(|_| Payload::stored("null"));
    NewEvent { event_type: EventType::stored(name), at, data }
}

/// The recorded form of `event`, which happened `at`: one event, or several for one transaction.
pub fn encode(at: Timestamp, event: &RulesEvent) -> Vec<NewEvent> {
    match event {
        RulesEvent::RulesetPut { name, text } => {
            let (pieces, rest) = split_text(text);
            let last = recorded(RULESET_PUT, at, &Put { name: name.clone(), text: rest.to_owned() });
            let pieces = pieces.into_iter().map(|piece| recorded(TEXT, at, &Text { text: piece.to_owned() }));
            pieces.chain([last]).collect()
        }
        RulesEvent::RulesetRemoved { name } => vec![recorded(RULESET_REMOVED, at, &Removed { name: name.clone() })],
        RulesEvent::FactsChanged { added, removed } => {
            portions(added, removed).iter().map(|facts| recorded(FACTS_CHANGED, at, facts)).collect()
        }
    }
}

/// Bytes of a fact in JSON.
pub(super) fn size(fact: &HostFact) -> usize {
    serde_json::to_string(fact).map_or(usize::MAX, |json| json.len() + 1)
}

/// Facts in as many events as it takes, those removed first.
fn portions(added: &[HostFact], removed: &[HostFact]) -> Vec<Facts> {
    let mut portions = vec![Facts::default()];
    let mut left = FACTS_ROOM;
    let removed = removed.iter().map(|fact| (fact, false));
    for (fact, insert) in removed.chain(added.iter().map(|fact| (fact, true))) {
        let size = size(fact);
        if size > left {
            portions.push(Facts::default());
            left = FACTS_ROOM;
        }
        left = left.saturating_sub(size);
        if let Some(last) = portions.last_mut() {
            if insert { last.added.push(fact.clone()) } else { last.removed.push(fact.clone()) }
        }
    }
    portions.retain(|facts| !facts.added.is_empty() || !facts.removed.is_empty());
    portions
}

/// The event that `recorded` holds; none if it is the beginning of one, which `text` then keeps.
pub(super) fn decode(recorded: &RecordedEvent, text: &mut String) -> Result<Option<RulesEvent>, String> {
    fn read<T: DeserializeOwned>(recorded: &RecordedEvent) -> Result<T, String> {
        recorded.data.read().map_err(|error| error.to_string())
    }
    Ok(Some(match recorded.event_type.as_str() {
        TEXT => {
            text.push_str(&read::<Text>(recorded)?.text);
            return Ok(None);
        }
        RULESET_PUT => {
            let Put { name, text: rest } = read(recorded)?;
            RulesEvent::RulesetPut { name, text: core::mem::take(text) + &rest }
        }
        RULESET_REMOVED => RulesEvent::RulesetRemoved { name: read::<Removed>(recorded)?.name },
        FACTS_CHANGED => {
            let Facts { added, removed } = read(recorded)?;
            RulesEvent::FactsChanged { added, removed }
        }
        other => return Err(format!("unknown type {other:?}")),
    }))
}
