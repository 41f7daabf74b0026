//! Talk to an agent in a terminal, over the same engine as every other channel.

use majordomo_domain::{
    Accepted, Address, AgentId, Approval, ConversationId, Decision, Event, EventKind, Message, NoticeKind, Op, Part,
    Person, TurnId, TurnState,
    op::{CancelTarget, Decide, Say},
    text::shorten,
};
use majordomo_engine::{Engine, EngineError, Watch};
use std::{collections::HashSet, io, time::Duration};
use tokio::io::{AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader, Lines, Stdin};

/// How it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Colours and dim text. Off for files, pipes and `NO_COLOR`.
    pub colours: bool,
    /// Columns of the terminal.
    pub columns: usize,
}

impl Default for Look {
    fn default() -> Self {
        Self { colours: false, columns: 80 }
    }
}

/// Who talks to whom. The conversation exists already.
#[derive(Clone, Debug)]
pub struct Talk {
    pub conversation: ConversationId,
    pub agent: AgentId,
    pub person: Person,
    /// A model by name; the router's choice when absent.
    pub model: Option<String>,
    /// The room of several people it is said in; None where one person talks alone.
    pub room: Option<String>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Answered,
    /// The turn failed; its sentence was shown.
    Failed,
    /// The person stopped it.
    Stopped,
}

/// Ask one thing and draw the answer.
pub async fn once<W: AsyncWrite + Unpin>(
    engine: &Engine,
    talk: &Talk,
    text: &str,
    look: Look,
    out: W,
) -> Result<Ended, ConsoleError> {
    let mut drawing = Drawing::new(out, look);
    let ended = exchange(engine, talk, text, &mut drawing).await?;
    for approval in std::mem::take(&mut drawing.opened) {
        drawing.question(&approval).await?;
        drawing.line("Nothing was done yet: decide it on the page, or talk here without --once.").await?;
    }
    Ok(ended)
}

/// Talk until the person leaves: an empty end of input, `/quit`, or Ctrl-C while nothing runs.
pub async fn conversation<W: AsyncWrite + Unpin>(
    engine: &Engine,
    talk: &Talk,
    look: Look,
    out: W,
) -> Result<(), ConsoleError> {
    let mut drawing = Drawing::new(out, look);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    drawing
        .line(&drawing.dim("Ctrl-C stops an answer, a second one leaves. /clear forgets this talk, /quit leaves."))
        .await?;
    drawing.line(&drawing.dim("/undo takes the last change back.")).await?;
    loop {
        drawing.prompt().await?;
        let Some(line) = next_line(&mut lines).await? else { break };
        match line.trim() {
            "" => {}
            "/quit" | "/exit" => break,
            "/clear" | "!clear" => {
                let gone = engine.clear(talk.conversation).await?;
                drawing.line(&format!("Forgotten: {gone} messages of this talk.")).await?;
            }
            "/undo" | "!undo" => take_back(engine, talk, &mut drawing).await?,
            text => {
                let outcome = exchange(engine, talk, text, &mut drawing).await;
                match outcome {
                    Ok(_) => decide(engine, talk, &mut lines, &mut drawing).await?,
                    // Many lines at once, and they were told.
                    Err(ConsoleError::Engine(EngineError::Overloaded { is_repeat: true, .. })) => {}
                    Err(ConsoleError::Engine(error)) => drawing.line(&error.to_string()).await?,
                    Err(other) => return Err(other),
                }
            }
        }
    }
    drawing.line("").await
}

/// Ask about what waits for this person: yes, no, no with a reason, or later. What a yes does is drawn like any answer.
async fn decide<W: AsyncWrite + Unpin>(
    engine: &Engine,
    talk: &Talk,
    lines: &mut Lines<BufReader<Stdin>>,
    drawing: &mut Drawing<W>,
) -> Result<(), ConsoleError> {
    while !drawing.opened.is_empty() {
        let approval = drawing.opened.remove(0);
        drawing.question(&approval).await?;
        let person = &talk.person;
        if !approval.approvers.include(person.id, person.standing, approval.requester) {
            drawing.line(&format!("This is for {} to decide.", approval.approvers.in_words())).await?;
            continue;
        }
        drawing.ask("yes, no, a reason for no, or Enter for later: ").await?;
        let Some(line) = next_line(lines).await? else { return Ok(()) };
        let decision = match line.trim().to_lowercase().as_str() {
            "" => continue,
            "y" | "yes" | "👍" => Decision::Approve,
            "n" | "no" | "👎" => Decision::Decline { reason: None },
            _ => Decision::Decline { reason: Some(line.trim().to_owned()) },
        };
        let mut watch = engine.watch(talk.conversation, None).await?;
        match engine.submit(Op::Decide(Decide { approval: approval.id, by: person.id, decision })).await {
            Ok(Accepted::Decided { turn: Some(turn), .. }) => {
                draw_turn(engine, talk, &mut watch, turn, drawing).await?;
            }
            Ok(_) => {}
            Err(error) => drawing.line(&error.to_string()).await?,
        }
    }
    Ok(())
}

