//! Money and tokens: reserved before a model is asked, settled after. A limit is never passed by more than one request's error of
//! estimate, also over a crash. Without limits nothing is reserved.

use crate::engine::Engine;
use majordomo_domain::{
    Agent, AgentId, ModelRequest, Part, Person, TurnId, Usage, model::ModelInfo, text::estimate_tokens,
};
use majordomo_store::{Ceiling, NewCharge, OverCeiling, Span, Whose};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Settings of the section `[limits]`: how fast a person may speak, and what may be spent. Of money and tokens nothing is limited that is
/// not named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Messages of one person within a minute, over all conversations and channels; so many may come at once. 0 to 60 000, 0: any
    /// number. Default 120.
    pub messages_per_minute: u32,
    /// Everybody together.
    pub household: Limit,
    /// Each person.
    pub person: Limit,
    /// People by name, in place of `person`.
    pub people: BTreeMap<String, Limit>,
    /// Agents by name.
    pub agents: BTreeMap<String, Limit>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages_per_minute: 120,
            household: Limit::default(),
            person: Limit::default(),
            people: BTreeMap::new(),
            agents: BTreeMap::new(),
        }
    }
}

/// Days and months are UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limit {
    pub day_tokens: Option<u64>,
    pub month_tokens: Option<u64>,
    /// US dollars.
    pub day_usd: Option<f64>,
    /// US dollars.
    pub month_usd: Option<f64>,
}

impl Limit {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn ceilings(&self, whose: Whose, today: &Today) -> impl Iterator<Item = Ceiling> {
        let micros = |usd: Option<f64>| usd.map(|usd| (usd * 1e6) as i64);
        // One for each number, so that what is said names the one that was reached.
        [
            (Span::Day, &today.day, self.day_tokens, None),
            (Span::Day, &today.day, None, micros(self.day_usd)),
            (Span::Month, &today.month, self.month_tokens, None),
            (Span::Month, &today.month, None, micros(self.month_usd)),
        ]
        .map(|(span, since, tokens, cost_micros)| Ceiling {
            whose,
            span,
            since_day: since.clone(),
            tokens,
            cost_micros,
        })
        .into_iter()
        .filter(|ceiling| ceiling.tokens.is_some() || ceiling.cost_micros.is_some())
    }
}

impl Limits {
    /// Whether nothing bounds what may be spent.
    pub fn is_none(&self) -> bool {
        self.household.is_none()
            && self.person.is_none()
            && self.people.values().chain(self.agents.values()).all(Limit::is_none)
    }

    fn ceilings(&self, person: &Person, agent: &Agent, today: &Today) -> Vec<Ceiling> {
        let own = self.people.iter().find(|(name, _)| name.to_lowercase() == person.name.to_lowercase());
        let own = own.map_or(&self.person, |(_, limit)| limit);
        let mut ceilings: Vec<Ceiling> = self.household.ceilings(Whose::Household, today).collect();
        ceilings.extend(own.ceilings(Whose::Person(person.id), today));
        if let Some(limit) = self.agents.get(&agent.name) {
            ceilings.extend(limit.ceilings(Whose::Agent(agent.id), today));
        }
        ceilings
    }
}

struct Today {
    /// `2026-11-24`.
    day: String,
    /// `2026-11-01`.
    month: String,
}

impl Today {
    fn at(now_ms: i64) -> Self {
        let day = day_of(now_ms);
        let month = format!("{}-01", day.get(..7).unwrap_or_default());
        Self { day, month }
    }
}

/// `2026-11-24`, UTC.
pub(crate) fn day_of(now_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(now_ms).map(|t| t.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// On whose account a model is asked.
#[derive(Clone, Debug)]
pub(crate) struct Payer {
    pub turn: TurnId,
    pub person: Arc<Person>,
    pub agent: AgentId,
}

/// What is set aside for one request; None where nothing is limited.
pub(crate) struct Reservation(Option<String>);

impl Engine {
    /// Whether anything is limited.
    pub(crate) fn has_limits(&self) -> bool {
        !self.0.limits.is_none()
    }

    /// Set aside what a request may use. The error is a sentence for people: which limit, how much of it is used, when it begins anew.
    pub(crate) async fn reserve(
        &self,
        payer: &Payer,
        model: &ModelInfo,
        request: &ModelRequest,
    ) -> Result<Reservation, String> {
        if !self.has_limits() {
            return Ok(Reservation(None));
        }
        let now_ms = self.0.clock.now_ms();
        let today = Today::at(now_ms);
        let ceilings = self.0.limits.ceilings(&payer.person, self.agent(payer.agent), &today);
        if ceilings.is_empty() {
            return Ok(Reservation(None));
        }
        let usage = at_most(request);
        let cost_micros = match model.price {
            Some(price) => price.of(&usage).0,
            None if ceilings.iter().any(|ceiling| ceiling.cost_micros.is_some()) => {
                return Err(format!(
                    "spending is limited in dollars, and the price of {} is not known; write it into the settings, as models.{}.prices",
                    model.name, model.provider
                ));
            }
            None => 0,
        };
        let charge = NewCharge {
            turn: payer.turn,
            person: payer.person.id,
            agent: payer.agent,
            day: today.day,
            tokens: usage.input_tokens + usage.output_tokens,
            cost_micros,
            now_ms,
        };
        match self.0.store.reserve(charge, ceilings).await {
            Ok(Ok(id)) => Ok(Reservation(Some(id))),
            Ok(Err(over)) => Err(in_words(&over)),
            Err(error) => Err(format!("what may be spent could not be looked up, {error}")),
        }
    }

    /// Put what was used in place of what was set aside.
    pub(crate) async fn settle(&self, reservation: Reservation, usage: &Usage, cost_micros: i64) {
        let Reservation(Some(id)) = reservation else { return };
        let tokens = usage.input_tokens + usage.output_tokens;
        if let Err(error) = self.0.store.settle_charge(&id, tokens, cost_micros).await {
            // What was set aside stays until the turn ends: too much rather than too little.
            tracing::warn!(%error, "what a model used was not settled");
        }
    }
}

/// The most a request can use: all it says, and all it lets the model say.
fn at_most(request: &ModelRequest) -> Usage {
    let said: usize = request.messages.iter().flat_map(|m| &m.parts).map(Part::weight_bytes).sum();
    let tools: usize =
        request.tools.iter().map(|t| t.name.len() + t.description.len() + t.schema.to_string().len()).sum();
    Usage {
        input_tokens: estimate_tokens(request.system.len() + said + tools).into(),
        output_tokens: request.max_output_tokens.into(),
        cached_input_tokens: 0,
        estimated: true,
    }
}

fn in_words(over: &OverCeiling) -> String {
    let whose = match over.ceiling.whose {
        Whose::Household => "this household",
        Whose::Person(_) => "you",
        Whose::Agent(_) => "this agent",
    };
    let (span, again) = match over.ceiling.span {
        Span::Month => ("month", "on the first of next month, UTC"),
        Span::Day => ("day", "at midnight, UTC"),
    };
    let used = match (over.ceiling.cost_micros, over.ceiling.tokens) {
        (Some(most), _) => format!("${:.2} of ${:.2}", over.cost_micros as f64 / 1e6, most as f64 / 1e6),
        (None, most) => format!("{} of {} tokens", over.tokens, most.unwrap_or_default()),
    };
    format!(
        "the {span}'s limit for {whose} is reached ({used} used or set aside); it begins anew {again}, and an admin can raise it in the settings"
    )
}
