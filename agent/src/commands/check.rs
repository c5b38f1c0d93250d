//! `check`: is the configuration right, and what would be followed? Says all mistakes with their places; writes and
//! connects to nothing.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use millpond_agent::certificate::Validity;
use millpond_agent::config::{Config, ConfigError};
use millpond_agent::discover::{self, Coverage};
use millpond_agent::ship::client::Endpoint;
use millpond_agent::spool;
use millpond_agent::tail::identity::Inode;
use millpond_agent::time::Clock;

use super::{EXIT_USAGE, failed, print};

pub(crate) fn check(path: &Path) -> ExitCode {
    match Config::load(path) {
        Ok(config) => {
            let mut out = format!("{}: no mistakes\n", path.display());
            matches(&config, &mut out);
            for warning in warnings(&config) {
                let _ = writeln!(out, "warning: {warning}");
            }
            print(&out);
            ExitCode::SUCCESS
        }
        Err(ConfigError::Invalid { path, problems }) => {
            let of_problem = |problem: &millpond_agent::config::Problem| {
                format!("{}:{problem}\n{}\n", path.display(), problem.excerpt())
            };
            print(&problems.iter().map(of_problem).collect::<String>());
            failed(&format!("{} mistakes", problems.len()), EXIT_USAGE)
        }
        Err(error) => failed(&error, EXIT_USAGE),
    }
}

fn matches(config: &Config, out: &mut String) {
    let listing = discover::walk(&config.tailing.coverage, &HashSet::new());
    for (index, coverage) in of_files(config) {
        let files = listing.files.iter().filter(|file| file.section == index);
        let (count, bytes) = files.fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.size));
        let include: Vec<&str> = coverage.include.iter().map(|pattern| pattern.text()).collect();
        let _ =
            writeln!(out, "[[files]] {}: {}: {count} files, {bytes} bytes", index + 1, include.join(", "));
    }
    for input in &config.inputs {
        let _ = writeln!(out, "input {}", input.name);
    }
    for obstacle in &listing.obstacles {
        let _ = writeln!(out, "warning: {}: {}", obstacle.path.display(), obstacle.reason);
    }
    if listing.files_over_limit > 0 {
        let _ = writeln!(out, "warning: {} files more than are followed match", listing.files_over_limit);
    }
}

/// The sections of files, without those of spools, which nobody wrote.
fn of_files(config: &Config) -> impl Iterator<Item = (usize, &Coverage)> {
    let sections = config.tailing.coverage.iter().zip(&config.tailing.sections).enumerate();
    sections
        .filter(|(_, (_, section))| section.input.is_none())
        .map(|(index, (coverage, _))| (index, coverage))
}

fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let never = HashSet::new();
    let mut earlier: HashSet<Inode> = HashSet::new();
    for (index, coverage) in of_files(config) {
        for include in &coverage.include {
            let one = Coverage { include: vec![include.clone()], exclude: coverage.exclude.clone() };
            if discover::walk(&[one], &never).files.is_empty() {
                warnings.push(format!("[[files]] {}: `{}` matches no file now", index + 1, include.text()));
            }
        }
        let found: HashSet<_> = discover::walk(std::slice::from_ref(coverage), &never)
            .files
            .into_iter()
            .map(|file| file.inode)
            .collect();
        let twice = found.intersection(&earlier).count();
        if twice > 0 {
            warnings.push(format!(
                "[[files]] {}: {twice} of its files belong to an earlier section, which comes first",
                index + 1
            ));
        }
        earlier.extend(found);
    }
    let inputs: Vec<&str> = config.inputs.iter().map(|input| input.name.as_str()).collect();
    for (directory, bytes) in spool::left_over(&config.data_dir, &inputs) {
        let directory = directory.display();
        warnings.push(format!("{directory}: {bytes} bytes of an input that isn't configured any more; what isn't shipped yet will be"));
    }
    warnings.extend(certificates(config));
    if let Err(error) = writable(&config.data_dir) {
        warnings.push(format!("data_dir {}: {error}", config.data_dir.display()));
    }
    warnings
}

fn certificates(config: &Config) -> Vec<String> {
    config.collectors.endpoints.iter().flat_map(certificates_of).collect()
}

fn certificates_of(endpoint: &Endpoint) -> Vec<String> {
    let files = [&endpoint.ca, &endpoint.certificate, &endpoint.key].into_iter();
    let unreadable = files.filter_map(|path| {
        let error = std::fs::File::open(path).err()?;
        Some(format!("{}: {error}; was this agent enrolled?", path.display()))
    });
    let mut warnings: Vec<String> = unreadable.collect();
    let now = Clock::start().now();
    let validity = std::fs::read(&endpoint.certificate).ok().and_then(|pem| Validity::of_pem(&pem));
    if let Some(validity) = validity.filter(|validity| validity.ends_soon(now.unix_s())) {
        let left_s = validity.end_s.saturating_sub(now.unix_s());
        let (path, days) = (endpoint.certificate.display(), left_s.div_euclid(24 * 3600));
        warnings.push(format!("{path}: the certificate has {days} days left"));
    }
    warnings
}

/// Whether this user can write the state.
fn writable(directory: &Path) -> rustix::io::Result<()> {
    rustix::fs::access(directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
}
