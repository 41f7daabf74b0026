//! Commands that run in the background: sent, followed until they are done, and what really came of them.

use super::{
    Client, Which,
    client::{Age, Query},
    view,
};
use majordomo_domain::ToolError;
use majordomo_upstream::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// A command as it stood when last looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    pub id: u64,
    /// Such as `MoviesSearch`.
    pub name: String,
    /// `queued`, `started`, `completed`, `failed`, `aborted`, `cancelled` or `orphaned`.
    pub status: String,
    /// In the service's own words.
    pub message: Option<String>,
    /// When it was sent, by the service's clock, as it writes it.
    pub queued: Option<String>,
}

/// What a search came to. A search that finds nothing also ends `completed`, so it is counted three times: in the message, in the
/// history since it was sent, and in the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Searched {
    pub command: Command,
    /// "N reports downloaded" of its message; None when the wording says nothing.
    pub reported: Option<u64>,
    /// Releases that were sent to a download client since: rows of the history, one each.
    pub grabbed: Vec<Value>,
    /// Rows of the queue of what was searched.
    pub queue: Vec<Value>,
}

impl Command {
    pub fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: value["id"].as_u64()?,
            name: view::text(&value["name"], 60)?,
            status: view::text_or(&value["status"], 20, "unknown"),
            message: view::text(&value["message"], 300),
            queued: value["queued"].as_str().map(str::to_owned),
        })
    }

    pub fn is_over(&self) -> bool {
        !matches!(self.status.as_str(), "queued" | "started")
    }

    /// Whether it ended in another way than `completed`.
    pub fn has_failed(&self) -> bool {
        self.is_over() && self.status != "completed"
    }

    pub fn told(&self) -> Value {
        view::Fields::default()
            .put("command_id", self.id)
            .put("name", self.name.clone())
            .put("status", self.status.clone())
            .put("message", self.message.clone())
            .done()
    }
}

/// The number in "Completed search for 1 movies. 0 reports downloaded." or "Season search completed. 2 reports downloaded."
pub fn reports_downloaded(message: &str) -> Option<u64> {
    let words: Vec<&str> = message.split_whitespace().collect();
    let is_report = |word: &str| word.trim_end_matches('.').trim_end_matches('s').eq_ignore_ascii_case("report");
    words
        .windows(3)
        .find(|words| is_report(words[1]) && words[2].to_ascii_lowercase().starts_with("downloaded"))
        .and_then(|words| words[0].parse().ok())
}

impl Client {
    /// Sends a command. One identical to a waiting or running one is that one.
    pub async fn command(&self, body: &Value) -> Result<Command, ToolError> {
        let answer = self.send(Method::POST, "/command", &Query::new(), body).await?;
        Command::read(&answer).ok_or_else(|| self.not_as_described("no command"))
    }

    /// How a command stands. None when it was forgotten, which happens some time after its end.
    pub async fn command_state(&self, id: u64) -> Result<Option<Command>, ToolError> {
        let answer = self.find(&format!("/command/{id}"), &Query::new(), Age::Live).await?;
        Ok(answer.as_deref().and_then(Command::read))
    }

