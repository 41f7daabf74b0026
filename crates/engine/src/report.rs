//! What people say is wrong: an admin sees all of it and says what became of it, everybody else sees their own.

use crate::engine::{Engine, EngineError};
use majordomo_domain::{
    Person, Report, ReportId, ReportState, Standing,
    text::{clean, shorten},
};
use majordomo_store::{NewAudit, ReportFilter};

/// Characters of what is said to a report in the end.
const ANSWER: usize = 300;

impl Engine {
    /// Newest first.
    pub async fn reports(
        &self,
        person: &Person,
        only_open: bool,
        before_ms: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Report>, EngineError> {
        let own = (person.standing != Standing::Admin).then_some(person.id);
        Ok(self.0.store.reports(ReportFilter { person: own, only_open, before_ms, limit }).await?)
    }

    /// Say what became of one: an admin. Who reported it is told.
    pub async fn close_report(
        &self,
        person: &Person,
        id: ReportId,
        state: ReportState,
        answer: Option<String>,
    ) -> Result<(), EngineError> {
        let report = self.0.store.report(id).await?;
        if person.standing != Standing::Admin {
            // Somebody else's is not even seen.
            return Err(match report.reporter == person.id {
                true => EngineError::NotAllowed("an admin says what became of a report".into()),
                false => EngineError::NotFound("report"),
            });
        }
        let answer = answer.map(|text| shorten(clean(&text).trim(), ANSWER)).filter(|text| !text.is_empty());
        let now_ms = self.0.clock.now_ms();
        if !self.0.store.close_report(id, state, person.id, answer, now_ms).await? {
            return Err(EngineError::Conflict("somebody has dealt with this report already".into()));
        }
        self.write_down(NewAudit {
            at_ms: now_ms,
            actor: Some(person.id),
            kind: "report",
            subject: shorten(&report.title, 190),
            conversation: None,
            turn: None,
            detail: format!("a report is {}", state.as_str()),
        })
        .await;
        Ok(())
    }
}
