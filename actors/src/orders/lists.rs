//! Lists of prices as they were read last: a checkout reads only what has changed since.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use boxoffice_core::id::PriceListName;
use boxoffice_core::persist::Fault;
use boxoffice_core::schedule::read_from;
use boxoffice_core::ticket::list::{PriceList, price_stream};

use crate::shared_writer::SharedWriter;

/// Lists that are kept. Who sells by more of them reads some again.
const LISTS_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Lists(Mutex<BTreeMap<PriceListName, Arc<PriceList>>>);

impl Lists {
    /// A list as it stands; one about which nothing was recorded if there is no such list.
    pub(super) async fn read(&self, store: &SharedWriter, name: &PriceListName) -> Result<Arc<PriceList>, Fault> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let known = known.unwrap_or_else(|| Arc::new(PriceList::new()));
        let events = read_from(store, &price_stream(name), known.seq().next()).await?;
        if events.is_empty() {
            return Ok(known);
        }
        let mut list = Arc::unwrap_or_clone(known);
        list.catch_up(&events)?;
        let list = Arc::new(list);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= LISTS_MAX && !kept.contains_key(name) {
            kept.clear();
        }
        kept.insert(name.clone(), Arc::clone(&list));
        Ok(list)
    }
}
