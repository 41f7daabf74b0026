//! What a model sees: the stable part first, equal byte for byte over a conversation, then what was said. Everything with a cap.

use crate::{
    builtin::{EarlyTerminate, TOOLKITS},
    catalogue::{Catalogue, allows},
    compact::Summary,
    engine::builtin_names,
    memory::Known,
};
use majordomo_domain::{
    Agent, AgentId, Message, MessageId, Part, Role, Tool, TurnId, agent::TurnLimits, model::ToolSpec,
    text::estimate_tokens,
};
use std::{collections::HashMap, sync::Arc};

/// The part of a request that never changes while the process runs.
#[derive(Clone)]
pub(crate) struct Stable {
    pub system: Arc<str>,
    pub tools: Arc<[ToolSpec]>,
    /// Estimated tokens of both.
    pub tokens: u32,
}

/// Tools offered at once to an agent that names none; with more of them they are found instead.
const FEW: usize = 16;

/// The stable part of every agent.
pub(crate) fn stable_parts(agents: &[Agent], catalogue: &Catalogue) -> HashMap<AgentId, Stable> {
    agents.iter().map(|agent| (agent.id, stable_part(agent, catalogue))).collect()
}

fn stable_part(agent: &Agent, catalogue: &Catalogue) -> Stable {
    let allowed = |toolkit: &str| allows(&agent.toolkits, toolkit);
    let all: Vec<&ToolSpec> =
        catalogue.index.iter().filter(|entry| allowed(entry.toolkit)).map(|entry| &entry.spec).collect();
    let mut offered: Vec<ToolSpec> = if agent.first_tools.is_empty() && all.len() <= FEW {
        all.iter().map(|spec| (*spec).clone()).collect()
    } else {
        let named = agent.first_tools.iter().filter_map(|name| catalogue.find(name));
        named
            .filter(|tool| allowed(tool.toolkit) && !TOOLKITS.contains(&tool.toolkit))
            .map(|tool| tool.tool.spec.clone())
            .collect()
    };
    let [find, use_found, recall, delegate, silent] = builtin_names();
    let builtins: &[&str] = match (offered.len() < all.len(), offered.is_empty()) {
        (true, _) => &[find, use_found, recall, delegate],
        (false, false) => &[recall, delegate],
        (false, true) => &[],
    };
    let toolkits: Vec<&str> =
        catalogue.index.iter().filter(|e| offered.iter().any(|o| o.name == e.spec.name)).map(|e| e.toolkit).collect();
    let ends = agent.first_tools.iter().filter(|name| *name == EarlyTerminate::NAME).take(1);
    offered.extend(ends.filter_map(|name| catalogue.find(name)).map(|tool| tool.tool.spec.clone()));
    if agent.may_stay_silent {
        offered.extend(catalogue.find(silent).map(|tool| tool.tool.spec.clone()));
    }
    offered.extend(builtins.iter().filter_map(|name| catalogue.find(name)).map(|tool| tool.tool.spec.clone()));
    let mut system = agent.prompt.trim().to_owned();
    for toolkit in catalogue.toolkits() {
        if !toolkit.guide.is_empty() && toolkits.contains(&toolkit.name) {
            system.push_str("\n\n");
            system.push_str(toolkit.guide);
        }
    }
    let tool_bytes: usize =
        offered.iter().map(|t| t.name.len() + t.description.len() + t.schema.to_string().len() + 24).sum();
    Stable { tokens: estimate_tokens(system.len() + tool_bytes), system: system.into(), tools: offered.into() }
}

/// What a conversation's last turn left behind: true as long as nobody else has written in between, which the fence tells.
#[derive(Clone)]
pub(crate) struct Remembered {
    /// The fence of that turn.
    pub fence: i64,
    pub ordinal: i64,
    pub history: Vec<Arc<Message>>,
    pub summary: Option<Summary>,
    pub beginning: Option<Arc<Known>>,
}

impl Remembered {
    /// Roughly what it costs to keep. Bytes.
    pub fn weight(&self) -> u32 {
        let bytes: usize =
            self.history.iter().map(|m| 160 + m.parts.iter().map(Part::weight_bytes).sum::<usize>()).sum();
        u32::try_from(bytes + 512).unwrap_or(u32::MAX)
    }
}

/// The messages of a request: summary, the newest history that fits, the question and what this turn added.
pub(crate) struct Window {
    messages: Vec<Arc<Message>>,
    /// The day that was said last.
    day: Option<i64>,
    /// Messages with results a request carries.
    tool_messages: usize,
}

