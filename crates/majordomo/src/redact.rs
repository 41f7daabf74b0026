//! The last look at a line of the log and at a trace: whatever a library wrote, a secret we know of leaves as `[secret]`.
//!
//! Known are the values of the settings, of the sealed secrets and of the variables libraries read. They are found as they
//! are, percent-encoded, with the escapes of JSON and logfmt, and as base64 or hex. Work is done only when a line is written.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use majordomo_domain::Secret;
use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt::{self, Write},
    sync::{Arc, RwLock},
};

/// Values shorter than this are left alone: hiding "home" or "admin" would tear ordinary lines apart. Bytes.
const SHORTEST: usize = 6;
/// Values that are hidden at most; more than the settings and the store of secrets can hold together.
const MOST_VALUES: usize = 2_000;
/// How often escapes are taken off: a debug print within JSON within logfmt.
const MOST_ESCAPES: usize = 3;
const MARK: &[u8] = b"[secret]";

/// The secrets that are hidden. Clones share them.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    values: BTreeSet<String>,
    /// None while nothing is known.
    finder: Option<AhoCorasick>,
}

impl Redactor {
    /// Hide these from now on, too.
    pub fn hide(&self, secrets: impl IntoIterator<Item = Secret>) {
        // A thread that panicked while it held this left nothing half done.
        let mut known = self.known.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        for secret in secrets {
            let value = secret.expose().trim();
            if value.len() >= SHORTEST && known.values.len() < MOST_VALUES {
                known.values.insert(value.to_owned());
            }
        }
        let forms: BTreeSet<Vec<u8>> = known.values.iter().flat_map(|value| forms(value)).collect();
        known.finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms).ok();
        if forms.is_empty() {
            known.finder = None;
        }
    }

    /// The text without what is secret; None when nothing is.
    #[cfg(feature = "otel")]
    pub fn cleaned(&self, text: &str) -> Option<String> {
        match self.clean(text.as_bytes()) {
            Cow::Borrowed(_) => None,
            Cow::Owned(clean) => Some(String::from_utf8_lossy(&clean).into_owned()),
        }
    }

    /// The line without what is secret.
    pub fn clean<'a>(&self, line: &'a [u8]) -> Cow<'a, [u8]> {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(finder) = &known.finder else { return Cow::Borrowed(line) };
        let mut found: Vec<(usize, usize)> = finder.find_iter(line).map(|hit| (hit.start(), hit.end())).collect();
        let mut plain = Decoded::none(line);
        for _ in 0..MOST_ESCAPES {
            if !plain.bytes.iter().any(|byte| matches!(byte, b'%' | b'\\')) {
                break;
            }
            plain = plain.once();
            let hits = finder.find_iter(&plain.bytes).map(|hit| (plain.starts[hit.start()], plain.starts[hit.end()]));
            found.extend(hits);
        }
        if found.is_empty() {
            return Cow::Borrowed(line);
        }
        found.sort_unstable();
        let mut clean = Vec::with_capacity(line.len());
        let mut from = 0;
        for (start, end) in found {
            if start >= from {
                clean.extend_from_slice(&line[from..start]);
                clean.extend_from_slice(MARK);
            }
            from = from.max(end);
        }
        clean.extend_from_slice(&line[from..]);
        Cow::Owned(clean)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redactor]")
    }
}

/// What a value may look like, escapes apart.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let bytes = value.as_bytes();
    let mut forms = vec![bytes.to_vec()];
    if value.contains(' ') {
        // As in the query of an address.
        forms.push(value.replace(' ', "+").into_bytes());
    }
    let hex = |upper: bool| {
        bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = if upper { write!(text, "{byte:02X}") } else { write!(text, "{byte:02x}") };
            text
        })
    };
    forms.extend([hex(false).into_bytes(), hex(true).into_bytes()]);
    // Base64 of something with the value in it, such as `name:value`, depends on where it begins: three ways.
    for shift in 0..3 {
        let mut padded = vec![0; shift];
        padded.extend_from_slice(bytes);
        // Letters made of nothing but the value's own bits.
        let first = (shift * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            forms.push(text.as_bytes()[first..last].to_vec());
        }
    }
    forms
}

/// A line without its escapes, and where in the line each byte of it began.
struct Decoded {
    bytes: Vec<u8>,
    /// One more than `bytes`, so that every end is known, too.
    starts: Vec<usize>,
}