/// Take back the newest change of this talk that can be, and say what came of it.
async fn take_back<W: AsyncWrite + Unpin>(
    engine: &Engine,
    talk: &Talk,
    drawing: &mut Drawing<W>,
) -> Result<(), ConsoleError> {
    let Some(change) = engine.undoable(talk.conversation).await? else {
        return drawing
            .line("There is nothing to take back: nothing was changed lately, or it is taken back already.")
            .await;
    };
    drawing.line(&drawing.dim(&drawing.fit(&format!("· {}", change.title)))).await?;
    let mut watch = engine.watch(talk.conversation, None).await?;
    match engine.undo(&talk.person, change.turn, &change.call_id).await {
        Ok(turn) => {
            // It was watched before the press, so its end is drawn also where it is over by now.
            draw_turn(engine, talk, &mut watch, turn, drawing).await?;
            // What somebody else decides is asked of them; it is theirs to answer.
            for approval in std::mem::take(&mut drawing.opened) {
                if !approval.approvers.include(talk.person.id, talk.person.standing, approval.requester) {
                    drawing
                        .line(&format!("This waits: it is for {} to decide.", approval.approvers.in_words()))
                        .await?;
                }
            }
            Ok(())
        }
        Err(error) => drawing.line(&error.to_string()).await,
    }
}

/// A line typed by the person; None when they leave.
async fn next_line(lines: &mut Lines<BufReader<Stdin>>) -> Result<Option<String>, ConsoleError> {
    tokio::select! {
        line = lines.next_line() => Ok(line?),
        _ = tokio::signal::ctrl_c() => Ok(None),
    }
}

async fn exchange<W: AsyncWrite + Unpin>(
    engine: &Engine,
    talk: &Talk,
    text: &str,
    drawing: &mut Drawing<W>,
) -> Result<Ended, ConsoleError> {
    let say = Say {
        conversation: talk.conversation,
        agent: talk.agent,
        author: talk.person.id,
        address: Address::new("console", talk.conversation.to_string()),
        room: talk.room.clone(),
        platform_id: None,
        parts: vec![Part::text(text)],
        model: talk.model.clone(),
        output_tokens: None,
        task: Default::default(),
    };
    let mut watch = engine.watch(talk.conversation, None).await?;
    let turn = match engine.submit(Op::Say(say)).await? {
        Accepted::Turn { turn, .. } | Accepted::Duplicate { turn } => turn,
        _ => return Ok(Ended::Stopped),
    };
    draw_turn(engine, talk, &mut watch, turn, drawing).await
}

async fn draw_turn<W: AsyncWrite + Unpin>(
    engine: &Engine,
    talk: &Talk,
    watch: &mut Watch,
    turn: TurnId,
    drawing: &mut Drawing<W>,
) -> Result<Ended, ConsoleError> {
    let mut stopping = false;
    loop {
        let event = tokio::select! {
            event = watch.next() => event,
            _ = tokio::signal::ctrl_c(), if !stopping => {
                stopping = true;
                engine.cancel(CancelTarget::Turn(turn), talk.person.id).await?;
                continue;
            }
            _ = tokio::signal::ctrl_c(), if stopping => return Err(ConsoleError::Left),
        };
        let Some(event) = event else { return Err(ConsoleError::Gone) };
        if let EventKind::ApprovalOpened { approval } = &event.kind {
            drawing.opened.push((**approval).clone());
        }
        if event.turn != turn && !matches!(event.kind, EventKind::Snapshot { .. }) {
            continue;
        }
        if let Some(ended) = drawing.event(&event).await? {
            return Ok(ended);
        }
    }
}

/// Why the talk ended early.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    #[error("{0}")]
    Engine(#[from] EngineError),
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
    #[error("the service stopped before the answer was there")]
    Gone,
    #[error("left before the answer was there")]
    Left,
}

/// Turns events into lines. Text flows as it comes; everything else has a line of its own.
struct Drawing<W> {
    out: W,
    look: Look,
    /// Column at which the next text starts.
    column: usize,
    /// Blanks that wait for the next word.
    gap: usize,
    step_text: bool,
    thinking: bool,
    shown_calls: HashSet<String>,
    /// Notices of this turn that were drawn: they stand in its last message, too.
    noticed: Vec<String>,
    /// What waits for a decision since the last question.
    opened: Vec<Approval>,
}