impl Window {
    /// `history` oldest first; `beginning` is what was remembered when it began, `summary` stands for everything up to its position.
    pub fn new(
        history: &[Arc<Message>],
        beginning: Option<&Known>,
        summary: Option<&Summary>,
        limits: &TurnLimits,
    ) -> Self {
        let from = summary.map_or(0, |s| history.partition_point(|m| m.position <= s.through));
        let open = &history[from..];
        let kept = &open[start_of_window(open, limits)..];
        let mut messages: Vec<Arc<Message>> = Vec::with_capacity(kept.len() + 8);
        if let Some(beginning) = beginning {
            messages.push(Arc::new(beginning.as_message()));
        }
        if let Some(summary) = summary {
            messages.push(Arc::new(summary.as_message()));
        }
        let mut day = None;
        messages.extend(kept.iter().map(|message| stamped(message, &mut day)));
        Self { messages, day, tool_messages: limits.tool_messages.max(1) as usize }
    }

    pub fn push(&mut self, message: &Arc<Message>) {
        self.messages.push(stamped(message, &mut self.day));
    }

    /// The messages of a request; of those with results the newest. What goes, goes in jumps of 40 % of the limit, so that requests
    /// keep their beginning.
    pub fn messages(&self) -> Vec<Arc<Message>> {
        let results = self.messages.iter().filter(|m| m.role == Role::Tool).count();
        match results.saturating_sub(self.tool_messages) {
            0 => self.messages.clone(),
            surplus => {
                let jump = (self.tool_messages * 4 / 10).max(1);
                without_results(&self.messages, (surplus.div_ceil(jump) * jump).min(results - 1))
            }
        }
    }

    pub fn tokens(&self) -> u32 {
        self.messages.iter().map(|m| tokens_of(m)).sum()
    }
}

/// The messages without the first so many rounds of results, and without the calls they answer.
fn without_results(messages: &[Arc<Message>], rounds: usize) -> Vec<Arc<Message>> {
    let mut kept: Vec<Arc<Message>> = Vec::with_capacity(messages.len());
    let mut gone = 0;
    for message in messages {
        if message.role != Role::Tool || gone == rounds {
            kept.push(message.clone());
            continue;
        }
        gone += 1;
        if let Some(asking) = kept.pop() {
            // What was thought before a call is signed together with it.
            let is_said = |part: &Part| !matches!(part, Part::Call(_) | Part::Thinking { .. });
            let parts: Vec<Part> = asking.parts.iter().filter(|part| is_said(part)).cloned().collect();
            if !parts.is_empty() {
                kept.push(Arc::new(Message { parts, ..(*asking).clone() }));
            }
        }
    }
    kept
}

pub(crate) fn tokens_of(message: &Message) -> u32 {
    estimate_tokens(message.parts.iter().map(Part::weight_bytes).sum::<usize>()) + 4
}

/// Where the window begins: at a person's message, so that no call is cut from its result. When history grows over a limit the
/// window jumps to 60 % of it rather than sliding at every turn, so that providers can keep their cache of the beginning.
fn start_of_window(messages: &[Arc<Message>], limits: &TurnLimits) -> usize {
    let total: u32 = messages.iter().map(|m| tokens_of(m)).sum();
    let (token_limit, message_limit) = (limits.history_tokens, limits.history_messages as usize);
    let turn_limit = limits.history_turns as usize;
    let turns = messages.iter().filter(|m| m.role == Role::User).count();
    if total <= token_limit && messages.len() <= message_limit && turns <= turn_limit {
        return first_question(messages, 0);
    }
    let (mut tokens, mut count, mut turns) = (0, 0, 0);
    let mut start = messages.len();
    for (index, message) in messages.iter().enumerate().rev() {
        tokens += tokens_of(message);
        count += 1;
        turns += usize::from(message.role == Role::User);
        let over = |count: usize, limit: usize| count > (limit * 6 / 10).max(1);
        if tokens > token_limit.saturating_mul(6) / 10 || over(count, message_limit) || over(turns, turn_limit) {
            break;
        }
        start = index;
    }
    first_question(messages, start)
}

fn first_question(messages: &[Arc<Message>], from: usize) -> usize {
    messages
        .iter()
        .enumerate()
        .skip(from)
        .find(|(_, m)| m.role == Role::User)
        .map_or(messages.len(), |(index, _)| index)
}

/// Days since 1970, UTC.
fn day_of(ms: i64) -> i64 {
    ms.div_euclid(86_400_000)
}

