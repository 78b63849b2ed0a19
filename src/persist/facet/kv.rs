//! Current values by key: for what has no history, and for read models.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::store::{Store, unexpected};
use crate::persist::contents::PAGE;
use crate::persist::error::StoreError;
use crate::persist::record::{Key, Payload};
use crate::persist::transaction::{Failed, KeyExpect, KvWrite, Transaction};

/// What became of a compare-and-swap.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap<T> {
    /// The key holds the new value.
    Done(T),
    /// The key held something else, and still does.
    Conflict {
        /// What the caller believed it to hold.
        expected: Option<T>,
        /// What it holds.
        actual: Option<T>,
    },
}

impl<T> Swap<T> {
    /// Whether the key held something else.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}

/// What became of creating a key.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created<T> {
    /// The key was absent and holds the value now.
    Done(T),
    /// The key held something, and still does.
    Exists {
        /// What it holds.
        actual: T,
    },
}

impl<T> Created<T> {
    /// Whether the key held something.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Exists { .. })
    }
}

/// Values by key. A value is anything with a JSON form; the type is the caller's word.
///
/// ```
/// use boxoffice_core::persist::{Key, Store, Swap};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (store, stock) = (Store::memory(), Key::new("stock")?);
/// store.put(&stock, &10).await?;
/// assert_eq!(store.compare_and_swap(&stock, Some(&10), &9).await?, Swap::Done(9));
/// let late = store.compare_and_swap(&stock, Some(&10), &9).await?;
/// assert_eq!(late, Swap::Conflict { expected: Some(10), actual: Some(9) });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
impl Store {
    /// The value of `key`.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed or the value is no `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        Ok(self.backend().get(key).await?.map(|value| value.read()).transpose()?)
    }

    /// The value of `key`, or `default` when there is none.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn get_or<T: DeserializeOwned>(&self, key: &Key, default: T) -> Result<T, StoreError> {
        Ok(self.get(key).await?.unwrap_or(default))
    }

    /// Whether `key` holds something.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn has(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.backend().get(key).await?.is_some())
    }

    /// The keys that start with `prefix`, sorted; all of them for an empty prefix.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<Key>, StoreError> {
        let mut keys: Vec<Key> = Vec::new();
        loop {
            let page = self.backend().scan(prefix, keys.last(), PAGE).await?;
            if page.is_empty() {
                return Ok(keys);
            }
            keys.extend(page.into_iter().map(|(key, _)| key));
        }
    }

    /// Puts `value`, whatever the key held. Answers the value.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed, or the value has no JSON form or is over a limit.
    pub async fn put<T: Serialize>(&self, key: &Key, value: T) -> Result<T, StoreError> {
        let write = KvWrite::Put(key.clone(), Payload::new(&value)?);
        self.write(Transaction::new().write(write)).await?;
        Ok(value)
    }

    /// Makes `key` hold nothing. Deleting an absent key is no error.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.write(Transaction::new().write(KvWrite::Delete(key.clone()))).await.map(drop)
    }

    /// Puts what `change` makes of the value, or of `default` when there is none. Answers the new value.
    ///
    /// Never loses another writer's change: `change` is called again with the newer value if somebody was quicker.
    ///
    /// # Errors
    /// As [`Store::put`], and when the value is no `T`.
    pub async fn update<T: Serialize + DeserializeOwned + Clone>(
        &self,
        key: &Key,
        default: T,
        mut change: impl FnMut(T) -> T,
    ) -> Result<T, StoreError> {
        let mut found = self.backend().get(key).await?;
        loop {
            let before: T = found.as_ref().map(Payload::read).transpose()?.unwrap_or_else(|| default.clone());
            let after = change(before);
            match self.swap(key, found.as_ref(), &Payload::new(&after)?).await? {
                None => return Ok(after),
                Some(actual) => found = actual,
            }
        }
    }

    /// Puts `new` if the key holds a value equal to `expected`, or holds nothing where that is none.
    ///
    /// # Errors
    /// As [`Store::put`], and when the value found is no `T`.
    pub async fn compare_and_swap<T: Serialize + DeserializeOwned + Clone>(
        &self,
        key: &Key,
        expected: Option<&T>,
        new: &T,
    ) -> Result<Swap<T>, StoreError> {
        let believed = expected.map(Payload::new).transpose()?;
        Ok(match self.swap(key, believed.as_ref(), &Payload::new(new)?).await? {
            None => Swap::Done(new.clone()),
            Some(actual) => {
                Swap::Conflict { expected: expected.cloned(), actual: actual.map(|value| value.read()).transpose()? }
            }
        })
    }

    /// Puts `value` if the key holds nothing.
    ///
    /// # Errors
    /// As [`Store::put`], and when the value found is no `T`.
    pub async fn put_new<T: Serialize + DeserializeOwned>(
        &self,
        key: &Key,
        value: T,
    ) -> Result<Created<T>, StoreError> {
        match self.swap(key, None, &Payload::new(&value)?).await? {
            None => Ok(Created::Done(value)),
            Some(Some(actual)) => Ok(Created::Exists { actual: actual.read()? }),
            Some(None) => Err(unexpected(&"a conflict with nothing")),
        }
    }

    /// None when it was done, else what the key holds instead.
    async fn swap(
        &self,
        key: &Key,
        expected: Option<&Payload>,
        new: &Payload,
    ) -> Result<Option<Option<Payload>>, StoreError> {
        let expect = expected.cloned().map_or(KeyExpect::Absent, KeyExpect::Equals);
        let transaction =
            Transaction::new().expect_key(key.clone(), expect).write(KvWrite::Put(key.clone(), new.clone()));
        match self.commit(transaction).await? {
            Ok(_) => Ok(None),
            Err(mut failed) => match failed.pop() {
                Some(Failed::Key { actual, .. }) => Ok(Some(actual)),
                other => Err(unexpected(&other)),
            },
        }
    }
}
