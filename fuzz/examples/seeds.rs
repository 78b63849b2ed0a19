//! Makes seed corpora out of the vectors and files beside the project: `cargo run --example seeds <shared> <corpora>`.

use std::path::Path;
use std::{env, fs};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, shared, corpora] = arguments.as_slice() else { panic!("seeds <shared> <corpora>") };
    let (shared, corpora) = (Path::new(shared), Path::new(corpora));
    let (rules, files) = (corpora.join("rule"), corpora.join("icalendar"));
    fs::create_dir_all(&rules).expect("a folder");
    fs::create_dir_all(&files).expect("a folder");
    let mut count = 0;
    for entry in fs::read_dir(shared.join("vectors")).expect("the vectors") {
        let text = fs::read_to_string(entry.expect("a file").path()).expect("text");
        for rule in text.split("\"rrule\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            fs::write(rules.join(count.to_string()), rule).expect("written");
            count += 1;
        }
    }
    for part in ["files", "parse_only"] {
        for entry in fs::read_dir(shared.join("ics").join(part)).expect("the files") {
            let path = entry.expect("a file").path();
            if path.metadata().expect("known").len() < 20_000 {
                fs::copy(&path, files.join(path.file_name().expect("a name"))).expect("copied");
                count += 1;
            }
        }
    }
    println!("{count} seeds");
}