/// The day is said where it changes, in front of what a person says: models know what "this week" means, and a request stays
/// the beginning of the next one.
fn stamped(message: &Arc<Message>, day: &mut Option<i64>) -> Arc<Message> {
    let today = day_of(message.created_at_ms);
    if message.role != Role::User || *day == Some(today) {
        return message.clone();
    }
    *day = Some(today);
    let date = jiff::Timestamp::from_millisecond(message.created_at_ms).map(|t| t.strftime("%A %Y-%m-%d").to_string());
    let mut message = (**message).clone();
    message.parts.insert(0, Part::text(format!("[{} UTC]", date.unwrap_or_default())));
    Arc::new(message)
}

impl Summary {
    fn as_message(&self) -> Message {
        Message {
            id: MessageId::new(),
            turn: TurnId::new(),
            position: self.through,
            role: Role::User,
            parts: vec![Part::text(format!("[Summary of the conversation so far]\n{}", self.text))],
            created_at_ms: self.at_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(ordinal: i64, place: i64, role: Role, text: &str) -> Arc<Message> {
        Arc::new(Message {
            id: MessageId::new(),
            turn: TurnId::new(),
            position: ordinal * 1000 + place,
            role,
            parts: vec![Part::text(text)],
            created_at_ms: 1_763_700_000_000,
        })
    }

    fn talk(turns: i64) -> Vec<Arc<Message>> {
        (1..=turns)
            .flat_map(|n| {
                [message(n, 0, Role::User, &"q".repeat(400)), message(n, 1, Role::Assistant, &"a".repeat(400))]
            })
            .collect()
    }

    #[test]
    fn a_window_begins_with_a_question_and_fits_both_limits() {
        for (turns, history_tokens, history_messages) in
            [(3, 10_000, 200), (50, 3_000, 200), (50, 100_000, 11), (9, 50, 2)]
        {
            let limits = TurnLimits { history_tokens, history_messages, ..TurnLimits::default() };
            let window = Window::new(&talk(turns), None, None, &limits);
            let total: u32 = window.tokens();
            // The stamp of the day is the only thing added.
            assert!(total <= history_tokens + 12, "{total} tokens of {history_tokens}");
            assert!(window.messages.len() <= history_messages as usize);
            assert!(window.messages.first().is_none_or(|m| m.role == Role::User));
        }
    }

    #[test]
    fn the_window_jumps_so_that_requests_keep_their_beginning() {
        let limits = TurnLimits { history_tokens: 3_000, ..TurnLimits::default() };
        let starts: Vec<_> = (20..30)
            .map(|turns| Window::new(&talk(turns), None, None, &limits).messages.first().map(|m| m.position))
            .collect();
        let mut distinct = starts.clone();
        distinct.dedup();
        assert!(distinct.len() <= starts.len(), "{starts:?}");
    }

    #[test]
    fn of_results_the_newest_are_sent_and_no_call_is_left_without_its_own() {
        let call = |n: i64| {
            Part::Call(majordomo_domain::CallRequest { id: format!("c{n}"), name: "t".into(), arguments: "{}".into() })
        };
        let result =
            |n: i64| Part::Result(majordomo_domain::CallResult { call_id: format!("c{n}"), ..Default::default() });
        let rounds = |n: i64| {
            let mut asking = message(n, 1, Role::Assistant, "One moment.");
            Arc::make_mut(&mut asking).parts =
                if n % 2 == 0 { vec![call(n)] } else { vec![Part::text("Well."), call(n)] };
            let mut answer = message(n, 2, Role::Tool, "");
            Arc::make_mut(&mut answer).parts = vec![result(n)];
            [message(n, 0, Role::User, "q"), asking, answer, message(n, 3, Role::Assistant, "a")]
        };
        let limits = TurnLimits { tool_messages: 5, ..TurnLimits::default() };
        let mut sent = Vec::new();
        for turns in 1..=12 {
            let history: Vec<_> = (1..=turns).flat_map(rounds).collect();
            let messages = Window::new(&history, None, None, &limits).messages();
            let results = messages.iter().filter(|m| m.role == Role::Tool).count() as i64;
            assert!(results <= 5 && results >= turns.min(4), "{results} of {turns}");
            let calls: Vec<_> = messages.iter().flat_map(|m| m.calls()).map(|c| c.id.clone()).collect();
            assert_eq!(calls.len() as i64, results);
            assert!(messages.iter().all(|m| !m.parts.is_empty()));
            sent.push(messages.iter().map(|m| (m.position, m.parts.len())).collect::<Vec<_>>());
        }
        let equal = sent.windows(2).filter(|pair| pair[1].starts_with(&pair[0])).count();
        assert!(equal >= 7, "{equal} of 11 requests begin with the one before");
    }

    #[test]
    fn the_day_is_said_once() {
        let window = Window::new(&talk(3), None, None, &TurnLimits::default());
        let stamps = window.messages.iter().filter(|m| m.parts.len() == 2).count();
        assert_eq!(stamps, 1);
    }
}
