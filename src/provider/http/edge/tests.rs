//! Edges that misbehave, and URLs that may not be fetched.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::thread;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;

/// Serves each of these connections in turn with these bytes, and gives the requests that came.
fn server(answers: Vec<Vec<u8>>) -> (SocketAddr, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move |answer: Vec<u8>| {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(&mut stream);
        // The client may have left.
        let _ = stream.write_all(&answer);
        request
    };
    (address, thread::spawn(move || answers.into_iter().map(serve).collect()))
}

fn read_request(stream: &mut impl Read) -> String {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        request.push(byte[0]);
    }
    String::from_utf8(request).unwrap().to_ascii_lowercase()
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn edge_with(connect_to: Option<ConnectTo>, environment: &[(&str, &str)], are_hosts_listed: bool) -> HttpEdge {
    let environment: BTreeMap<_, _> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let hosts = ["www.example.com", "localhost", "127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254"];
    let hosts = hosts.map(str::to_owned).into();
    Network::new(&environment).edge(EdgeLimits { hosts, connect_to, allow_loopback: false, are_hosts_listed })
}

fn edge(connect_to: SocketAddr) -> HttpEdge {
    edge_with(Some(ConnectTo::Address(connect_to)), &[], false)
}

fn fetch(url: &str) -> Fetch<'_> {
    Fetch { url, encoding: "gzip", most: 100_000, keep: 5 }
}

#[tokio::test]
async fn a_fetch_sends_what_a_visitor_without_a_session_sends() {
    let (address, served) = server(vec![answer("200 OK\r\nSet-Cookie: a=b\r\nAge: 7", b"hello world"); 2]);
    let edge = edge(address);
    for _ in 0..2 {
        let page = edge.get(fetch("http://www.example.com/a?b=c")).await.unwrap();
        assert_eq!((page.status, page.header("Age"), page.is_whole), (200, "7", true));
        assert_eq!((&page.start[..], page.body.bytes), (&b"hello"[..], 11));
    }
    for request in served.join().unwrap() {
        assert!(request.starts_with("get /a?b=c http/1.1\r\n"), "{request}");
        let mut names: Vec<_> = request.lines().skip(1).filter_map(|line| line.split_once(':')).collect();
        names.sort_unstable();
        let agent = format!(" {}", USER_AGENT.to_ascii_lowercase());
        let expected =
            [("accept", " */*"), ("accept-encoding", " gzip"), ("host", " www.example.com"), ("user-agent", &*agent)];
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (address, served) = server(vec![answer("302 Found\r\nLocation: http://www.example.com/login?t=secret", b"")]);
    let page = edge(address).get(fetch("http://www.example.com/a")).await.unwrap();
    assert_eq!(page.status_word(), "HTTP 302 to `http://www.example.com/login`, which isn't followed");
    assert_eq!(served.join().unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_left_where_the_limit_is() {
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 50_000_000]].concat();
    let (address, served) = server(vec![endless]);
    let page = edge(address).get(fetch("http://www.example.com/a")).await.unwrap();
    assert!(!page.is_whole);
    assert!((100_001..1_000_000).contains(&page.body.bytes), "{}", page.body.bytes);
    // It could go on writing until the connection is closed, which happens on this thread.
    tokio::task::spawn_blocking(move || served.join().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_compressed_body_is_never_unpacked() {
    // It says that it holds 4 GiB.
    let bomb = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0; 1_000], &[1, 2, 3, 4, 255, 255, 255, 255]].concat();
    let (address, served) = server(vec![answer("200 OK\r\nContent-Encoding: gzip", &bomb)]);
    let page = edge(address).get(fetch("http://www.example.com/a")).await.unwrap();
    assert_eq!((page.body.bytes, page.gzip_trailer()), (1_018, Some((0x0403_0201, u32::MAX))));
    served.join().unwrap();
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    for (bytes, said) in [
        (&b""[..], "the connection to `www.example.com` broke before an answer came"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", "broke off after 3 bytes"),
        (b"SSH-2.0-OpenSSH\r\n", "broke before an answer came"),
    ] {
        let (address, served) = server(vec![bytes.to_vec()]);
        let why = edge(address).get(fetch("http://www.example.com/a?token=secret")).await.unwrap_err();
        let NoAnswer { why, may_pass } = why;
        assert!(
            may_pass && why.contains(said) && why.contains("`www.example.com`") && !why.contains("secret"),
            "{why}"
        );
        served.join().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_ends_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let began = tokio::time::Instant::now();
    let why = edge(listener.local_addr().unwrap()).get(fetch("http://www.example.com/a")).await.unwrap_err().why;
    assert!(why.contains("within") && began.elapsed() <= FETCH_TIMEOUT, "{why}");
}

#[tokio::test]
async fn an_answer_that_begins_and_never_ends_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let edge = edge(listener.local_addr().unwrap());
    let (begin, begun) = tokio::sync::oneshot::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhel").unwrap();
        begin.send(()).unwrap();
        // Until the client leaves.
        let _ = stream.read(&mut [0]);
    });
    let pass_time = async {
        begun.await.unwrap();
        tokio::time::pause();
    };
    let (fetched, ()) = tokio::join!(edge.get(fetch("http://www.example.com/a")), pass_time);
    let NoAnswer { why, may_pass } = fetched.unwrap_err();
    assert!(may_pass && why.contains("`www.example.com` stopped after 3 bytes"), "{why}");
}

