//! Whether two catalogues mean the same by "season 2".
//!
//! TMDb and TVDB, from which Sonarr takes its seasons, cut some series differently, mostly anime and long-running ones: one long
//! season on one side, several on the other. What is asked of Sonarr must be chosen from its own seasons, so a difference is
//! said before anybody chooses.

use std::collections::BTreeMap;

/// Seasons as one catalogue has them: episodes by season number.
pub type Seasons = BTreeMap<u32, u32>;

/// What differs between TMDb's seasons and Sonarr's, in one sentence; None when a season number means the same on both sides.
///
/// Specials (season 0) and seasons without episodes yet count for neither. A last season that one side knows further than the
/// other is no difference: its episodes have the same numbers.
pub fn difference(tmdb: &Seasons, sonarr: &Seasons) -> Option<String> {
    let (tmdb, sonarr) = (counted(tmdb), counted(sonarr));
    if tmdb.is_empty() || sonarr.is_empty() || mean_the_same(&tmdb, &sonarr) {
        return None;
    }
    Some(format!(
        "TMDb shows {}, Sonarr {}: {}",
        in_words(&tmdb, true),
        in_words(&sonarr, false),
        advice(&tmdb, &sonarr)
    ))
}

/// Sonarr's seasons that hold the episodes of one of TMDb's, counted through from the first episode. Only where both sides have
/// equally many episodes, so that counting through is sound; empty otherwise.
pub fn counterparts(tmdb: &Seasons, sonarr: &Seasons, season: u32) -> Vec<u32> {
    let (tmdb, sonarr) = (counted(tmdb), counted(sonarr));
    let total = |seasons: &[(u32, u32)]| seasons.iter().map(|(_, episodes)| u64::from(*episodes)).sum::<u64>();
    if total(&tmdb) != total(&sonarr) {
        return Vec::new();
    }
    let Some((begin, end)) = spans(&tmdb).into_iter().find(|(number, ..)| *number == season).map(|(_, b, e)| (b, e))
    else {
        return Vec::new();
    };
    let overlap = |(number, b, e): (u32, u64, u64)| (b < end && e > begin).then_some(number);
    spans(&sonarr).into_iter().filter_map(overlap).collect()
}

fn counted(seasons: &Seasons) -> Vec<(u32, u32)> {
    seasons.iter().filter(|(number, episodes)| **number > 0 && **episodes > 0).map(|(n, e)| (*n, *e)).collect()
}

fn mean_the_same(tmdb: &[(u32, u32)], sonarr: &[(u32, u32)]) -> bool {
    let both = tmdb.len().min(sonarr.len());
    let last = both - 1;
    // A season more on one side is a new one, unless the season before it differs: then it was cut off that one.
    tmdb[..last] == sonarr[..last]
        && tmdb[last].0 == sonarr[last].0
        && (tmdb.len() == sonarr.len() || tmdb[last].1 == sonarr[last].1)
}

/// Number, first episode and the one after the last, counted through from 0.
fn spans(seasons: &[(u32, u32)]) -> Vec<(u32, u64, u64)> {
    let mut at = 0;
    let mut span = |(number, episodes): &(u32, u32)| {
        let begin = at;
        at += u64::from(*episodes);
        (*number, begin, at)
    };
    seasons.iter().map(&mut span).collect()
}

/// Seasons told one by one; more are told by their number and all their episodes.
const MOST_TOLD: usize = 4;

fn in_words(seasons: &[(u32, u32)], whole: bool) -> String {
    let count = match seasons.len() {
        1 => "one".to_owned(),
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        n => n.to_string(),
    };
    let noun = match (whole, seasons.len()) {
        (false, _) => "",
        (true, 1) => " season",
        (true, _) => " seasons",
    };
    let unit = if whole { " episodes" } else { "" };
    let first = seasons[0].1;
    if seasons.iter().all(|(_, episodes)| *episodes == first) {
        return format!("{count}{noun} of {first}{unit}");
    }
    if seasons.len() > MOST_TOLD {
        let total: u64 = seasons.iter().map(|(_, episodes)| u64::from(*episodes)).sum();
        return format!("{count}{noun} with {total}{unit} in all");
    }
    let each: Vec<String> = seasons.iter().map(|(_, episodes)| episodes.to_string()).collect();
    format!("{count}{noun} of {}{unit}", and(&each))
}

