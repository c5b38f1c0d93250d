//! Puts the agent together, runs it, and ends it in order: the tailer's thread first, so that an answer that
//! still comes is noted, then the connection. Only here are long-lived tasks started.

use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::batch::Body;
use crate::checkpoint::{Journal, Recovered};
use crate::config::Config;
use crate::config::collectors::Collectors;
use crate::dead_letters::DeadLetters;
use crate::inputs::{self, Context};
use crate::mailbox::Mailbox;
use crate::metrics::Counters;
use crate::reload::{ConfigState, Reloader};
use crate::serve::Desk;
use crate::ship::Shipper;
use crate::ship::board::Board;
use crate::state_dir::{self, StateDirError};
use crate::status::{Shared, StatusFile};
use crate::tail::{Tailer, identity};
use crate::time::Clock;
use crate::watch::Watch;
use crate::worker::Worker;
use crate::{import, limits};

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
    let clock = Clock::start();
    let shared = Shared {
        counters: Arc::new(Counters::default()),
        board: Arc::new(Board::new(&config.collectors.endpoints)),
        config: Arc::new(ConfigState::new(&config.path, clock.now().unix_s())),
    };
    let context = Context {
        data_dir: config.data_dir.clone(),
        mailbox: Arc::new(Mailbox::new().map_err(AppError::Start)?),
        counters: Arc::clone(&shared.counters),
        clock,
        stop: is_ending,
    };
    fit_to_process(&mut config);
    inputs::warn_of_left_spools(&config.cover_left_spools(), &context.counters);
    // Before a collector is asked for anything: what comes while none can be reached waits in the spools.
    let mut inputs = JoinSet::new();
    for input in config.inputs.iter().cloned() {
        inputs.spawn(inputs::run(input, context.clone()));
    }
    let ends_with_stdin = config.ends_with_stdin;
    let following = follow(config, journal, recovered, shared, &context, &end_shipping, stop);
    tokio::pin!(following);
    let result = loop {
        tokio::select! {
            result = &mut following => break result,
            Some(_) = inputs.join_next() => if ends_with_stdin && inputs.is_empty() {
                context.mailbox.finish();
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
    config: Config,
    journal: Journal,
    recovered: Recovered,
    shared: Shared,
    context: &Context,
    end_shipping: &watch::Sender<bool>,
    stop: impl Future<Output = ()>,
) -> Result<(), AppError> {
    let Context { mailbox, clock, .. } = context;
    // Ends with this function.
    let (_beside, collectors) = spawn_beside(&config, &shared, mailbox, *clock)?;
    let counters = Arc::clone(&shared.counters);
    let mut shipper =
        Shipper::new(collectors, &shared.board, *clock, Arc::clone(&counters), end_shipping.subscribe());
    tokio::pin!(stop);
    // What the agent knows by itself is enough to go on; what it has lost, only the collectors know.
    let positions = tokio::select! {
        positions = shipper.positions(recovered.intact) => positions,
        () = &mut stop => return Ok(()),
    };
    let endpoints = &config.collectors.endpoints;
    let address = endpoints.first().map(|endpoint| &endpoint.address);
    tracing::info!(address, collectors = endpoints.len(), positions = positions.len(), "started");

    let letters = DeadLetters::new(&config.data_dir);
    let tailer = Tailer::new(config.tailing, journal, recovered, &positions, letters, counters, clock.now());
    drop(positions);
    let (batches, queue) = mpsc::channel(1);
    let worker = Worker {
        tailer,
        watch: Watch::new(),
        mailbox: Arc::clone(mailbox),
        batches,
        clock: *clock,
        shared,
        status: StatusFile::new(&config.data_dir),
        scan_ms: config.scan_ms,
        stalled_ms: config.stalled_ms,
    };
    run_worker(worker, &mut shipper, queue, mailbox, end_shipping, stop).await
}

/// What runs beside the delivery: answers to questions, and the look at the configuration file. With it come the
/// collectors that the shipper is to use.
fn spawn_beside(
    config: &Config,
    shared: &Shared,
    mailbox: &Arc<Mailbox>,
    clock: Clock,
) -> Result<(JoinSet<()>, watch::Receiver<Collectors>), AppError> {
    let mut beside = JoinSet::new();
    let desk = Desk { shared: shared.clone(), mailbox: Arc::clone(mailbox), clock };
    beside.spawn(desk.clone().serve_socket(config.data_dir.clone()));
    if let Some(address) = config.metrics {
        beside.spawn(desk.serve_port(address));
    }
    let hangup = signal(SignalKind::hangup()).map_err(AppError::Start)?;
    let (collectors, latest_collectors) = watch::channel(config.collectors.clone());
    let (current, shared, mailbox) = (config.clone(), shared.clone(), Arc::clone(mailbox));
    beside.spawn(Reloader { current, shared, mailbox, collectors, clock }.run(hangup));
    Ok((beside, latest_collectors))
}

async fn run_worker(
    worker: Worker,
    shipper: &mut Shipper,
    queue: mpsc::Receiver<Body>,
    mailbox: &Mailbox,
    end_shipping: &watch::Sender<bool>,
    stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), AppError> {
    let (ended, end) = oneshot::channel();
    let run = move || {
        worker.run();
        // The receiver waits for this, or for the drop of the sender if the thread dies.
        let _ = ended.send(());
    };
    thread::Builder::new().name("tailer".into()).spawn(run).map_err(AppError::Start)?;
    attend(shipper, queue, mailbox, end_shipping, end, stop).await
}

/// Ships what comes until the worker has `ended`, with its result; tells it and the shipper when `stop` is ready.
pub(crate) async fn attend<T>(
    shipper: &mut Shipper,
    queue: mpsc::Receiver<Body>,
    mailbox: &Mailbox,
    end_shipping: &watch::Sender<bool>,
    mut ended: oneshot::Receiver<T>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<T, AppError> {
    let shipping = shipper.run(queue, mailbox);
    tokio::pin!(shipping);
    let (mut is_stopping, mut is_shipping) = (false, true);
    loop {
        tokio::select! {
            () = &mut stop, if !is_stopping => {
                is_stopping = true;
                mailbox.stop();
                end_shipping.send_replace(true);
            }
            () = &mut shipping, if is_shipping => is_shipping = false,
            result = &mut ended => return result.map_err(|_| AppError::TailerEnded),
        }
    }
}

/// What depends on this process and not on the file.
pub(crate) fn fit_to_process(config: &mut Config) {
    let settings = &mut config.tailing;
    settings.imported = import::imported(&config.data_dir);
    settings.open_files_max = settings.open_files_max.min(descriptors_max() / 2);
    settings.never.extend(identity::inode_of_regular(std::io::stderr()));
}

/// Descriptors that this process may have.
pub fn descriptors_max() -> usize {
    const FEW: u64 = 256;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(FEW);
    usize::try_from(limit).unwrap_or(usize::MAX)
}