impl<W: AsyncWrite + Unpin> Drawing<W> {
    fn new(out: W, look: Look) -> Self {
        Self {
            out,
            look,
            column: 0,
            gap: 0,
            step_text: false,
            thinking: false,
            shown_calls: HashSet::new(),
            noticed: Vec::new(),
            opened: Vec::new(),
        }
    }

    /// Draw one event; Some when the turn is over.
    async fn event(&mut self, event: &Event) -> Result<Option<Ended>, ConsoleError> {
        match &event.kind {
            EventKind::TurnQueued { ahead, .. } if *ahead > 0 => {
                self.line(&self.dim(&format!("waiting behind {ahead} other messages"))).await?;
            }
            EventKind::TextDelta { text } => {
                self.thinking = false;
                self.step_text = true;
                self.flow(text).await?;
            }
            EventKind::ThinkingDelta { .. } if !self.thinking => {
                self.thinking = true;
                self.line(&self.dim("… thinking")).await?;
            }
            EventKind::StepReset { .. } if self.step_text => {
                self.step_text = false;
                self.line(&self.dim("… that broke off; once more")).await?;
            }
            EventKind::ModelAsked { .. } => self.step_text = false,
            EventKind::CallStarted { call_id, title, .. } if self.shown_calls.insert(call_id.clone()) => {
                self.line(&self.dim(&self.fit(&format!("· {title}")))).await?;
            }
            EventKind::CallFinished { title, is_error, summary, cards, duration_ms, .. } => {
                let seconds = Duration::from_millis(*duration_ms).as_secs_f64();
                if *is_error {
                    let reason = shorten(summary.lines().next().unwrap_or_default(), 160);
                    self.line(&self.dim(&self.fit(&format!("✗ {title} ({seconds:.1} s): {reason}")))).await?;
                } else {
                    self.line(&self.dim(&self.fit(&format!("✓ {title} ({seconds:.1} s)")))).await?;
                    for card in cards.iter().take(5) {
                        let text = [card.title.as_str(), card.subtitle.as_str()]
                            .into_iter()
                            .filter(|t| !t.is_empty())
                            .collect::<Vec<_>>()
                            .join(" · ");
                        self.line(&self.dim(&self.fit(&format!("    {text}")))).await?;
                    }
                }
            }
            EventKind::Progress { text } => self.line(&self.dim(&self.fit(&format!("… {text}")))).await?,
            EventKind::Noticed { notice } if notice.kind != NoticeKind::Fallback => {
                self.noticed.push(notice.text.clone());
                self.line(&notice.text).await?;
            }
            EventKind::Noticed { notice } => self.line(&self.dim(&self.fit(&notice.text))).await?,
            EventKind::TurnFinished { state, messages, .. } => {
                return self.finish(*state, messages).await.map(Some);
            }
            EventKind::ConversationDeleted => return Err(ConsoleError::Gone),
            _ => {}
        }
        Ok(None)
    }

    async fn finish(&mut self, state: TurnState, messages: &[Message]) -> Result<Ended, ConsoleError> {
        // What came as a whole was not drawn yet, nor were notices of a turn that ended before it was watched.
        let parts = messages.last().map(|message| message.parts.as_slice()).unwrap_or_default();
        let unseen: Vec<&str> = parts
            .iter()
            .filter_map(|part| match part {
                Part::Text { text } if !self.step_text => Some(text.as_str()),
                Part::Notice(notice) if notice.kind != NoticeKind::Fallback && !self.noticed.contains(&notice.text) => {
                    Some(notice.text.as_str())
                }
                _ => None,
            })
            .filter(|text| !text.is_empty())
            .collect();
        if !unseen.is_empty() {
            self.flow(&unseen.join("\n\n")).await?;
        }
        self.line("").await?;
        self.step_text = false;
        self.shown_calls.clear();
        self.noticed.clear();
        Ok(match state {
            TurnState::Done => Ended::Answered,
            TurnState::Cancelled => Ended::Stopped,
            _ => Ended::Failed,
        })
    }

    /// Write text where the last one ended, breaking lines between words at the right edge.
    async fn flow(&mut self, text: &str) -> io::Result<()> {
        let mut drawn = String::with_capacity(text.len() + 16);
        for piece in text.split_inclusive([' ', '\n']) {
            let word = piece.trim_end_matches([' ', '\n']);
            let width = word.chars().count();
            if width > 0 && self.column > 0 && self.column + self.gap + width > self.look.columns {
                drawn.push('\n');
                self.column = 0;
            } else if width > 0 {
                // A blank is drawn before the next word, so that no line ends with one.
                drawn.extend(std::iter::repeat_n(' ', self.gap));
                self.column += self.gap;
            }
            if width > 0 {
                self.gap = 0;
            }
            drawn.push_str(word);
            self.column += width;
            if piece.ends_with('\n') {
                drawn.push('\n');
                (self.column, self.gap) = (0, 0);
            } else if piece.ends_with(' ') {
                self.gap += 1;
            }
        }
        self.out.write_all(drawn.as_bytes()).await?;
        self.out.flush().await
    }

