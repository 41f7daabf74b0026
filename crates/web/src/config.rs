//! Settings of the section `[server]`.

use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};
use url::Url;

/// Settings of the section `[server]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on. Default `127.0.0.1:8765`, this machine only.
    pub listen: SocketAddr,
    /// How people reach the service, such as `https://majordomo.example`: links, cookies and the check of origins follow it.
    pub public_url: Option<Url>,
    /// Origins of other pages that may use the API with a key, such as `https://panel.example`. Default none.
    pub allowed_origins: Vec<Origin>,
    /// Host names the service answers to, beside its own address and that of `public_url`. Default none.
    pub allowed_hosts: Vec<String>,
    /// Reverse proxies whose `X-Forwarded-For` is believed: addresses or networks such as `10.0.0.0/8`. Default none.
    pub trusted_proxies: Vec<Network>,
    /// Bytes of one request, 10 000 to 100 000 000. Default 1 000 000.
    pub max_body_bytes: usize,
    /// Bytes of one message with files, 10 000 to 500 000 000. Default 16 000 000.
    pub max_files_bytes: usize,
    /// Days without a visit after which a browser is signed out, 1 to 3 650. Default 14.
    pub session_idle_days: u32,
    /// Days after which a browser is signed out in any case, 1 to 3 650. Default 30.
    pub session_days: u32,
    /// Seconds of silence after which an event stream sends a sign of life, 1 to 300. Default 15.
    pub keep_alive_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8765)),
            public_url: None,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            max_body_bytes: 1_000_000,
            max_files_bytes: 16_000_000,
            session_idle_days: 14,
            session_days: 30,
            keep_alive_seconds: 15,
        }
    }
}

impl Config {
    /// The address people open, without a slash at the end.
    pub fn base_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None if self.listen.ip().is_unspecified() => format!("http://localhost:{}", self.listen.port()),
            None => format!("http://{}", self.listen),
        }
    }

    /// Whether people come over TLS, so that cookies may insist on it.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// Origins whose pages may send requests that change something.
    pub(crate) fn trusted_origins(&self) -> Vec<String> {
        let own = self.public_url.as_ref().map(|url| url.origin().ascii_serialization());
        own.into_iter().chain(self.allowed_origins.iter().map(|origin| origin.0.clone())).collect()
    }

    /// Whether a host name is ours. Keeps pages of strangers from reaching the service under a name they point at it.
    pub(crate) fn answers_to(&self, host: &str) -> bool {
        let name = host_name(host);
        let is_own = |own: &str| own.eq_ignore_ascii_case(name);
        if is_own("localhost") || self.allowed_hosts.iter().any(|allowed| is_own(host_name(allowed))) {
            return true;
        }
        if self.public_url.as_ref().and_then(Url::host_str).is_some_and(|own| is_own(host_name(own))) {
            return true;
        }
        match name.parse::<IpAddr>() {
            // A page cannot be served under an address it does not own, so any address will do where others are let in.
            Ok(address) => address.is_loopback() || address == self.listen.ip() || !self.listen.ip().is_loopback(),
            Err(_) => false,
        }
    }
}

/// The name in `name:port`, `[::1]:port` or `name`.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name).trim_end_matches('.')
}

/// An origin such as `https://panel.example`: scheme, host and perhaps a port, nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

impl Origin {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("“{text}” is not an origin such as https://panel.example");
        let url = Url::parse(text).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || url.origin().ascii_serialization() != text {
            return Err(wrong());
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

/// An address, or a network such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    /// Leading bits that have to agree.
    bits: u8,
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        let agree = |own: u128, other: u128, width: u32| {
            let shift = width - u32::from(self.bits).min(width);
            own.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => agree(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => agree(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("“{text}” is neither an address nor a network such as 10.0.0.0/8");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        match bits.unwrap_or(width) {
            bits if bits <= width => Ok(Self { address, bits }),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        format!("{}/{}", network.address, network.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_are_answered() {
        let mut config = Config::default();
        for own in ["127.0.0.1:8765", "localhost", "LOCALHOST:1", "[::1]:8765", "localhost."] {
            assert!(config.answers_to(own), "{own}");
        }
        for foreign in
            ["evil.example", "evil.example:8765", "192.168.1.5:8765", "localhost.evil.example", "", "[", ":80"]
        {
            assert!(!config.answers_to(foreign), "{foreign}");
        }
        config.public_url = Some("https://house.example/".parse().unwrap());
        config.allowed_hosts = vec!["nas.lan".into()];
        assert!(config.answers_to("house.example") && config.answers_to("nas.lan:8765"));
        config.listen = "0.0.0.0:8765".parse().unwrap();
        assert!(config.answers_to("192.168.1.5:8765"));
        assert!(!config.answers_to("evil.example"));
    }

    #[test]
    fn networks_and_origins_are_understood_or_refused() {
        let network: Network = "10.0.0.0/8".parse().unwrap();
        assert!(network.contains("10.9.8.7".parse().unwrap()) && !network.contains("11.0.0.1".parse().unwrap()));
        assert!(network.contains("::ffff:10.1.1.1".parse().unwrap()));
        let one: Network = "::1".parse().unwrap();
        assert!(one.contains("::1".parse().unwrap()) && !one.contains("::2".parse().unwrap()));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("203.0.113.9".parse().unwrap()));
        for wrong in ["", "10.0.0.0/33", "house", "10.0.0.0/x", "::1/129"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert!("https://panel.example".parse::<Origin>().is_ok());
        for wrong in ["*", "panel.example", "https://panel.example/", "https://u@panel.example", "file:///x"] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