fn advice(tmdb: &[(u32, u32)], sonarr: &[(u32, u32)]) -> String {
    let to_map = |seasons: &[(u32, u32)]| seasons.iter().copied().collect::<Seasons>();
    let (of_tmdb, of_sonarr) = (to_map(tmdb), to_map(sonarr));
    let other = tmdb.iter().find_map(|(season, _)| {
        let theirs = counterparts(&of_tmdb, &of_sonarr, *season);
        (!theirs.is_empty() && theirs != [*season]).then_some((*season, theirs))
    });
    match other {
        Some((season, theirs)) if theirs.len() > MOST_TOLD => {
            format!("TMDb's season {season} is Sonarr's seasons {} to {}", theirs[0], theirs[theirs.len() - 1])
        }
        Some((season, theirs)) => {
            let noun = if theirs.len() == 1 { "season" } else { "seasons" };
            let theirs: Vec<String> = theirs.iter().map(u32::to_string).collect();
            format!("TMDb's season {season} is Sonarr's {noun} {}", and(&theirs))
        }
        None => "their numbers do not mean the same, so choose from Sonarr's".into(),
    }
}

fn and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seasons(counts: &[u32]) -> Seasons {
        (1..).zip(counts.iter().copied()).collect()
    }

    #[track_caller]
    fn check(tmdb: &[u32], sonarr: &[u32], expected: Option<&str>) {
        assert_eq!(difference(&seasons(tmdb), &seasons(sonarr)).as_deref(), expected);
    }

    #[test]
    fn one_long_season_against_several_is_told_with_what_belongs_together() {
        // Episodes as broadcast in seasons; the one long season of the other side is the shape people report, not a record of
        // what TMDb says today.
        let solo_leveling = "TMDb shows one season of 25 episodes, Sonarr two of 12 and 13: TMDb's season 1 is Sonarr's seasons 1 and 2";
        check(&[25], &[12, 13], Some(solo_leveling));
        let mashle =
            "TMDb shows one season of 24 episodes, Sonarr two of 12: TMDb's season 1 is Sonarr's seasons 1 and 2";
        check(&[24], &[12, 12], Some(mashle));
        let jujutsu_kaisen = "TMDb shows one season of 47 episodes, Sonarr two of 24 and 23: TMDb's season 1 is Sonarr's seasons 1 and 2";
        check(&[47], &[24, 23], Some(jujutsu_kaisen));
        let the_other_way =
            "TMDb shows two seasons of 12 episodes, Sonarr one of 24: TMDb's season 2 is Sonarr's season 1";
        check(&[12, 12], &[24], Some(the_other_way));
        // Made up, in the shape reported of MF Ghost.
        let shape_like_mf_ghost = "TMDb shows two seasons of 12 and 24 episodes, Sonarr three of 12: TMDb's season 2 is Sonarr's seasons 2 and 3";
        check(&[12, 24], &[12, 12, 12], Some(shape_like_mf_ghost));
    }

    #[test]
    fn a_long_running_series_is_told_in_numbers_that_fit_a_sentence() {
        // The shape of Shin Chan, with made-up counts: one season for decades against one a year.
        let yearly: Vec<u32> = (0..30).map(|year| 38 + year % 5).collect();
        let all: u32 = yearly.iter().sum();
        let told = "TMDb shows one season of 1200 episodes, Sonarr 30 with 1200 in all: TMDb's season 1 is Sonarr's seasons 1 to 30";
        check(&[all], &yearly, Some(told));
        let unequal = "TMDb shows one season of 1190 episodes, Sonarr 30 with 1200 in all: their numbers do not mean the same, so choose from Sonarr's";
        check(&[1_190], &yearly, Some(unequal));
    }

    #[test]
    fn what_means_the_same_is_no_difference() {
        check(&[10, 10], &[10, 10], None);
        // A season that is still being listed, and one that only one side has yet.
        check(&[10, 6], &[10, 8], None);
        check(&[10, 10], &[10, 10, 8], None);
        check(&[10], &[], None);
        // But a season the other side cut off the one before it is one.
        check(
            &[10, 10],
            &[10, 5, 5],
            Some(
                "TMDb shows two seasons of 10 episodes, Sonarr three of 10, 5 and 5: TMDb's season 2 is Sonarr's seasons 2 and 3",
            ),
        );
        let with_specials = Seasons::from([(0, 7), (1, 10), (2, 0)]);
        assert_eq!(difference(&with_specials, &seasons(&[10])), None);
        assert_eq!(difference(&seasons(&[10]), &Seasons::from([(0, 2), (1, 10)])), None);
    }

    #[test]
    fn counting_through_is_done_only_where_the_totals_agree() {
        assert_eq!(counterparts(&seasons(&[24]), &seasons(&[12, 12]), 1), [1, 2]);
        assert_eq!(counterparts(&seasons(&[12, 12]), &seasons(&[24]), 2), [1]);
        assert_eq!(counterparts(&seasons(&[24]), &seasons(&[12, 13]), 1), [0; 0]);
        assert_eq!(counterparts(&seasons(&[24]), &seasons(&[12, 12]), 3), [0; 0]);
    }
}
