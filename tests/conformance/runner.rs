//! Runs scenarios on a few threads and prints a table. Knows nothing of what they do.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::page;
use crate::scenario::{Disturbance, Outcome, Run, Scenario, is_long};

/// Scenarios at a time. Most of their time is waiting.
const THREADS: usize = 8;

/// A scenario in one of its variants.
struct Case<'a> {
    scenario: &'a Scenario,
    disturbance: Disturbance,
}

/// What became of a case.
enum Verdict {
    Pass,
    Skip(String),
    Fail(String),
}

struct Row {
    verdict: Verdict,
    took: Duration,
}

thread_local! {
    /// The message of the latest panic of a thread.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs what the arguments ask for. Fails when a scenario does, or when the page and the list differ.
pub(crate) fn run(scenarios: &[Scenario], arguments: &[String]) -> ExitCode {
    // Whatever else `cargo test` passes on is of no meaning here.
    let filters: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    if arguments.iter().any(|word| word == "--list") {
        for Scenario { number, title, .. } in scenarios {
            println!("{number:>3}  {title}");
        }
        return ExitCode::SUCCESS;
    }
    if let Err(difference) = page::check(scenarios) {
        eprintln!("tests/CONFORMANCE.md and the list of scenarios differ: {difference}");
        return ExitCode::FAILURE;
    }
    let is_wanted =
        |case: &Case<'_>| filters.is_empty() || filters.iter().any(|filter| case.is_named(filter));
    let cases: Vec<Case<'_>> = scenarios.iter().flat_map(cases_of).filter(is_wanted).collect();
    panic::set_hook(Box::new(|info| PANIC.set(info.to_string())));
    let start = Instant::now();
    let rows = run_all(&cases);
    print_table(&cases, &rows, start.elapsed())
}

/// At full length all variants, else the steady one and one of the others.
fn cases_of(scenario: &Scenario) -> Vec<Case<'_>> {
    let case = |disturbance| Case { scenario, disturbance };
    match scenario.run {
        Run::Elsewhere => Vec::new(),
        Run::Once(_) | Run::Long(_) => vec![case(Disturbance::Steady)],
        Run::Disturbed(_) if is_long() => Disturbance::ALL.map(case).into(),
        Run::Disturbed(_) => {
            let other = Disturbance::ALL[1 + scenario.number as usize % (Disturbance::ALL.len() - 1)];
            vec![case(Disturbance::Steady), case(other)]
        }
    }
}

impl Case<'_> {
    fn is_named(&self, filter: &str) -> bool {
        match filter.parse::<u32>() {
            Ok(number) => number == self.scenario.number,
            Err(_) => self.title().to_lowercase().contains(&filter.to_lowercase()),
        }
    }

    fn title(&self) -> String {
        let name = self.disturbance.name();
        if name.is_empty() {
            self.scenario.title.to_owned()
        } else {
            format!("{} ({name})", self.scenario.title)
        }
    }

    fn run(&self) -> Outcome {
        match self.scenario.run {
            Run::Once(run) => run(),
            Run::Disturbed(run) => run(self.disturbance),
            Run::Long(run) if is_long() => run(),
            Run::Long(_) => Err("only with MILLPOND_CONFORMANCE=all".into()),
            Run::Elsewhere => Err("it has no test here".into()),
        }
    }
}

fn run_all(cases: &[Case<'_>]) -> Vec<Row> {
    let threads = std::env::var("MILLPOND_CONFORMANCE_THREADS").ok().and_then(|text| text.parse().ok());
    // From the end, where the long ones stand.
    let (queue, done) = (Mutex::new(cases.iter().enumerate().rev()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..threads.unwrap_or(THREADS).clamp(1, cases.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((index, case)) = next else { break };
                    let row = run_one(case);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, row));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, row)| row).collect()
}

fn run_one(case: &Case<'_>) -> Row {
    let start = Instant::now();
    let verdict = match panic::catch_unwind(AssertUnwindSafe(|| case.run())) {
        Ok(Ok(())) => Verdict::Pass,
        Ok(Err(reason)) => Verdict::Skip(reason),
        Err(_) => Verdict::Fail(PANIC.take()),
    };
    if let Verdict::Fail(why) = &verdict {
        eprintln!("--- {} {}: {why}", case.scenario.number, case.title());
    }
    Row { verdict, took: start.elapsed() }
}

fn print_table(cases: &[Case<'_>], rows: &[Row], took: Duration) -> ExitCode {
    let width = cases.iter().map(|case| case.title().chars().count()).max().unwrap_or(0);
    let (mut skipped, mut failed) = (0, 0);
    for (case, row) in cases.iter().zip(rows) {
        let result = match &row.verdict {
            Verdict::Pass => format!("pass {:6.1} s", row.took.as_secs_f64()),
            Verdict::Skip(reason) => {
                skipped += 1;
                format!("skip ({reason})")
            }
            Verdict::Fail(why) => {
                failed += 1;
                format!("FAIL {}", why.replace('\n', " "))
            }
        };
        println!("{:>3} | {:width$} | {result}", case.scenario.number, case.title());
    }
    let passed = rows.len() - skipped - failed;
    println!(
        "conformance: {passed} passed, {skipped} skipped, {failed} failed in {:.0} s",
        took.as_secs_f64()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
