//! `boxoffice store`: tools for whoever looks after one.

mod args;
mod files;
mod moving;
mod place;
mod repair;
mod socket;

use boxoffice::persist::{Cursor, Seq, Store, StreamName, Verification, export_events};
use serde_json::json;

pub(crate) use args::StoreCommand;
use args::{CatArgs, ExportArgs, LsArgs, OneStore, VerifyArgs};
pub(crate) use place::Place;

use crate::error::HostError;
use crate::output::{Output, print, visible};

pub(crate) fn run(command: &StoreCommand) -> Result<bool, HostError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| HostError::System { doing: "start the runtime", error })?;
    match command {
        StoreCommand::Ls(args) => runtime.block_on(ls(args)),
        StoreCommand::Cat(args) => runtime.block_on(cat(args)),
        StoreCommand::Verify(args) => verify(args, &runtime),
        StoreCommand::Repair(args) => repair::run(args, &runtime),
        StoreCommand::Backup(args) => runtime.block_on(moving::write_backup(args)),
        StoreCommand::Restore(args) => runtime.block_on(moving::read_backup(args)),
        StoreCommand::Export(args) => runtime.block_on(export(args)),
        StoreCommand::Import(args) => runtime.block_on(moving::import(args)),
        StoreCommand::Stats(args) => runtime.block_on(stats(args)),
        StoreCommand::Copy(args) => runtime.block_on(moving::copy_store(args)),
        StoreCommand::Serve(args) => {
            let listener = socket::bind(&args.socket)?;
            let backend = args.store.open(true).inspect_err(|_| drop(std::fs::remove_file(&args.socket)))?;
            socket::listen(&listener, &backend, &args.socket).map(|()| true)
        }
    }
}

/// A stream of a store, by a name that may be one of the store's own.
async fn written(store: &Store, name: &str) -> Result<StreamName, HostError> {
    let missing = || HostError::Usage(format!("the store has no stream {name}"));
    if name.starts_with('$') {
        return store.all_streams().await?.into_iter().find(|one| one.as_str() == name).ok_or_else(missing);
    }
    let stream = StreamName::new(name).map_err(|error| HostError::Usage(error.to_string()))?;
    if store.backend().head(&stream).await?.last == Seq::UNWRITTEN { Err(missing()) } else { Ok(stream) }
}

async fn ls(args: &LsArgs) -> Result<bool, HostError> {
    let store = Store::shared(args.store.open(false).await?);
    let names = if args.all { store.all_streams().await? } else { store.streams().await? };
    for name in names {
        let head = store.backend().head(&name).await?;
        let line = if args.json {
            let (last, truncated) = (head.last, head.truncated_through);
            format!("{}\n", json!({ "stream": name, "last": last, "truncated_through": truncated }))
        } else {
            let kept = head.last.get() - head.truncated_through.get();
            visible(&format!("{:>10} {kept:>10}  {name}", head.last)) + "\n"
        };
        if !print(&line)? {
            break;
        }
    }
    Ok(true)
}

async fn cat(args: &CatArgs) -> Result<bool, HostError> {
    let store = Store::shared(args.store.open(false).await?);
    let stream = written(&store, &args.stream).await?;
    let (mut next, mut left) = (Seq::new(args.from), args.limit);
    while left > 0 {
        let limit = usize::try_from(left.min(1_024)).unwrap_or(1_024);
        let page = store.backend().read(&stream, next, limit).await?;
        let Some(last) = page.last() else { break };
        (next, left) = (last.seq.next(), left - page.len() as u64);
        for event in &page {
            let line = serde_json::to_string(event).unwrap_or_default();
            if !print(&format!("{line}\n"))? {
                return Ok(true);
            }
        }
    }
    Ok(true)
}

async fn export(args: &ExportArgs) -> Result<bool, HostError> {
    let store = Store::shared(args.store.open(false).await?);
    let stream = match &args.stream {
        Some(name) => Some(written(&store, name).await?),
        None => None,
    };
    let mut out = Output::new();
    export_events(&**store.backend(), stream.as_ref(), &mut out).await?;
    Ok(true)
}

/// Looks at a copy of the files: to open a damaged store is enough for its engine to cut off what it cannot read.
fn verify(args: &VerifyArgs, runtime: &tokio::runtime::Runtime) -> Result<bool, HostError> {
    let copy = match &args.store {
        Place::Here(location) if !args.in_place => Some(files::Copied::of(location)?),
        Place::Here(_) | Place::Socket(_) => None,
    };
    let place = copy.as_ref().map_or_else(|| args.store.clone(), |copy| Place::Here(copy.location.clone()));
    let found = runtime.block_on(async { Ok::<_, HostError>(place.open(false).await?.verify().await?) });
    let found = found.map_err(|error| match &copy {
        Some(copy) => copy.blame(error),
        None => error,
    })?;
    print(&if args.json { format!("{}\n", json!(found)) } else { table(&found) })?;
    Ok(found.is_whole())
}

/// What a look at a store found, one thing a line.
fn table(found: &Verification) -> String {
    let line = |finding: &_| visible(&format!("WRONG  {finding}")) + "\n";
    let findings: Vec<String> = found.findings.iter().map(line).collect();
    let more = match found.more_findings {
        0 => String::new(),
        more => format!("WRONG  and {more} more\n"),
    };
    format!(
        "streams           {:>10}\nevents            {:>10}\nkeys              {:>10}\nidempotency keys  {:>10}\nwrong             {:>10}\n{}{more}",
        found.streams,
        found.events,
        found.values,
        found.remembered,
        found.findings.len() as u64 + found.more_findings,
        findings.concat(),
    )
}

async fn stats(args: &OneStore) -> Result<bool, HostError> {
    let store = Store::shared(args.store.open(false).await?);
    let cut = store.backend().cut().await?;
    let (mut streams, mut appended, mut kept) = (0_u64, 0, 0);
    for name in store.all_streams().await? {
        let head = store.backend().head(&name).await?;
        streams += 1;
        appended += head.last.get();
        kept += head.last.get() - head.truncated_through.get();
    }
    let (values, remembered) = (cut.values.len(), cut.remembered.len());
    let text = if args.json {
        let line = json!({
            "streams": streams, "events": kept, "events_ever": appended, "keys": values,
            "idempotency_keys": remembered, "through": cut.through, "durability": store.backend().durability(),
        });
        format!("{line}\n")
    } else {
        let durability = match store.backend().durability() {
            boxoffice::persist::Durability::Process => "process",
            boxoffice::persist::Durability::Os => "operating system",
            boxoffice::persist::Durability::Power => "power",
        };
        let through = if cut.through == Cursor::START { "nothing yet".to_owned() } else { cut.through.to_string() };
        format!(
            "streams           {streams:>10}\nevents            {kept:>10}\nevents ever       {appended:>10}\nkeys              {values:>10}\nidempotency keys  {remembered:>10}\nlast cursor       {through:>10}\ndurable against   {durability:>10} loss\n"
        )
    };
    print(&text)?;
    Ok(true)
}
