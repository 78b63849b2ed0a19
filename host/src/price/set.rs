//! `boxoffice price set`: a list in a store, made what a file says.

use boxoffice::BoxOffice;
use boxoffice::ticket::list::{PriceCommand, PriceOutcome, PriceReply};

use super::args::SetArgs;
use super::{file, in_order, tried, words};
use crate::error::HostError;
use crate::output::{print, visible};

pub(super) async fn run(args: &SetArgs) -> Result<bool, HostError> {
    // The file first: a bad one must leave the store untouched.
    let wanted = file::read(&args.file)?;
    let office = BoxOffice::builder().shared_store(args.store.open(true).await?).start()?;
    let mut list = office.price_list(&args.list).await?;
    let commands = in_order(&list, wanted);
    let why = |command: &PriceCommand| tried(&mut list, command).err().map(|why| refused(command, &why));
    let mut lines: Vec<String> = commands.iter().filter_map(why).collect();
    let mut all_taken = lines.is_empty();
    if all_taken {
        let replies = office.change_prices(&args.list, &commands).await?;
        for (command, PriceReply { outcome, .. }) in commands.iter().zip(&replies) {
            if outcome.is_accepted() {
                lines.push(format!("{:<10} {}", outcome.name(), words::subject(command)));
            } else if *outcome != PriceOutcome::Unchanged {
                // Somebody else changed the list meanwhile.
                all_taken = false;
                lines.push(refused(command, &words::refused(outcome)));
            }
        }
    }
    office.shutdown().await;
    print(&lines.iter().map(|line| visible(line) + "\n").collect::<String>())?;
    Ok(all_taken)
}

fn refused(command: &PriceCommand, why: &str) -> String {
    format!("{:<10} {}: {why}", "refused", words::subject(command))
}