    /// Looks at a command until it is over or the wait of the settings is: after a second first, then ever more slowly.
    pub async fn follow(&self, mut command: Command) -> Result<Command, ToolError> {
        let (first, deadline) = (self.settings().poll, Instant::now() + self.settings().command_wait);
        let mut wait = first;
        while !command.is_over() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            sleep(wait.min(left)).await;
            wait = (wait * 3 / 2).min(first * 5);
            match self.find(&format!("/command/{}", command.id), &Query::new(), Age::Now).await? {
                Some(answer) => command = Command::read(&answer).unwrap_or(command),
                // Forgotten: it was over long ago.
                None => command.status = "completed".into(),
            }
        }
        Ok(command)
    }

    /// Sends a search, follows it, and looks what came of it. `is_meant` picks the rows of history and queue that are about what
    /// was searched.
    pub async fn search_and_verify(
        &self,
        body: &Value,
        is_meant: impl Fn(&Value) -> bool,
    ) -> Result<Searched, ToolError> {
        let command = self.command(body).await?;
        self.verify(command, is_meant).await
    }

    /// Follows a search that was sent, and looks what came of it.
    pub async fn verify(&self, command: Command, is_meant: impl Fn(&Value) -> bool) -> Result<Searched, ToolError> {
        let since = command.queued.clone();
        let command = self.follow(command).await?;
        let mut grabbed = match &since {
            Some(since) => self.grabbed_since(since).await?,
            None => Vec::new(),
        };
        grabbed.retain(&is_meant);
        let mut queue = self.whole_queue().await?;
        queue.retain(&is_meant);
        let reported = command.message.as_deref().and_then(reports_downloaded);
        Ok(Searched { command, reported, grabbed, queue })
    }

    /// What was sent to a download client since an instant, oldest first.
    pub async fn grabbed_since(&self, instant: &str) -> Result<Vec<Value>, ToolError> {
        let query = vec![("date", instant.to_owned()), ("eventType", "grabbed".to_owned())];
        self.list("/history/since", &query, Age::Now).await
    }

    /// Every row of the queue, up to [`super::client::LARGEST_PAGE`].
    pub async fn whole_queue(&self) -> Result<Vec<Value>, ToolError> {
        let query = match self.which() {
            Which::Radarr => {
                vec![("includeMovie", "true".to_owned()), ("includeUnknownMovieItems", "true".to_owned())]
            }
            Which::Sonarr => vec![
                ("includeSeries", "true".to_owned()),
                ("includeEpisode", "true".to_owned()),
                ("includeUnknownSeriesItems", "true".to_owned()),
            ],
        };
        let paging = super::Paging {
            page: 1,
            size: super::client::LARGEST_PAGE,
            sort_key: "timeleft".into(),
            descending: false,
        };
        Ok(self.page("/queue", &query, &paging, Age::Now).await?.records)
    }
}

impl Searched {
    /// Whether a release was taken, by any of the three counts.
    pub fn has_found(&self) -> bool {
        !self.grabbed.is_empty() || self.reported.is_some_and(|count| count > 0)
    }

    /// What the model reads.
    pub fn told(&self, which: Which) -> Value {
        let row = |row: &Value| {
            view::Fields::default()
                .put("for", view::about(which, row))
                .put("release", view::text(&row["sourceTitle"], view::LONGEST_NAME))
                .put("quality", view::quality(&row["quality"]))
                .done()
        };
        let outcome = match () {
            () if !self.command.is_over() => "the search is still running; look at the queue in a few minutes",
            () if self.command.has_failed() => "the search failed",
            () if self.has_found() => "a release was sent to the download client",
            () if !self.queue.is_empty() => "nothing new was taken; a download is in the queue already",
            () => "the search is complete and nothing was taken",
        };
        view::Fields::default()
            .put("outcome", outcome)
            .put("command", self.command.told())
            .put("reports_downloaded", self.reported)
            .put("grabbed", self.grabbed.iter().take(10).map(row).collect::<Vec<_>>())
            .put("grabbed_count", self.grabbed.len())
            .put("in_queue", self.queue.len())
            .done()
    }
}

/// A body such as `{"name": "MoviesSearch", "movieIds": [1]}`.
pub fn body(name: &str, arguments: Value) -> Value {
    let mut body = json!({ "name": name });
    if let (Value::Object(body), Value::Object(arguments)) = (&mut body, arguments) {
        body.extend(arguments);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_the_message_of_a_search() {
        for (message, count) in [
            ("Completed search for 1 movies. 0 reports downloaded.", Some(0)),
            ("Season search completed. 2 reports downloaded.", Some(2)),
            ("Episode search completed. 1 report downloaded.", Some(1)),
            ("Completed", None),
            ("", None),
        ] {
            assert_eq!(reports_downloaded(message), count, "{message}");
        }
    }
}
