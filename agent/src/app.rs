//! Puts the agent together, runs it, and ends it in order: the tailer's thread first, so that an answer that
//! still comes is noted, then the connection. Only here are long-lived tasks started.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::batch::Body;
use crate::checkpoint::{Journal, Recovered};
use crate::commands::import;
use crate::config::Config;
use crate::dead_letters::DeadLetters;
use crate::inputs::{self, Context};
use crate::limits;
use crate::mailbox::Mailbox;
use crate::metrics::Counters;
use crate::ship::Shipper;
use crate::ship::board::Board;
use crate::state_dir::{self, StateDirError};
use crate::status::StatusFile;
use crate::tail::{Tailer, identity};
use crate::time::Clock;
use crate::watch::Watch;
use crate::worker::Worker;

/// Why an agent can't run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Its directory.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The journal can't be opened; its content is never a reason.
    #[error("the journal of positions: {0}")]
    Journal(std::io::Error),
    /// A thread or a signal handler.
    #[error("can't start: {0}")]
    Start(std::io::Error),
    /// A defect of this program; its message stands above in the log.
    #[error("the tailer has stopped by itself")]
    TailerEnded,
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When it can't start, or by a defect.
pub async fn run(config: Config) -> Result<(), AppError> {
    run_until(config, stop_signal()?).await
}

/// Ready at SIGTERM or SIGINT.
///
/// # Errors
/// When the system doesn't let us listen to them.
pub fn stop_signal() -> Result<impl Future<Output = ()>, AppError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(AppError::Start)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(AppError::Start)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}

/// Runs until `stop` is ready.
///
/// # Errors
/// As [`run`].
pub async fn run_until(mut config: Config, stop: impl Future<Output = ()>) -> Result<(), AppError> {
    let lock = state_dir::lock(&config.data_dir)?;
    let (journal, recovered) = Journal::open(&config.data_dir).map_err(AppError::Journal)?;
    if recovered.damaged_lines > 0 {
        let lines = recovered.damaged_lines;
        tracing::warn!(
            lines,
            "damaged lines in the journal of positions; the collector's positions fill the gap"
        );
    }
    let (end_shipping, is_ending) = watch::channel(false);
    let shared = Context {
        data_dir: config.data_dir.clone(),
        mailbox: Arc::new(Mailbox::new().map_err(AppError::Start)?),
        counters: Arc::new(Counters::default()),
        clock: Clock::start(),
        stop: is_ending,
    };
    inputs::warn_of_left_spools(&config.inputs, &shared);
    // Before a collector is asked for anything: what comes while none can be reached waits in the spools.
    let mut inputs = JoinSet::new();
    for input in std::mem::take(&mut config.inputs) {
        inputs.spawn(inputs::run(input, shared.clone()));
    }
    let ends_with_stdin = config.ends_with_stdin;
    let following = follow(config, journal, recovered, &shared, &end_shipping, stop);
    tokio::pin!(following);
    let result = loop {
        tokio::select! {
            result = &mut following => break result,
            Some(_) = inputs.join_next() => if ends_with_stdin && inputs.is_empty() {
                shared.mailbox.finish();
            },
        }
    };
    end_shipping.send_replace(true);
    // What was received is in the spools before the end, unless the disk takes too long.
    let drain = async { while inputs.join_next().await.is_some() {} };
    let _ = timeout(Duration::from_millis(limits::STOP_MS), drain).await;
    drop(lock);
    result
}

/// Follows files, spools among them, and ships their lines until `stop` is ready.
async fn follow(
    mut config: Config,
    journal: Journal,
    recovered: Recovered,
    shared: &Context,
    end_shipping: &watch::Sender<bool>,
    stop: impl Future<Output = ()>,
) -> Result<(), AppError> {
    let Context { mailbox, counters, clock, .. } = shared;
    let collectors = &config.collectors;
    let board = Arc::new(Board::new(&collectors.endpoints));
    let is_ending = end_shipping.subscribe();
    let mut shipper =
        Shipper::new(collectors.mode, &collectors.endpoints, &board, Arc::clone(counters), is_ending);
    tokio::pin!(stop);
    // What the agent knows by itself is enough to go on; what it has lost, only the collectors know.
    let positions = tokio::select! {
        positions = shipper.positions(recovered.intact) => positions,
        () = &mut stop => return Ok(()),
    };
    let address = collectors.endpoints.first().map(|endpoint| &endpoint.address);
    tracing::info!(address, collectors = collectors.endpoints.len(), positions = positions.len(), "started");

    let settings = &mut config.tailing;
    settings.open_files_max = settings.open_files_max.min(descriptors_max() / 2);
    settings.imported = import::imported(&config.data_dir);
    settings.never.extend(identity::inode_of_regular(std::io::stderr()));
    let letters = DeadLetters::new(&config.data_dir);
    let tailer = Tailer::new(
        config.tailing,
        journal,
        recovered,
        &positions,
        letters,
        Arc::clone(counters),
        clock.now(),
    );
    drop(positions);
    let (batches, queue) = mpsc::channel(1);
    let worker = Worker {
        tailer,
        watch: Watch::new(),
        mailbox: Arc::clone(mailbox),
        batches,
        clock: *clock,
        counters: Arc::clone(counters),
        board,
        status: StatusFile::new(&config.data_dir),
        scan_ms: config.scan_ms,
    };
    run_worker(worker, &mut shipper, queue, mailbox, end_shipping, stop).await
}

async fn run_worker(
    worker: Worker,
    shipper: &mut Shipper,
    queue: mpsc::Receiver<Body>,
    mailbox: &Mailbox,
    end_shipping: &watch::Sender<bool>,
    mut stop: std::pin::Pin<&mut impl Future<Output = ()>>,
) -> Result<(), AppError> {
    let (ended, mut end) = oneshot::channel();
    let run = move || {
        worker.run();
        // The receiver waits for this, or for the drop of the sender if the thread dies.
        let _ = ended.send(());
    };
    thread::Builder::new().name("tailer".into()).spawn(run).map_err(AppError::Start)?;
    let shipping = shipper.run(queue, mailbox);
    tokio::pin!(shipping);
    let mut is_stopping = false;
    let mut is_shipping = true;
    loop {
        tokio::select! {
            () = &mut stop, if !is_stopping => {
                is_stopping = true;
                mailbox.stop();
                end_shipping.send_replace(true);
            }
            () = &mut shipping, if is_shipping => is_shipping = false,
            result = &mut end => {
                return match result {
                    Ok(()) => Ok(()),
                    Err(_) => Err(AppError::TailerEnded),
                };
            }
        }
    }
}

/// Descriptors that this process may have.
pub fn descriptors_max() -> usize {
    const FEW: u64 = 256;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(FEW);
    usize::try_from(limit).unwrap_or(usize::MAX)
}
