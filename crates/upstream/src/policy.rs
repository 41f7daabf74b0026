//! When to ask again. Only a GET, only after a failure that passes, and never longer than the question may take.

use crate::UpstreamError;
use backon::{ExponentialBuilder, Retryable};
use futures_util::future::{BoxFuture, FutureExt, select_ok};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Backoff never waits longer than this between two attempts unless the service asked for it.
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

pub(crate) struct Retries {
    pub times: u32,
    pub backoff: Duration,
    /// Clamp of what the service asks for.
    pub longest_wait: Duration,
    pub deadline: Instant,
}

impl Retries {
    /// Repeats a read while its failure is a passing one.
    pub async fn run<T, F, R>(&self, ask: F) -> Result<T, UpstreamError>
    where
        F: FnMut() -> R,
        R: Future<Output = Result<T, UpstreamError>>,
    {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(self.backoff)
            .with_max_delay(LONGEST_BACKOFF.max(self.backoff))
            .with_max_times(self.times as usize)
            .with_jitter();
        ask.retry(backoff)
            .when(is_passing)
            .adjust(|error, wait| {
                let wait = match error.retry_after() {
                    Some(wished) => wait.map(|_| wished.min(self.longest_wait)),
                    None => wait,
                };
                // Waiting past the deadline would only turn a clear reason into a timeout.
                wait.filter(|wait| Instant::now() + *wait < self.deadline)
            })
            .await
    }
}

/// 408, 429, 502, 503, 504 and failures of the connection.
fn is_passing(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Unreachable { .. } | UpstreamError::Silent { .. } => true,
        UpstreamError::Busy { status, .. } | UpstreamError::Failed { status, .. } => {
            matches!(status, 408 | 429 | 502 | 503 | 504)
        }
        _ => false,
    }
}

/// Asks once, and a second time when nothing came after `after`. The first success wins, the other is dropped, which
/// cancels it.
pub(crate) async fn hedge<'a, T, F>(after: Option<Duration>, ask: F) -> Result<T, UpstreamError>
where
    F: Fn() -> BoxFuture<'a, Result<T, UpstreamError>>,
{
    let Some(after) = after else {
        return ask().await;
    };
    let mut first = ask();
    tokio::select! {
        answer = &mut first => return answer,
        () = tokio::time::sleep(after) => {}
    }
    select_ok([first, ask()]).map(|answer| answer.map(|(value, _)| value)).await
}

/// Reads `Retry-After`: seconds (fractions allowed), or an HTTP date. None for anything else, also for what lies in the
/// past or below zero. Unclamped. Source: RFC 9110, 10.2.3.
pub fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds >= 0.0 && seconds.is_finite()).then(|| Duration::from_secs_f64(seconds.min(1e6)));
    }
    http_date(text)?.duration_since(now).ok()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`. The two obsolete forms of RFC 9110 are not read.
fn http_date(text: &str) -> Option<SystemTime> {
    let rest = text.split_once(", ")?.1.strip_suffix(" GMT")?;
    let mut parts = rest.split([' ', ':']);
    let day: i64 = parts.next()?.parse().ok()?;
    let month = parts.next()?;
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        .iter()
        .position(|name| *name == month)? as i64
        + 1;
    let year: i64 = parts.next()?.parse().ok()?;
    let mut next = || parts.next()?.parse::<u64>().ok();
    let (hour, minute, second) = (next()?, next()?, next()?);
    if !(1970..=9999).contains(&year) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since 1970-01-01 in the proleptic Gregorian calendar, years counted from March.
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719_468;
    let seconds = u64::try_from(days).ok()? * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}
