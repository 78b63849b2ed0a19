//! Requests that were taken, so that none is taken twice.

use std::collections::{BTreeMap, BTreeSet};

use boxoffice_core::federation::PeerName;

/// What is remembered of the requests of each peer, for as long as their signatures are fresh.
#[derive(Debug, Default)]
pub(super) struct Nonces(BTreeMap<PeerName, BTreeSet<(i64, String)>>);

/// Whether a request is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Fresh,
    Again,
    /// Too many requests of this peer are remembered.
    Full,
}

impl Nonces {
    /// Takes the request that was signed at `created` with this nonce. What was signed before `oldest` is forgotten: it
    /// would not be fresh any more, and so are peers of whom nothing else is known. Times are seconds.
    pub(super) fn take(&mut self, peer: &PeerName, created: i64, nonce: &str, oldest: i64, most: usize) -> Taken {
        if !self.0.contains_key(peer) {
            self.0.retain(|_, seen| seen.last().is_some_and(|(created, _)| *created >= oldest));
        }
        let seen = self.0.entry(peer.clone()).or_default();
        *seen = seen.split_off(&(oldest, String::new()));
        let request = (created, nonce.to_owned());
        if seen.contains(&request) {
            Taken::Again
        } else if seen.len() >= most {
            Taken::Full
        } else {
            seen.insert(request);
            Taken::Fresh
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_once_while_it_is_fresh_and_each_peer_has_its_own_share() {
        let [a, b] = ["a.example", "b.example"].map(|name| PeerName::new(name).unwrap());
        let mut nonces = Nonces::default();
        let mut take = |peer: &PeerName, created, nonce, now: i64| nonces.take(peer, created, nonce, now - 300, 2);
        assert_eq!(take(&a, 1_000, "n1", 1_000), Taken::Fresh);
        assert_eq!(take(&a, 1_000, "n1", 1_300), Taken::Again);
        assert_eq!(take(&b, 1_000, "n1", 1_000), Taken::Fresh);
        assert_eq!(take(&a, 1_290, "n1", 1_000), Taken::Fresh);
        assert_eq!(take(&a, 1_000, "n2", 1_000), Taken::Full);
        assert_eq!(take(&a, 1_000, "n1", 1_000), Taken::Again);
        // What was signed at 1,000 is not fresh at 1,301.
        assert_eq!(take(&a, 1_301, "n3", 1_301), Taken::Fresh);
        assert_eq!(take(&a, 1_290, "n1", 1_301), Taken::Again);
        // Of whom nothing fresh is remembered, nothing is.
        let c = PeerName::new("c.example").unwrap();
        assert_eq!(take(&c, 1_590, "n1", 1_590), Taken::Fresh);
        assert_eq!(nonces.0.into_keys().collect::<Vec<_>>(), [a, c]);
    }
}
