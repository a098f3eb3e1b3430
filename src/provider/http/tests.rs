//! Servers that misbehave in one way each, and what the transport makes of it: unsent only if no byte was written.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/provider/http/fixtures");

/// Serves each of these connections in turn, on a thread of its own, and says how many came.
fn server(connections: Vec<fn(TcpStream)>) -> (SocketAddr, thread::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = thread::spawn(move || {
        let count = connections.len();
        for serve in connections {
            serve(listener.accept().unwrap().0);
        }
        count
    });
    (address, served)
}

/// Reads a request to its end; there is no body in these tests but one of `Content-Length: 4`.
fn read_request(stream: &mut impl Read) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        request.push(byte[0]);
    }
    String::from_utf8(request).unwrap()
}

fn answer(mut stream: TcpStream, text: &str) {
    read_request(&mut stream);
    stream.write_all(text.as_bytes()).unwrap();
}

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn clock() -> Clock {
    Clock::new("2026-11-22T12:00:00Z".parse().unwrap())
}

/// A network that can't look up names.
fn nameless(pairs: &[(&str, &str)]) -> Network {
    let network = Network::new(&environment(pairs));
    assert!(network.0.names.set(Names(None)).is_ok());
    network
}

fn api_with(pairs: &[(&str, &str)]) -> HttpApi {
    nameless(pairs).open(&[], clock()).unwrap()
}

fn api() -> HttpApi {
    api_with(&[("SSL_CERT_FILE", &format!("{FIXTURES}/authority.pem"))])
}

fn get(address: impl std::fmt::Display) -> ::http::Request<Bytes> {
    ::http::Request::get(format!("{address}/?Signature=secret"))
        .extension(ApiName("RefreshObjectCaches"))
        .body(Bytes::new())
        .unwrap()
}

async fn error_of(serve: fn(TcpStream)) -> ApiError {
    let (address, _) = server(vec![serve]);
    let error = api().call(get(format!("http://{address}"))).await.unwrap_err();
    assert_eq!(error.api, "RefreshObjectCaches");
    assert!(error.message.contains(&address.to_string()), "{error}");
    assert!(!error.message.contains("secret"), "{error}");
    error
}

