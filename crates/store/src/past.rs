//! What happened to wishes outside, beside their story: read from those who remember it, gathered, each once however often it is read.
//!
//! Reading the same again, in parts or out of order changes nothing: a line is known by its key and its time, and holds a set of parts.

use crate::{
    Result, Store,
    row::{Columns, to_json},
    writer::Tx,
};
use majordomo_domain::{Happening, Millis, Past, Request, RequestId, request::RequestEvent, text::shorten};
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet};

/// Happenings of one key that are no further apart are one line. Milliseconds.
const TOGETHER_MS: i64 = 3_600_000;
/// Lines of one request; the oldest go.
const MOST_LINES: usize = 200;
/// Parts that a line counts; of more it is known that there are many.
const MOST_PARTS: usize = 500;
/// Requests whose past is read.
const MOST_REQUESTS: u32 = 500;

/// What is told as one.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    seq: i64,
    key: String,
    first_at_ms: Millis,
    last_at_ms: Millis,
    kind: String,
    parts: BTreeSet<String>,
    text: String,
    is_changed: bool,
}

impl Store {
    /// Add what happened to the stories of requests, and note how far a source was read, in one commit. What is known already
    /// changes nothing.
    pub async fn add_past(&self, toolkit: &str, source: &str, past: Past) -> Result<()> {
        let (toolkit, source) = (toolkit.to_owned(), source.to_owned());
        let mut by_request: BTreeMap<RequestId, Vec<Happening>> = BTreeMap::new();
        for happening in past.happenings {
            by_request.entry(happening.request).or_default().push(happening);
        }
        for happenings in by_request.values_mut() {
            happenings.sort_by_key(|happening| happening.at_ms);
        }
        self.write(async move |tx| {
            for (id, happenings) in &by_request {
                // Of two processes that read the same, one is the first.
                if tx.first("SELECT id FROM requests WHERE id = ? FOR UPDATE", &[(*id).into()]).await?.is_none() {
                    continue;
                }
                let mut lines = lines_of(tx, *id).await?;
                happenings.iter().for_each(|happening| gather(&mut lines, happening));
                write_lines(tx, *id, lines).await?;
            }
            match past.newest_ms {
                Some(newest_ms) => put_mark(tx, &toolkit, &source, newest_ms).await,
                None => Ok(()),
            }
        })
        .await
    }

    /// How far a source was read; None before the first time.
    pub async fn past_mark(&self, toolkit: &str, source: &str) -> Result<Option<Millis>> {
        let sql = "SELECT read_to_ms FROM past_marks WHERE toolkit = ? AND source = ?";
        self.first(sql, &[toolkit.into(), source.into()]).await?.map(|row| row.int("read_to_ms")).transpose()
    }

    /// Those whose past is worth reading: granted, and open or closed since then. Newest first.
    pub async fn requests_with_past(&self, toolkit: &str, closed_since_ms: Millis) -> Result<Vec<Request>> {
        let sql = "SELECT * FROM requests WHERE toolkit = ? AND state NOT IN ('asked', 'declined') \
                   AND (closed_at_ms IS NULL OR closed_at_ms >= ?) ORDER BY created_at_ms DESC, id DESC LIMIT ?";
        let rows = self.all(sql, &[toolkit.into(), closed_since_ms.into(), MOST_REQUESTS.into()]).await?;
        rows.iter().map(crate::requests::read).collect()
    }

    /// What happened to a request, oldest first.
    pub(crate) async fn past_of(&self, id: RequestId) -> Result<Vec<RequestEvent>> {
        let rows = self.all(LINES, &[id.into()]).await?;
        let lines: Vec<Line> = rows.iter().map(read_line).collect::<Result<_>>()?;
        Ok(lines.iter().map(told).collect())
    }
}

const LINES: &str = "SELECT * FROM request_past WHERE request_id = ? ORDER BY last_at_ms, seq";

async fn lines_of(tx: &mut Tx<'_>, id: RequestId) -> Result<Vec<Line>> {
    tx.all(LINES, &[id.into()]).await?.iter().map(read_line).collect()
}