/// Names that all lead to these addresses, as a name server on this machine says.
fn names(addresses: Vec<[u8; 4]>) -> Names {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query) {
            // The one question: a name that ends with an empty label, its type and its class.
            let name = query[12..length].iter().position(|byte| *byte == 0).unwrap() + 1;
            let question = &query[12..12 + name + 4];
            let found = if question[name + 1] == 1 { &addresses[..] } else { &[] };
            let counts = [0, 1, 0, u8::try_from(found.len()).unwrap(), 0, 0, 0, 0];
            let mut answer = [&query[..2], &[0x81, 0x80], &counts, question].concat();
            for address in found {
                // The name of the question, type A, class IN, a minute.
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
                answer.extend(address);
            }
            socket.send_to(&answer, from).unwrap();
        }
    });
    let mut connection = ConnectionConfig::udp();
    connection.port = server.port();
    let server = NameServerConfig::new(server.ip(), true, vec![connection]);
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    Names(Some(builder.build().unwrap()))
}

#[tokio::test]
async fn a_name_that_leads_into_a_private_network_leads_nowhere() {
    let lookup = async |addresses: &[[u8; 4]]| {
        let names = GuardedNames { names: names(addresses.to_vec()), connect_to: None };
        let found = names.resolve("www.example.com".parse().unwrap()).await;
        found
            .map(|found| found.map(|address| address.to_string()).collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    };
    // The port of an edge's name counts, and an edge's name may lead into a private network as little as a URL's.
    for (address, found) in [
        ([93, 184, 216, 34], Ok("93.184.216.34:8443".to_owned())),
        ([10, 0, 0, 1], Err("its name leads to 10.0.0.1, which isn't a public IP address".to_owned())),
    ] {
        let connect_to = Some(ConnectTo::Name("edge.example.net".to_owned(), 8443));
        let names = GuardedNames { names: names(vec![address]), connect_to };
        let led = names.resolve("www.example.com".parse().unwrap()).await;
        let led = led.map(|mut led| led.next().unwrap().to_string()).map_err(|error| error.to_string());
        assert_eq!(led, found);
    }
    for private in
        [[10, 0, 0, 1], [172, 16, 0, 1], [192, 168, 1, 1], [169, 254, 169, 254], [100, 64, 0, 1], [127, 0, 0, 1]]
    {
        let said = format!("its name leads to {}, which isn't a public IP address", std::net::Ipv4Addr::from(private));
        assert_eq!(lookup(&[private]).await, Err(said));
        // A name may lead to both.
        assert_eq!(lookup(&[private, [93, 184, 216, 34]]).await, Ok(vec!["93.184.216.34:0".to_owned()]));
    }
}

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/provider/http/fixtures");

/// An edge that has the certificate of `localhost`; gives the name that TLS asked for, and the request if the certificate was
/// accepted.
fn tls_edge() -> (SocketAddr, thread::JoinHandle<(String, String)>) {
    let chain = vec![CertificateDer::from_pem_file(format!("{FIXTURES}/localhost.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(format!("{FIXTURES}/localhost.key")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        let mut socket = listener.accept().unwrap().0;
        let mut connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        let is_accepted = connection.complete_io(&mut socket).is_ok();
        let name = connection.server_name().unwrap().to_owned();
        let mut request = String::new();
        if is_accepted {
            let mut stream = rustls::Stream::new(&mut connection, &mut socket);
            request = read_request(&mut stream);
            stream.write_all(&answer("200 OK", b"hello")).unwrap();
        }
        (name, request)
    };
    (address, thread::spawn(serve))
}

#[tokio::test]
async fn an_edge_is_asked_for_the_host_of_the_url_and_has_to_have_its_certificate() {
    let authority = format!("{FIXTURES}/authority.pem");
    let environment = [("SSL_CERT_FILE", authority.as_str())];
    let (address, served) = tls_edge();
    let at_edge = |address| edge_with(Some(ConnectTo::Address(address)), &environment, false);
    let page = at_edge(address).get(fetch("https://localhost/a")).await.unwrap();
    assert_eq!((page.status, &page.start[..]), (200, &b"hello"[..]));
    let (name, request) = served.join().unwrap();
    assert!(name == "localhost" && request.contains("\r\nhost: localhost\r\n"), "{name}: {request}");

    let (address, served) = tls_edge();
    let NoAnswer { why, .. } = at_edge(address).get(fetch("https://www.example.com/a")).await.unwrap_err();
    assert!(why.contains("the certificate of `www.example.com` is not accepted"), "{why}");
    assert_eq!(served.join().unwrap(), ("www.example.com".to_owned(), String::new()));
}

#[tokio::test]
async fn an_edge_that_is_down_is_said_to_be() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let NoAnswer { why, may_pass } = edge(address).get(fetch("http://www.example.com/a")).await.unwrap_err();
    assert!(may_pass && why.starts_with("can't connect to `www.example.com`"), "{why}");
}

#[tokio::test]
async fn what_may_not_be_fetched_is_not_connected_to() {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let address = trap.local_addr().unwrap();
    let port = address.port();
    let (here, far) = (Some(ConnectTo::Address(address)), ConnectTo::Address("93.184.216.34:80".parse().unwrap()));
    let named = Some(ConnectTo::Name("localhost".to_owned(), port));
    for (url, connect_to, said) in [
        (format!("https://other.example.com:{port}/"), here.clone(), "isn't a host of this plan"),
        (format!("https://user:pass@www.example.com:{port}/"), here.clone(), "a user name"),
        (format!("https://10.0.0.1:{port}/"), here, "can't be fetched from another one"),
        (format!("http://www.example.com:{port}/"), None, "only https"),
        (format!("http://127.0.0.1:{port}/"), None, "isn't a public IP address"),
        (format!("https://127.0.0.1:{port}/"), None, "isn't a public IP address"),
        (format!("https://[::1]:{port}/"), None, "isn't a public IP address"),
        ("https://169.254.169.254/latest/meta-data".to_owned(), None, "isn't a public IP address"),
        (format!("https://localhost:{port}/"), None, "its name leads to 127.0.0.1, which isn't a public IP address"),
        ("http://www.example.com/".to_owned(), Some(far), "only https"),
        ("http://www.example.com/".to_owned(), named.clone(), "only https"),
        (format!("https://127.0.0.1:{port}/"), named.clone(), "isn't a public IP address"),
        ("https://www.example.com/".to_owned(), named, "its name leads to 127.0.0.1, which isn't a public IP address"),
    ] {
        let NoAnswer { why, may_pass } = edge_with(connect_to, &[], true).get(fetch(&url)).await.unwrap_err();
        assert!(!may_pass && why.contains(said), "{url}: {why}");
    }
    assert!(trap.accept().is_err(), "somebody connected");
}

#[tokio::test]
async fn a_proxy_is_trusted_with_hosts_that_the_user_listed_alone() {
    let (address, served) = server(vec![b"HTTP/1.1 403 Forbidden\r\n\r\n".to_vec()]);
    let proxy = format!("http://{address}");
    let environment = [("HTTPS_PROXY", proxy.as_str())];
    let NoAnswer { why, may_pass } =
        edge_with(None, &environment, false).get(fetch("https://www.example.com/")).await.unwrap_err();
    assert!(!may_pass && why.contains("name the hosts in `allow-hosts`"), "{why}");
    let why = edge_with(None, &environment, true).get(fetch("https://www.example.com/")).await.unwrap_err().why;
    assert!(why.starts_with("can't connect to `www.example.com`"), "{why}");
    assert!(served.join().unwrap()[0].starts_with("connect www.example.com:443"), "the proxy wasn't asked");
}
