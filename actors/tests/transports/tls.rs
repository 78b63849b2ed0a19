//! TLS with certificates of an authority that nobody else trusts, and transports that are told to.

use std::sync::Arc;

use boxoffice::notify::{Blame, Letter, Transport};
use boxoffice::transport::SmtpSecurity;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::http_server::HttpServer;
use crate::smtp_server::{Script, SmtpServer, Step};
use crate::web_push::Browser;
use crate::{http, letter, smtp, told, web_push, webhook};

const AUTHORITY: &[u8] = include_bytes!("certificates/authority.pem");

fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("certificates/server.pem")).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("certificates/server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Speaks TLS in front of a server that does not; with `start_tls` only after it was asked to.
async fn in_front_of(port: u16, start_tls: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(relay(stream, port, start_tls));
        }
    });
    own
}

async fn relay(stream: TcpStream, port: u16, start_tls: bool) -> Option<()> {
    let mut stream = stream;
    let mut inner = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.ok()?);
    if start_tls {
        // The server behind greets again after STARTTLS, which nobody waits for: its greeting is used up here.
        let mut greeting = String::new();
        inner.read_line(&mut greeting).await.ok()?;
        let mut talk = BufReader::new(&mut stream);
        talk.get_mut().write_all(greeting.as_bytes()).await.ok()?;
        for answer in ["250-fake\r\n250 STARTTLS\r\n", "220 go on\r\n"] {
            let mut line = String::new();
            talk.read_line(&mut line).await.ok()?;
            talk.get_mut().write_all(answer.as_bytes()).await.ok()?;
        }
    }
    let mut outer = acceptor().accept(stream).await.ok()?;
    copy_bidirectional(&mut outer, &mut inner).await.ok().map(|_| ())
}

#[tokio::test]
async fn mail_goes_over_tls_that_is_trusted_and_over_no_other() {
    let server = SmtpServer::start(Script::default());
    for (security, start_tls) in [(SmtpSecurity::Tls, false), (SmtpSecurity::StartTls, true)] {
        let port = in_front_of(server.port, start_tls).await;
        let stranger = smtp::builder(port).security(security).build().unwrap();
        assert_eq!(told(&stranger.send(&letter("a")).await), ("retry", Some(Blame::Channel)), "{security:?}");
        let builder = smtp::builder(port).security(security).credentials("clerk", "hunter2");
        let trusting = builder.root_certificate(AUTHORITY).build().unwrap();
        assert_eq!(told(&trusting.send(&letter("a")).await), ("ok", None), "{security:?}");
    }
    assert_eq!(server.messages().len(), 2);
    assert_eq!(server.look(|seen| seen.commands.iter().filter(|line| line.starts_with("AUTH")).count()), 2);
}

#[tokio::test]
async fn a_reply_without_end_is_given_up_also_within_tls() {
    let flood = || Script { hello: Step::Flood("250-"), ..Script::default() };
    for (security, start_tls) in [(SmtpSecurity::Tls, false), (SmtpSecurity::StartTls, true)] {
        let server = SmtpServer::start(flood());
        let builder = smtp::builder(in_front_of(server.port, start_tls).await).security(security);
        let trusting = builder.root_certificate(AUTHORITY).build().unwrap();
        assert_eq!(told(&trusting.send(&letter("a")).await), ("retry", Some(Blame::Channel)), "{security:?}");
        // The relay and its sockets hold some of it.
        let flooded = server.look(|seen| seen.flooded);
        assert!((1..16 << 20).contains(&flooded), "{security:?} {flooded}");
    }
}

#[tokio::test]
async fn webhooks_go_over_tls_that_is_trusted_and_over_no_other() {
    let server = HttpServer::saying("200 OK").await;
    let port = in_front_of(server.port, false).await;
    for host in ["127.0.0.1", "localhost"] {
        let letter = Letter { to: format!("https://{host}:{port}/in"), ..letter("a") };
        assert_eq!(told(&webhook::transport().send(&letter).await), ("retry", Some(Blame::Letter)), "{host}");
        let trusting = webhook::transport().with_http(http().with_root_certificates(AUTHORITY).unwrap());
        assert_eq!(told(&trusting.send(&letter).await), ("ok", None), "{host}");
    }
    assert_eq!(server.requests().len(), 2);
    assert!(http().with_root_certificates(b"no certificate").is_err());
}

#[tokio::test]
async fn messages_to_browsers_go_over_tls_that_is_trusted_and_over_no_other() {
    let server = HttpServer::saying("201 Created").await;
    let port = in_front_of(server.port, false).await;
    let letter = Letter { to: Browser::new().subscription(&format!("https://localhost:{port}/in")), ..letter("a") };
    assert_eq!(told(&web_push::transport().send(&letter).await), ("retry", Some(Blame::Letter)));
    let trusting = web_push::transport().with_http(http().with_root_certificates(AUTHORITY).unwrap());
    assert_eq!(told(&trusting.send(&letter).await), ("ok", None));
    assert_eq!(web_push::claims(&server.requests()[0])["aud"], format!("https://localhost:{port}"));
}
