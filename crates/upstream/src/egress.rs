//! Which addresses a service may reach: its own origin, below its own path.

use url::Url;

/// Whether an address may be a service's base. The reason is for a person and does not repeat the address.
pub fn check_base(url: &Url) -> Result<(), &'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("its address is neither http nor https");
    }
    if !url.has_host() {
        return Err("its address names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("its address holds a user name or password; give the key as a setting instead");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("its address holds a query or a fragment");
    }
    Ok(())
}

/// The base with a path below it. `path` is plain text, segments separated by `/`; it is encoded here, so nothing in it
/// can become a query, another host or a step upwards.
pub(crate) fn join(base: &Url, path: &str, query: &[(&str, String)]) -> Result<Url, &'static str> {
    let trimmed = path.strip_prefix('/').unwrap_or(path);
    if trimmed.len() > 4_096 {
        return Err("the path is too long");
    }
    if trimmed.contains('\\') || trimmed.chars().any(char::is_control) {
        return Err("the path holds a character that no path has");
    }
    let mut url = base.clone();
    {
        let mut segments = url.path_segments_mut().map_err(|()| "its address cannot have a path")?;
        segments.pop_if_empty();
        if !trimmed.is_empty() {
            for segment in trimmed.split('/') {
                if climbs(segment) {
                    return Err("the path leads out of the service's own");
                }
                segments.push(segment);
            }
        }
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query.iter().map(|(name, value)| (name, value.as_str())));
    }
    Ok(url)
}

/// A step upwards, written plainly or encoded once.
fn climbs(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(plain.as_str(), "." | "..")
}

/// The target of a redirect, when it stays on the same origin.
pub(crate) fn follow(from: &Url, location: &str) -> Result<Url, String> {
    let to = from.join(location).map_err(|_| "it redirects to something that is no address".to_owned())?;
    if !to.username().is_empty() || to.password().is_some() {
        return Err("it redirects to an address with a user name or password".into());
    }
    if to.origin() != from.origin() {
        let place = place(&to);
        return Err(format!(
            "it redirects to another address, {}://{place}; name that one in the settings",
            to.scheme()
        ));
    }
    Ok(to)
}

/// `host:port` of an address, the port left out when it is the scheme's own.
pub(crate) fn place(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "nowhere".to_owned(),
    }
}
