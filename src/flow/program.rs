//! The code of flows, by name and version.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cx::{FlowCx, FlowError};
use super::id::FlowKind;
use super::stuck::Stuck;
use crate::id::IdError;
use crate::persist::Payload;

/// What a flow's code comes to: a result, an error of its own, or none of both since something does not fit.
pub(super) type Ended = Result<Result<Payload, FlowError>, Stuck>;

pub(super) type Running = Pin<Box<dyn Future<Output = Ended>>>;

/// How closely a journal must fit the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Each outcome belongs to the ask of the same place, tag and content.
    #[default]
    Strict,
    /// Each outcome belongs to the ask of the same tag and content, whatever its place: asks may be added between
    /// others.
    ByTag,
}

/// The code of one kind of flow, in one version.
///
/// The code is an async function of a [`FlowCx`] and its input. It must be a pure function of what the `FlowCx` gives
/// it: no clock, no randomness, no waiting for anything else, no order of a hash map. It is run again from the start
/// whenever the flow is rebuilt.
///
/// ```
/// use boxoffice_core::flow::{FlowCx, FlowError, Program};
///
/// let program = Program::new("greet", 1, async |cx: FlowCx, name: String| -> Result<String, FlowError> {
///     let greeting: String = cx.request("words", "greeting", &"en").await?;
///     Ok(format!("{greeting}, {name}"))
/// })?;
/// assert_eq!(program.kind().as_str(), "greet");
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone)]
pub struct Program {
    kind: FlowKind,
    version: u32,
    mode: Mode,
    turns_advised: u64,
    turns_max: u64,
    start: Arc<dyn Fn(FlowCx, Payload) -> Running + Send + Sync>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("kind", &self.kind).field("version", &self.version).finish_non_exhaustive()
    }
}

impl Program {
    /// The code `run` of flows of a kind. Raise `version` with every change to the code.
    ///
    /// # Errors
    /// [`IdError`] when `kind` is no [`FlowKind`].
    pub fn new<I, O, F, R>(kind: &str, version: u32, run: F) -> Result<Self, IdError>
    where
        I: DeserializeOwned + 'static,
        O: Serialize + 'static,
        F: Fn(FlowCx, I) -> R + Send + Sync + 'static,
        R: Future<Output = Result<O, FlowError>> + 'static,
    {
        let run = Arc::new(run);
        let start = move |cx: FlowCx, input: Payload| -> Running {
            let run = Arc::clone(&run);
            Box::pin(async move {
                let input = input.read::<I>().map_err(|error| Stuck::unreadable("input", &error))?;
                match run(cx, input).await {
                    Ok(output) => Payload::new(&output).map(Ok).map_err(|error| Stuck::unrecordable("result", error)),
                    Err(error) => Ok(Err(error)),
                }
            })
        };
        let kind = FlowKind::new(kind)?;
        Ok(Self { kind, version, mode: Mode::Strict, turns_advised: 1_000, turns_max: 50_000, start: Arc::new(start) })
    }

    /// How closely a journal must fit. Default: [`Mode::Strict`].
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// After how many turns a run should continue as new, and after how many it is parked as stuck. Defaults: 1,000 and
    /// 50,000.
    #[must_use]
    pub fn turns(mut self, advised: u64, max: u64) -> Self {
        (self.turns_advised, self.turns_max) = (advised, max);
        self
    }

    /// What it is the code of.
    pub fn kind(&self) -> &FlowKind {
        &self.kind
    }

    /// Its version.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub(super) fn strict(&self) -> bool {
        self.mode == Mode::Strict
    }

    pub(super) fn turns_advised(&self) -> u64 {
        self.turns_advised
    }

    pub(super) fn turns_max(&self) -> u64 {
        self.turns_max
    }

    pub(super) fn start(&self, cx: FlowCx, input: Payload) -> Running {
        (self.start)(cx, input)
    }
}

/// Programs by kind; one version of each.
#[derive(Clone, Debug, Default)]
pub struct Programs(BTreeMap<FlowKind, Program>);

impl Programs {
    /// No programs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a program, in the place of the one of its kind.
    #[must_use]
    pub fn with(mut self, program: Program) -> Self {
        self.0.insert(program.kind.clone(), program);
        self
    }

    /// The program of a kind.
    pub fn get(&self, kind: &FlowKind) -> Option<&Program> {
        self.0.get(kind)
    }

    /// All programs, by kind.
    pub fn iter(&self) -> impl Iterator<Item = &Program> {
        self.0.values()
    }
}
