use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::*;

/// URLs that must be refused, for whatever reason.
const REFUSED: &[&str] = &[
    // Loopback, in every spelling of a number.
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.255.255.254/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0x7F.0x0.0x0.0x1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0177.1/",
    "https://127.0.0.1./",
    "https://127.0.0.0x1/",
    "https://00000177.0.0.01/",
    "https://%31%32%37.0.0.1/",
    "https://127%2e0%2e0%2e1/",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://①②⑦.0.0.1/",
    "https://127．0．0．1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://0x0/",
    "https://00/",
    "https://0.0.0.0.:443/",
    // Local names.
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://loc%61lhost/",
    "https://localhost:443/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://db.internal./",
    "https://router.lan/",
    "https://nas.home.arpa/",
    "https://host.localdomain/",
    "https://kubernetes/",
    "https://db./",
    "https://ⓛocalhost/",
    "https://ｌocalhost/",
    // Private, link-local, shared, benchmarking, documentation, multicast, reserved.
    "https://10.0.0.1/",
    "https://10.1/",
    "https://167772161/",
    "https://0xa000001/",
    "https://012.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://2886729729/",
    "https://192.168.0.1/",
    "https://192.168.1/",
    "https://3232235521/",
    "https://0xc0a80001/",
    "https://0300.0250.0.1/",
    "https://169.254.169.254/",
    "https://169.254.43518/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://100.64.0.1/",
    "https://100.127.255.255/",
    "https://198.18.0.1/",
    "https://198.19.0.1/",
    "https://192.0.0.1/",
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://239.1.1.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://4294967295/",
    "https://0xffffffff/",
    // IPv6.
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[0000::0001]/",
    "https://[::127.0.0.1]/",
    "https://[::7f00:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a00:1::1]/",
    "https://[2002:808:808::1]/",
    "https://[2001:0:7f00:1::]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[100::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fe80::a9fe:a9fe]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[5f00::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1%25lo]/",
    "https://[v1.x]/",
    "https://::1/",
    // Ambiguous hosts.
    "https://public.example@127.0.0.1/",
    "https://127.0.0.1@public.example/",
    "https://user@public.example/",
    "https://user:password@public.example/",
    "https://:password@public.example/",
    "https://@public.example/",
    "https://public.example:443@127.0.0.1/",
    "https://public.example#@127.0.0.1/",
    "https://public.example\\@127.0.0.1/",
    "https://127.0.0.1\\.public.example/",
    "https:\\\\127.0.0.1/",
    "https:/127.0.0.1/",
    "https:127.0.0.1/",
    "https:///127.0.0.1/",
    "https:////127.0.0.1/",
    "https://\\127.0.0.1/",
    "https:public.example",
    "https:/public.example",
    "https:///public.example/",
    "https://public.example/#fragment",
    "https://public.example /",
    "https://public.example\t/",
    "https://pub\nlic.example/",
    "https://public.example/\r\nX: y",
    " https://public.example/",
    "https://public.example\0/",
    "https://public.example:99999/",
    // Not an https URL.
    "",
    "/",
    "//public.example/",
    "public.example",
    "https://",
    "https:///",
    "https://?",
    "https://#",
    "http://public.example/",
    "HTTP://public.example/",
    "ftp://public.example/",
    "file:///etc/passwd",
    "gopher://public.example/",
    "data:,x",
    "javascript:alert(1)",
    "ws://public.example/",
    "blob:https://public.example/x",
    "dict://public.example:11211/",
    "https//x.example",
    "https://[::1",
    "https://%00/",
    "https://..../",
    "https://a..b../",
    "https://exa mple.com/",
    "https://256.256.256.256/",
    "https://1.2.3.4.5/",
    "https://0x100000000/",
    "https://09.1.1.1/",
];

#[test]
fn hostile_spellings_are_refused() {
    assert!(REFUSED.len() >= 100);

    for text in REFUSED {
        if let Ok(url) = check_url(text, false) {
            panic!("{text:?} was allowed as {url}");
        }
    }
}

#[test]
fn public_urls_are_allowed() {
    for text in [
        "https://portal.example/callback",
        "https://PORTAL.example/callback?x=1",
        "https://portal.example:8443/",
        "https://8.8.8.8/",
        "https://[2600::1]/",
        "https://portal.example./",
        "https://bücher.example/",
        "HTTPS://portal.example/",
    ] {
        assert!(check_url(text, false).is_ok(), "{text}");
    }
}

#[test]
fn private_networks_allow_http_but_no_hostile_spellings() {
    for text in [
        "http://127.0.0.1:8090/cb",
        "http://portal/",
        "https://localhost/",
        "http://[::1]:1/",
    ] {
        assert!(check_url(text, true).is_ok(), "{text}");
    }

    for text in [
        "http://user@127.0.0.1/",
        "ftp://127.0.0.1/",
        "http://127.0.0.1/#x",
        "http:\\\\127.0.0.1/",
    ] {
        assert!(check_url(text, true).is_err(), "{text}");
    }

    assert!(
        check_url(
            &format!("https://portal.example/{}", "x".repeat(2048)),
            true
        )
        .is_err()
    );
}

struct Answers(Vec<&'static str>);

impl Lookup for Answers {
    fn addresses<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let addresses = self
            .0
            .iter()
            .map(|text| SocketAddr::new(text.parse().unwrap(), 0))
            .collect();

        Box::pin(async move { Ok(addresses) })
    }
}

#[tokio::test]
async fn a_name_is_refused_if_any_of_its_addresses_is_not_public() {
    let cases = [
        (vec!["8.8.8.8"], true),
        (vec!["8.8.8.8", "2600::1"], true),
        (vec!["127.0.0.1"], false),
        (vec!["8.8.8.8", "127.0.0.1"], false),
        (vec!["10.0.0.1", "8.8.8.8"], false),
        (vec!["8.8.8.8", "::1"], false),
        (vec!["8.8.8.8", "::ffff:8.8.8.8"], false),
        (vec!["64:ff9b::808:808"], false),
        (vec!["2002:808:808::1"], false),
        (vec!["169.254.169.254"], false),
    ];

    for (answers, allowed) in cases {
        let resolver = GuardedResolver(Arc::new(Answers(answers.clone())));
        assert_eq!(
            resolver.resolve_name("portal.example").await.is_ok(),
            allowed,
            "{answers:?}"
        );
    }
}