#[tokio::test]
async fn an_answer_comes_back_whole_whatever_its_status() {
    let (address, _) = server(vec![|stream| {
        answer(stream, "HTTP/1.1 503 Busy\r\nx-acs-request-id: 4B6\r\ncontent-length: 5\r\n\r\nwords");
    }]);
    let api = api();
    let answer = api.call(get(format!("http://localhost:{}", address.port()))).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["x-acs-request-id"], "4B6");
    assert_eq!(answer.body(), "words");
    assert_eq!(api.calls(), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_follows_it() {
    let (address, _) = server(vec![|stream| {
        answer(stream, "HTTP/1.1 307 Away\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    }]);
    assert_eq!(api().call(get(format!("http://{address}"))).await.unwrap().status(), 307);
}

#[tokio::test]
async fn what_is_sent_names_the_program_and_asks_for_no_compression() {
    let (address, served) = server(vec![|mut stream| {
        let request = read_request(&mut stream).to_lowercase();
        assert!(request.contains("user-agent: cdn-purge/"), "{request}");
        for absent in ["accept-encoding", "referer", "cookie"] {
            assert!(!request.contains(absent), "{request}");
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    }]);
    api().call(get(format!("http://{address}"))).await.unwrap();
    served.join().unwrap();
}

#[tokio::test]
async fn a_refused_connection_is_unsent() {
    // Taken, so that it is nobody else's, and nobody listens.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let error = api().call(get(format!("http://{address}"))).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unsent);
    assert!(error.message.starts_with(&format!("can't connect to `{address}`: ")), "{error}");
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_is_ambiguous() {
    let error = error_of(|mut stream| drop(read_request(&mut stream))).await;
    assert_eq!(error.kind, ApiErrorKind::Ambiguous);
    assert!(error.message.contains("broke before an answer came"), "{error}");
}

#[tokio::test]
async fn a_pooled_connection_that_closes_on_the_second_request_is_ambiguous_and_not_tried_again() {
    let (address, served) = server(vec![|mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        read_request(&mut stream);
    }]);
    let api = api();
    api.call(get(format!("http://{address}"))).await.unwrap();
    let error = api.call(get(format!("http://{address}"))).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Ambiguous, "{error}");
    assert_eq!(served.join().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up_as_ambiguous() {
    // The kernel takes the connection and the request; nobody ever answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let error = api().call(get(format!("http://{address}"))).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Ambiguous);
    assert_eq!(error.message, format!("no answer from `{address}` within 15 s"));
}

#[tokio::test]
async fn an_answer_that_comes_byte_by_byte_is_given_up_once_the_call_takes_too_long() {
    // Each byte comes in time, and there is no end of them.
    let (address, _) = server(vec![|mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(b" ").is_ok() {}
    }]);
    let api = api();
    let (call, response) = api.send(get(format!("http://{address}")), Duration::from_millis(300)).await.unwrap();
    let error = call.read(response).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Ambiguous);
    assert!(error.message.contains("nothing more came within"), "{error}");
}

#[tokio::test]
async fn a_body_shorter_than_announced_is_ambiguous() {
    let error = error_of(|stream| answer(stream, "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"Task")).await;
    assert_eq!(error.kind, ApiErrorKind::Ambiguous);
    assert!(error.message.contains("broke off after 6 bytes"), "{error}");
}

#[tokio::test]
async fn a_broken_chunk_is_ambiguous() {
    let error = error_of(|stream| answer(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")).await;
    assert_eq!(error.kind, ApiErrorKind::Ambiguous);
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_ambiguous() {
    assert_eq!(error_of(|stream| answer(stream, "SSH-2.0-OpenSSH_9.2\r\n")).await.kind, ApiErrorKind::Ambiguous);
}

#[tokio::test]
async fn too_many_headers_are_ambiguous() {
    let error = error_of(|stream| {
        let headers = "x-noise: 1\r\n".repeat(ANSWER_HEADERS + 1);
        answer(stream, &format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n"));
    })
    .await;
    assert_eq!(error.kind, ApiErrorKind::Ambiguous);
}

#[tokio::test]
async fn an_answer_announced_as_huge_is_not_read() {
    let error = error_of(|stream| answer(stream, "HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n{")).await;
    assert_eq!(error.kind, ApiErrorKind::Ambiguous);
    assert!(error.message.contains("longer than 8 MiB"), "{error}");
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_the_limit() {
    let error = error_of(|mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(&[b' '; 65536]).is_ok() {}
    })
    .await;
    assert_eq!(error.kind, ApiErrorKind::Ambiguous);
    assert!(error.message.contains("longer than 8 MiB"), "{error}");
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused_at_once() {
    let endpoint = Url::parse("http://192.0.2.1").unwrap();
    let refused = Network::new(&BTreeMap::new()).open(&[endpoint], clock()).err().unwrap();
    assert!(refused.to_string().contains("`192.0.2.1` over http"), "{refused}");
    let error = api().call(get("http://192.0.2.1")).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unsent);
}

#[tokio::test]
async fn without_a_resolver_a_name_is_refused_and_an_address_is_not() {
    let open = |endpoint: &str, pairs: &[(&str, &str)]| {
        nameless(pairs).open(&[Url::parse(endpoint).unwrap()], clock()).map(|_| ())
    };
    let refused = open("https://cdn.example.com", &[]).unwrap_err();
    assert!(matches!(refused, Error::Network { .. }));
    assert!(refused.to_string().contains("/etc/resolv.conf"), "{refused}");
    open("https://192.0.2.1", &[]).unwrap();
    open("https://[::1]:8443", &[]).unwrap();
    open("https://localhost", &[]).unwrap();
    open("https://cdn.example.com", &[("https_proxy", "10.0.0.1:3128")]).unwrap();
    open("https://cdn.example.com", &[("https_proxy", "proxy.example.com:3128")]).unwrap_err();
    open("https://cdn.example.com", &[("https_proxy", "10.0.0.1:3128"), ("no_proxy", ".example.com")]).unwrap_err();
    let error = api().call(get("https://cdn.example.com")).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unsent);
    assert!(error.message.contains("/etc/resolv.conf"), "{error}");
}

/// Speaks TLS with one of the fixtures' certificates and answers one request, if the handshake succeeds.
fn tls_server(certificate: &str) -> SocketAddr {
    let chain = vec![CertificateDer::from_pem_file(format!("{FIXTURES}/{certificate}.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(format!("{FIXTURES}/localhost.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut socket = listener.accept().unwrap().0;
        let mut connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        if connection.complete_io(&mut socket).is_ok() {
            let mut stream = rustls::Stream::new(&mut connection, &mut socket);
            read_request(&mut stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_ssl_cert_file_names_it() {
    let port = tls_server("localhost").port();
    assert_eq!(api().call(get(format!("https://localhost:{port}"))).await.unwrap().body(), "{}");
}

#[tokio::test]
async fn the_certificate_authorities_are_read_once_for_every_provider() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    std::fs::copy(format!("{FIXTURES}/authority.pem"), &file).unwrap();
    let network = nameless(&[("SSL_CERT_FILE", file.to_str().unwrap())]);
    let ways = [(); 2].map(|()| network.open(&[], clock()).unwrap());
    for way in ways {
        let port = tls_server("localhost").port();
        assert_eq!(way.call(get(format!("https://localhost:{port}"))).await.unwrap().body(), "{}");
        let _ = std::fs::remove_file(&file);
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused_with_the_remedy() {
    let port = tls_server("localhost").port();
    let error = api_with(&[]).call(get(format!("https://localhost:{port}"))).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unsent);
    assert!(error.message.starts_with(&format!("the certificate of `localhost:{port}` is not accepted: ")), "{error}");
    assert!(error.help.unwrap().contains("SSL_CERT_FILE"));
}

#[tokio::test]
async fn a_certificate_for_another_host_and_an_expired_one_are_refused() {
    let port = tls_server("localhost").port();
    let other = api().call(get(format!("https://127.0.0.1:{port}"))).await.unwrap_err();
    assert_eq!(other.kind, ApiErrorKind::Unsent);
    assert!(other.message.contains("not valid for name"), "{other}");
    let port = tls_server("expired").port();
    let expired = api().call(get(format!("https://localhost:{port}"))).await.unwrap_err();
    assert_eq!(expired.kind, ApiErrorKind::Unsent);
    assert!(expired.message.contains("expired"), "{expired}");
}

#[tokio::test]
async fn a_server_without_tls_behind_an_https_url_is_unsent() {
    let (address, _) = server(vec![|mut stream| {
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    }]);
    let error = api().call(get(format!("https://{address}"))).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unsent, "{error}");
}

#[tokio::test]
async fn a_proxy_sees_the_host_alone_and_its_refusals_are_unsent() {
    let (address, served) = server(vec![|mut stream| {
        let request = read_request(&mut stream);
        assert!(request.starts_with("CONNECT cdn.example.com:443 HTTP/1.1\r\n"), "{request}");
        assert!(request.to_lowercase().contains("proxy-authorization: basic"), "{request}");
        assert!(!request.contains("Signature"), "{request}");
        stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n").unwrap();
    }]);
    let api = api_with(&[("HTTPS_PROXY", &format!("http://user:hidden@{address}"))]);
    assert_eq!(api.proxy(&Url::parse("https://cdn.example.com").unwrap()), Some(address.to_string()));
    assert_eq!(api.proxy(&Url::parse("http://127.0.0.1:9").unwrap()), None);
    let error = api.call(get("https://cdn.example.com")).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unsent);
    assert!(error.message.contains(&format!("the proxy `{address}`")) && error.message.contains("407"), "{error}");
    assert!(!error.to_string().contains("hidden"), "{error}");
    served.join().unwrap();
}

#[tokio::test]
async fn this_machine_is_never_reached_through_a_proxy() {
    let port = tls_server("localhost").port();
    let authority = format!("{FIXTURES}/authority.pem");
    let api = api_with(&[("https_proxy", "http://127.0.0.1:1"), ("SSL_CERT_FILE", &authority)]);
    api.call(get(format!("https://localhost:{port}"))).await.unwrap();
}

#[test]
fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
    for value in ["socks5://user:hidden@proxy:1080", "http://", "http://user:hidden@:0x"] {
        let refused = Proxy::of(&environment(&[("ALL_PROXY", value)])).err().unwrap();
        assert_eq!(refused.to_string(), "the proxy in `ALL_PROXY` can't be used");
    }
    assert!(Proxy::of(&environment(&[("ALL_PROXY", " ")])).unwrap().is_none());
}

#[tokio::test]
async fn nonces_are_32_hex_digits_and_differ() {
    let api = api();
    let (one, other) = (api.nonce(), api.nonce());
    assert!(one.len() == 32 && one.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{one}");
    assert_ne!(one, other);
}

/// What a download of this path gives, and its pieces.
async fn downloaded(serve: fn(TcpStream)) -> (Result<u64, ApiError>, Vec<u8>) {
    let (address, _) = server(vec![serve]);
    let mut bytes = Vec::new();
    let take = &mut |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok(())
    };
    let result = api().download(&format!("http://{address}/x.gz?Signature=hunter2").into(), take).await;
    (result, bytes)
}

#[tokio::test]
async fn a_download_is_a_plain_get_and_comes_in_pieces() {
    let (result, bytes) = downloaded(|mut stream| {
        let request = read_request(&mut stream);
        let plain = request.starts_with("GET /x.gz?Signature=hunter2 HTTP/1.1")
            && !request.to_lowercase().contains("authorization");
        let body = if plain { "whole".to_owned() } else { request };
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    })
    .await;
    assert_eq!((result, bytes), (Ok(5), b"whole".to_vec()));
}

#[tokio::test]
async fn a_download_that_breaks_off_or_is_refused_is_an_error_without_the_url() {
    let cut: fn(TcpStream) = |stream| answer(stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    let expired: fn(TcpStream) = |stream| answer(stream, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let broken: fn(TcpStream) = |stream| answer(stream, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    let elsewhere: fn(TcpStream) =
        |stream| answer(stream, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    for (serve, kind) in [
        (cut, ApiErrorKind::Ambiguous),
        (expired, ApiErrorKind::Refused),
        (broken, ApiErrorKind::Server),
        (elsewhere, ApiErrorKind::Refused),
    ] {
        let error = downloaded(serve).await.0.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let take = &mut |_: &[u8]| Ok(());
    for address in ["http://logs.example/x", "ftp://logs.example/x", "nonsense"] {
        assert_eq!(api().download(&address.into(), take).await.unwrap_err().kind, ApiErrorKind::Refused, "{address}");
    }
}
