//! The boxoffice host process: puts real calendars on sale, audits stores, expands recurrences.

mod args;
mod audit;
mod availability;
mod calendar;
mod calendar_file;
mod check;
mod datalog;
mod ends;
mod error;
mod expand;
mod flows;
mod notify;
mod onsale;
mod order;
mod output;
mod peers;
mod price;
mod store;
mod verify;

use std::panic;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::args::{Cli, Command, Log};
use crate::error::HostError;

fn main() -> ExitCode {
    keep_caught_panics_quiet();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            let printed = error.print();
            return if printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return HostError::Usage("no command given: try boxoffice --help".to_owned()).report();
        }
        Err(error) => {
            let text = error.to_string();
            let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
            let line = shortened(&lines.join(" "));
            return HostError::Usage(line.trim_start_matches("error: ").to_owned()).report();
        }
    };
    start_log(cli.log);
    let done = match cli.command {
        Command::Onsale(args) => onsale::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Expand(args) => expand::run(&args),
        Command::Calendar(command) => calendar::run(&command),
        Command::Free(args) => availability::run_free(&args),
        Command::NextFree(args) => availability::run_next_free(&args),
        Command::WhyNot(args) => availability::run_why_not(&args),
        Command::CheckVectors(args) => check::run_vectors(&args),
        Command::CheckIcs(args) => check::run_ics(&args),
        Command::Datalog(args) => {
            return datalog::run(&args).unwrap_or_else(|error| error.report());
        }
        Command::Price(args) => price::run(&args),
        Command::Order(args) => order::run(&args),
        Command::Store(command) => store::run(&command),
        Command::Flows(args) => flows::run(&args),
        Command::Notify(args) => notify::run(&args),
        Command::Peers(args) => peers::run(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        // The command has said what is not as it was asked, or not as it should be.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => error.report(),
    }
}

/// A line of a length that can be read: what was typed may be of any.
fn shortened(line: &str) -> String {
    let cut = |length: usize, from: usize| line.chars().skip(from).take(length).collect::<String>();
    let characters = line.chars().count();
    if characters <= LINE_MAX {
        return line.to_owned();
    }
    format!("{}...{}", cut(LINE_MAX / 2, 0), cut(LINE_MAX / 2, characters - LINE_MAX / 2))
}

/// Characters of a complaint about the command line.
const LINE_MAX: usize = 400;

/// The storage engine panics on a damaged directory. The store catches that and says so in one line; a backtrace before
/// it would only frighten. Panics of our own are shown as ever.
fn keep_caught_panics_quiet() {
    let shown = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let in_engine = info.location().is_some_and(|location| {
            ["/sled-0.34", "/fjall-3", "/lsm-tree-3"].iter().any(|engine| location.file().contains(engine))
        });
        if !in_engine {
            shown(info);
        }
    }));
}

fn start_log(level: Log) {
    let level = match level {
        Log::Off => return,
        Log::Error => LevelFilter::ERROR,
        Log::Warn => LevelFilter::WARN,
        Log::Info => LevelFilter::INFO,
        Log::Debug => LevelFilter::DEBUG,
    };
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    // Each span is shown when it ends: by then it has its sequence number and its outcome.
    log.with_span_events(FmtSpan::CLOSE).init();
}
