//! One run: offices, clients and bad luck, all from one seed.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use boxoffice_core::booking::{BookingCommand, BookingOutcome, BookingReply, Seats, observe_as_of};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::persist::{AsOf, IdempotencyKey};
use boxoffice_core::time::Timestamp;
use futures_util::FutureExt;

use crate::client::{self, Manner};
use crate::desk::{Plan, touch};
use crate::dice::Dice;
use crate::disk::{Disk, Trouble};
use crate::history::Record;
use crate::menu::Menu;
use crate::office::{Office, Settings};
use crate::watch::Watch;
use crate::world::{OUTSIDE, World};

/// Until when things go wrong, in milliseconds of the world.
const STORM: i64 = 15_000;
/// And how long later everybody has an answer, at the latest.
const PATIENCE: i64 = 600_000;

/// What a run is like, drawn from its seed: each run is bad in its own way.
#[derive(Clone, Debug)]
struct Weather {
    offices: usize,
    clients: u64,
    trouble: Trouble,
    /// Mean milliseconds between two of each; 0: never.
    crashes: u64,
    clock_steps: u64,
    touches: u64,
    settings: Settings,
    manner: Manner,
}

fn often(dice: &mut Dice, choices: &[u64]) -> u64 {
    *dice.pick(choices)
}

impl Weather {
    fn draw(dice: &mut Dice, plain: bool) -> Self {
        let trouble = Trouble {
            reads: often(dice, &[0, 0, 5, 50]),
            refused: often(dice, &[0, 0, 5, 50]),
            lost: often(dice, &[0, 0, 5, 50]),
            unsaid: often(dice, &[0, 0, 5, 50]),
        };
        let offices = if dice.permille(600) { 2 } else { 1 };
        let beside_others = offices > 1 || dice.permille(100);
        let settings = Settings {
            beside_others,
            idle_after: Duration::from_millis(often(dice, &[1, 50, 5_000])),
            waiting_max: usize::try_from(often(dice, &[2, 100])).unwrap(),
            snapshot_every: often(dice, &[1, 3, 20]),
            failures_max: 5,
            failures_within: Duration::from_secs(2),
        };
        let menu = Menu {
            attendees: often(dice, &[3, 6, 12]),
            capacity: often(dice, &[1, 2, 4, 6]),
            hold_max: often(dice, &[30, 300, 3_000]),
            manage: often(dice, &[20, 60, 150]),
            pools: dice.permille(400),
            waitlist: dice.permille(600),
            requests: dice.permille(300),
            plain,
        };
        let crashes = often(dice, &[0, 300, 3_000]);
        // An office that believes to be alone refuses by what it knows, whatever one has written that has ended.
        let keyed = often(dice, if plain && !beside_others && crashes > 0 { &[0, 1_000] } else { &[0, 300, 1_000] });
        let manner = Manner {
            menu,
            // The search for an order takes its time where much is unknown.
            commands: if plain { dice.within(4, 12) } else { often(dice, &[4, 12, 30]) },
            keyed,
            beside_others,
            patience: often(dice, &[30, 200, 1_000]),
            think: often(dice, &[1, 20, 400]),
            bound: if plain { 0 } else { often(dice, &[0, 100]) },
        };
        Self {
            offices,
            clients: if plain { dice.within(2, 5) } else { dice.within(2, 9) },
            trouble,
            crashes,
            clock_steps: often(dice, &[0, 0, 500]),
            touches: often(dice, &[0, 50, 500]),
            settings,
            manner,
        }
    }
}

/// An office, or the place of one that is down.
struct Slot {
    office: RefCell<Option<Rc<Office>>>,
    ahead: Rc<Cell<i64>>,
}

pub(crate) struct Sim {
    pub(crate) world: World,
    pub(crate) disk: Arc<Disk>,
    pub(crate) plan: Rc<Plan>,
    pub(crate) watch: Rc<Watch>,
    pub(crate) record: RefCell<Record>,
    /// Of carts that were not taken.
    pub(crate) abandoned: RefCell<Vec<AttendeeId>>,
    /// What was first said under each key.
    pub(crate) said: RefCell<BTreeMap<(OccurrenceId, IdempotencyKey), (BookingCommand, BookingReply)>>,
    slots: Vec<Slot>,
    weather: Weather,
    calm: Cell<bool>,
    busy: Cell<u64>,
    /// The most that a clock ever showed.
    latest: Cell<i64>,
}

