//! May this person, in this room, through this agent, do this: yes, ask whom, no and why. One pure function; everything that runs a
//! call goes through it, the model's and a person's own alike.
//!
//! Order: a rule of the settings that fits, else the table of what everybody may; then the agent's mode; last what no setting
//! lifts, which is that words from outside change nothing without somebody's yes. The table is the default policy of
//! `docs/decisions/0007-who-may-do-what.md`.

use majordomo_domain::{Agent, ApprovalMode, Approvers, Effect, Label, Person, Standing, text::shorten, tool::Class};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One table `[[rules]]` of the settings. The first rule that fits decides; what a rule does not name, fits anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// A tool by name; `radarr_*` for all that begin so.
    pub tool: Option<String>,
    /// `read`, `write` or `destroy`.
    pub effect: Option<Effect>,
    /// Who asks, by standing; anybody when empty.
    pub standing: Vec<Standing>,
    /// Who asks, by name.
    pub person: Option<String>,
    /// An agent by name.
    pub agent: Option<String>,
    /// A channel such as `discord`, or a room such as `discord:81`; `*` at the end for all that begin so.
    pub place: Option<String>,
    /// Arguments by name, and what the tool says of the call beside them, such as `expected_gb`: the text of the value, upper and
    /// lower case alike; `*` at the end for all that begin so; `>20`, `>=20`, `<20`, `<=20` for numbers.
    pub arguments: BTreeMap<String, String>,
    pub decision: RuleDecision,
    /// Whose yes `ask` wants: `requester`, `member` or `admin`; as in the table when absent.
    pub approvers: Option<RuleApprovers>,
    /// Shown to people and told to the model.
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleDecision {
    Allow,
    #[default]
    Ask,
    Refuse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleApprovers {
    Requester,
    Member,
    Admin,
}

/// A call, as far as the decision depends on it.
pub(crate) struct Question<'a> {
    pub person: &'a Person,
    pub agent: &'a Agent,
    pub channel: &'a str,
    pub room: Option<&'a str>,
    pub tool: &'a str,
    /// The engine itself offers it.
    pub is_built_in: bool,
    pub effect: Effect,
    pub class: Class,
    /// With what the tool says of the call beside them.
    pub arguments: &'a Value,
    /// What the turn has read so far.
    pub label: Label,
    /// Toolkits whose words are not the person's own.
    pub sources: &'a BTreeSet<String>,
    /// The person's own words of this turn.
    pub said: &'a str,
    /// Nobody is there: the turn comes from a schedule.
    pub is_scheduled: bool,
}

/// Why a change is asked about when there is nothing special about it. The question says enough.
pub(crate) const ORDINARY: &str = "it changes something";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Yes,
    Ask(Approvers),
    No,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub verdict: Verdict,
    /// One sentence, for the journal, the model and the approver.
    pub reason: String,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Yes => "yes",
            Verdict::Ask(_) => "ask",
            Verdict::No => "no",
        }
    }
}

const NOBODY_THERE: &str = "nobody was there when it was wanted";
const ONLY_TYPED: &str =
    "after reading what is private, or with nobody there, only addresses that the person typed are fetched";

fn judged(verdict: Verdict, reason: impl Into<String>) -> Judged {
    Judged { verdict, reason: reason.into() }
}

pub(crate) fn judge(question: &Question<'_>, rules: &[Rule]) -> Judged {
    if question.is_built_in {
        return judged(Verdict::Yes, "every agent has this");
    }
    let rule = rules.iter().find(|rule| rule.fits(question));
    let by_table = by_table(question);
    let decided = match rule {
        Some(rule) => by_rule(rule, question),
        None => by_table,
    };
    let decided = by_mode(decided, question, rule.is_some());
    if decided.verdict != Verdict::Yes {
        return decided;
    }
    // What no rule and no mode lifts by itself: words from outside change nothing, nothing changes with nobody there, and what is
    // private leaves only to an address the person typed or a rule names.
    if question.changes() && question.label.is_untrusted() {
        return judged(Verdict::Ask(approvers_of(question)), question.influence());
    }
    if question.changes() && question.is_scheduled && rule.is_none_or(|rule| rule.place.is_none()) {
        return judged(Verdict::Ask(approvers_of(question)), NOBODY_THERE);
    }
    let names_address = |rule: &Rule| rule.arguments.contains_key("url");
    if question.is_fetch_in_the_dark() && !question.is_typed() && !rule.is_some_and(names_address) {
        return judged(Verdict::No, ONLY_TYPED);
    }
    decided
}

