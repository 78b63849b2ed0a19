//! Functions that the host lends to rules.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::value::{Type, Value};

type Body = dyn Fn(&[Value]) -> Option<Value> + Send + Sync;

/// A pure function of the host: the same arguments always give the same value.
#[derive(Clone)]
pub struct HostFunction {
    pub(crate) name: Arc<str>,
    pub(crate) takes: Vec<Type>,
    pub(crate) gives: Type,
    pub(crate) body: Arc<Body>,
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostFunction").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The functions of the host, by name. Rules call them as `@name(...)`... see [`Functions::with`].
#[derive(Clone, Debug, Default)]
pub struct Functions {
    named: BTreeMap<Arc<str>, HostFunction>,
}

impl Functions {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more. It must be pure. What gives `None` has no value: the comparison or binding it stands in does not
    /// hold.
    ///
    /// Rules call it by its name, as `week(t)`.
    #[must_use]
    pub fn with(
        mut self,
        name: &str,
        takes: &[Type],
        gives: Type,
        body: impl Fn(&[Value]) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        let name: Arc<str> = name.into();
        let function = HostFunction { name: Arc::clone(&name), takes: takes.to_vec(), gives, body: Arc::new(body) };
        self.named.insert(name, function);
        self
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &HostFunction> {
        self.named.values()
    }

    /// The function of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&HostFunction> {
        self.named.get(name)
    }
}
