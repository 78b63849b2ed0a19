//! Peers in other languages: each a program of its own in `benches/peers`, which prints `case count ns hash`.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

use super::timing::Answer;
use crate::Result;

/// How to start one.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    words: Vec<String>,
    /// Where node looks for packages.
    modules: String,
    /// What comes after the file of cases.
    mode: Option<&'static str>,
}

/// What it says to each case, or why it does not.
pub(crate) type Answers = HashMap<String, std::result::Result<Answer, String>>;

fn here(name: &str) -> String {
    format!("{}/peers/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What a command prints, if it ends well.
fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}

impl Program {
    fn new(words: Vec<String>) -> Self {
        Self { words, modules: String::new(), mode: None }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).env("NODE_PATH", &self.modules);
        command
    }

    fn version(&self) -> Option<String> {
        output(self.command().arg("version"))
    }

    /// libical, compiled here, and its version.
    pub(crate) fn libical(folder: &Path) -> Option<(Self, String)> {
        let built = folder.join("libical");
        let arguments = ["-O2", "-o", built.to_str()?, &here("libical.c"), "-lical"];
        output(Command::new("cc").args(arguments))?;
        let program = Self::new(vec![built.to_str()?.to_owned()]);
        let short = program.version()?;
        let version = output(Command::new("pkg-config").args(["--modversion", "libical"])).unwrap_or(short);
        Some((program, version))
    }

    /// With `icalrecur_iterator_set_start`, or without.
    #[must_use]
    pub(crate) fn mode(mut self, mode: &'static str) -> Self {
        self.mode = Some(mode);
        self
    }

    pub(crate) fn dateutil() -> Option<(Self, String)> {
        let program = Self::new(vec!["python3".to_owned(), here("dateutil.py")]);
        program.version().map(|version| (program, version))
    }

    pub(crate) fn rrulejs() -> Option<(Self, String)> {
        let mut program = Self::new(vec!["node".to_owned(), here("rrulejs.js")]);
        program.modules = output(Command::new("npm").args(["root", "-g"]))?;
        program.version().map(|version| (program, version))
    }

    fn lines(&self, part: &str, cases: &Path, budget: Option<u64>) -> Result<Vec<String>> {
        let mut command = self.command();
        command.arg(part).arg(cases).args(self.mode).args(budget.map(|ms| ms.to_string()));
        let output = command.stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("{:?} ended with {}", self.words, output.status).into());
        }
        Ok(String::from_utf8(output.stdout)?.lines().map(ToOwned::to_owned).collect())
    }

    pub(crate) fn recurrence(&self, cases: &Path) -> Result<Answers> {
        self.lines("recurrence", cases, None)?.iter().map(|line| read(line)).collect()
    }

    /// How many series it got done, and what came out.
    pub(crate) fn merge(&self, cases: &Path, budget: u64) -> Result<(usize, Answer)> {
        let lines = self.lines("merge", cases, Some(budget))?;
        let line = lines.first().and_then(|line| line.strip_prefix("merge ")).ok_or("the program said nothing")?;
        let (done, answer) = read(line)?;
        Ok((done.parse()?, answer?))
    }
}

fn read(line: &str) -> Result<(String, std::result::Result<Answer, String>)> {
    let (id, rest) = line.split_once(' ').ok_or("a line of one word")?;
    if let Some(error) = rest.strip_prefix("error ") {
        return Ok((id.to_owned(), Err(error.to_owned())));
    }
    let words: Vec<&str> = rest.split(' ').collect();
    let [count, ns, hash] = words[..] else { return Err(format!("not understood: {line}").into()) };
    Ok((id.to_owned(), Ok(Answer { count: count.parse()?, ns: ns.parse()?, hash: hash.parse()? })))
}
