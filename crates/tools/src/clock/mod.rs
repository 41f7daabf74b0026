//! What time it is, and counting with dates.
//!
//! Knows: UTC, IANA time zones, `strftime` formats, spans such as `3 days 2 hours`.
//! Never: waits, schedules, or asks anybody for the time but the call itself.

use jiff::{
    Span, SpanTotal, Timestamp, Unit, Zoned,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use majordomo_domain::{
    Call, Effect, Output, Tool, ToolError, Toolkit,
    text::{clean, shorten},
    tool::Limits,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Characters of a format.
const MAX_FORMAT: usize = 100;

pub fn toolkit() -> Toolkit {
    Toolkit::new("clock", ())
        .guide(include_str!("guide.md"))
        .limits(Limits { at_once: 16, timeout: Duration::from_secs(1) })
        .tool::<CurrentDatetime>()
        .tool::<DateCalculate>()
        .build()
}

/// The date and time now, in UTC or a time zone, in a format of your choice.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CurrentDatetime {
    /// `strftime` format such as `%A, %d %B %Y %H:%M`. ISO 8601 when absent.
    #[serde(default)]
    format: Option<String>,
    /// IANA time zone such as `Europe/Berlin`, or `local` for the person's own. Default `UTC`.
    #[serde(default, alias = "timezone")]
    zone: Option<String>,
}

impl Tool for CurrentDatetime {
    const NAME: &'static str = "current_datetime";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "clock time today date now weekday timezone utc day \
        Uhrzeit spät Datum heute Wochentag hora fecha hoy día heure date aujourd'hui jour";
    type Service = ();

    fn title(&self) -> String {
        match &self.zone {
            Some(zone) => format!("Looking at the clock in {}", shorten(zone, 60)),
            None => "Looking at the clock".into(),
        }
    }

    async fn run(self, _: &(), call: &Call) -> Result<Output, ToolError> {
        let now = now(call)?.to_zoned(zone(self.zone.as_deref(), call)?);
        let Some(format) = self.format.filter(|format| !format.trim().is_empty()) else {
            return Ok(Output::text(iso(&now)));
        };
        if format.chars().count() > MAX_FORMAT {
            return Err(ToolError::TellModel(format!("the format is longer than {MAX_FORMAT} characters")));
        }
        let text = jiff::fmt::strtime::format(&format, &now)
            .map_err(|e| ToolError::TellModel(format!("format not understood: {e}")))?;
        Ok(Output::text(shorten(&clean(&text), 1_000)))
    }
}

/// Count with dates: add a span to a date, or how long it is from one date until another.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateCalculate {
    /// `2026-11-21`, `2026-11-21T20:15` or `now`. Default `now`.
    #[serde(default)]
    start: Option<String>,
    /// Span to add, such as `3 weeks 2 days`, `-90 minutes` or `P1Y2M`.
    #[serde(default)]
    add: Option<String>,
    /// Count from `start` until this date instead of adding.
    #[serde(default)]
    until: Option<String>,
    /// IANA time zone the dates are in, or `local` for the person's own. Default `UTC`.
    #[serde(default, alias = "timezone")]
    zone: Option<String>,
}

impl Tool for DateCalculate {
    const NAME: &'static str = "date_calculate";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "clock date difference days between until add weekday countdown age \
        how many days left Tage bis Wochen Datum rechnen wie lange noch cuántos días faltan hasta semanas fecha combien de jours jusqu'à semaines date";
    type Service = ();

    fn title(&self) -> String {
        "Counting the days".into()
    }

    async fn run(self, _: &(), call: &Call) -> Result<Output, ToolError> {
        let zone = zone(self.zone.as_deref(), call)?;
        let start = moment(self.start.as_deref().unwrap_or("now"), &zone, call)?;
        let answer = match (self.add, self.until) {
            (Some(add), None) => {
                let span: Span = add
                    .trim()
                    .parse()
                    .map_err(|_| ToolError::TellModel(format!("“{}” is not a span of time", shorten(&add, 60))))?;
                let end = start.checked_add(span).map_err(|_| out_of_range())?;
                serde_json::json!({ "start": iso(&start), "result": iso(&end), "weekday": end.strftime("%A").to_string() })
            }
            (None, Some(until)) => {
                let end = moment(&until, &zone, call)?;
                let span = start.until((Unit::Year, &end)).map_err(|_| out_of_range())?;
                let days = start
                    .until((Unit::Hour, &end))
                    .and_then(|s| s.total(SpanTotal::from(Unit::Day).days_are_24_hours()));
                serde_json::json!({
                    "start": iso(&start), "until": iso(&end), "span": format!("{span:#}"),
                    "days": days.map(|days| (days * 100.0).round() / 100.0).unwrap_or_default(),
                })
            }
            _ => return Err(ToolError::TellModel("give either add or until".into())),
        };
        Output::json(&answer)
    }
}