fn gather(lines: &mut Vec<Line>, happening: &Happening) {
    let at_ms = happening.at_ms;
    let is_same = |line: &&mut Line| {
        line.key == happening.key && (line.first_at_ms - TOGETHER_MS..=line.last_at_ms + TOGETHER_MS).contains(&at_ms)
    };
    let Some(line) = lines.iter_mut().find(is_same) else {
        lines.push(Line {
            seq: lines.iter().map(|line| line.seq).max().unwrap_or(0) + 1,
            key: happening.key.clone(),
            first_at_ms: at_ms,
            last_at_ms: at_ms,
            kind: happening.kind.clone(),
            parts: happening.part.iter().cloned().collect(),
            text: happening.text.clone(),
            is_changed: true,
        });
        return;
    };
    if at_ms < line.first_at_ms || at_ms > line.last_at_ms {
        line.first_at_ms = line.first_at_ms.min(at_ms);
        line.last_at_ms = line.last_at_ms.max(at_ms);
        line.is_changed = true;
    }
    if let Some(part) = happening.part.as_ref().filter(|_| line.parts.len() < MOST_PARTS) {
        line.is_changed |= line.parts.insert(part.clone());
    }
}

async fn write_lines(tx: &mut Tx<'_>, id: RequestId, mut lines: Vec<Line>) -> Result<()> {
    lines.sort_by_key(|line| (line.last_at_ms, line.seq));
    let too_many = lines.len().saturating_sub(MOST_LINES);
    for line in lines.drain(..too_many) {
        tx.run("DELETE FROM request_past WHERE request_id = ? AND seq = ?", &[id.into(), line.seq.into()]).await?;
    }
    for line in lines.iter().filter(|line| line.is_changed) {
        tx.run("DELETE FROM request_past WHERE request_id = ? AND seq = ?", &[id.into(), line.seq.into()]).await?;
        tx.run(
            "INSERT INTO request_past (request_id, seq, gather_key, first_at_ms, last_at_ms, kind, parts, body) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                id.into(),
                line.seq.into(),
                (&line.key).into(),
                line.first_at_ms.into(),
                line.last_at_ms.into(),
                (&line.kind).into(),
                to_json(&line.parts)?.into(),
                shorten(&line.text, 600).into(),
            ],
        )
        .await?;
    }
    Ok(())
}

async fn put_mark(tx: &mut Tx<'_>, toolkit: &str, source: &str, newest_ms: Millis) -> Result<()> {
    let sql = "SELECT read_to_ms FROM past_marks WHERE toolkit = ? AND source = ? FOR UPDATE";
    match tx.first(sql, &[toolkit.into(), source.into()]).await? {
        None => {
            let sql = "INSERT INTO past_marks (toolkit, source, read_to_ms) VALUES (?, ?, ?)";
            tx.run(sql, &[toolkit.into(), source.into(), newest_ms.into()]).await?;
        }
        Some(row) if row.int("read_to_ms")? < newest_ms => {
            let sql = "UPDATE past_marks SET read_to_ms = ? WHERE toolkit = ? AND source = ?";
            tx.run(sql, &[newest_ms.into(), toolkit.into(), source.into()]).await?;
        }
        Some(_) => {}
    }
    Ok(())
}

pub(crate) async fn forget(tx: &mut Tx<'_>, id: RequestId) -> Result<()> {
    tx.run("DELETE FROM request_past WHERE request_id = ?", &[id.into()]).await?;
    Ok(())
}

/// Each line where it happened: before the first event of the house that is later.
pub(crate) fn laid_together(mut story: Vec<RequestEvent>, past: Vec<RequestEvent>) -> Vec<RequestEvent> {
    for line in past {
        let place = story.iter().position(|event| event.at_ms > line.at_ms).unwrap_or(story.len());
        story.insert(place, line);
    }
    story
}

fn told(line: &Line) -> RequestEvent {
    let parts: Vec<&str> = line.parts.iter().map(String::as_str).collect();
    let parts = match (parts.as_slice(), parts.len()) {
        ([], _) => String::new(),
        ([first, .., last], number @ 4..) => format!(" ({number} parts, {first} to {last})"),
        (few, _) => format!(" ({})", few.join(", ")),
    };
    RequestEvent { at_ms: line.last_at_ms, kind: line.kind.clone(), actor: None, text: format!("{}{parts}", line.text) }
}

fn read_line(row: &AnyRow) -> Result<Line> {
    Ok(Line {
        seq: row.int("seq")?,
        key: row.text("gather_key")?,
        first_at_ms: row.int("first_at_ms")?,
        last_at_ms: row.int("last_at_ms")?,
        kind: row.text("kind")?,
        parts: row.json("parts")?,
        text: row.text("body")?,
        is_changed: false,
    })
}
