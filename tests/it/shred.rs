//! Erasure by key destruction: what is sealed, what is left when the key is gone, and what a key cannot be talked into.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use boxoffice_core::persist::{
    Backend, IdempotencyKey, MasterKey, MemoryBackend, NewEvent, Once, Personal, RecordedEvent, Seal, Store,
    StoreError, Stream, StreamName, Vault,
};
use boxoffice_core::time::Timestamp;
use futures_util::FutureExt;
use serde_json::{Value, json};

fn now<T>(ready: impl Future<Output = T>) -> T {
    ready.now_or_never().expect("memory answers at once")
}

/// Another key each time.
fn entropy() -> impl Fn(&mut [u8]) -> Result<(), String> + Send + Sync + 'static {
    let next = AtomicU8::new(1);
    move |bytes| {
        bytes.fill(next.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

fn personal() -> Personal {
    Personal::new().fields("registered", "/member/id", ["/member/name", "/email", "/age"]).unwrap()
}

fn registration(id: &str) -> Value {
    json!({ "member": { "id": id, "name": "Ann Ünal" }, "email": "ann@example.org", "age": 37, "plan": "gold" })
}

/// A vault of its own, and a store of events.
fn house() -> (Store, Vault, Arc<MemoryBackend>, Stream) {
    let (keys, disk) = (Store::memory(), Arc::new(MemoryBackend::new()));
    let vault = Vault::new(&keys, MasterKey::new([9; 64]), entropy());
    let stream = Store::shared(disk.clone()).stream(&StreamName::new("members").unwrap());
    (keys, vault.clone(), disk, stream.sealed_by(&vault, &personal()))
}

fn register(stream: &Stream, id: &str) -> RecordedEvent {
    now(stream.append("registered", Timestamp::EPOCH, &registration(id))).unwrap()
}

fn data(event: &RecordedEvent) -> Value {
    event.data.read().unwrap()
}

#[test]
fn the_log_holds_nothing_personal_and_the_owner_of_the_keys_reads_all() {
    let (keys, _, disk, stream) = house();
    let told = register(&stream, "m-1");
    assert_eq!(data(&told), registration("m-1"));
    assert_eq!(data(&now(stream.read()).unwrap()[0]), registration("m-1"));
    let raw = now(disk.read(stream.name(), boxoffice_core::persist::Seq::FIRST, 10)).unwrap();
    let text = raw[0].data.json();
    for secret in ["Ann", "ann@example.org", "37"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("gold") && text.contains("m-1"));
    // The vault's store holds no key that opens anything by itself, and nothing personal.
    let kept = format!("{:?}", now(keys.backend().cut()).unwrap());
    assert!(!kept.contains("Ann"));
}

#[test]
fn a_destroyed_key_takes_the_persons_fields_and_nobody_elses_and_projections_go_on() {
    let (_, vault, _, stream) = house();
    for id in ["m-1", "m-2", "m-1"] {
        register(&stream, id);
    }
    assert!(now(vault.destroy("m-1")).unwrap());
    let read = now(stream.read()).unwrap();
    let shredded = json!({ "member": { "id": "m-1", "name": null }, "email": null, "age": null, "plan": "gold" });
    assert_eq!(read.iter().map(data).collect::<Vec<_>>(), [shredded.clone(), registration("m-2"), shredded]);
    let ages = now(stream.project(0, |sum, event| *sum += data(event)["age"].as_u64().unwrap_or(0))).unwrap();
    assert_eq!(ages.value, 37);
    // Nothing more is sealed for somebody who was erased, until they are let in again; the old stays shredded.
    let refused = now(stream.append("registered", Timestamp::EPOCH, &registration("m-1")));
    assert!(matches!(refused, Err(StoreError::Vault { .. })));
    now(vault.readmit("m-1")).unwrap();
    register(&stream, "m-1");
    let read = now(stream.read()).unwrap();
    assert_eq!((data(&read[0])["age"].clone(), data(&read[3])["age"].clone()), (Value::Null, json!(37)));
    // A key that is in use is not dropped by a readmission.
    now(vault.readmit("m-2")).unwrap();
    assert_eq!(data(&now(stream.read()).unwrap()[1]), registration("m-2"));
}

#[test]
fn a_retry_of_a_sealed_append_is_recognised() {
    let (_, _, _, stream) = house();
    let key = IdempotencyKey::new("cmd").unwrap();
    let append = || now(stream.append_once(&key, "registered", Timestamp::EPOCH, &registration("m-1"))).unwrap();
    assert!(matches!(append(), Once::First(_)));
    assert!(matches!(append(), Once::Repeat(event) if data(&event) == registration("m-1")));
    assert_eq!(now(stream.count()).unwrap(), 1);
}

#[test]
fn a_sealed_value_opens_nowhere_else() {
    let (_, vault, disk, stream) = house();
    register(&stream, "m-1");
    register(&stream, "m-2");
    let raw = now(disk.read(stream.name(), boxoffice_core::persist::Seq::FIRST, 10)).unwrap();
    let forged = |change: &dyn Fn(&mut Value)| {
        let mut forged = data(&raw[0]);
        change(&mut forged);
        let event = NewEvent::new("registered", Timestamp::EPOCH, &forged).unwrap();
        let store = Store::memory();
        let open = store.stream(stream.name());
        now(open.append_batch(vec![event])).unwrap();
        now(open.sealed_by(&vault, &personal()).read())
    };
    let other = data(&raw[1]);
    // In another field, or with a bit more: refused.
    let changes: [&dyn Fn(&mut Value); 2] = [&|event| event["email"] = event["member"]["name"].clone(), &|event| {
        event["email"]["$sealed"] = json!(format!("{}AAAA", event["email"]["$sealed"].as_str().unwrap()));
    }];
    for change in changes {
        let found = forged(change);
        assert!(matches!(found, Err(StoreError::Event { .. })), "{found:?}");
    }
    // Of another person, or under another name: as good as shredded.
    let changes: [&dyn Fn(&mut Value); 2] =
        [&|event| event["email"] = other["email"].clone(), &|event| event["member"]["id"] = json!("m-2")];
    for change in changes {
        assert_eq!(data(&forged(change).unwrap()[0])["email"], Value::Null);
    }
    assert!(forged(&|_| {}).is_ok());
}

#[test]
fn rotation_keeps_every_living_key_and_locks_the_old_master_out() {
    let (keys, vault, disk, stream) = house();
    for id in ["m-1", "m-2", "m-3"] {
        register(&stream, id);
    }
    now(vault.destroy("m-2")).unwrap();
    let before = now(keys.backend().cut()).unwrap();
    let next = now(vault.rotate(MasterKey::new([8; 64]))).unwrap();
    // Again, as after an interruption: nothing changes.
    now(vault.rotate(MasterKey::new([8; 64]))).unwrap();
    let read = |vault: &Vault| {
        let members = Store::shared(disk.clone()).stream(stream.name()).sealed_by(vault, &personal());
        now(members.read()).map(|events| events.iter().map(|event| data(event)["age"].clone()).collect::<Vec<_>>())
    };
    assert_eq!(read(&next).unwrap(), [json!(37), Value::Null, json!(37)]);
    assert!(matches!(read(&vault), Err(StoreError::Vault { .. })));
    // An old copy of the vault opens nothing with the new master key.
    let old = MemoryBackend::new();
    let items = before.values.into_iter().map(|(key, value)| boxoffice_core::persist::Item::Value(key, value));
    now(old.import(items.collect())).unwrap();
    let revived = Vault::new(&Store::new(old), MasterKey::new([8; 64]), entropy());
    assert!(matches!(read(&revived), Err(StoreError::Vault { .. })));
}

#[test]
fn events_of_other_types_and_from_before_the_policy_are_left_alone() {
    let (_, vault, disk, stream) = house();
    let plain = Store::shared(disk).stream(stream.name());
    now(plain.append("registered", Timestamp::EPOCH, &registration("m-1"))).unwrap();
    now(stream.append("renewed", Timestamp::EPOCH, &json!({ "email": "kept as it is" }))).unwrap();
    let read = now(stream.read()).unwrap();
    assert_eq!((data(&read[0]), data(&read[1])), (registration("m-1"), json!({ "email": "kept as it is" })));
    let missing = now(stream.append("registered", Timestamp::EPOCH, &json!({ "email": "whose?" })));
    assert!(matches!(missing, Err(StoreError::Vault { .. })), "{missing:?}");
    // An absent field is no field to seal.
    now(stream.append("registered", Timestamp::EPOCH, &json!({ "member": { "id": "m-1" } }))).unwrap();
    // For transactions of the host's own, the seal works on single events.
    let seal = Seal::new(&vault, &personal());
    let event = NewEvent::new("registered", Timestamp::EPOCH, &registration("m-1")).unwrap();
    assert!(now(seal.seal(event)).unwrap().data.json().contains("$sealed"));
}

#[test]
fn fields_inside_of_one_another_and_odd_subjects_open_again() {
    let (keys, disk) = (Store::memory(), Store::memory());
    let vault = Vault::new(&keys, MasterKey::new([9; 64]), entropy());
    let personal = Personal::new().fields("t", "/nameId", ["/name/first", "/name"]).unwrap();
    let stream = disk.stream(&StreamName::new("s").unwrap()).sealed_by(&vault, &personal);
    let fact = json!({ "nameId": "shred/x", "name": { "first": "Ann", "last": "Ünal" } });
    now(stream.append("t", Timestamp::EPOCH, &fact)).unwrap();
    assert_eq!(data(&now(stream.read()).unwrap()[0]), fact);
    let next = now(vault.rotate(MasterKey::new([8; 64]))).unwrap();
    let stream = disk.stream(stream.name()).sealed_by(&next, &personal);
    assert_eq!(data(&now(stream.read()).unwrap()[0]), fact);
}

#[test]
fn a_policy_that_cannot_work_is_refused_and_keys_are_never_shown() {
    assert!(Personal::new().fields("t", "id", ["/name"]).is_err());
    assert!(Personal::new().fields("t", "/id", ["name"]).is_err());
    assert!(Personal::new().fields("t", "/member/id", ["/member"]).is_err());
    assert!(Personal::new().fields("", "/id", ["/name"]).is_err());
    let (_, vault, _, _) = house();
    assert_eq!(format!("{:?}", MasterKey::new([9; 64])), "MasterKey(..)");
    assert!(!format!("{vault:?}").contains('9'));
}
