//! The disk that forgets: see `powercut.c` beside this file.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workload::Dice;

/// Builds the library. Rust needs a C compiler to link, so there is one.
pub(crate) fn built(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/powercut.c");
    let library = folder.join("powercut.so");
    let built = Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).status().unwrap();
    assert!(built.success(), "cc could not build the disk that forgets");
    library
}

/// Makes `command` write to a disk that forgets, as far as files below `path` go.
pub(crate) fn load(command: &mut Command, library: &Path, path: &Path, log: &Path) {
    let (path, log) = (fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()), fs::canonicalize(log).unwrap());
    command.env("LD_PRELOAD", library).env("POWERCUT_DIR", path).env("POWERCUT_LOG", log);
}

/// A write that no sync has covered.
struct Unsynced {
    at: u64,
    old: Vec<u8>,
    old_size: u64,
    /// None for a change of size, to `at`.
    new: Option<Vec<u8>>,
}

fn read(log: &[u8]) -> Vec<Unsynced> {
    let (mut rest, mut writes) = (log, Vec::new());
    while let Some((head, tail)) = rest.split_first_chunk::<32>() {
        let number = |place: usize| u64::from_le_bytes(*head.get(8 * place..).unwrap().first_chunk().unwrap());
        let (at, count, old_size) = (number(0), number(1), number(3));
        let old = usize::try_from(number(2)).unwrap();
        let new = if count == u64::MAX { 0 } else { usize::try_from(count).unwrap() };
        // The process was killed while it noted this one: the write itself never began.
        let Some((old, tail)) = tail.split_at_checked(old) else { break };
        let Some((new, tail)) = tail.split_at_checked(new) else { break };
        writes.push(Unsynced { at, old: old.to_vec(), old_size, new: (count != u64::MAX).then(|| new.to_vec()) });
        rest = tail;
    }
    writes
}

/// What a power cut met.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cut {
    /// Writes that no sync had covered.
    pub(crate) uncovered: u64,
    /// Those of them that never reached the disk, or only in part.
    pub(crate) taken: u64,
}

/// Cuts the power: the files below `path` lose what no sync has covered, all of it or what the dice say. A write may also
/// reach the disk in part, in sectors of 512 bytes.
pub(crate) fn cut(path: &Path, log: &Path, dice: &mut Dice) -> Cut {
    let files = files_by_inode(path);
    let all = dice.below(2) == 0;
    let mut cut = Cut::default();
    for entry in fs::read_dir(log).unwrap() {
        let entry = entry.unwrap();
        let inode: u64 = entry.file_name().to_str().unwrap().parse().unwrap();
        // A file that was removed since is gone whatever became of its bytes.
        let Some(file) = files.get(&inode) else { continue };
        let file = OpenOptions::new().write(true).open(file).unwrap();
        let writes = read(&fs::read(entry.path()).unwrap());
        for write in writes.iter().rev() {
            file.write_all_at(&write.old, write.at).unwrap();
            file.set_len(write.old_size).unwrap();
        }
        for write in &writes {
            let fate = if all { 0 } else { dice.below(4) };
            cut.uncovered += 1;
            cut.taken += u64::from(fate < 2);
            match (&write.new, fate) {
                (_, 0) => {}
                (Some(new), 1) => {
                    let sectors = dice.below(new.len() as u64 / 512 + 1);
                    let reached = new.get(..usize::try_from(sectors * 512).unwrap()).unwrap();
                    file.write_all_at(reached, write.at).unwrap();
                }
                (Some(new), _) => file.write_all_at(new, write.at).unwrap(),
                (None, _) => file.set_len(write.at).unwrap(),
            }
        }
    }
    cut
}

fn files_by_inode(path: &Path) -> BTreeMap<u64, PathBuf> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![path.to_owned()]);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                files.insert(entry.metadata().unwrap().ino(), entry.path());
            }
        }
    }
    files
}
