//! Calls through an outgoing proxy with credentials.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use countersign::egress::{Egress, EgressSettings, ProxySettings};
use countersign::push::{ProviderPush, PushSender as _};
use countersign::sandbox::Provider;
use url::Url;

use super::{RETRY, destination, push, sandbox};
use crate::support::sandbox::{apns, secret};

const ADDRESS: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

/// An HTTP proxy for `CONNECT` with one user, `us` with the password `hunter2`. Reports the first line
/// of each request.
fn start_proxy() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, received) = channel();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let requests = requests.clone();
            thread::spawn(move || {
                let _ = serve(client, |line| requests.send(line).unwrap_or_default());
            });
        }
    });

    (address, received)
}

fn serve(mut client: TcpStream, tell: impl FnOnce(String)) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }

    let head = String::from_utf8_lossy(&head).into_owned();
    let first = head.lines().next().unwrap_or_default().to_owned();
    tell(first.clone());

    if !head
        .to_lowercase()
        .contains("\r\nproxy-authorization: basic dxm6ahvudgvymg==\r\n")
    {
        return client
            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    }

    let target = first
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next())
        .unwrap_or_default();
    let server = TcpStream::connect(target)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let upstream = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });

    let _ = io::copy(&mut &server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    let _ = upstream.join();

    Ok(())
}

fn egress(proxy: SocketAddr, password: &str) -> Egress {
    let proxy = ProxySettings {
        url: Url::parse(&format!("http://{proxy}")).unwrap(),
        username: Some("us".to_owned()),
        password: Some(secret(password)),
    };

    Egress::new(EgressSettings {
        proxy: Some(proxy),
        ..EgressSettings::default()
    })
}

#[tokio::test]
async fn pushes_go_through_the_proxy() {
    let (sandbox, clock) = sandbox();
    let (proxy, requests) = start_proxy();
    let to = destination(apns(&sandbox), ADDRESS);
    ProviderPush::new(egress(proxy, "hunter2"), clock)
        .send(&to, &push())
        .await
        .unwrap();

    assert!(sandbox.wait_for_push(ADDRESS).await.is_some());

    let target = sandbox.endpoints().apns.strip_prefix("https://").unwrap();
    assert_eq!(
        requests.recv().unwrap(),
        format!("CONNECT {target} HTTP/1.1")
    );
}

#[tokio::test]
async fn a_proxy_that_refuses_us_is_not_gone_around() {
    let (sandbox, clock) = sandbox();
    let (proxy, _requests) = start_proxy();
    let to = destination(apns(&sandbox), ADDRESS);
    let failure = ProviderPush::new(egress(proxy, "wrong"), clock)
        .send(&to, &push())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, RETRY);
    assert!(!failure.to_string().contains("wrong"));
    assert_eq!(sandbox.requests(Provider::Apns), 0);
}
