//! Where the server is and as whom it is called, from the environment.

use std::net::IpAddr;
use std::{env, fs};

use tonic::metadata::{Ascii, MetadataValue};

use crate::error::Error;

const DEFAULT_ADDRESS: &str = "localhost:50051";

/// How the server is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `HOST:PORT`.
    pub address: String,
    /// Whether the channel is encrypted, and with which roots.
    pub security: Security,
    /// What every call carries as `authorization`, where there is a token.
    pub authorization: Option<MetadataValue<Ascii>>,
}

/// How the channel is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Security {
    /// Not at all, which is for this machine alone.
    Plaintext,
    /// TLS with the roots of the system.
    SystemRoots,
    /// TLS with one root of its own, in PEM.
    OwnRoot(String),
}

impl Settings {
    /// Reads `LONGWIRE_ADDRESS`, `LONGWIRE_CA` and `LONGWIRE_TOKEN`. Empty is not set.
    ///
    /// # Errors
    /// [`Error::Usage`]: one of them cannot be used.
    pub fn from_environment() -> Result<Self, Error> {
        let variable = |name| env::var(name).ok().filter(|text| !text.is_empty());
        let address = variable("LONGWIRE_ADDRESS").unwrap_or_else(|| DEFAULT_ADDRESS.to_owned());
        let host = host_of(&address).ok_or_else(|| {
            Error::Usage(format!(
                "LONGWIRE_ADDRESS is {address:?}: write HOST:PORT, as in {DEFAULT_ADDRESS}"
            ))
        })?;
        let security = match variable("LONGWIRE_CA") {
            Some(path) => Security::OwnRoot(read_root(&path)?),
            // Nobody listens in on this machine's own interface, and a server there has
            // no certificate unless somebody made one.
            None if is_loopback(host) => Security::Plaintext,
            None => Security::SystemRoots,
        };
        let authorization = match variable("LONGWIRE_TOKEN") {
            Some(token) => Some(bearer(&token)?),
            None => None,
        };
        if authorization.is_some() && security == Security::Plaintext && !is_loopback(host) {
            return Err(Error::Usage(
                "a token is not sent without TLS to another machine: set LONGWIRE_CA".to_owned(),
            ));
        }
        Ok(Self {
            address,
            security,
            authorization,
        })
    }
}

fn host_of(address: &str) -> Option<&str> {
    let (host, port) = address.rsplit_once(':')?;
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    // A colon outside of brackets: an IPv6 address whose last group would pass for a port.
    let is_good = bare.is_some() || !(host.is_empty() || host.contains([':', '/', '@']));
    (is_good && port.parse::<u16>().is_ok()).then_some(bare.unwrap_or(host))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn read_root(path: &str) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| {
        Error::Usage(format!(
            "LONGWIRE_CA is {path:?}, which cannot be read ({error}): name a PEM file"
        ))
    })
}

fn bearer(token: &str) -> Result<MetadataValue<Ascii>, Error> {
    let mut value = MetadataValue::try_from(format!("Bearer {token}")).map_err(|_| {
        // The token itself is a secret, and stays out of the message.
        Error::Usage("LONGWIRE_TOKEN has characters that no token has: copy it again".to_owned())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_of_an_address_is_what_stands_before_the_port() {
        assert_eq!(host_of("lab.example.org:50051"), Some("lab.example.org"));
        assert_eq!(host_of("[::1]:50051"), Some("::1"));
        assert_eq!(host_of("::1:50051"), None);
        assert_eq!(host_of("localhost"), None);
        assert_eq!(host_of("localhost:port"), None);
    }

    #[test]
    fn loopback_is_this_machine_alone() {
        for host in ["localhost", "127.0.0.1", "127.8.9.1", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["lab.example.org", "10.0.0.1", "127.example.org", "::2"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