fn now(call: &Call) -> Result<Timestamp, ToolError> {
    Timestamp::from_millisecond(call.now_ms).map_err(|e| ToolError::Bug(e.to_string()))
}

fn out_of_range() -> ToolError {
    ToolError::TellModel("the date is outside the years -9999 to 9999".into())
}

fn zone(name: Option<&str>, call: &Call) -> Result<TimeZone, ToolError> {
    let name = match name.map(str::trim) {
        None | Some("") => return Ok(TimeZone::UTC),
        Some(utc) if utc.eq_ignore_ascii_case("utc") || utc == "Z" => return Ok(TimeZone::UTC),
        Some("local") => call.person.zone.as_deref().unwrap_or("UTC"),
        Some(name) => name,
    };
    TimeZone::get(name).map_err(|_| {
        ToolError::TellModel(format!("“{}” is not an IANA time zone such as Europe/Berlin", shorten(&clean(name), 60)))
    })
}

fn moment(text: &str, zone: &TimeZone, call: &Call) -> Result<Zoned, ToolError> {
    let text = text.trim();
    let wrong = || {
        ToolError::TellModel(format!(
            "“{}” is not a date such as 2026-11-21 or 2026-11-21T20:15",
            shorten(&clean(text), 60)
        ))
    };
    if text.eq_ignore_ascii_case("now") || text.eq_ignore_ascii_case("today") {
        return Ok(now(call)?.to_zoned(zone.clone()));
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.to_zoned(zone.clone()));
    }
    let civil = match text.parse::<Date>() {
        // `Date` also accepts a longer text and drops the time of day.
        Ok(date) if text.len() <= 10 => date.to_datetime(jiff::civil::Time::midnight()),
        _ => text.parse::<DateTime>().map_err(|_| wrong())?,
    };
    civil.to_zoned(zone.clone()).map_err(|_| wrong())
}

/// RFC 3339 to the second: `2026-11-21T06:53:00Z`, `2026-11-21T07:53:00+01:00`.
fn iso(moment: &Zoned) -> String {
    let format = if moment.time_zone() == &TimeZone::UTC { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S%:z" };
    moment.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use crate::testing::{call, run};

    #[track_caller]
    fn check(tool: &str, arguments: &str, expected: &str) {
        let answer = match run(&super::toolkit(), tool, arguments, &call()) {
            Ok(output) if output.text.starts_with('{') => crate::testing::told(&output).to_string(),
            Ok(output) => output.text,
            Err(error) => error.to_string(),
        };
        assert_eq!(answer, expected, "{arguments}");
    }

    #[test]
    fn the_time_is_told_in_the_format_and_zone_asked_for() {
        let check = |arguments, expected| check("current_datetime", arguments, expected);
        check("", "2026-11-21T06:53:00Z");
        check(r#"{"format":"%Y-%m-%d %H:%M"}"#, "2026-11-21 06:53");
        check(r#"{"format":"%A, %d %B %Y %H:%M %Z","zone":"Europe/Berlin"}"#, "Saturday, 21 November 2026 07:53 CET");
        check(r#"{"zone":"Asia/Kolkata"}"#, "2026-11-21T12:23:00+05:30");
        check(r#"{"zone":"local"}"#, "2026-11-21T07:53:00+01:00");
        check(r#"{"zone":"Middle/Earth"}"#, "“Middle/Earth” is not an IANA time zone such as Europe/Berlin");
    }

    #[test]
    fn a_format_that_is_none_is_refused() {
        for format in ["%", "%Q%", "%!"] {
            let arguments = serde_json::json!({ "format": format }).to_string();
            let error = run(&super::toolkit(), "current_datetime", &arguments, &call()).unwrap_err().to_string();
            assert!(error.starts_with("format not understood: "), "{error}");
        }
        check(
            "current_datetime",
            &serde_json::json!({ "format": "%A".repeat(51) }).to_string(),
            "the format is longer than 100 characters",
        );
    }

    #[test]
    fn dates_are_added_and_counted() {
        let check = |arguments, expected| check("date_calculate", arguments, expected);
        check(
            r#"{"start":"2028-02-28","add":"2 days"}"#,
            r#"{"result":"2028-03-01T00:00:00Z","start":"2028-02-28T00:00:00Z","weekday":"Wednesday"}"#,
        );
        check(
            r#"{"until":"2026-12-24"}"#,
            r#"{"days":32.71,"span":"1mo 2d 17h 7m","start":"2026-11-21T06:53:00Z","until":"2026-12-24T00:00:00Z"}"#,
        );
        check(r#"{"add":"2 parsecs"}"#, "“2 parsecs” is not a span of time");
        check(
            r#"{"start":"yesterday","add":"1 day"}"#,
            "“yesterday” is not a date such as 2026-11-21 or 2026-11-21T20:15",
        );
        check(r#"{"add":"9999 years"}"#, "the date is outside the years -9999 to 9999");
        check(r#"{}"#, "give either add or until");
    }
}
