//! Hosts the stand-ins: one HTTP server, a port for each, told apart by the port a request came to.

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

use super::credentials::Keys;
use super::exchange::{Answer, Connection, Request};
use super::fault::{Fault, Provider};
use super::record::Received;
use super::shared::State;
use super::{apns, control, fcm, sms_gateway, twilio, website};

/// The largest body taken, in bytes: more than any provider takes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// One listening socket for each stand-in.
pub(super) struct Listeners {
    pub(super) apns: TcpListener,
    pub(super) fcm: TcpListener,
    pub(super) twilio: TcpListener,
    pub(super) sms_gateway: TcpListener,
    pub(super) website: TcpListener,
    pub(super) control: TcpListener,
}

/// Takes a port of the loopback address; 0 for a free one.
pub(super) fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

/// What listens on a port.
#[derive(Clone, Copy)]
enum StandIn {
    Apns,
    Fcm,
    Twilio,
    SmsGateway,
    Website,
    Control,
}

/// Serves, on threads of its own, until the handle is told to stop: whoever starts it may go away
/// before whoever uses it.
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
                        // If nobody takes the handle any more, nobody needs the server.
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

/// Keeps a handle to the socket, so that the connection can be cut from inside a request.
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
    let answer = match stand_in {
        StandIn::Control => control::answer(&state, &request).await,
        StandIn::Apns => {
            play(
                &state,
                &request,
                Provider::Apns,
                apns::recipient,
                apns::answer,
                apns::refuse,
            )
            .await
        }
        StandIn::Fcm if fcm::is_token_request(&request) => {
            play(
                &state,
                &request,
                Provider::FcmToken,
                fcm::recipient,
                fcm::answer,
                fcm::refuse_token,
            )
            .await
        }
        StandIn::Fcm => {
            play(
                &state,
                &request,
                Provider::Fcm,
                fcm::recipient,
                fcm::answer,
                fcm::refuse,
            )
            .await
        }
        StandIn::Twilio => {
            play(
                &state,
                &request,
                Provider::Twilio,
                twilio::recipient,
                twilio::answer,
                twilio::refuse,
            )
            .await
        }
        StandIn::SmsGateway => {
            let (recipient, answer, refuse) = (
                sms_gateway::recipient,
                sms_gateway::answer,
                sms_gateway::refuse,
            );
            play(&state, &request, Provider::Http, recipient, answer, refuse).await
        }
        StandIn::Website => {
            play(
                &state,
                &request,
                Provider::Website,
                website::recipient,
                website::answer,
                website::refuse,
            )
            .await
        }
    };

    write(answer)
}

/// What every stand-in does: goes wrong if told so, else answers; and keeps a record.
async fn play(
    state: &State,
    request: &Request,
    provider: Provider,
    recipient: fn(&Request) -> String,
    answer: fn(&State, &Request) -> Answer,
    refuse: fn(&State, &Fault, u16) -> Answer,
) -> Answer {
    state.records.arrived(provider);
    let fault = state.faults.take(provider).unwrap_or_default();
    if fault.delay_millis > 0 {
        state.clock.sleep(fault.delay()).await;
    }

    let mut answered = if fault.drop_connection {
        Answer::empty(0)
    } else if let Some(status) = fault.status {
        refuse(state, &fault, status)
    } else {
        answer(state, request)
    };

    answered.headers.extend(
        fault
            .retry_after_seconds
            .map(|seconds| ("retry-after", seconds.to_string())),
    );

    state.records.add(Received {
        sequence: 0,
        provider,
        to: recipient(request),
        status: answered.status,
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
        connection.cut();
    }

    answered
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
