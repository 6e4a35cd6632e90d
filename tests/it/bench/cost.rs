//! What processes cost, from the kernel's accounting.

use std::fs::{read_dir, read_to_string};
use std::time::Duration;

use anyhow::Context as _;

/// A process; of PostgreSQL its backends too.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// From an environment variable that holds the pid.
    pub(crate) fn named(variable: &str) -> anyhow::Result<Self> {
        let pid = std::env::var(variable).with_context(|| format!("{variable} is not set: run `make bench`"))?;
        Ok(Self(pid.trim().parse()?))
    }

    /// Time on a core so far, of the process and of its children that live or were waited for.
    pub(crate) fn cpu(self) -> Duration {
        let pids =
            read_dir("/proc").into_iter().flatten().flatten().filter_map(|it| it.file_name().to_str()?.parse().ok());
        let own = stat(self.0).map_or(0, |it| it.own + it.waited);
        let children: u64 = pids.filter_map(stat).filter(|it| it.parent == self.0).map(|it| it.own).sum();
        // Linux counts in hundredths of a second.
        Duration::from_millis(10 * (own + children))
    }

    /// Its proportional share of memory, in MiB.
    pub(crate) fn memory(self) -> u64 {
        let rollup = read_to_string(format!("/proc/{}/smaps_rollup", self.0)).unwrap_or_default();
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        pss.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kib| kib / 1024)
    }
}

struct Stat {
    parent: u32,
    own: u64,
    waited: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold anything, even brackets.
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, own: ticks(11)? + ticks(12)?, waited: ticks(13)? + ticks(14)? })
}
