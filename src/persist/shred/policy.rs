//! Which fields are personal, and sealing and opening them.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Found, KEY_BYTES, Vault, decrypt, encrypt, vault_error};
use crate::persist::error::{PayloadError, StoreError};
use crate::persist::record::{EventType, NewEvent, Payload, RecordedEvent};

/// The one member of the object that a sealed field is. It holds which key, a point, and the sealed bytes in base64.
const SEALED: &str = "$sealed";

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    subject: String,
    fields: Vec<String>,
}

/// Which fields of which event types are personal. Fields are named by JSON Pointers (RFC 6901). Immutable: adding
/// answers another policy.
///
/// A policy must stay what it is for types that are recorded: fields that are taken out of it are not opened any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Personal {
    rules: Arc<BTreeMap<EventType, Rule>>,
}

impl Personal {
    /// Nothing is personal.
    pub fn new() -> Self {
        Self::default()
    }

    /// This policy, with `fields` of `event_type` personal to whom the text at `subject` names.
    ///
    /// # Errors
    /// [`StoreError`] when `event_type` is no event type or a pointer does not begin with `/`.
    pub fn fields<'a>(
        &self,
        event_type: &str,
        subject: &str,
        fields: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, StoreError> {
        let fields: Vec<String> = fields.into_iter().map(str::to_owned).collect();
        let wrong = fields.iter().map(String::as_str).chain([subject]).find(|pointer| !pointer.starts_with('/'));
        if let Some(wrong) = wrong {
            return Err(vault_error(format!("{wrong:?} is no JSON Pointer to a field: those begin with /")));
        }
        if let Some(wrong) = fields.iter().find(|field| format!("{subject}/").starts_with(&format!("{field}/"))) {
            return Err(vault_error(format!("the subject {subject:?} cannot be part of the sealed field {wrong:?}")));
        }
        let mut rules = BTreeMap::clone(&self.rules);
        rules.insert(EventType::new(event_type)?, Rule { subject: subject.to_owned(), fields });
        Ok(Self { rules: Arc::new(rules) })
    }
}

/// A vault and a policy together: what a stream handle seals and opens with.
#[derive(Clone, Debug)]
pub struct Seal {
    vault: Vault,
    personal: Personal,
}

impl Seal {
    /// Seals and opens what `personal` names with the keys in `vault`.
    pub fn new(vault: &Vault, personal: &Personal) -> Self {
        Self { vault: vault.clone(), personal: personal.clone() }
    }

    /// The event as it is recorded: personal fields are `{"$sealed":"..."}`.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the event does not say whose fields they are, or that subject's key was destroyed;
    /// [`StoreError`] when the vault's store failed.
    pub async fn seal(&self, event: NewEvent) -> Result<NewEvent, StoreError> {
        let Some(rule) = self.personal.rules.get(&event.event_type) else { return Ok(event) };
        let mut data: Value = event.data.read()?;
        let subject = subject_of(&data, rule, &event.event_type)?;
        let key = self.vault.key_of(&subject).await?;
        for field in &rule.fields {
            if let Some(found) = data.pointer_mut(field).filter(|found| !found.is_null()) {
                let context = [event.event_type.as_str(), field.as_str(), &subject];
                let sealed = encrypt(&key, &context, found.to_string().as_bytes())?;
                *found = json!({ SEALED: format!("{}.{sealed}", key_id(&key)) });
            }
        }
        Ok(NewEvent { data: Payload::new(&data)?, ..event })
    }

    /// The event as it was before it was sealed; fields whose key was destroyed, or is not the subject's, are `null`. Events that were recorded
    /// before their type was in the policy are left as they are.
    ///
    /// # Errors
    /// [`StoreError::Event`] when a field does not open though the key is there, [`StoreError`] when the vault's store
    /// failed.
    pub async fn open(&self, event: RecordedEvent) -> Result<RecordedEvent, StoreError> {
        let mut opened = self.open_all(vec![event.clone()]).await?;
        Ok(opened.pop().unwrap_or(event))
    }

    /// Opens events, asking the vault once for each subject.
    pub(in crate::persist) async fn open_all(
        &self,
        events: Vec<RecordedEvent>,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let (mut keys, mut opened) = (BTreeMap::new(), Vec::with_capacity(events.len()));
        for event in events {
            let Some(rule) = self.personal.rules.get(&event.event_type) else {
                opened.push(event);
                continue;
            };
            let mut data: Value = event.data.read().map_err(|reason| event.unreadable(reason))?;
            if !rule.fields.iter().any(|field| data.pointer(field).and_then(sealed_text).is_some()) {
                opened.push(event);
                continue;
            }
            let subject = subject_of(&data, rule, &event.event_type)?;
            if !keys.contains_key(&subject) {
                keys.insert(subject.clone(), self.vault.find(&subject).await?);
            }
            // Backwards: what was sealed last holds what was sealed before.
            for field in rule.fields.iter().rev() {
                let Some(found) = data.pointer_mut(field) else { continue };
                let Some(sealed) = sealed_text(found) else { continue };
                *found = match (keys.get(&subject), sealed.split_once('.')) {
                    (Some(Found::Key(key)), Some((id, sealed))) if id == key_id(key) => {
                        let context = [event.event_type.as_str(), field.as_str(), &subject];
                        let plain = decrypt(key, &context, sealed);
                        let value = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
                        value.ok_or_else(|| event.unreadable(wrong_key(field)))?
                    }
                    // The key is gone, or the subject was readmitted since and has another.
                    _ => Value::Null,
                };
            }
            opened.push(event.with_data(&data)?);
        }
        Ok(opened)
    }
}

/// By which a value tells the key that it was sealed with: six bytes of a hash of it, in base64.
fn key_id(key: &[u8; KEY_BYTES]) -> String {
    let digest = Sha256::new_with_prefix(b"boxoffice.shred.key-id").chain_update(key).finalize();
    Base64::encode_string(digest.get(..6).unwrap_or_default())
}

fn wrong_key(field: &str) -> PayloadError {
    PayloadError { wanted: "sealed with the subject's key", reason: format!("{field} does not open") }
}

fn sealed_text(value: &Value) -> Option<&str> {
    value.as_object().filter(|object| object.len() == 1)?.get(SEALED)?.as_str()
}

fn subject_of(data: &Value, rule: &Rule, event_type: &EventType) -> Result<String, StoreError> {
    let found = data.pointer(&rule.subject).and_then(Value::as_str);
    let missing = || vault_error(format!("an event of type {event_type} has no text at {}", rule.subject));
    found.map(str::to_owned).ok_or_else(missing)
}
