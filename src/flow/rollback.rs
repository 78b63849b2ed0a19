//! Undoing what was done, last first (the saga of Garcia-Molina and Salem, 1987).

use core::fmt;

use serde::Serialize;

use super::cx::{FlowCx, FlowError};
use crate::persist::Payload;

/// What is to be undone, as requests: each is made, in the reverse order, by [`Rollback::undo`].
///
/// ```
/// use boxoffice_core::flow::{FlowCx, FlowError, Program};
///
/// async fn order(cx: FlowCx, seats: u32) -> Result<(), FlowError> {
///     let mut rollback = cx.rollback();
///     let _held: bool = cx.request("seats", "hold", &seats).await?;
///     rollback.add("seats", "release", &seats);
///     match cx.request::<bool>("money", "charge", &seats).await {
///         Ok(true) => Ok(()),
///         Ok(false) => rollback.undo_and_fail("no money").await,
///         Err(cancelled) => rollback.undo_and(cancelled).await,
///     }
/// }
/// let program = Program::new("order", 1, order)?;
/// # assert_eq!(program.version(), 1);
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Debug)]
#[must_use = "what is to be undone is undone by a call only"]
pub struct Rollback {
    cx: FlowCx,
    steps: Vec<(String, String, Payload)>,
}

impl Rollback {
    pub(super) fn new(cx: FlowCx) -> Self {
        Self { cx, steps: Vec::new() }
    }

    /// Adds a request that undoes what was done last. Its outcome does not matter: performers that may fail to undo
    /// answer once they have done so.
    pub fn add(&mut self, to: &str, tag: impl fmt::Display, body: &(impl Serialize + ?Sized)) {
        let body = self.cx.payload(&tag, body);
        self.steps.push((to.to_owned(), tag.to_string(), body));
    }

    /// Makes the requests, last first, one after the other. A cancellation meanwhile does not keep them from being
    /// made.
    pub async fn undo(self) {
        for (to, tag, body) in self.steps.into_iter().rev() {
            let undone: Result<Payload, FlowError> = self.cx.request(&to, tag, &body).await;
            drop(undone);
        }
    }

    /// Undoes everything, and gives the error that the flow is to return.
    ///
    /// # Errors
    /// Always `error`.
    pub async fn undo_and<T>(self, error: FlowError) -> Result<T, FlowError> {
        self.undo().await;
        Err(error)
    }

    /// Undoes everything, and gives up.
    ///
    /// # Errors
    /// Always [`FlowError::Failed`].
    pub async fn undo_and_fail<T>(self, reason: impl fmt::Display) -> Result<T, FlowError> {
        self.undo_and(FlowError::failed(reason)).await
    }
}
