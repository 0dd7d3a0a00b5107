//! Serving: two listeners on a system of their own, and stopping without breaking a request.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use tokio::sync::watch;
use tracing_actix_web::TracingLogger;

use crate::api::{self, Api, Gate, Listener, RequestLimits, RequestSpan};
use crate::app::AppState;

/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request's body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may stay open without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take to close its side.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Administrators and health checks are few.
const MANAGEMENT_WORKERS: usize = 1;
const MANAGEMENT_REQUESTS_MAX: usize = 256;

/// What a server is started with.
pub struct ServerOptions {
    /// Where websites and phones connect.
    pub public: TcpListener,
    pub management: TcpListener,
    /// Workers of the public listener; 0 = one for each core.
    pub workers: usize,
    /// The longest request body.
    pub body_bytes_max: usize,
    /// Public requests in work at once.
    pub requests_in_flight_max: usize,
    /// Public requests that wait for something to happen at once.
    pub waiting_requests_max: usize,
    /// How long requests in flight may take to end when the server stops.
    pub shutdown_timeout: Duration,
    pub app: AppState,
}

/// A server that accepts connections. Dropping it does not stop it; [`RunningServer::shutdown`]
/// does.
pub struct RunningServer {
    /// Where websites and phones connect.
    pub public_address: SocketAddr,
    pub management_address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: JoinHandle<io::Result<()>>,
}

/// Starts serving. Returns when both listeners accept connections.
pub fn start(options: ServerOptions) -> io::Result<RunningServer> {
    let public_address = options.public.local_addr()?;
    let management_address = options.management.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    let (started, wait_started) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("http".to_owned())
        .spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let servers = Servers::bind(options, &stopping);
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
        stop,
        thread,
    })
}

impl RunningServer {
    /// Stops: long polls are answered as things stand, requests in flight are finished, idle
    /// connections closed. Returns when the last one is gone or the time is up.
    pub fn shutdown(self) -> io::Result<()> {
        self.stop.send_replace(true);
        self.thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the HTTP thread panicked")))
    }
}

struct Servers {
    public: Server,
    management: Server,
}

impl Servers {
    fn bind(options: ServerOptions, stopping: &watch::Receiver<bool>) -> io::Result<Self> {
        let limits = RequestLimits {
            body_bytes_max: options.body_bytes_max,
            body_timeout: BODY_TIMEOUT,
        };
        let gate = Gate::new(options.requests_in_flight_max, options.waiting_requests_max);
        let public_api = Arc::new(Api::new(
            options.app.clone(),
            limits,
            gate,
            stopping.clone(),
        ));
        let gate = Gate::new(MANAGEMENT_REQUESTS_MAX, 0);
        let management_api = Arc::new(Api::new(options.app, limits, gate, stopping.clone()));
        let workers = match options.workers {
            0 => std::thread::available_parallelism()?.get(),
            workers => workers,
        };
        let connections_max = options
            .requests_in_flight_max
            .saturating_add(options.waiting_requests_max);
        let timeout = options.shutdown_timeout;
        Ok(Self {
            public: listen(
                Listener::Public,
                options.public,
                public_api,
                workers,
                connections_max,
                timeout,
            )?,
            management: listen(
                Listener::Management,
                options.management,
                management_api,
                MANAGEMENT_WORKERS,
                MANAGEMENT_REQUESTS_MAX,
                timeout,
            )?,
        })
    }

    /// Serves until asked to stop, and until what was begun has ended. Management answers until the
    /// public side is done, so that health checks see why nothing is accepted any more.
    async fn serve(self, mut stopping: watch::Receiver<bool>) -> io::Result<()> {
        let (public, management) = (self.public.handle(), self.management.handle());
        actix_web::rt::spawn(async move {
            // An error means that nobody is left to ask: time to stop as well.
            let _ = stopping.wait_for(|stopping| *stopping).await;
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