impl Decoded {
    /// The line as it is.
    fn none(line: &[u8]) -> Self {
        Self { bytes: line.to_vec(), starts: (0..=line.len()).collect() }
    }

    /// One layer of escapes less.
    fn once(&self) -> Self {
        let escaped = &self.bytes;
        let mut decoded =
            Self { bytes: Vec::with_capacity(escaped.len()), starts: Vec::with_capacity(escaped.len() + 1) };
        let mut at = 0;
        while at < escaped.len() {
            let (length, byte) = escape(escaped, at).unwrap_or((1, escaped[at]));
            decoded.bytes.push(byte);
            decoded.starts.push(self.starts[at]);
            at += length;
        }
        decoded.starts.push(self.starts[escaped.len()]);
        decoded
    }
}

/// How long the escape at this place is, and the byte it stands for.
fn escape(line: &[u8], at: usize) -> Option<(usize, u8)> {
    let (length, code) = match (line[at], line.get(at + 1)) {
        (b'%', _) => (3, hex_digits(line, at + 1, 2)?),
        (b'\\', Some(b'u')) => (6, hex_digits(line, at + 2, 4)?),
        (b'\\', Some(b'n')) => (2, u32::from(b'\n')),
        (b'\\', Some(b'r')) => (2, u32::from(b'\r')),
        (b'\\', Some(b't')) => (2, u32::from(b'\t')),
        (b'\\', Some(mark @ (b'"' | b'\\' | b'/' | b'\''))) => (2, u32::from(*mark)),
        _ => return None,
    };
    Some((length, u8::try_from(code).ok()?))
}

fn hex_digits(line: &[u8], from: usize, count: usize) -> Option<u32> {
    let digits = std::str::from_utf8(line.get(from..from + count)?).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(values: &[&str], line: &str) -> String {
        let redactor = Redactor::default();
        redactor.hide(values.iter().map(|value| Secret::new(*value)));
        String::from_utf8(redactor.clean(line.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn a_known_secret_is_hidden_in_every_form_a_library_might_write() {
        let value = "c4n/ry+\"s\\ngs\" at=dawn";
        let json = serde_json::to_string(value).unwrap();
        let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let percent: String = value.bytes().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "%{byte:02x}");
            text
        });
        let hex = value.bytes().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        for written in [
            value.to_owned(),
            format!("{value:?}"),
            format!("{:?}", json),
            json.replace('/', "\\/"),
            json,
            form.replace('+', "%20"),
            percent.to_uppercase(),
            percent,
            hex.to_uppercase(),
            hex,
        ] {
            let line = clean(&[value], &format!("GET /x?key={written}&y=1 done"));
            assert!(line.contains("[secret]") && line.ends_with("&y=1 done"), "{line}");
            for part in ["c4n", "dawn", "ry", &written] {
                assert!(!line.contains(part), "{written}: {line}");
            }
        }
        // A blank as a form writes it.
        assert_eq!(clean(&["two words"], "k=two+words;"), "k=[secret];");
    }

    #[test]
    fn a_known_secret_is_hidden_in_base64_wherever_it_begins() {
        let value = "canary-of-the-cellar";
        for before in ["", "a", "ab", "abc", "majordomo:"] {
            for after in ["", "\n", ", more"] {
                let encoded = STANDARD_NO_PAD.encode(format!("{before}{value}{after}"));
                let line = clean(&[value], &format!("Basic {encoded}"));
                assert!(line.contains("[secret]"), "{before}{after}: {line}");
                let left: String = line.replace("[secret]", "").replace("Basic ", "");
                assert!(left.len() <= (before.len() + after.len()) * 4 / 3 + 5, "{before}{after}: {left}");
            }
        }
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        let line = "level=info 100% of \\path %zz %4 \\u12 \\";
        assert_eq!(clean(&["canary-1"], line), line);
        assert_eq!(clean(&[], line), line);
        assert_eq!(clean(&["", "  ", "short"], "a short line"), "a short line");
        assert_eq!(clean(&["canary-1", "canary-12"], "canary-123 canary-1"), "[secret]3 [secret]");
    }

    #[test]
    fn secrets_that_become_known_later_are_hidden_as_well() {
        let redactor = Redactor::default();
        let other = redactor.clone();
        redactor.hide([Secret::new("first-canary")]);
        redactor.hide([Secret::new("second-canary")]);
        let line = other.clean(b"first-canary second-canary");
        assert_eq!(String::from_utf8_lossy(&line), "[secret] [secret]");
    }
}
