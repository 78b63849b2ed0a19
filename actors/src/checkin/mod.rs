//! Check-in: the actor that decides at the doors, and the way to it. What a ticket is and what a scan comes to is said in
//! [`boxoffice_core::checkin`], all of which is here too.

mod actor;
mod api;
mod door;

pub use api::TicketsOutcome;
pub(crate) use door::Gatekeeper;

pub use boxoffice_core::checkin::*;

/// Whose tickets are accepted at the doors, and who signs new ones. The default accepts and signs none. See
/// [`Builder::checkin`](crate::Builder::checkin).
#[derive(Debug, Default)]
pub struct CheckinOptions {
    pub(crate) key: Option<TicketKey>,
    pub(crate) verifier: TicketVerifier,
}

impl CheckinOptions {
    /// Signs with this key, and accepts what it has signed.
    pub fn signing(key: TicketKey) -> Self {
        // One key cannot have the id of another.
        let verifier = TicketVerifier::new().accepting(key.public()).unwrap_or_default();
        Self { key: Some(key), verifier }
    }

    /// Signs nothing: for a box office at which tickets are only scanned.
    pub fn verifying() -> Self {
        Self::default()
    }

    /// Also accepts what this key has signed: one of before, as long as its tickets are about, or that of whoever sells them.
    ///
    /// # Errors
    /// [`TicketKeyError::Clash`] when another key with its id is accepted already.
    pub fn accepting(self, key: TicketPublicKey) -> Result<Self, TicketKeyError> {
        let verifier = self.verifier.accepting(key)?;
        Ok(Self { verifier, ..self })
    }
}
