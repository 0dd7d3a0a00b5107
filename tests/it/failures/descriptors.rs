//! More connections than the process may have file descriptors.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use tokio::net::TcpStream;

use crate::support::databases::Database;
use crate::support::process::Installation;

#[tokio::test]
async fn idle_connections_leave_the_management_listener_its_own() {
    let installation = Installation::new(Database::sqlite());
    let server = installation.serve_limited("ulimit -n 256").await;

    let (host, port) = (
        server.public_url().host_str().unwrap().to_owned(),
        server.public_url().port().unwrap(),
    );
    let connect = || TcpStream::connect((host.as_str(), port));
    let idle = join_all((0..400).map(|_| connect())).await;
    assert!(idle.iter().all(Result::is_ok), "the kernel keeps them");

    for path in ["/livez", "/readyz", "/metrics"] {
        // A connection of its own: one that is open already would be answered anyway.
        let probe = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = server.management_url.join(path).unwrap();
        let answered = probe.get(url).timeout(Duration::from_secs(5)).send().await;
        assert_eq!(answered.expect("management is not full").status(), 200);
    }

    // Once they have gone, everybody is served again.
    drop(idle);
    let path = "/.well-known/openid-configuration";
    let answered = server.anonymous(Method::GET, path).send().await.unwrap();
    assert_eq!(answered.status(), 200);
}
