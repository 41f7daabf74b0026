//! What people say is wrong, each once while it is open; who said so is told what became of it, in the commit that ends it.

use crate::{
    Result, Store, StoreError,
    requests::{News, note, put_news},
    row::{Columns, Value},
    writer::Tx,
};
use majordomo_domain::{
    Address, Millis, PersonId, Report, ReportId, ReportState, request::RequestEvent, text::shorten,
};
use sqlx::any::AnyRow;

/// Characters of what is wrong.
const MOST_TEXT: usize = 600;

/// Which reports to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportFilter {
    /// Those of this person.
    pub person: Option<PersonId>,
    pub only_open: bool,
    /// Continues a list.
    pub before_ms: Option<Millis>,
    /// 1 to 200.
    pub limit: u32,
}

impl Store {
    /// Keep it, with a line in the story of its request where there is one, and have it told; false where the same person has said the
    /// same already and it is open.
    pub async fn put_report(&self, report: Report, line: String, news: Vec<News>) -> Result<bool> {
        let put = self.write(async move |tx| {
            let sql = "SELECT body FROM reports WHERE toolkit = ? AND subject = ? AND reporter_id = ? AND state = 'open' FOR UPDATE";
            let text = shorten(&report.text, MOST_TEXT);
            let known = tx.all(sql, &[(&report.toolkit).into(), (&report.subject).into(), report.reporter.into()]).await?;
            for row in &known {
                if row.text("body")? == text {
                    return Ok(false);
                }
            }
            insert(tx, &report, &text).await?;
            if let Some(request) = report.request {
                let event = RequestEvent {
                    at_ms: report.created_at_ms,
                    kind: "report".into(),
                    actor: Some(report.reporter),
                    text: line.clone(),
                };
                note(tx, request, &event).await?;
            }
            for news in &news {
                put_news(tx, news).await?;
            }
            Ok(true)
        });
        let put = put.await;
        self.inner.following.notify_one();
        put
    }

    pub async fn report(&self, id: ReportId) -> Result<Report> {
        let row = self.first("SELECT * FROM reports WHERE id = ?", &[id.into()]).await?;
        row.as_ref().map(read).transpose()?.ok_or(StoreError::NotFound("report"))
    }

    /// Newest first.
    pub async fn reports(&self, filter: ReportFilter) -> Result<Vec<Report>> {
        let person = filter.person.map(|person| person.to_string()).unwrap_or_default();
        let sql = "SELECT * FROM reports WHERE (? = '' OR reporter_id = ?) AND (? = 0 OR state = 'open') AND created_at_ms < ? \
                   ORDER BY created_at_ms DESC, id DESC LIMIT ?";
        let values = [
            (&person).into(),
            (&person).into(),
            filter.only_open.into(),
            filter.before_ms.unwrap_or(i64::MAX).into(),
            filter.limit.clamp(1, 200).into(),
        ];
        self.all(sql, &values).await?.iter().map(read).collect()
    }

    /// End it, once; whether it was open. Who reported it is told where they did, unless they end it themselves.
    pub async fn close_report(
        &self,
        id: ReportId,
        state: ReportState,
        by: PersonId,
        answer: Option<String>,
        now_ms: Millis,
    ) -> Result<bool> {
        let closed = self.write(async move |tx| {
            let won = tx
                .run(
                    "UPDATE reports SET state = ?, answer = ?, closed_at_ms = ?, closed_by = ? WHERE id = ? AND state = 'open'",
                    &[state.as_str().into(), answer.clone().into(), now_ms.into(), by.into(), id.into()],
                )
                .await?;
            if won == 0 {
                return Ok(false);
            }
            let row = tx.first("SELECT * FROM reports WHERE id = ?", &[id.into()]).await?;
            let report = row.as_ref().map(read).transpose()?.ok_or(StoreError::NotFound("report"))?;
            let what = match state {
                ReportState::Mended => "mended",
                ReportState::Open | ReportState::Dismissed => "left as it is",
            };
            // Somebody's own words, marked as such.
            let answer = answer.as_deref().map(|answer| format!(": “{answer}”")).unwrap_or_default();
            if let Some(request) = report.request {
                let text = format!("{}: {what}{answer}", report.text);
                let event = RequestEvent { at_ms: now_ms, kind: "report".into(), actor: Some(by), text };
                note(tx, request, &event).await?;
            }
            if report.reporter != by {
                let text = format!("{}: what you reported ({}) is {what}{answer}.", report.title, report.text);
                put_news(tx, &News::to_reporter(&report, &text, now_ms)).await?;
            }
            Ok(true)
        });
        let closed = closed.await;
        self.inner.following.notify_one();
        closed
    }
}

async fn insert(tx: &mut Tx<'_>, report: &Report, text: &str) -> Result<()> {
    tx.run(
        "INSERT INTO reports (id, toolkit, subject, title, picture, body, reporter_id, conversation_id, agent_id, channel, place, \
         request_id, state, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            report.id.into(),
            (&report.toolkit).into(),
            (&report.subject).into(),
            shorten(&report.title, 190).into(),
            report.picture.clone().into(),
            text.into(),
            report.reporter.into(),
            report.conversation.into(),
            report.agent.into(),
            (&report.address.channel).into(),
            (&report.address.place).into(),
            report.request.map(|id| id.to_string()).into(),
            report.state.as_str().into(),
            report.created_at_ms.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Erase what a person reported, and that they dealt with what others did.
pub(crate) async fn forget(tx: &mut Tx<'_>, person: PersonId) -> Result<()> {
    let key: [Value; 1] = [person.into()];
    tx.run("DELETE FROM reports WHERE reporter_id = ?", &key).await?;
    tx.run("UPDATE reports SET closed_by = NULL WHERE closed_by = ?", &key).await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Report> {
    Ok(Report {
        id: row.id("id")?,
        toolkit: row.text("toolkit")?,
        subject: row.text("subject")?,
        title: row.text("title")?,
        picture: row.optional_text("picture")?,
        text: row.text("body")?,
        reporter: row.id("reporter_id")?,
        conversation: row.id("conversation_id")?,
        agent: row.id("agent_id")?,
        address: Address::new(row.text("channel")?, row.text("place")?),
        request: row.optional_id("request_id")?,
        state: ReportState::parse(&row.text("state")?)
            .ok_or_else(|| StoreError::Other("a report has no known state".into()))?,
        answer: row.optional_text("answer")?,
        created_at_ms: row.int("created_at_ms")?,
        closed_at_ms: row.optional_int("closed_at_ms")?,
        closed_by: row.optional_id("closed_by")?,
    })
}
