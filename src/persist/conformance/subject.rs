//! What a check is run on: stores made for it, which it may restart.

use core::cell::RefCell;
use core::pin::Pin;
use std::sync::Arc;

use super::helpers::{Broken, Checked};
use crate::persist::backend::Backend;
use crate::persist::facet::Store;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Checks about one part of the store.
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) checks: &'static [(&'static str, for<'a> fn(&'a Trial<'a>) -> Boxed<'a, Checked>)],
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

/// A subject from two closures.
pub(super) struct Made<'a, B, M, R> {
    make: &'a M,
    reopen: &'a R,
    /// The backends in use, by which a store is turned back into its backend.
    made: RefCell<Vec<Arc<B>>>,
}

impl<'a, B, M, R> Made<'a, B, M, R> {
    pub(super) fn new(make: &'a M, reopen: &'a R) -> Self {
        Self { make, reopen, made: RefCell::new(Vec::new()) }
    }
}

impl<B: Backend, M: AsyncFn() -> B, R: AsyncFn(B) -> B> Made<'_, B, M, R> {
    fn keep(&self, backend: B) -> Store {
        let backend = Arc::new(backend);
        self.made.borrow_mut().push(Arc::clone(&backend));
        Store::shared(backend)
    }
}

impl<B: Backend, M: AsyncFn() -> B, R: AsyncFn(B) -> B> Subject for Made<'_, B, M, R> {
    fn open(&self) -> Boxed<'_, Store> {
        Box::pin(async { self.keep((self.make)().await) })
    }

    fn restart(&self, store: Store) -> Boxed<'_, Result<Store, Broken>> {
        Box::pin(async move {
            let place = Arc::as_ptr(store.backend()).cast::<()>();
            drop(store);
            let found = self.made.borrow().iter().position(|made| Arc::as_ptr(made).cast::<()>() == place);
            let Some(found) = found else { return Err(Broken("the store is not of this trial".to_owned())) };
            let backend = self.made.borrow_mut().remove(found);
            let held = |_| Broken("something still holds the store at the restart".to_owned());
            let backend = Arc::try_unwrap(backend).map_err(held)?;
            Ok(self.keep((self.reopen)(backend).await))
        })
    }
}
