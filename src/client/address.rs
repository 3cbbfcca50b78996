//! Where a server is: read from a URL, and looked up before anything is sent.

use std::fmt;
use std::net::SocketAddr;

use hyper::Uri;

/// The host and the port of a URL.
///
/// ```
/// use turnstile::client::Address;
///
/// let address = Address::read("ws://localhost:10001/msg", "ws").unwrap();
/// assert_eq!((address.host.as_str(), address.port), ("localhost", 10001));
/// assert_eq!(Address::read("http://[::1]:10002", "http").unwrap().host, "::1");
/// assert!(Address::read("ws://localhost:99999", "ws").unwrap_err().contains("port"));
/// assert!(Address::read("wss://localhost", "ws").unwrap_err().contains("must begin with ws://"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// The port, 80 if none is said.
    pub port: u16,
}

impl Address {
    /// Reads a URL that must have this scheme. One of `http` has no path: each call has its own.
    ///
    /// # Errors
    /// Says what is wrong with the URL.
    pub fn read(url: &str, scheme: &str) -> Result<Address, String> {
        let wrong =
            |why: &str| format!("{url} is no address of a server: {why}, as in {scheme}://127.0.0.1:10001");
        let uri: Uri = url.parse().map_err(|_| wrong("it cannot be read"))?;
        if uri.scheme_str() != Some(scheme) {
            return Err(wrong(&format!("it must begin with {scheme}://")));
        }
        if uri.query().is_some() {
            return Err(wrong("it must have no query"));
        }
        if scheme == "http" && uri.path() != "/" {
            return Err(wrong("it must have no path"));
        }
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        let after = authority.as_str().strip_prefix(authority.host());
        let after = after.ok_or_else(|| wrong("it must name nobody before the host"))?;
        let port = match after.strip_prefix(':').map(str::parse) {
            _ if after.is_empty() => 80,
            Some(Ok(port)) if port > 0 => port,
            _ => return Err(wrong("its port must be a number from 1 to 65535")),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Address { host, port })
    }
}

/// As it is written in a URL and in a request's `Host`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// A server that was looked up: from here on there is one socket address, and the name is not asked about again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// As it was named.
    pub url: String,
    /// Where to connect.
    pub socket: SocketAddr,
}

impl Place {
    /// Looks up the host of a URL. Unless `foreign` is set, each of its addresses must be of this machine.
    ///
    /// # Errors
    /// If the URL cannot be read, if nothing has this name, or if it is another machine's.
    pub async fn find(url: &str, scheme: &str, foreign: bool) -> Result<Place, String> {
        let Address { host, port } = Address::read(url, scheme)?;
        let found = tokio::net::lookup_host((host.as_str(), port)).await;
        let found: Vec<SocketAddr> =
            found.map_err(|why| format!("{host} cannot be looked up: {why}"))?.collect();
        if !foreign && let Some(other) = found.iter().find(|address| !is_here(address)) {
            return Err(format!(
                "{url} is {}, which is not this machine; nothing was sent. If the server is yours, say so with --i-own-this-server",
                other.ip()
            ));
        }
        let socket = *found.first().ok_or_else(|| format!("{host} has no address"))?;
        let mut place = Place { url: url.trim_end_matches('/').to_owned(), socket };
        // Where a name has several, the server listens on one of them.
        for address in found.into_iter().filter(|address| *address != socket) {
            if tokio::net::TcpStream::connect(place.socket).await.is_ok() {
                break;
            }
            place.socket = address;
        }
        Ok(place)
    }

    /// Whether it is on this machine.
    pub fn is_here(&self) -> bool {
        is_here(&self.socket)
    }
}

fn is_here(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_is_written_as_it_is_read() {
        for (url, written) in [
            ("http://[::1]:10002", "[::1]:10002"),
            ("http://[::1]", "[::1]:80"),
            ("http://localhost/", "localhost:80"),
            ("http://127.0.0.1:65535", "127.0.0.1:65535"),
        ] {
            assert_eq!(Address::read(url, "http").unwrap().to_string(), written);
        }
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        for (url, scheme, expected) in [
            ("ws://127.0.0.1:99999", "ws", "its port must be a number from 1 to 65535"),
            ("ws://127.0.0.1:0", "ws", "its port must be"),
            ("ws://127.0.0.1:", "ws", "its port must be"),
            ("http://127.0.0.1:1/api", "http", "it must have no path"),
            ("ws://me@127.0.0.1:1", "ws", "it must name nobody before the host"),
            ("ws://127.0.0.1:1?a=b", "ws", "it must have no query"),
        ] {
            let why = Address::read(url, scheme).unwrap_err();
            assert!(why.contains(expected), "{url}: {why}");
        }
        assert!(Address::read("ws://127.0.0.1:1/gateway", "ws").is_ok(), "clients send this one");
    }
}