impl Question<'_> {
    fn changes(&self) -> bool {
        self.effect != Effect::Read || matches!(self.class, Class::Note | Class::Write | Class::Send)
    }

    /// A fetch that could carry private words out, or that nobody watches.
    fn is_fetch_in_the_dark(&self) -> bool {
        self.class == Class::Fetch && (self.label.is_private() || self.is_scheduled)
    }

    fn influence(&self) -> String {
        if self.sources.is_empty() {
            return "influenced by words that are not the person's own".into();
        }
        let sources: Vec<&str> = self.sources.iter().map(String::as_str).take(5).collect();
        format!("influenced by: {}", sources.join(", "))
    }

    /// The address a fetch wants was typed by the person.
    fn is_typed(&self) -> bool {
        let address = self.arguments.get("url").and_then(Value::as_str).unwrap_or_default();
        !address.is_empty() && self.said.split_whitespace().any(|word| word == address)
    }
}

fn by_table(question: &Question<'_>) -> Judged {
    let label = question.label;
    match question.class {
        Class::Read | Class::ReadPrivate | Class::Compute => judged(Verdict::Yes, "it only reads"),
        Class::Fetch if !question.is_fetch_in_the_dark() => judged(Verdict::Yes, "it only reads"),
        Class::Fetch if question.is_typed() => judged(Verdict::Yes, "the person typed this address"),
        Class::Fetch => judged(Verdict::No, ONLY_TYPED),
        Class::Note | Class::Write | Class::Send if question.person.standing == Standing::Guest => {
            judged(Verdict::No, "guests may look and ask, not change anything")
        }
        Class::Note if label.is_untrusted() => judged(Verdict::Ask(approvers_of(question)), question.influence()),
        Class::Note if question.is_scheduled => judged(Verdict::Ask(approvers_of(question)), NOBODY_THERE),
        Class::Note => judged(Verdict::Yes, "a note of the person's own"),
        Class::Send if label.is_untrusted() || question.is_scheduled => judged(
            Verdict::No,
            "nothing is said elsewhere after reading words that are not the person's own, or with nobody there",
        ),
        Class::Write | Class::Send => {
            let reason = match (label.is_untrusted(), question.effect) {
                (true, _) => question.influence(),
                (false, Effect::Destroy) => "it cannot be undone".into(),
                (false, _) => ORDINARY.into(),
            };
            judged(Verdict::Ask(approvers_of(question)), reason)
        }
    }
}

/// Whose yes a change wants: a child's and what a member cannot undo an admin's, everything else the person's own.
fn approvers_of(question: &Question<'_>) -> Approvers {
    match (question.person.standing, question.effect) {
        (Standing::Admin, _) => Approvers::REQUESTER,
        (Standing::Member, Effect::Read | Effect::Write) => Approvers::REQUESTER,
        (Standing::Member, Effect::Destroy) | (Standing::Child | Standing::Guest, _) => {
            Approvers::from_standing(Standing::Admin)
        }
    }
}

fn by_rule(rule: &Rule, question: &Question<'_>) -> Judged {
    let reason = |usual: &str| rule.reason.clone().unwrap_or_else(|| usual.to_owned());
    match rule.decision {
        RuleDecision::Allow => judged(Verdict::Yes, reason("a rule allows it")),
        RuleDecision::Refuse => judged(Verdict::No, reason("a rule of this house refuses it")),
        RuleDecision::Ask => {
            let approvers = match rule.approvers {
                Some(RuleApprovers::Requester) => Approvers::REQUESTER,
                Some(RuleApprovers::Member) => Approvers::from_standing(Standing::Member),
                Some(RuleApprovers::Admin) => Approvers::from_standing(Standing::Admin),
                None => approvers_of(question),
            };
            let because = match (&rule.reason, question.label.is_untrusted()) {
                // The house's own words never hide whose words are behind it.
                (Some(own), true) => format!("{own}; {}", question.influence()),
                (None, true) => question.influence(),
                (_, false) => reason("a rule of this house asks first"),
            };
            judged(Verdict::Ask(approvers), because)
        }
    }
}

