//! What a check is run on: stores made for it, which it may restart.

use core::cell::{Cell, RefCell};
use core::pin::Pin;
use std::sync::Arc;

use super::helpers::{Broken, Checked};
use crate::persist::backend::Backend;
use crate::persist::facet::Store;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

type CheckFn = for<'a> fn(&'a Trial<'a>) -> Boxed<'a, Checked>;

/// Checks about one part of the store.
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) checks: &'static [(&'static str, CheckFn)],
}

/// What a check is run on.
pub(super) struct Trial<'a> {
    subject: &'a dyn Subject,
}

/// Makes and restarts stores, whatever the backend.
pub(super) trait Subject {
    fn open(&self) -> Boxed<'_, Store>;
    fn restart(&self, store: Store) -> Boxed<'_, Result<Store, Broken>>;
}

impl<'a> Trial<'a> {
    pub(super) fn of(subject: &'a dyn Subject) -> Self {
        Self { subject }
    }

    /// An empty store.
    pub(super) async fn open(&self) -> Store {
        self.subject.open().await
    }

    /// The same storage after everything in memory is gone.
    pub(super) async fn restart(&self, store: Store) -> Result<Store, Broken> {
        self.subject.restart(store).await
    }
}

/// Stores that are opened by number: a number seen before is the same storage again.
pub(super) struct Numbered<'a, B, F> {
    open: &'a F,
    next: &'a Cell<u32>,
    /// The backends in use and their numbers.
    held: RefCell<Vec<(u32, Arc<B>)>>,
}

impl<'a, B, F> Numbered<'a, B, F> {
    pub(super) fn new(open: &'a F, next: &'a Cell<u32>) -> Self {
        Self { open, next, held: RefCell::new(Vec::new()) }
    }
}

impl<B: Backend, F: AsyncFn(u32, Option<B>) -> B> Numbered<'_, B, F> {
    fn hold(&self, number: u32, backend: B) -> Store {
        let backend = Arc::new(backend);
        self.held.borrow_mut().push((number, Arc::clone(&backend)));
        Store::shared(backend)
    }
}

impl<B: Backend, F: AsyncFn(u32, Option<B>) -> B> Subject for Numbered<'_, B, F> {
    fn open(&self) -> Boxed<'_, Store> {
        Box::pin(async {
            let number = self.next.replace(self.next.get() + 1);
            self.hold(number, (self.open)(number, None).await)
        })
    }

    fn restart(&self, store: Store) -> Boxed<'_, Result<Store, Broken>> {
        Box::pin(async move {
            let place = Arc::as_ptr(store.backend()).cast::<()>();
            drop(store);
            let found = self.held.borrow().iter().position(|(_, held)| Arc::as_ptr(held).cast::<()>() == place);
            let Some(found) = found else { return Err(Broken("the store is not of this trial".to_owned())) };
            let (number, backend) = self.held.borrow_mut().remove(found);
            let held = |_| Broken("something still holds the store at the restart".to_owned());
            let backend = Arc::try_unwrap(backend).map_err(held)?;
            Ok(self.hold(number, (self.open)(number, Some(backend)).await))
        })
    }
}
