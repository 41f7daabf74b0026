//! Numbers and strangers' lines as people read them.

use majordomo_domain::text::{clean, shorten};

/// A size in powers of ten: `4.2 GB`.
pub fn bytes(size: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let (mut size, mut unit) = (size as f64, 0);
    while size >= 999.5 && unit + 1 < units.len() {
        size /= 1_000.0;
        unit += 1;
    }
    let text = if unit == 0 || size >= 99.95 { format!("{size:.0}") } else { format!("{size:.1}") };
    format!("{} {}", text.trim_end_matches(".0"), units[unit])
}

/// A line of a stranger's text: visible, one line, at most so many characters.
pub fn line(text: &str, most: usize) -> String {
    shorten(&clean(text).split_whitespace().collect::<Vec<_>>().join(" "), most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        let sizes =
            [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (4_240_000_000, "4.2 GB"), (123_400_000_000, "123 GB")];
        for (size, text) in sizes.into_iter().chain([(999_700_000, "1 GB"), (4_000_000_000_000_000, "4000 TB")]) {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn strangers_lines_are_one_line() {
        assert_eq!(line("A name\nof  two\tlines", 12), "A name of t…");
    }
}
