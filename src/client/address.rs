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
    /// Reads a URL that must have this scheme.
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
        let host = uri.host().ok_or_else(|| wrong("it names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Address { host, port: uri.port_u16().unwrap_or(80) })
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
        if !foreign
            && let Some(other) = found.iter().find(|address| !address.ip().to_canonical().is_loopback())
        {
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
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}
