//! Passwords in addresses: where they stand, and how an address is shown.

use std::ops::Range;

/// An address without the password it may hold, also where the password holds signs that belong elsewhere in an address.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (account, place) = rest.rsplit_once('@').map_or((None, rest), |(account, place)| (Some(account), place));
    let account = match account.map(|account| account.split_once(':').unwrap_or((account, ""))) {
        None => String::new(),
        Some((name, "")) => format!("{name}@"),
        Some((name, _)) => format!("{name}:***@"),
    };
    let (place, options) = place.split_once('?').map_or((place, None), |(place, options)| (place, Some(options)));
    let options: Vec<String> = options
        .into_iter()
        .flat_map(|options| options.split('&'))
        .map(|option| match option.split_once('=') {
            Some((name, _)) if name.to_lowercase().contains("passw") => format!("{name}=***"),
            _ => option.to_owned(),
        })
        .collect();
    let options = if options.is_empty() { String::new() } else { format!("?{}", options.join("&")) };
    format!("{scheme}://{account}{place}{options}")
}

/// The password an address holds, as it was before it was made fit for an address.
pub fn password(url: &str) -> Option<String> {
    password_at(url).map(|range| percent_decoded(&url[range]))
}

/// Where the password stands. Not by a parser of addresses: what cannot be read as one must be silent, too.
fn password_at(url: &str) -> Option<Range<usize>> {
    let start = url.find("://")? + 3;
    if let Some(mark) = url[start..].rfind('@').map(|at| start + at)
        && let Some(colon) = url[start..mark].find(':').map(|at| start + at)
    {
        return Some(colon + 1..mark);
    }
    let key = url.find("?password=").or_else(|| url.find("&password="))?;
    let value = key + "?password=".len();
    let end = url[value..].find('&').map_or(url.len(), |at| value + at);
    Some(value..end)
}

pub fn percent_decoded(text: &str) -> String {
    // Of a form's pairs this is the value of one without a name; `+` is no blank here.
    let pair = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
    let value = url::form_urlencoded::parse(pair.as_bytes()).next();
    value.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_an_address_is_never_shown_however_broken_the_address() {
        for (url, shown, password_in_it) in [
            ("sqlite://data/majordomo.db", "sqlite://data/majordomo.db", None),
            ("postgres://ada@db/house", "postgres://ada@db/house", None),
            ("postgres://ada:hush@db/house", "postgres://ada:***@db/house", Some("hush")),
            ("postgres://ada:hush%40home@db/house", "postgres://ada:***@db/house", Some("hush@home")),
            ("postgres://ada:hu@sh@[db/house", "postgres://ada:***@[db/house", Some("hu@sh")),
            ("postgres://db/house?password=hush&x=1", "postgres://db/house?password=***&x=1", Some("hush")),
            ("postgres://:hush@", "postgres://:***@", Some("hush")),
        ] {
            assert_eq!(without_password(url), shown);
            assert_eq!(password(url).as_deref(), password_in_it, "{url}");
        }
    }
}
