//! Serving: two listeners on a system of their own, and stopping without breaking a request.

mod descriptors;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use ipnet::IpNet;
use tokio::sync::watch;
use tracing_actix_web::TracingLogger;

pub use descriptors::warn_if_few as warn_if_few_descriptors;

use crate::api::{self, Api, Gate, Listener, Pages, RequestLimits, RequestSpan};
use crate::app::AppState;
use crate::clock::Clock;
use crate::config::Config;

/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request's body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may stay open without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take to close its side.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may wait for a client that does not read it, before the connection is cut.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(20);
/// Administrators and health checks are few.
const MANAGEMENT_WORKERS: usize = 1;
const MANAGEMENT_REQUESTS_MAX: usize = 256;

/// The listeners of a server, bound already.
pub struct Listeners {
    /// For websites, phones and portals.
    pub public: TcpListener,
    /// For administrators, health and metrics.
    pub management: TcpListener,
}

/// A server that accepts connections. Dropping it does not stop it; [`RunningServer::stop`] does.
pub struct RunningServer {
    pub public_address: SocketAddr,
    pub management_address: SocketAddr,
    app: AppState,
    stop: watch::Sender<bool>,
    thread: JoinHandle<io::Result<()>>,
}

/// Starts serving. Returns when both listeners accept connections.
///
/// # Errors
/// When a thread cannot be started or a listener cannot be used.
pub fn start(app: AppState, listeners: Listeners, config: &Config) -> io::Result<RunningServer> {
    let public_address = listeners.public.local_addr()?;
    let management_address = listeners.management.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    let (started, wait_started) = mpsc::sync_channel(1);

    let (served, config) = (app.clone(), config.clone());
    let thread = std::thread::Builder::new()
        .name("http".to_owned())
        .spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let servers = Servers::bind(served, listeners, &config, &stopping);
                let result = servers
                    .as_ref()
                    .map(|_| ())
                    .map_err(|error| io::Error::new(error.kind(), error.to_string()));
                if started.send(result).is_err() {
                    return Ok(());
                }

                servers?.serve(stopping).await
            })
        })?;

    match wait_started.recv() {
        Ok(result) => result?,
        Err(_) => {
            return Err(io::Error::other(
                "the HTTP thread ended before it had started",
            ));
        }
    }

    Ok(RunningServer {
        public_address,
        management_address,
        app,
        stop,
        thread,
    })
}

impl RunningServer {
    /// Stops everything: long polls are answered as things stand, requests in flight are finished,
    /// idle connections closed; then the actors, the background tasks and the store end. Blocks
    /// until the last one is gone or the configured time is up.
    ///
    /// # Errors
    /// When a listener failed while it was serving; everything has ended all the same.
    pub fn stop(self) -> io::Result<()> {
        self.stop.send_replace(true);

        let served = self
            .thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the HTTP thread panicked")));

        self.app.stop();

        served
    }
}

struct Servers {
    public: Server,
    management: Server,
    drain_delay: Duration,
    clock: Clock,
}

impl Servers {
    fn bind(
        app: AppState,
        listeners: Listeners,
        config: &Config,
        stopping: &watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let limits = RequestLimits {
            body_bytes_max: config.server.body_bytes_max.get(),
            body_timeout: BODY_TIMEOUT,
        };
        let (working_max, waiting_max) = (
            config.limits.requests_in_flight_max.get(),
            config.limits.waiting_requests_max.get(),
        );

        let workers = match config.server.workers {
            0 => std::thread::available_parallelism()?.get(),
            workers => workers,
        };

        let shutdown_timeout = Duration::from_secs(config.server.shutdown_timeout_seconds);
        let trusted: Arc<[IpNet]> = config.server.trusted_proxies.clone().into();
        let pages = Arc::new(Pages::load(&config.pages).map_err(io::Error::other)?);
        let api = |app, gate| {
            let (trusted, pages) = (Arc::clone(&trusted), Arc::clone(&pages));
            Arc::new(Api::new(
                app,
                limits,
                trusted,
                pages,
                gate,
                stopping.clone(),
            ))
        };

        let clock = app.base.clock.clone();
        let public = listen(
            Listener::Public,
            listeners.public,
            api(app.clone(), Gate::new(working_max, waiting_max)),
            workers,
            descriptors::public_connections(descriptors::wanted(&config.limits)),
            shutdown_timeout,
        )?;

        let management = listen(
            Listener::Management,
            listeners.management,
            api(app, Gate::new(MANAGEMENT_REQUESTS_MAX, 0)),
            MANAGEMENT_WORKERS,
            MANAGEMENT_REQUESTS_MAX,
            shutdown_timeout,
        )?;

        Ok(Self {
            public,
            management,
            drain_delay: Duration::from_secs(config.server.drain_delay_seconds),
            clock,
        })
    }

    /// Serves until asked to stop, and until what was begun has ended. Management answers until the
    /// public side is done, so that health checks see why nothing is accepted any more.
    async fn serve(self, mut stopping: watch::Receiver<bool>) -> io::Result<()> {
        let (public, management) = (self.public.handle(), self.management.handle());
        actix_web::rt::spawn(async move {
            // An error means that nobody is left to ask: time to stop as well.
            let _ = stopping.wait_for(|stopping| *stopping).await;

            // `/readyz` says no from now on, and load balancers need a moment to notice.
            self.clock.sleep(self.drain_delay).await;
            public.stop(true).await;
            management.stop(true).await;
        });

        let (public, management) = tokio::join!(self.public, self.management);
        public.and(management)
    }
}

fn listen(
    listener: Listener,
    socket: TcpListener,
    api: Arc<Api>,
    workers: usize,
    connections_max: usize,
    shutdown_timeout: Duration,
) -> io::Result<Server> {
    // Connections inherit it (`TCP_USER_TIMEOUT`). Nothing above the kernel notices that a client never
    // reads.
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&socket).set_tcp_user_timeout(Some(UNREAD_TIMEOUT))?;

    let api = web::Data::from(api);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(api.clone())
            .configure(|services| api::configure(listener, services))
            .wrap(from_fn(api::boundary))
            .wrap(TracingLogger::<RequestSpan>::new())
    })
    .workers(workers)
    .max_connections(connections_max.div_ceil(workers))
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(HEAD_TIMEOUT)
    .client_disconnect_timeout(DISCONNECT_TIMEOUT)
    .shutdown_timeout(shutdown_timeout.as_secs())
    .tcp_nodelay(true)
    .disable_signals();

    Ok(server.listen(socket)?.run())
}