/// What a run came to.
pub(crate) struct Ran {
    /// Everything that happened, in one number.
    pub(crate) trace: u64,
    pub(crate) steps: u64,
    pub(crate) record: Record,
    /// How often what happened.
    pub(crate) seen: BTreeMap<&'static str, u64>,
}

impl Sim {
    fn new(seed: u64, plain: bool) -> Rc<Self> {
        let world = World::new(seed);
        let disk = Arc::new(Disk::new(world.dice(Dice::next)));
        let weather = world.dice(|dice| Weather::draw(dice, plain));
        let clashing = if plain || world.dice(|dice| dice.permille(500)) { 0 } else { 2 };
        let plan = Rc::new(Plan::new(if plain { 1 } else { 3 }, clashing));
        world.set_delays(world.dice(|dice| often(dice, &[0, 2, 20])), world.dice(|dice| often(dice, &[20, 500])));
        let slot = |_| Slot { office: RefCell::new(None), ahead: Rc::default() };
        let watch = Watch::new(&disk, &plan);
        let slots = (0..weather.offices).map(slot).collect();
        let busy = Cell::new(weather.clients);
        Rc::new(Self {
            world,
            disk,
            plan,
            watch,
            record: RefCell::default(),
            abandoned: RefCell::default(),
            said: RefCell::default(),
            slots,
            weather,
            calm: Cell::new(false),
            busy,
            latest: Cell::new(0),
        })
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.get()
    }

    /// Whether no office ever ends: what one has sent is then never written behind its back.
    pub(crate) fn is_quiet_life(&self) -> bool {
        self.weather.crashes == 0
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.weather.manner.menu.plain
    }

    /// An office that runs, or none.
    pub(crate) fn office(&self) -> Option<Rc<Office>> {
        let place = self.world.dice(|dice| dice.index(self.slots.len()));
        self.slots[place].office.borrow().clone()
    }

    fn clocks(&self) -> impl Iterator<Item = i64> {
        self.slots.iter().map(|slot| self.world.now() + slot.ahead.get())
    }

    /// What the slowest clock shows.
    pub(crate) fn low(&self) -> Timestamp {
        Timestamp::from_millis(self.clocks().min().unwrap())
    }

    /// The most that a clock ever showed.
    pub(crate) fn high(&self) -> Timestamp {
        self.latest.set(self.clocks().fold(self.latest.get(), i64::max));
        Timestamp::from_millis(self.latest.get())
    }

    pub(crate) fn client_done(&self) {
        self.busy.set(self.busy.get() - 1);
    }

    fn open_door(&self, slot: &Slot) {
        let watch = Rc::clone(&self.watch);
        let office = Office::start(&self.world, &self.disk, &self.plan, self.weather.settings, &slot.ahead, watch);
        *slot.office.borrow_mut() = Some(office);
    }

    async fn every(&self, mean: u64) -> bool {
        if mean > 0 {
            self.world.pass(self.world.dice(|dice| dice.within(1, 2 * mean))).await;
        }
        mean > 0 && !self.is_calm()
    }

    async fn crash_offices(self: Rc<Self>) {
        while self.every(self.weather.crashes).await {
            let place = self.world.dice(|dice| dice.index(self.slots.len()));
            let Some(office) = self.slots[place].office.take() else { continue };
            office.crash();
            self.world.saw("a crash");
            let (sim, down) = (Rc::clone(&self), self.world.dice(|dice| often(dice, &[0, 10, 400])));
            self.world.spawn(OUTSIDE, async move {
                sim.world.pass(down).await;
                sim.open_door(&sim.slots[place]);
            });
        }
    }

    async fn step_clocks(self: Rc<Self>) {
        while self.every(self.weather.clock_steps).await {
            self.high();
            let place = self.world.dice(|dice| dice.index(self.slots.len()));
            let ahead = self.world.dice(|dice| i64::try_from(dice.below(2_000)).unwrap() - 1_000);
            self.world.saw(if ahead < self.slots[place].ahead.get() { "a clock back" } else { "a clock on" });
            self.slots[place].ahead.set(ahead);
            self.record.borrow_mut().set_back(self.low());
        }
    }

    async fn touch_definitions(self: Rc<Self>) {
        while self.every(self.weather.touches).await {
            let place = self.world.dice(|dice| dice.index(self.plan.occurrences.len() + 1));
            touch(&self.disk, self.plan.occurrences.get(place)).await;
        }
    }

