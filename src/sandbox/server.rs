//! Serves the stand-ins: one HTTP server with a port for each.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::{Arc, mpsc};
use std::thread;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::http::{StatusCode, Version, header};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use serde_json::Value;

use super::behaviour::Behaviour;
use super::credentials::Keys;
use super::exchange::{Answer, Connection, Request};
use super::record::Received;
use super::shared::State;
use super::{apns, control, fcm, sms_gateway, twilio, website};

/// The largest request body, in bytes. Larger than those of all providers.
const BODY_BYTES_MAX: usize = 64 * 1024;

pub(super) struct Listeners {
    pub(super) apns: TcpListener,
    pub(super) fcm: TcpListener,
    pub(super) twilio: TcpListener,
    pub(super) sms_gateway: TcpListener,
    pub(super) website: TcpListener,
    pub(super) control: TcpListener,
}

/// Listens on a port of the loopback address; 0 for a free one.
pub(super) fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

#[derive(Clone, Copy)]
enum StandIn {
    Apns,
    Fcm,
    Twilio,
    SmsGateway,
    Website,
    Control,
}

/// Serves on its own threads until the handle is told to stop. So the sandbox does not depend on the
/// runtime of its creator.
pub(super) fn serve(state: &Arc<State>, listeners: Listeners) -> io::Result<ServerHandle> {
    let ports = ports(&listeners)?;
    let tls = tls_config(&state.keys)?;
    let state = web::Data::from(Arc::clone(state));
    let (started, handle) = mpsc::channel();

    thread::Builder::new()
        .name("sandbox".to_owned())
        .spawn(move || {
            rt::System::new().block_on(async move {
                match http_server(state, ports, tls, listeners) {
                    Ok(server) => {
                        // Without a receiver of the handle nobody needs the server.
                        if started.send(Ok(server.handle())).is_ok() {
                            let _ = server.await;
                        }
                    }
                    Err(error) => drop(started.send(Err(error))),
                }
            });
        })?;

    handle
        .recv()
        .unwrap_or_else(|_| Err(io::Error::other("the sandbox's thread ended")))
}

type Ports = Vec<(u16, StandIn)>;

fn ports(listeners: &Listeners) -> io::Result<Ports> {
    let Listeners {
        apns,
        fcm,
        twilio,
        sms_gateway,
        website,
        control,
    } = listeners;

    let stand_ins = [
        (apns, StandIn::Apns),
        (fcm, StandIn::Fcm),
        (twilio, StandIn::Twilio),
        (sms_gateway, StandIn::SmsGateway),
        (website, StandIn::Website),
        (control, StandIn::Control),
    ];

    stand_ins
        .into_iter()
        .map(|(listener, stand_in)| Ok((listener.local_addr()?.port(), stand_in)))
        .collect()
}

fn http_server(
    state: web::Data<State>,
    ports: Ports,
    tls: ServerConfig,
    listeners: Listeners,
) -> io::Result<Server> {
    let ports = web::Data::new(ports);
    let application = move || {
        App::new()
            .app_data(state.clone())
            .app_data(ports.clone())
            .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
            .default_service(web::to(handle))
    };

    let mut server = HttpServer::new(application)
        .on_connect(remember_connection)
        .workers(1)
        .disable_signals();

    let Listeners {
        apns,
        fcm,
        twilio,
        sms_gateway,
        website,
        control,
    } = listeners;

    server = server.listen_rustls_0_23(apns, tls)?;

    for listener in [fcm, twilio, sms_gateway, website, control] {
        server = server.listen(listener)?;
    }

    Ok(server.run())
}

fn tls_config(keys: &Keys) -> io::Result<ServerConfig> {
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![keys.tls_certificate.clone()], keys.tls_key.clone_key())
        .map_err(io::Error::other)
}

/// Keeps a handle to the socket, so that a request's handler can close the connection.
fn remember_connection(connection: &dyn Any, extensions: &mut Extensions) {
    let socket: Option<BorrowedFd<'_>> =
        if let Some(plain) = connection.downcast_ref::<rt::net::TcpStream>() {
            Some(plain.as_fd())
        } else {
            connection
                .downcast_ref::<TlsStream<rt::net::TcpStream>>()
                .map(|tls| tls.get_ref().0.as_fd())
        };

    if let Some(Ok(socket)) = socket.map(|socket| socket.try_clone_to_owned()) {
        extensions.insert(Arc::new(Connection::new(TcpStream::from(socket))));
    }
}

async fn handle(
    http: HttpRequest,
    body: web::Bytes,
    state: web::Data<State>,
    ports: web::Data<Ports>,
) -> HttpResponse {
    let port = http.app_config().local_addr().port();
    let Some((_, stand_in)) = ports.iter().find(|(known, _)| *known == port) else {
        return HttpResponse::NotFound().finish();
    };

    let request = read(&http, &body);

    let behaviour = match stand_in {
        StandIn::Control => return write(control::answer(&state, &request).await),
        StandIn::Apns => &apns::BEHAVIOUR,
        StandIn::Fcm if fcm::is_token_request(&request) => &fcm::TOKEN_ENDPOINT,
        StandIn::Fcm => &fcm::SENDING,
        StandIn::Twilio => &twilio::BEHAVIOUR,
        StandIn::SmsGateway => &sms_gateway::BEHAVIOUR,
        StandIn::Website => &website::BEHAVIOUR,
    };

    write(answer(&state, &request, behaviour).await)
}

/// Applies the provider's fault, or else gives the regular answer, and records the request.
async fn answer(state: &State, request: &Request, behaviour: &Behaviour) -> Answer {
    let provider = behaviour.provider;
    state.records.arrived(provider);

    let fault = state.faults.take(provider).unwrap_or_default();
    if fault.delay_millis > 0 {
        state.clock.sleep(fault.delay()).await;
    }

    let mut answer = if fault.drop_connection {
        Answer::empty(0)
    } else if let Some(status) = fault.status {
        (behaviour.fail)(state, &fault, status)
    } else {
        (behaviour.answer)(state, request)
    };

    answer.headers.extend(
        fault
            .retry_after_seconds
            .map(|seconds| ("retry-after", seconds.to_string())),
    );

    state.records.add(Received {
        sequence: 0,
        provider,
        to: (behaviour.recipient)(request),
        status: answer.status,
        headers: request.headers.clone(),
        body: String::from_utf8_lossy(&request.body).into_owned(),
        fields: request.fields(),
        received_at: state.clock.now().as_millis(),
    });

    if let Some(connection) = request
        .connection
        .as_ref()
        .filter(|_| fault.drop_connection)
    {
        connection.close();
    }

    answer
}

fn read(http: &HttpRequest, body: &[u8]) -> Request {
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();

    Request {
        method: http.method().as_str().to_owned(),
        path: http.path().to_owned(),
        query: form_urlencoded::parse(http.query_string().as_bytes())
            .into_owned()
            .collect(),
        headers: http
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect::<BTreeMap<_, _>>(),
        body: body.to_vec(),
        is_http2: http.version() == Version::HTTP_2,
        connection: http.conn_data::<Arc<Connection>>().cloned(),
    }
}

fn write(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.insert_header(header);
    }

    match answer.body {
        Value::Null => response.finish(),
        body => response.json(body),
    }
}
