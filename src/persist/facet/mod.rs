//! The facets of the store: the words in which a room or a host speaks to it. All of them are sugar over
//! [`Transaction`](super::Transaction) and the reading methods of [`Backend`](super::Backend).

mod consumer;
mod global;
mod hub;
mod kv;
mod project;
mod query;
mod snapshot;
mod store;
mod stream;
mod typed;
mod upcast;
mod view;

pub use consumer::{Advance, Consumer, Delivery, Selection};
pub use hub::{Hub, Published};
pub use kv::{Created, Swap};
pub use project::Projected;
pub use snapshot::{load_snapshot, save_snapshot};
pub use store::Store;
pub use stream::{Appended, Once, Pages, Stream};
pub use typed::TypedEvent;
pub use upcast::Upcasters;
pub use view::View;
