//! What Linux knows of the process, under the names that client libraries of Prometheus give it.

use std::fs;

/// Ticks a second of the times in /proc: the same on all machines that Rust runs Linux on.
const TICKS: f64 = 100.0;

/// In Prometheus' text format; nothing on other systems.
pub(super) fn metrics() -> Option<String> {
    // The name of the program stands in parentheses and may hold anything; state is the first word after it.
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let words: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| words.get(at)?.parse::<f64>().ok();
    let cpu = (ticks(11)? + ticks(12)?) / TICKS;
    let started = line("/proc/stat", "btime")? + ticks(19)? / TICKS;
    let resident = line("/proc/self/status", "VmRSS:")? * 1024.0;
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    let most = line("/proc/self/limits", "Max open files")?;
    Some(format!(
        "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total {cpu}\n\
         # TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {started}\n\
         # TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {resident}\n\
         # TYPE process_open_fds gauge\nprocess_open_fds {open}\n\
         # TYPE process_max_fds gauge\nprocess_max_fds {most}\n"
    ))
}

/// The first number after the name that a line begins with.
fn line(file: &str, name: &str) -> Option<f64> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_process_knows_its_age_its_memory_and_its_files() {
        let text = metrics().expect("Linux");
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).expect("a line");
            line.parse().expect("a number")
        };
        let age = UNIX_EPOCH.elapsed().expect("after 1970").as_secs_f64() - value("process_start_time_seconds");
        assert!((-1.0..3600.0).contains(&age), "{age}");
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!((3.0..value("process_max_fds")).contains(&value("process_open_fds")));
        assert!((0.0..3600.0).contains(&value("process_cpu_seconds_total")));
    }
}