fn by_mode(decided: Judged, question: &Question<'_>, has_rule: bool) -> Judged {
    let mode = question.agent.approvals.mode_of(question.tool);
    match (mode, decided.verdict) {
        (ApprovalMode::Always, Verdict::Yes) if !has_rule => {
            judged(Verdict::Ask(Approvers::REQUESTER), "this agent asks always")
        }
        // What the person may decide alone is theirs already; what cannot be undone is asked all the same.
        (ApprovalMode::Never | ApprovalMode::ByRule, Verdict::Ask(Approvers::REQUESTER))
            if question.effect != Effect::Destroy && !(mode == ApprovalMode::ByRule && has_rule) =>
        {
            judged(Verdict::Yes, "this agent does not ask for what the person may decide alone")
        }
        _ => decided,
    }
}

impl Rule {
    fn fits(&self, question: &Question<'_>) -> bool {
        let named = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|w| w.eq_ignore_ascii_case(name));
        self.tool.as_ref().is_none_or(|pattern| matches(pattern, question.tool))
            && self.effect.is_none_or(|effect| effect == question.effect)
            && (self.standing.is_empty() || self.standing.contains(&question.person.standing))
            && named(&self.agent, &question.agent.name)
            && self.person.as_ref().is_none_or(|name| name.to_lowercase() == question.person.name.to_lowercase())
            && self.place.as_ref().is_none_or(|pattern| {
                matches(pattern, question.channel) || question.room.is_some_and(|room| matches(pattern, room))
            })
            && self
                .arguments
                .iter()
                .all(|(name, pattern)| question.arguments.get(name).is_some_and(|value| fits_value(pattern, value)))
    }

    /// Whether it looks at something of this tool's calls.
    pub(crate) fn looks_into(&self, tool: &str) -> bool {
        !self.arguments.is_empty() && self.tool.as_ref().is_none_or(|pattern| matches(pattern, tool))
    }
}

/// A comparison where the pattern is one, else as [`matches`]. What is no number is neither more nor less than one.
fn fits_value(pattern: &str, value: &Value) -> bool {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    for sign in [">=", "<=", ">", "<"] {
        if let Some(bound) = pattern.strip_prefix(sign).and_then(|rest| rest.trim().parse::<f64>().ok()) {
            return number.is_some_and(|number| match sign {
                ">=" => number >= bound,
                "<=" => number <= bound,
                ">" => number > bound,
                _ => number < bound,
            });
        }
    }
    matches(pattern, &in_text(value))
}

/// `*` at the end stands for anything; upper and lower case are alike.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    match pattern.strip_suffix('*') {
        Some(beginning) => text.starts_with(beginning),
        None => text == pattern,
    }
}

