//! Who may see what, and since when: a small subsystem on the store, to copy from.
//!
//! Before: a map from documents to people in memory. It is gone after a restart, and nobody can say when or why somebody
//! was let in. After: a grant is an event, who may see a document now is a projection, the check on the hot path looks at a
//! materialised view, and the audit is a query. Which store it runs on is one line.

use std::error::Error;
use std::sync::Arc;

use boxoffice::persist::{
    Hub, Location, Payload, PayloadError, RecordedEvent, Store, StoreError, Stream, StreamName, TypedEvent, View,
};
use boxoffice::time::Timestamp;

/// The facts. Their names outlive a rename in the code.
#[derive(Clone, Debug, PartialEq)]
enum Access {
    Granted { principal: String },
    Revoked { principal: String },
}

impl TypedEvent for Access {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Granted { .. } => "acl.granted.v1",
            Self::Revoked { .. } => "acl.revoked.v1",
        }
    }

    fn payload(&self) -> Result<Payload, PayloadError> {
        let (Self::Granted { principal } | Self::Revoked { principal }) = self;
        Payload::new(principal)
    }

    fn from_payload(event_type: &str, data: &Payload) -> Result<Option<Self>, PayloadError> {
        Ok(match event_type {
            "acl.granted.v1" => Some(Self::Granted { principal: data.read()? }),
            "acl.revoked.v1" => Some(Self::Revoked { principal: data.read()? }),
            _ => None,
        })
    }
}

/// What one fact does to who may see the document.
fn step(allowed: &mut Vec<String>, event: &RecordedEvent) {
    match event.typed::<Access>() {
        Ok(Some(Access::Granted { principal })) if !allowed.contains(&principal) => allowed.push(principal),
        Ok(Some(Access::Revoked { principal })) => allowed.retain(|one| *one != principal),
        _ => {}
    }
}

/// Access to one document.
struct Acl {
    stream: Stream,
    hub: Hub,
    now: View<Vec<String>>,
}

impl Acl {
    async fn open(store: &Store, document: &str) -> Result<Self, StoreError> {
        let name = StreamName::new(format!("acl/{document}"))?;
        let hub = Hub::new(store);
        let now = View::open(store, &format!("acl-now/{document}"), &name, Vec::new(), step).await?;
        now.attach(&hub).await?;
        Ok(Self { stream: store.stream(&name), hub, now })
    }

    async fn record(&self, fact: &Access, at: Timestamp) -> Result<(), StoreError> {
        let published = self.hub.publish(self.stream.name(), fact.event_type(), at, &fact.payload()?).await?;
        published.failed.into_iter().next().map_or(Ok(()), Err)
    }

    /// The hot path: nanoseconds, and never behind what this process has recorded.
    fn may_see(&self, principal: &str) -> bool {
        self.now.peek().iter().any(|one| one == principal)
    }

    /// What the map could never answer.
    async fn audit(&self, from: Timestamp, to: Timestamp) -> Result<Vec<(Timestamp, Access)>, StoreError> {
        let mut found = Vec::new();
        for event in self.stream.read_window(from, to).await? {
            if let Some(fact) = event.typed()? {
                found.push((event.at, fact));
            }
        }
        Ok(found)
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("boxoffice-acl-{}", std::process::id()));
    // The one line: `fjall:DIR` is the other engine, `memory:` is for tests.
    let place: Location = format!("sled:{}", folder.display()).parse()?;
    let (alice, bob) = ("alice".to_owned(), "bob".to_owned());
    {
        let store = Store::shared(place.open(true)?);
        let acl = Acl::open(&store, "doc-1").await?;
        acl.record(&Access::Granted { principal: alice.clone() }, at(100)).await?;
        acl.record(&Access::Granted { principal: bob.clone() }, at(200)).await?;
        acl.record(&Access::Revoked { principal: alice.clone() }, at(300)).await?;
        assert!(!acl.may_see("alice") && acl.may_see("bob"));
    }
    // Another process, or the same after a crash: nothing is forgotten.
    let store = Store::shared(place.open(false)?);
    let acl = Acl::open(&store, "doc-1").await?;
    println!("may see doc-1 now: {:?}", Arc::unwrap_or_clone(acl.now.peek()));
    for (when, fact) in acl.audit(at(150), at(300)).await? {
        println!("{when}  {fact:?}");
    }
    assert!(!acl.may_see("alice") && acl.may_see("bob"));
    assert_eq!(acl.audit(at(150), at(300)).await?.len(), 2);
    drop((acl, store));
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