    fn begin(self: &Rc<Self>) {
        self.slots.iter().for_each(|slot| self.open_door(slot));
        self.disk.set_trouble(self.weather.trouble);
        self.world.spawn(OUTSIDE, Rc::clone(self).crash_offices());
        self.world.spawn(OUTSIDE, Rc::clone(self).step_clocks());
        self.world.spawn(OUTSIDE, Rc::clone(self).touch_definitions());
        for number in 0..self.weather.clients {
            self.world.spawn(OUTSIDE, client::run(Rc::clone(self), number, self.weather.manner));
        }
    }

    /// Goes on while `wanted`, at most until `end`.
    fn go(&self, end: i64, wanted: impl Fn() -> bool) {
        while wanted() && self.world.now() < end && self.world.step() {
            self.watch.follow(self.world.now());
        }
    }

    fn quiet(self: &Rc<Self>) {
        self.calm.set(true);
        self.disk.set_trouble(Trouble::default());
        let end = self.world.now() + PATIENCE;
        self.go(end, || self.busy.get() > 0);
        assert_eq!(self.busy.get(), 0, "clients without an answer, though nothing has gone wrong for long");
        // What is held lapses, though nobody asks; unless an office could not read its alarms, or read them before one that has
        // ended has written.
        self.go(self.world.now() + 30_000, || true);
        let seen = self.world.seen();
        if ["alarms not read", "a write of the dead"].iter().any(|what| seen.contains_key(what)) {
            self.look_everywhere();
        }
    }

    fn look_everywhere(self: &Rc<Self>) {
        for occurrence in self.plan.occurrences.clone() {
            let sim = Rc::clone(self);
            self.world.spawn(OUTSIDE, async move {
                while sim.look(&occurrence).await.is_none() {
                    sim.world.pass(100).await;
                }
            });
        }
        self.go(self.world.now() + 30_000, || true);
    }

    /// Looks at an occurrence through an office.
    pub(crate) async fn look(&self, occurrence: &OccurrenceId) -> Option<()> {
        let ledger = self.office()?.inspect(occurrence).await.ok()?;
        self.watch.check_look(occurrence, &ledger);
        let replayed = observe_as_of(&self.disk.inner, occurrence, AsOf::Seq(ledger.seq())).now_or_never().unwrap();
        assert_eq!(ledger, replayed.unwrap(), "an owner's ledger is not what its stream gives");
        Some(())
    }

    fn check_end(&self) {
        self.watch.check_end(&self.abandoned.borrow());
        for ((occurrence, key), (command, reply)) in &*self.said.borrow() {
            let kept = boxoffice_core::booking::recall(&self.disk.inner, occurrence, key, command);
            assert_eq!(kept.now_or_never().unwrap().unwrap().as_ref(), Some(reply), "what was said under {key}");
        }
        for occurrence in &self.plan.occurrences {
            let load = boxoffice_core::booking::observe(&self.disk.inner, occurrence);
            let replay = observe_as_of(&self.disk.inner, occurrence, AsOf::Now);
            let (loaded, replayed) = (load.now_or_never().unwrap(), replay.now_or_never().unwrap());
            assert_eq!(loaded.unwrap(), replayed.unwrap(), "a snapshot is not what the stream gives");
        }
    }
}

/// Runs the world of a seed to its end. `plain`: with commands that the model of the histories knows, and on one occurrence.
pub(crate) fn run(seed: u64, plain: bool) -> Ran {
    let sim = Sim::new(seed, plain);
    sim.begin();
    sim.go(STORM, || sim.busy.get() > 0);
    sim.quiet();
    sim.check_end();
    for slot in &sim.slots {
        // Owners and their office hold on to each other.
        _ = slot.office.take().map(|office| office.crash());
    }
    let (world, record) = (&sim.world, sim.record.take());
    Ran { trace: world.trace(), steps: world.steps(), record, seen: world.seen() }
}

/// The outcome that puts an occurrence on sale.
pub(crate) fn open(capacity: u64) -> BookingCommand {
    BookingCommand::Open { capacity: Seats::new(u32::try_from(capacity).unwrap()) }
}

/// Whether an answer gives seats that lapse unless they are confirmed.
pub(crate) fn is_held(outcome: &BookingOutcome) -> bool {
    matches!(outcome, BookingOutcome::Held { .. })
}
