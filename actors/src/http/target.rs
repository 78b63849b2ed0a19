//! Where a request goes.

use core::time::Duration;
use std::net::SocketAddr;

use hyper::Uri;
use tokio::net::TcpStream;

use super::Fault;
use super::address::is_public;

/// Where to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(super) uri: Uri,
    pub(super) host: String,
    port: u16,
    pub(crate) is_tls: bool,
}

impl Target {
    /// Takes `https:` and `http:`; whether that is allowed, the [client](super::HttpClient::target) says.
    pub(crate) fn parse(url: &str) -> Result<Self, Fault> {
        let uri: Uri = url.parse().map_err(|_| Fault::Url)?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Fault::Url),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or(Fault::Url)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        if host.is_empty() { Err(Fault::Url) } else { Ok(Self { uri, host, port, is_tls }) }
    }

    /// Whether nothing is said beyond scheme, host and port.
    #[cfg(any(feature = "stripe", feature = "sumup"))]
    pub(crate) fn is_origin(&self) -> bool {
        self.uri.path_and_query().is_none_or(|path| path.as_str() == "/")
    }

    /// Scheme, host and port, in lower case and without the usual port (RFC 6454 section 6.2).
    #[cfg(any(feature = "web-push", feature = "federation-http"))]
    pub(crate) fn origin(&self) -> String {
        let (scheme, usual) = if self.is_tls { ("https", 443) } else { ("http", 80) };
        let host = self.uri.host().unwrap_or_default().to_ascii_lowercase();
        if self.port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{}", self.port) }
    }

    /// The addresses that may be connected to. A name may have others at the next question, so these are the ones to use.
    async fn addresses(&self, allow_private: bool) -> Result<Vec<SocketAddr>, Fault> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await.map_err(|_| Fault::Dns)?;
        let found: Vec<SocketAddr> = found.collect();
        let public: Vec<SocketAddr> = found.iter().copied().filter(|at| allow_private || is_public(at.ip())).collect();
        match (found.is_empty(), public.is_empty()) {
            (true, _) => Err(Fault::Dns),
            (false, true) => Err(Fault::Private),
            (false, false) => Ok(public),
        }
    }

    /// Tries one address after the other, each for its share of the time: one that swallows everything is not the end.
    pub(super) async fn connect(&self, allow_private: bool, limit: Duration) -> Result<TcpStream, Fault> {
        let addresses = self.addresses(allow_private).await?;
        let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        for address in addresses {
            if let Ok(Ok(stream)) = tokio::time::timeout(share, TcpStream::connect(address)).await {
                return Ok(stream);
            }
        }
        Err(Fault::Connect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_http_with_a_host_and_without_a_user_is_a_target() {
        let cases = [
            ("https://hooks.club.example/in?x=1", true),
            ("https://hooks.club.example:8443", true),
            ("https://[2606:4700::1111]/", true),
            ("http://hooks.club.example/", true),
            ("https://ann:secret@hooks.club.example/", false),
            ("ftp://hooks.club.example/", false),
            ("/in", false),
            ("hooks.club.example", false),
            ("https://", false),
            ("https://hooks.club.example/\r\nx: y", false),
        ];
        for (url, is_target) in cases {
            assert_eq!(Target::parse(url).is_ok(), is_target, "{url}");
        }
    }

    #[cfg(any(feature = "web-push", feature = "federation-http"))]
    #[test]
    fn an_origin_has_no_path_no_capitals_and_no_usual_port() {
        let cases = [
            ("https://Push.Club.example/send/1?x=1", "https://push.club.example"),
            ("https://push.club.example:443", "https://push.club.example"),
            ("https://push.club.example:8443/", "https://push.club.example:8443"),
            ("http://push.club.example:80/", "http://push.club.example"),
            ("http://[::1]:443/", "http://[::1]:443"),
        ];
        for (url, origin) in cases {
            assert_eq!(Target::parse(url).unwrap().origin(), origin, "{url}");
        }
    }

    #[tokio::test]
    async fn private_addresses_are_refused_however_they_are_written() {
        for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254", "0.0.0.0"]
        {
            let target = Target::parse(&format!("https://{host}/")).unwrap();
            assert_eq!(target.addresses(false).await.unwrap_err(), Fault::Private, "{host}");
        }
        let target = Target::parse("https://127.0.0.1/").unwrap();
        assert_eq!(target.addresses(true).await.unwrap().len(), 1);
    }
}