fn in_text(value: &Value) -> String {
    match value {
        Value::String(text) => shorten(text, 400),
        other => shorten(&other.to_string(), 400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use majordomo_domain::{AgentId, Audience, MemoryScope, Origin, PersonId, agent::Approvals};
    use serde_json::json;

    fn person(standing: Standing) -> Person {
        Person { id: PersonId::new(), name: "One".into(), standing, zone: None, language: None, created_at_ms: 0 }
    }

    fn agent(mode: ApprovalMode) -> Agent {
        Agent {
            id: AgentId::new(),
            name: "looter".into(),
            prompt: String::new(),
            toolkits: Vec::new(),
            first_tools: Vec::new(),
            may_stay_silent: false,
            approvals: Approvals { mode, ..Approvals::default() },
            memory: MemoryScope::default(),
            limits: Default::default(),
        }
    }

    struct Case {
        standing: Standing,
        mode: ApprovalMode,
        class: Class,
        effect: Effect,
        label: Label,
        is_scheduled: bool,
        arguments: Value,
        said: &'static str,
        rules: Vec<Rule>,
    }

    impl Default for Case {
        fn default() -> Self {
            Self {
                standing: Standing::Member,
                mode: ApprovalMode::Writes,
                class: Class::Write,
                effect: Effect::Write,
                label: Label::OWN,
                is_scheduled: false,
                arguments: json!({"name": "V", "url": "https://a.example/x"}),
                said: "add V",
                rules: Vec::new(),
            }
        }
    }

    #[test]
    fn numbers_are_compared_and_what_is_none_is_neither_more_nor_less() {
        for (pattern, value, fits) in [
            (">20", json!(20.5), true),
            (">20", json!(20), false),
            (">=20", json!(20), true),
            ("<= 3", json!("3"), true),
            ("<3", json!(3), false),
            (">20", json!("many"), false),
            (">20", json!(null), false),
            ("true", json!(true), true),
            ("HD-*", json!("hd-1080p"), true),
            ("> all", json!("> all"), true),
        ] {
            assert_eq!(fits_value(pattern, &value), fits, "{pattern} {value}");
        }
    }

    impl Case {
        fn judge(&self) -> Judged {
            let (person, agent) = (person(self.standing), agent(self.mode));
            let sources = BTreeSet::from(["tmdb".to_owned()]);
            judge(
                &Question {
                    person: &person,
                    agent: &agent,
                    channel: "web",
                    room: Some("discord:81"),
                    tool: "party_add",
                    is_built_in: false,
                    effect: self.effect,
                    class: self.class,
                    arguments: &self.arguments,
                    label: self.label,
                    sources: &sources,
                    said: self.said,
                    is_scheduled: self.is_scheduled,
                },
                &self.rules,
            )
        }

        /// `yes`, `no`, or whose yes is asked.
        fn verdict(&self) -> &'static str {
            match self.judge().verdict {
                Verdict::Yes => "yes",
                Verdict::No => "no",
                Verdict::Ask(approvers) if approvers == Approvers::REQUESTER => "own",
                Verdict::Ask(approvers) if approvers == Approvers::from_standing(Standing::Member) => "member",
                Verdict::Ask(_) => "admin",
            }
        }
    }

    const PRIVATE: Label = Label { origin: Origin::Own, audience: Audience::Person };
    const BOTH: Label = Label { origin: Origin::Outside, audience: Audience::Person };

    /// The default table, row by row: own words, + private, + untrusted, both, with nobody there.
    #[test]
    fn the_default_table_holds_for_every_standing_class_and_label() {
        use {Class::*, Effect::Destroy, Effect::Read as Reads, Effect::Write as Writes, Standing::*};
        let table = [
            (Admin, Read, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Admin, ReadPrivate, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Admin, Compute, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Admin, Fetch, Reads, ["yes", "no", "yes", "no", "no"]),
            (Admin, Note, Writes, ["yes", "yes", "own", "own", "own"]),
            (Admin, Class::Write, Writes, ["own", "own", "own", "own", "own"]),
            (Admin, Class::Write, Destroy, ["own", "own", "own", "own", "own"]),
            (Admin, Send, Writes, ["own", "own", "no", "no", "no"]),
            (Member, Read, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Member, ReadPrivate, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Member, Compute, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Member, Fetch, Reads, ["yes", "no", "yes", "no", "no"]),
            (Member, Note, Writes, ["yes", "yes", "own", "own", "own"]),
            (Member, Class::Write, Writes, ["own", "own", "own", "own", "own"]),
            (Member, Class::Write, Destroy, ["admin", "admin", "admin", "admin", "admin"]),
            (Member, Send, Writes, ["own", "own", "no", "no", "no"]),
            (Child, Read, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Child, ReadPrivate, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Child, Compute, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Child, Fetch, Reads, ["yes", "no", "yes", "no", "no"]),
            (Child, Note, Writes, ["yes", "yes", "admin", "admin", "admin"]),
            (Child, Class::Write, Writes, ["admin", "admin", "admin", "admin", "admin"]),
            (Child, Class::Write, Destroy, ["admin", "admin", "admin", "admin", "admin"]),
            (Child, Send, Writes, ["admin", "admin", "no", "no", "no"]),
            (Guest, Read, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Guest, ReadPrivate, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Guest, Compute, Reads, ["yes", "yes", "yes", "yes", "yes"]),
            (Guest, Fetch, Reads, ["yes", "no", "yes", "no", "no"]),
            (Guest, Note, Writes, ["no", "no", "no", "no", "no"]),
            (Guest, Class::Write, Writes, ["no", "no", "no", "no", "no"]),
            (Guest, Class::Write, Destroy, ["no", "no", "no", "no", "no"]),
            (Guest, Send, Writes, ["no", "no", "no", "no", "no"]),
        ];
        for (standing, class, effect, expected) in table {
            let cases =
                [(Label::OWN, false), (PRIVATE, false), (Label::OUTSIDE, false), (BOTH, false), (Label::OWN, true)];
            let found = cases.map(|(label, is_scheduled)| {
                Case { standing, class, effect, label, is_scheduled, ..Case::default() }.verdict()
            });
            assert_eq!(found, expected, "{standing:?} {class:?} {effect:?}");
        }
    }

    #[test]
    fn a_typed_address_is_fetched_whatever_was_read() {
        for (said, verdict) in [("read https://a.example/x please", "yes"), ("read https://a.example/xy", "no")] {
            let case = Case { class: Class::Fetch, effect: Effect::Read, label: BOTH, said, ..Case::default() };
            assert_eq!(case.verdict(), verdict, "{said}");
        }
    }

    #[test]
    fn modes_change_what_the_person_may_decide_alone_and_nothing_else() {
        use ApprovalMode::*;
        for (mode, class, effect, standing, label, verdict) in [
            (Always, Class::Read, Effect::Read, Standing::Member, Label::OWN, "own"),
            (Always, Class::Write, Effect::Write, Standing::Child, Label::OWN, "admin"),
            (Writes, Class::Read, Effect::Read, Standing::Member, Label::OWN, "yes"),
            (Never, Class::Write, Effect::Write, Standing::Member, Label::OWN, "yes"),
            (Never, Class::Write, Effect::Write, Standing::Member, Label::OUTSIDE, "own"),
            (Never, Class::Write, Effect::Destroy, Standing::Admin, Label::OWN, "own"),
            (Never, Class::Write, Effect::Write, Standing::Child, Label::OWN, "admin"),
            (Never, Class::Write, Effect::Write, Standing::Guest, Label::OWN, "no"),
            (ByRule, Class::Write, Effect::Write, Standing::Member, Label::OWN, "yes"),
            (ByRule, Class::Write, Effect::Write, Standing::Member, Label::OUTSIDE, "own"),
        ] {
            let case = Case { mode, class, effect, standing, label, ..Case::default() };
            assert_eq!(case.verdict(), verdict, "{mode:?} {class:?} {effect:?} {standing:?} {label:?}");
        }
    }

    /// The address is one the person did not type; what was read is private, or nobody is there.
    #[test]
    fn neither_rule_nor_mode_opens_a_way_out_or_acts_with_nobody_there() {
        let allow = Rule { decision: RuleDecision::Allow, ..Rule::default() };
        let named =
            Rule { arguments: BTreeMap::from([("url".to_owned(), "https://a.example/*".to_owned())]), ..allow.clone() };
        let placed = Rule { place: Some("web".into()), ..allow.clone() };
        let ask = Rule { approvers: Some(RuleApprovers::Requester), ..Rule::default() };
        use ApprovalMode::*;
        for (mode, class, effect, label, is_scheduled, rules, verdict) in [
            (Writes, Class::Fetch, Effect::Read, PRIVATE, false, vec![allow.clone()], "no"),
            (Never, Class::Fetch, Effect::Read, PRIVATE, false, vec![ask.clone()], "no"),
            (Writes, Class::Fetch, Effect::Read, PRIVATE, false, vec![named.clone()], "yes"),
            (Writes, Class::Fetch, Effect::Read, Label::OWN, true, vec![allow.clone()], "no"),
            (Writes, Class::Fetch, Effect::Read, Label::OUTSIDE, false, vec![], "yes"),
            (Never, Class::Write, Effect::Write, Label::OWN, true, vec![], "own"),
            (Writes, Class::Write, Effect::Write, Label::OWN, true, vec![allow.clone()], "own"),
            (Writes, Class::Write, Effect::Write, Label::OWN, true, vec![placed.clone()], "yes"),
            (Writes, Class::Send, Effect::Write, Label::OUTSIDE, false, vec![allow.clone()], "own"),
        ] {
            let case = Case { mode, class, effect, label, is_scheduled, rules, ..Case::default() };
            assert_eq!(case.verdict(), verdict, "{mode:?} {class:?} {label:?} {is_scheduled} {:?}", case.rules);
        }
        let own = Rule { reason: Some("films are dear".into()), ..ask };
        let asked = Case { label: Label::OUTSIDE, rules: vec![own], ..Case::default() }.judge();
        assert_eq!(asked.reason, "films are dear; influenced by: tmdb");
    }

    #[test]
    fn the_first_rule_that_fits_decides_and_words_from_outside_still_need_a_yes() {
        let allow = Rule { decision: RuleDecision::Allow, ..Rule::default() };
        let refuse = Rule { decision: RuleDecision::Refuse, reason: Some("not on weekdays".into()), ..Rule::default() };
        let ask = Rule { approvers: Some(RuleApprovers::Member), ..Rule::default() };
        let v = BTreeMap::from([("name".to_owned(), "v*".to_owned())]);
        let x = BTreeMap::from([("name".to_owned(), "x".to_owned())]);
        for (rules, standing, label, verdict) in [
            (vec![allow.clone()], Standing::Child, Label::OWN, "yes"),
            (vec![allow.clone()], Standing::Child, Label::OUTSIDE, "admin"),
            (vec![refuse.clone(), allow.clone()], Standing::Admin, Label::OWN, "no"),
            (vec![ask.clone()], Standing::Member, Label::OWN, "member"),
            (vec![Rule { tool: Some("radarr_*".into()), ..refuse.clone() }], Standing::Member, Label::OWN, "own"),
            (vec![Rule { tool: Some("party_*".into()), ..refuse.clone() }], Standing::Member, Label::OWN, "no"),
            (vec![Rule { standing: vec![Standing::Child], ..refuse.clone() }], Standing::Member, Label::OWN, "own"),
            (vec![Rule { person: Some("one".into()), ..refuse.clone() }], Standing::Member, Label::OWN, "no"),
            (vec![Rule { agent: Some("other".into()), ..refuse.clone() }], Standing::Member, Label::OWN, "own"),
            (vec![Rule { place: Some("discord:*".into()), ..refuse.clone() }], Standing::Member, Label::OWN, "no"),
            (vec![Rule { place: Some("telegram".into()), ..refuse.clone() }], Standing::Member, Label::OWN, "own"),
            (vec![Rule { effect: Some(Effect::Destroy), ..refuse.clone() }], Standing::Member, Label::OWN, "own"),
            (vec![Rule { arguments: v, ..refuse.clone() }], Standing::Member, Label::OWN, "no"),
            (vec![Rule { arguments: x, ..refuse.clone() }], Standing::Member, Label::OWN, "own"),
        ] {
            let case = Case { standing, label, rules: rules.clone(), ..Case::default() };
            assert_eq!(case.verdict(), verdict, "{rules:?}");
        }
        let judged = Case { rules: vec![refuse], ..Case::default() }.judge();
        assert_eq!(judged.reason, "not on weekdays");
        assert_eq!(Case { label: Label::OUTSIDE, ..Case::default() }.judge().reason, "influenced by: tmdb");
    }
}
