//! Histories of the real thing: `BoxOffice` with its actors and threads, and clients on threads of their own.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use boxoffice::clock::{Clock, ManualClock};
use boxoffice::{BoxOffice, BoxOfficeError};
use boxoffice_core::booking::{BookingCommand, BookingReply};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::{Backend, Fault, IdempotencyKey};
use boxoffice_core::time::Timestamp;
use futures_util::future::{Either, join_all, select};
use tokio::runtime::{Builder, Runtime};

use crate::desk::Plan;
use crate::dice::Dice;
use crate::disk::{Disk, Trouble};
use crate::histories::Checked;
use crate::history::{Operation, Record};
use crate::menu::Menu;
use crate::runs::{named, seeds};
use crate::sim::open;

/// What all clients of a history share.
struct Stage {
    offices: Vec<BoxOffice>,
    occurrence: OccurrenceId,
    clock: ManualClock,
    record: Mutex<Record>,
    menu: Menu,
    keyed: bool,
}

/// Ready after so many turns.
async fn turns(count: u64) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

fn is_without_effect(error: &BoxOfficeError) -> bool {
    match error {
        BoxOfficeError::Busy { .. } | BoxOfficeError::Failing { .. } | BoxOfficeError::ShutDown => true,
        BoxOfficeError::Store(fault) => matches!(fault, Fault::Unavailable { .. }),
        _ => false,
    }
}

impl Stage {
    async fn ask(
        &self,
        office: &BoxOffice,
        command: BookingCommand,
        key: Option<&IdempotencyKey>,
    ) -> Result<BookingReply, BoxOfficeError> {
        match key {
            Some(key) => office.run_once(&self.occurrence, command, key.clone()).await,
            None => office.run(&self.occurrence, command).await,
        }
    }

    /// Asks until there is an answer; without a key, or when it has no patience, once.
    async fn record(&self, dice: &mut Dice, command: BookingCommand, key: Option<IdempotencyKey>) {
        let low = self.clock.now();
        let call = self.record.lock().unwrap().call(&self.occurrence, &command, low);
        for office in self.offices.iter().cycle().skip(dice.index(self.offices.len())).take(1_000) {
            let patience = if key.is_none() && dice.permille(50) { dice.below(20) } else { 1_000_000 };
            let (asked, impatience) =
                (Box::pin(self.ask(office, command.clone(), key.as_ref())), pin!(turns(patience)));
            match select(asked, impatience).await {
                Either::Left((Ok(reply), _)) => {
                    let high = self.clock.now();
                    return self.record.lock().unwrap().returns(call, &reply.outcome, high);
                }
                Either::Left((Err(error), _)) if key.is_none() && is_without_effect(&error) => {
                    return self.record.lock().unwrap().without_effect(call);
                }
                Either::Left((Err(_), _)) if key.is_some() => turns(1).await,
                Either::Left((Err(_), _)) | Either::Right(_) => return,
            }
        }
        panic!("no answer to {command:?}");
    }

    async fn client(self: Arc<Self>, number: u64, mut dice: Dice, commands: u64) {
        for place in 0..commands {
            self.clock.advance(Duration::from_millis(dice.below(30)));
            let now = self.clock.now();
            let command = self.menu.draw(&mut dice, now, &[], &[]);
            let key = self.keyed.then(|| IdempotencyKey::new(format!("c{number}-{place}")).unwrap());
            self.record(&mut dice, command, key).await;
            if number == 0 && place == commands / 2 && dice.permille(300) && self.offices.len() > 1 {
                self.offices[0].clone().shutdown().await;
            }
        }
    }
}

async fn history(seed: u64) -> Vec<Operation> {
    let mut dice = Dice::new(seed);
    let clock = ManualClock::new(Timestamp::EPOCH);
    let disk = Arc::new(Disk::new(dice.next()));
    let start = || {
        let store: Arc<dyn Backend> = Arc::clone(&disk) as _;
        let builder =
            BoxOffice::builder().shared_store(store).clock(clock.clone()).idle_after(Duration::from_millis(50));
        builder.restart_budget(1_000_000, Duration::from_secs(1)).start().unwrap()
    };
    let offices: Vec<_> = (0..dice.within(1, 2)).map(|_| start()).collect();
    let menu = Menu {
        attendees: 4,
        capacity: 3,
        hold_max: 100,
        manage: 60,
        pools: false,
        waitlist: false,
        requests: false,
        plain: true,
    };
    let keyed = offices.len() > 1 || dice.permille(300);
    let occurrence = Plan::new(1, 0).occurrences.remove(0);
    let stage = Arc::new(Stage { offices, occurrence, clock: clock.clone(), record: Mutex::default(), menu, keyed });
    stage.record(&mut dice, open(2), None).await;
    let often = *dice.pick(&[0, 20]);
    disk.set_trouble(Trouble { reads: often, refused: often, lost: often, unsaid: often });
    let clients = (0..dice.within(2, 5)).map(|number| {
        let own = Dice::new(dice.next());
        tokio::spawn(Arc::clone(&stage).client(number, own, 10))
    });
    join_all(clients).await.into_iter().for_each(Result::unwrap);
    disk.set_trouble(Trouble::default());
    for office in &stage.offices {
        office.clone().shutdown().await;
    }
    let record = stage.record.lock().unwrap().clone();
    record.by_occurrence().into_values().next().unwrap_or_default()
}

fn threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

#[test]
fn every_history_of_the_real_actors_has_one_too() {
    let (started, runtime, mut checked) = (Instant::now(), threads(), Checked::default());
    let seeds = seeds("BOXOFFICE_REAL_HISTORIES", 50);
    for seed in seeds {
        named(seed, "real_actors", || checked.check(&runtime.block_on(history(seed))));
    }
    println!("{checked:?}, {:?}", started.elapsed());
}