    /// Write a line of its own.
    async fn line(&mut self, text: &str) -> Result<(), ConsoleError> {
        let start = if self.column > 0 { "\n" } else { "" };
        (self.column, self.gap) = (0, 0);
        self.out.write_all(format!("{start}{text}\n").as_bytes()).await?;
        self.out.flush().await?;
        Ok(())
    }

    /// What an approver has to see.
    async fn question(&mut self, approval: &Approval) -> Result<(), ConsoleError> {
        self.line("").await?;
        self.line(&format!("? {}", approval.wording.question)).await?;
        for fact in &approval.card.facts {
            self.line(&format!("    {}: {}", fact.label, fact.value.replace(['\n', '\r'], " "))).await?;
        }
        if !approval.card.text.is_empty() {
            self.line(&format!("    {}", approval.card.text)).await?;
        }
        self.line(&self.dim(&format!("    arguments: {}", approval.arguments))).await?;
        if !approval.wording.reason.is_empty() {
            self.line(&self.dim(&format!("    asked because {}", approval.wording.reason))).await?;
        }
        Ok(())
    }

    async fn ask(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes()).await?;
        (self.column, self.gap) = (0, 0);
        self.out.flush().await
    }

    async fn prompt(&mut self) -> io::Result<()> {
        self.out.write_all(b"> ").await?;
        (self.column, self.gap) = (0, 0);
        self.out.flush().await
    }

    fn fit(&self, text: &str) -> String {
        shorten(&text.replace(['\n', '\r'], " "), self.look.columns)
    }

    fn dim(&self, text: &str) -> String {
        if self.look.colours { format!("\u{1b}[2m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use majordomo_domain::{MessageId, Notice, Role};

    async fn drawn(pieces: &[&str], columns: usize) -> String {
        let mut drawing = Drawing::new(Vec::new(), Look { colours: false, columns });
        for piece in pieces {
            drawing.flow(piece).await.unwrap();
        }
        String::from_utf8(drawing.out).unwrap()
    }

    #[tokio::test]
    async fn lines_break_between_words_wherever_the_pieces_were_cut() {
        let whole = drawn(&["The Cabinet of Dr. Caligari is a film"], 16).await;
        assert_eq!(whole, "The Cabinet of\nDr. Caligari is\na film");
        assert_eq!(drawn(&["The ", "Cabinet ", "of ", "Dr. ", "Caligari ", "is a ", "film"], 16).await, whole);
        assert_eq!(drawn(&["one\n\n", "two"], 16).await, "one\n\ntwo");
        assert_eq!(drawn(&["- a  b\n  c"], 16).await, "- a  b\n  c");
    }

    /// What is drawn of a turn: notices as they are announced, then its end with these parts.
    async fn ended(announced: &[&Notice], parts: Vec<Part>) -> String {
        let (conversation, turn) = (ConversationId::new(), TurnId::new());
        let message =
            Message { id: MessageId::new(), turn, position: 1, role: Role::Assistant, parts, created_at_ms: 0 };
        let end = EventKind::TurnFinished {
            state: TurnState::Done,
            messages: vec![message],
            model: String::new(),
            usage: Default::default(),
            cost_micros: 0,
            duration_ms: 1,
        };
        let noticed = announced.iter().map(|notice| EventKind::Noticed { notice: Notice::clone(notice) });
        let mut drawing = Drawing::new(Vec::new(), Look::default());
        for (kind, number) in noticed.chain([end]).zip(1..) {
            drawing.event(&Event { conversation, number, turn, kind }).await.unwrap();
        }
        String::from_utf8(drawing.out).unwrap()
    }

    #[tokio::test]
    async fn a_receipt_is_drawn_once_with_and_without_an_answer_around_it() {
        let receipt = Notice::new(NoticeKind::Receipt, "V was removed from the party.");
        let part = || Part::Notice(receipt.clone());
        assert_eq!(ended(&[&receipt], vec![part()]).await, "V was removed from the party.\n\n");
        let whole = ended(&[&receipt], vec![Part::text("Gone."), part()]).await;
        assert_eq!(whole, "V was removed from the party.\nGone.\n\n");
        assert_eq!(ended(&[], vec![part()]).await, "V was removed from the party.\n\n", "nobody saw it announced");
    }
}
