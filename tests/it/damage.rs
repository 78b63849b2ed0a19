//! Bits that flip and files that end too early: found out, or harmless; never a wrong event, never a silent loss.

use std::fs;
use std::panic::{catch_unwind, set_hook, take_hook};
use std::path::{Path, PathBuf};

use boxoffice_core::persist::{
    Backend, Cursor, Expect, Fault, Key, KvWrite, Location, NewEvent, Payload, RecordedEvent, StreamName, Transaction,
};
use boxoffice_core::time::Timestamp;
use futures_util::FutureExt;

fn now<T>(ready: impl Future<Output = T>) -> T {
    ready.now_or_never().expect("an embedded store answers at once")
}

/// Numbers that look random and are the same in every run (`SplitMix64`, Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end).unwrap()
    }
}

/// Everything that a store holds, or what kept it from being read.
type Contents = (Vec<RecordedEvent>, Vec<(Key, Payload)>);

fn contents(store: &dyn Backend) -> Result<Contents, Fault> {
    let (mut events, mut after) = (Vec::new(), Cursor::START);
    loop {
        let page = now(store.read_all(after, 256))?;
        if page.events.is_empty() {
            return Ok((events, now(store.scan("", None, usize::MAX))?));
        }
        events.extend(page.events);
        after = page.next;
    }
}

fn furnish(place: &Location) -> Contents {
    let store = place.open(true).unwrap();
    for n in 0..400_u64 {
        let stream = StreamName::new(format!("s{}", n % 9)).unwrap();
        let event = NewEvent::new("counted", Timestamp::from_millis(7), &(n, "text".repeat(9))).unwrap();
        let transaction = if n % 10 == 9 {
            Transaction::new()
        } else {
            Transaction::append(&stream, Expect::Any, vec![event; usize::try_from(n % 4).unwrap() + 1])
        };
        let key = Key::new(format!("k{}", n % 30)).unwrap();
        let write = KvWrite::Put(key, Payload::new(&n).unwrap());
        assert!(now(store.commit_one(transaction.write(write))).unwrap().is_done());
    }
    contents(&*store).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

/// Damages one place of one file: flips a bit among the bytes that are written, or cuts the file there.
fn damage(folder: &Path, dice: &mut Dice) -> String {
    loop {
        let files = files(folder);
        let file = &files[dice.below(files.len() as u64)];
        let mut bytes = fs::read(file).unwrap();
        let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        // The mark itself is not what is looked for: without it there is no promise about the end.
        if written == 0 || file.ends_with("boxoffice.mark") {
            continue;
        }
        let at = dice.below(written as u64);
        let cut = dice.below(8) == 0;
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << dice.below(8);
        }
        fs::write(file, bytes).unwrap();
        return format!("{} {} at byte {at}", file.display(), if cut { "cut" } else { "flipped" });
    }
}

fn no_damage_is_silent(engine: &str, cases: usize) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("{engine}:{}", folder.path().join(name).display()).parse::<Location>().unwrap();
    let whole = furnish(&at("whole"));
    let (mut dice, mut refused, mut found, mut harmless) = (Dice(5), 0, 0, 0);
    for case in 0..cases {
        let name = case.to_string();
        copy(&folder.path().join("whole"), &folder.path().join(&name));
        let what = damage(&folder.path().join(&name), &mut dice);
        let looked = catch_unwind(|| {
            let store = at(&name).open(false).ok()?;
            Some((contents(&*store), now(store.verify())))
        });
        assert!(looked.is_ok(), "{engine}: panicked: {what}");
        match looked.unwrap() {
            None => refused += 1,
            Some((Ok(contents), Ok(verified))) => {
                // What can be read is right, and what is missing is told.
                let (events, values) = &contents;
                assert!(events.iter().all(|event| whole.0.contains(event)), "{engine}: a wrong event: {what}");
                assert!(values.iter().all(|value| whole.1.contains(value)), "{engine}: a wrong value: {what}");
                if contents == whole {
                    harmless += 1;
                } else {
                    found += usize::from(!verified.is_whole());
                }
                assert!(contents == whole || !verified.is_whole(), "{engine}: a silent loss: {what}");
            }
            Some(_) => found += 1,
        }
        fs::remove_dir_all(folder.path().join(&name)).unwrap();
    }
    println!("{engine}: {cases} damages: {refused} not opened, {found} found, {harmless} harmless");
    assert!(refused + found > 0);
}

/// Engines panic on some damages; that is caught, and nobody wants to read it here.
fn quietly(run: impl FnOnce()) {
    let shown = take_hook();
    set_hook(Box::new(move |info| {
        if info.location().is_none_or(|location| !location.file().contains("/registry/")) {
            shown(info);
        }
    }));
    run();
}

#[test]
fn no_damage_to_a_store_is_silent() {
    quietly(|| {
        no_damage_is_silent("sled", 60);
        no_damage_is_silent("fjall", 60);
    });
}
