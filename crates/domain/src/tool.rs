//! What an agent may use. The arguments are the tool: a struct with doc comments and a `run`; name, description, schema
//! and everything else derive from it.

use crate::{
    AgentId, Card, ConversationId, Follow, Hook, Label, ModelRole, Person, TurnId, approval::Wording, model::ToolSpec,
};
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt, future::Future, sync::Arc, time::Duration};

/// What a call does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing anywhere.
    Read,
    /// Can be undone. Starting a search or a download is a write.
    Write,
    /// Cannot be undone.
    Destroy,
}

/// What may be done after nobody knows whether a call happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// The service drops a repeat by a key we send.
    Keyed,
    /// Ask the service whether it happened, then decide.
    Checkable,
    /// Repeating changes nothing.
    Harmless,
    /// Never repeat; say that it is unknown.
    Blind,
}

/// What kind of thing a call does, for the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Reads what everybody of the household may know.
    Read,
    /// Reads what belongs to one person.
    ReadPrivate,
    /// Fetches an address from outside.
    Fetch,
    /// Changes the person's own notes and nothing else.
    Note,
    /// Changes something of the household.
    Write,
    /// Says something in another chat.
    Send,
    /// Computes, with no way out.
    Compute,
}

/// Whether a change can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// Nothing was changed.
    Needless,
    /// The call's [`Output::undo`] restores what was before.
    ByCall,
    /// It cannot: why, as a short clause for people, such as `the files are gone`.
    No(&'static str),
}

/// The call that takes a change back, made from what was there before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UndoCall {
    /// A tool's name.
    pub tool: String,
    /// Its arguments.
    pub arguments: serde_json::Value,
    /// What it brings back, for people, such as `Put Metropolis back to HD-720p`.
    pub title: String,
}

/// Seconds an approval of a tool stays open when nobody says otherwise.
pub const APPROVAL_SECONDS: u32 = 600;

/// A tool. Implement it for the struct of its arguments; the struct's doc comment is what the model reads, each field's
/// doc comment explains that argument. Derive `Deserialize` with `#[serde(deny_unknown_fields)]` and `JsonSchema`.
pub trait Tool: DeserializeOwned + JsonSchema + Send + Sized + 'static {
    /// Unique among all tools: `a-z`, digits and `_`, at most 64 characters, toolkit first.
    const NAME: &'static str;
    const EFFECT: Effect;
    const REPEAT: Repeat = match Self::EFFECT {
        Effect::Read => Repeat::Harmless,
        Effect::Write | Effect::Destroy => Repeat::Blind,
    };
    const CLASS: Class = match Self::EFFECT {
        Effect::Read => Class::Read,
        Effect::Write | Effect::Destroy => Class::Write,
    };
    /// Every tool that changes something says how it is taken back.
    const UNDO: Undo = Undo::Needless;
    /// Wall time of one call where the toolkit's is too short, such as for a search that waits for every indexer. The settings may
    /// say otherwise.
    const TIMEOUT: Option<Duration> = None;
    /// Seconds its approvals stay open. The settings may say otherwise.
    const APPROVAL_SECONDS: u32 = APPROVAL_SECONDS;
    /// Other names it answers to: names from systems this one replaces.
    const ALIASES: &'static [&'static str] = &[];
    /// Words by which `find_tools` finds it, beside name and description.
    const KEYWORDS: &'static str = "";
    /// What it works with: a client, a table, or `()`.
    type Service: Send + Sync + 'static;

    /// A person's line while it runs, such as `Searching TMDb for “Metropolis”`.
    fn title(&self) -> String;

    /// What an approver sees. Reads need none.
    fn preview(&self, service: &Self::Service, call: &Call) -> impl Future<Output = Result<Card, ToolError>> + Send {
        let _ = (service, call);
        let card = Card::new(self.title());
        async move { Ok(card) }
    }

    /// The words around an approval. The reason is filled in by the rules.
    fn wording(&self, service: &Self::Service) -> Wording {
        let _ = service;
        let title = self.title();
        Wording { question: format!("{title}?"), declined: format!("Not done: {title}."), reason: String::new() }
    }

    /// The call is about to wait for somebody's yes: what the tool keeps of that. A call may wait more than once.
    fn waits(&self, service: &Self::Service, call: &Call) -> impl Future<Output = Result<(), ToolError>> + Send {
        let _ = (service, call);
        async { Ok(()) }
    }

    /// What a rule may look at beside the arguments, by name, such as the expected size; read from the services.
    fn facts(
        &self,
        service: &Self::Service,
        call: &Call,
    ) -> impl Future<Output = Result<serde_json::Map<String, serde_json::Value>, ToolError>> + Send {
        let _ = (service, call);
        async { Ok(serde_json::Map::new()) }
    }

    /// Which of several services of one kind it works on; an approval holds for that one only.
    fn instance(&self) -> &str {
        ""
    }

    /// What kind of thing this call does, where that depends on its arguments. A class that asks less than [`Tool::CLASS`] is for
    /// calls that touch nothing but the person's own.
    fn class(&self) -> Class {
        Self::CLASS
    }

    /// Whether it has happened already: asked after a stop in the middle of a [`Repeat::Checkable`] call. None when it has not.
    fn check(
        &self,
        service: &Self::Service,
        call: &Call,
    ) -> impl Future<Output = Result<Option<Output>, ToolError>> + Send {
        let _ = (service, call);
        async { Ok(None) }
    }

    fn run(self, service: &Self::Service, call: &Call) -> impl Future<Output = Result<Output, ToolError>> + Send;
}

/// Who calls, from where. Filled in by the engine, never by the model.
#[derive(Clone, Debug)]
pub struct Call {
    /// The model's name for the call.
    pub id: String,
    pub turn: TurnId,
    pub conversation: ConversationId,
    pub person: Arc<Person>,
    pub agent: AgentId,
    /// Toolkits the agent may use; empty: all.
    pub toolkits: Arc<[String]>,
    /// The room of several people it is said in, such as a server of a chat; None where one person talks alone.
    pub room: Option<Arc<str>>,
    /// Where the turn comes from, such as `web` or `schedule`.
    pub channel: Arc<str>,
    /// What the turn has read so far.
    pub label: Label,
    /// The same for every try of one call, over restarts: what a [`Repeat::Keyed`] service drops a repeat by.
    pub key: String,
    /// Asks a language model, within the turn's limits and at its cost.
    pub ask: Ask,
    /// Wall clock at the start of the call.
    pub now_ms: i64,
}

/// Asks a model of a role: instructions, then what they are about.
#[derive(Clone)]
pub struct Ask(pub AskFn);

pub type AskFn = Arc<dyn Fn(ModelRole, String, String) -> BoxFuture<'static, Result<String, ToolError>> + Send + Sync>;

impl Ask {
    /// Where no model may be asked.
    pub fn nobody() -> Self {
        Self(Arc::new(|_, _, _| {
            Box::pin(async { Err(ToolError::TellModel("no model can be asked here; do it yourself".into())) })
        }))
    }

    pub async fn ask(&self, role: ModelRole, instructions: &str, about: &str) -> Result<String, ToolError> {
        (self.0)(role, instructions.to_owned(), about.to_owned()).await
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ask")
    }
}

impl Call {
    /// Whose things a call is about where a room shares them: the room's, else the person's. At most 64 bytes.
    pub fn place(&self) -> String {
        match &self.room {
            Some(room) => crate::text::shorten(room, 60),
            None => self.person.id.to_string(),
        }
    }
}

/// What a call returned. "Nothing found" is an output, never an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// What the model reads: compact JSON or plain lines.
    pub text: String,
    /// What a person sees.
    pub cards: Vec<Card>,
    /// What was changed, as one sentence for people, such as `V was added to the party.` None for reads.
    pub receipt: Option<String>,
    /// Whose words the text holds; the toolkit's label when absent.
    pub label: Option<Label>,
    /// How to take the change back, for tools with [`Undo::ByCall`]. None when nothing was changed after all.
    pub undo: Option<UndoCall>,
}

impl Output {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Compact JSON of a value.
    pub fn json<T: Serialize>(value: &T) -> Result<Self, ToolError> {
        let text = serde_json::to_string(value).map_err(|e| ToolError::Bug(e.to_string()))?;
        Ok(Self::text(text))
    }

    /// A change that was made: the sentence is what the model reads and what people see.
    pub fn done(sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Self { text: sentence.clone(), receipt: Some(sentence), ..Self::default() }
    }

    pub fn labelled(mut self, label: Label) -> Self {
        self.label = Some(label);
        self
    }

    pub fn with_undo(mut self, undo: UndoCall) -> Self {
        self.undo = Some(undo);
        self
    }

    pub fn with_cards(mut self, cards: Vec<Card>) -> Self {
        self.cards = cards;
        self
    }
}

/// Why a call did not do what was asked. Three meanings and no more.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ToolError {
    /// For the model to mend: a bad argument, a refusal, with what to do instead.
    #[error("{0}")]
    TellModel(String),
    /// The service could not be asked; shown to the person as such, never as "nothing found".
    #[error("could not ask {service}: {reason}")]
    CouldNotAsk { service: String, reason: String },
    /// Our mistake. Logged, apologised for.
    #[error("internal error: {0}")]
    Bug(String),
}

/// How a toolkit may be used. Overridden per toolkit and tool by the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls of this toolkit at the same time, over all turns.
    pub at_once: usize,
    /// Wall time of one call, service retries included.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { at_once: 8, timeout: Duration::from_secs(10) }
    }
}

/// A tool with its types erased: what the engine runs.
pub struct ErasedTool {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub keywords: &'static str,
    pub effect: Effect,
    pub repeat: Repeat,
    pub class: Class,
    pub undo: Undo,
    pub timeout: Option<Duration>,
    pub approval_seconds: u32,
    pub spec: ToolSpec,
    parse: ParseFn,
}

type ParseFn = Box<dyn Fn(&str) -> Result<Box<dyn ParsedCall>, ToolError> + Send + Sync>;

/// A call whose arguments were understood.
pub trait ParsedCall: Send + Sync {
    fn title(&self) -> String;
    fn wording(&self) -> Wording;
    fn instance(&self) -> &str;
    fn waits<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<(), ToolError>>;
    fn facts<'a>(
        &'a self,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<serde_json::Map<String, serde_json::Value>, ToolError>>;
    fn class(&self) -> Class;
    fn preview<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Card, ToolError>>;
    fn check<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Option<Output>, ToolError>>;
    fn run<'a>(self: Box<Self>, call: &'a Call) -> BoxFuture<'a, Result<Output, ToolError>>;
}

struct Bound<T: Tool> {
    tool: T,
    service: Arc<T::Service>,
}

impl<T: Tool + Sync> ParsedCall for Bound<T> {
    fn title(&self) -> String {
        self.tool.title()
    }

    fn wording(&self) -> Wording {
        self.tool.wording(&self.service)
    }

    fn instance(&self) -> &str {
        self.tool.instance()
    }

    fn waits<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<(), ToolError>> {
        Box::pin(self.tool.waits(&self.service, call))
    }

    fn facts<'a>(
        &'a self,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<serde_json::Map<String, serde_json::Value>, ToolError>> {
        Box::pin(self.tool.facts(&self.service, call))
    }

    fn class(&self) -> Class {
        self.tool.class()
    }

    fn preview<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Card, ToolError>> {
        Box::pin(self.tool.preview(&self.service, call))
    }

    fn check<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Option<Output>, ToolError>> {
        Box::pin(self.tool.check(&self.service, call))
    }

    fn run<'a>(self: Box<Self>, call: &'a Call) -> BoxFuture<'a, Result<Output, ToolError>> {
        let Bound { tool, service } = *self;
        Box::pin(async move { tool.run(&service, call).await })
    }
}

/// Arguments longer than this are refused unread. Bytes.
pub const MAX_ARGUMENT_BYTES: usize = 64 * 1024;

impl ErasedTool {
    fn new<T: Tool + Sync>(service: Arc<T::Service>) -> Self {
        Self {
            name: T::NAME,
            aliases: T::ALIASES,
            keywords: T::KEYWORDS,
            effect: T::EFFECT,
            repeat: T::REPEAT,
            class: T::CLASS,
            undo: T::UNDO,
            timeout: T::TIMEOUT,
            approval_seconds: T::APPROVAL_SECONDS,
            spec: spec_of::<T>(),
            parse: Box::new(move |arguments| {
                let tool = parse_arguments::<T>(arguments)?;
                Ok(Box::new(Bound { tool, service: service.clone() }))
            }),
        }
    }

    /// Understand the arguments. Strict: duplicate and unknown keys, trailing text and wrong types are refused with a
    /// sentence the model can act on.
    pub fn parse(&self, arguments: &str) -> Result<Box<dyn ParsedCall>, ToolError> {
        (self.parse)(arguments)
    }
}

/// Looks through what a call returned before anybody reads it: the arguments, the output, who called.
pub type Review = Arc<dyn Fn(String, Output, Call) -> BoxFuture<'static, Result<Output, ToolError>> + Send + Sync>;

impl ErasedTool {
    /// The same tool, whose outputs are looked through first.
    pub fn reviewed(self: &Arc<Self>, review: Review) -> Self {
        let tool = self.clone();
        Self {
            parse: Box::new(move |arguments| {
                let call = tool.parse(arguments)?;
                Ok(Box::new(Reviewed { call, arguments: arguments.to_owned(), review: review.clone() }))
            }),
            spec: self.spec.clone(),
            ..**self
        }
    }
}

struct Reviewed {
    call: Box<dyn ParsedCall>,
    arguments: String,
    review: Review,
}

impl ParsedCall for Reviewed {
    fn title(&self) -> String {
        self.call.title()
    }

    fn wording(&self) -> Wording {
        self.call.wording()
    }

    fn instance(&self) -> &str {
        self.call.instance()
    }

    fn waits<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<(), ToolError>> {
        self.call.waits(call)
    }

    fn facts<'a>(
        &'a self,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<serde_json::Map<String, serde_json::Value>, ToolError>> {
        self.call.facts(call)
    }

    fn class(&self) -> Class {
        self.call.class()
    }

    fn preview<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Card, ToolError>> {
        self.call.preview(call)
    }

    fn check<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Option<Output>, ToolError>> {
        self.call.check(call)
    }

    fn run<'a>(self: Box<Self>, call: &'a Call) -> BoxFuture<'a, Result<Output, ToolError>> {
        let Reviewed { call: inner, arguments, review } = *self;
        Box::pin(async move {
            let output = inner.run(call).await?;
            review(arguments, output, call.clone()).await
        })
    }
}

fn parse_arguments<T: DeserializeOwned>(arguments: &str) -> Result<T, ToolError> {
    if arguments.len() > MAX_ARGUMENT_BYTES {
        return Err(ToolError::TellModel(format!(
            "arguments are {} bytes, the limit is {MAX_ARGUMENT_BYTES}",
            arguments.len()
        )));
    }
    // Models send nothing at all for a tool without arguments.
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    let refused = match serde_json::from_str(arguments) {
        Ok(tool) => return Ok(tool),
        Err(error) => error,
    };
    // Some models send every argument they were told of, and null for those they do not mean.
    let meant = serde_json::from_str::<Meant>(arguments).ok().filter(|meant| meant.has_nulls);
    let refused = match meant.map(|meant| serde_json::from_str(&meant.text)) {
        Some(Ok(tool)) => return Ok(tool),
        Some(Err(error)) => error,
        None => refused,
    };
    Err(ToolError::TellModel(format!("arguments not understood: {}", in_plain_words(&refused.to_string()))))
}

/// Arguments without those that are null, the others as they were written. Not understood when one is named twice.
struct Meant {
    text: String,
    has_nulls: bool,
}

impl<'de> Deserialize<'de> for Meant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> serde::de::Visitor<'de> for Pairs {
            type Value = Meant;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Meant, A::Error> {
                let (mut names, mut kept, mut has_nulls) = (Vec::new(), Vec::new(), false);
                while let Some((name, value)) = map.next_entry::<String, Box<serde_json::value::RawValue>>()? {
                    if names.contains(&name) {
                        return Err(serde::de::Error::custom("an argument is named twice"));
                    }
                    match value.get() {
                        "null" => has_nulls = true,
                        value => kept.push(format!("{}:{value}", serde_json::Value::from(name.as_str()))),
                    }
                    names.push(name);
                }
                Ok(Meant { text: format!("{{{}}}", kept.join(",")), has_nulls })
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A parser's remark without the names of types, which mean nothing to a model.
fn in_plain_words(remark: &str) -> String {
    let Some((found, wanted)) = remark.split_once(", expected ") else { return remark.to_owned() };
    let (wanted, place) = wanted.rsplit_once(" at line ").unwrap_or((wanted, ""));
    let wanted = match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other => other,
    };
    let place = if place.is_empty() { String::new() } else { format!(" at line {place}") };
    format!("{found}, expected {wanted}{place}")
}

fn spec_of<T: Tool>() -> ToolSpec {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|s| {
        s.meta_schema = None;
        s.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    let description = schema
        .as_object_mut()
        .and_then(|object| {
            object.remove("title");
            object.remove("description")
        })
        .and_then(|text| text.as_str().map(|t| t.split_whitespace().collect::<Vec<_>>().join(" ")))
        .unwrap_or_default();
    slim(&mut schema);
    ToolSpec { name: T::NAME.to_owned(), description, schema }
}

/// Take out what costs tokens and tells a model nothing: null alternatives of optional fields, number formats, defaults of null.
fn slim(schema: &mut serde_json::Value) {
    use serde_json::Value;
    match schema {
        Value::Object(object) => {
            object.remove("format");
            if object.get("default") == Some(&Value::Null) {
                object.remove("default");
            }
            if object.get("minimum") == Some(&Value::from(0)) {
                object.remove("minimum");
            }
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|t| t != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    object.insert("type".into(), one);
                }
            }
            if let Some(Value::Array(options)) = object.get_mut("anyOf") {
                options.retain(|o| o.get("type") != Some(&Value::from("null")));
                if options.len() == 1
                    && let Some(Value::Object(only)) = options.pop()
                {
                    object.remove("anyOf");
                    for (key, value) in only {
                        object.entry(key).or_insert(value);
                    }
                }
            }
            if let Some(Value::Array(values)) = object.get_mut("enum") {
                values.retain(|v| !v.is_null());
            }
            for (key, value) in object.iter_mut() {
                match value {
                    // Names of arguments, which may be words of the schema language too.
                    Value::Object(arguments) if key == "properties" => arguments.values_mut().for_each(slim),
                    value => slim(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(slim),
        _ => {}
    }
}

/// What a folder brings: its tools over one service, with guide, limits and probe.
#[derive(Clone)]
pub struct Toolkit {
    pub name: &'static str,
    /// What the model should know about these tools, short. Empty when nothing needs saying.
    pub guide: &'static str,
    pub limits: Limits,
    pub tools: Vec<Arc<ErasedTool>>,
    /// Whether the service answers: a short fact such as its version. None for toolkits without one.
    pub probe: Option<Probe>,
    /// Lines shown while a call takes long; one is chosen by the call, always the same for the same call.
    pub progress: &'static [&'static str],
    /// Whose words its results hold, where a result does not say itself.
    pub label: Label,
    /// What an agent should know of somebody before the first word. It stands at a conversation's beginning and stays the same there.
    pub brief: Option<Brief>,
    /// Fetches a picture named on a [`Card`], such as `w342/abc.jpg` for `tmdb:w342/abc.jpg`.
    pub pictures: Option<Pictures>,
    /// Follows what people asked for through this toolkit.
    pub follow: Option<Arc<dyn Follow>>,
    /// Understand what services send by themselves.
    pub hooks: Vec<Arc<dyn Hook>>,
}

pub type Brief = Arc<dyn Fn(About) -> BoxFuture<'static, Result<Option<Known>, ToolError>> + Send + Sync>;

/// Whom a conversation is with, for a [`Brief`].
#[derive(Clone, Debug)]
pub struct About {
    pub person: Arc<Person>,
    /// The room of several people, who all read what is answered; None where one person talks alone.
    pub room: Option<Arc<str>>,
}

/// What a toolkit knows of somebody: a few plain lines, and whose words they are. Nobody asked for it, so it holds only words the
/// person may be steered by: their own, and the household's by those who run it.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub text: String,
    pub label: Label,
}

/// Characters of one toolkit's brief; the rest is left out.
pub const BRIEF_CHARS: usize = 1_800;

pub type Pictures = Arc<dyn Fn(String) -> BoxFuture<'static, Result<Picture, ToolError>> + Send + Sync>;

/// A picture's bytes. At most 5 MiB.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// `image/jpeg`, `image/png`, `image/webp` or `image/svg+xml`.
    pub media_type: String,
    pub bytes: Vec<u8>,
}

pub type Probe = Arc<dyn Fn() -> BoxFuture<'static, Result<String, ToolError>> + Send + Sync>;

/// Builds a [`Toolkit`] over one service.
pub struct ToolkitBuilder<S> {
    toolkit: Toolkit,
    service: Arc<S>,
}

impl Toolkit {
    #[allow(clippy::new_ret_no_self)]
    pub fn new<S: Send + Sync + 'static>(name: &'static str, service: S) -> ToolkitBuilder<S> {
        ToolkitBuilder {
            toolkit: Toolkit {
                name,
                guide: "",
                limits: Limits::default(),
                tools: Vec::new(),
                probe: None,
                progress: &[],
                label: Label::OWN,
                brief: None,
                pictures: None,
                follow: None,
                hooks: Vec::new(),
            },
            service: Arc::new(service),
        }
    }
}

impl<S: Send + Sync + 'static> ToolkitBuilder<S> {
    pub fn guide(mut self, text: &'static str) -> Self {
        self.toolkit.guide = text.trim_ascii();
        self
    }

    /// Whose words its results hold.
    pub fn label(mut self, label: Label) -> Self {
        self.toolkit.label = label;
        self
    }

    pub fn limits(mut self, limits: Limits) -> Self {
        self.toolkit.limits = limits;
        self
    }

    pub fn progress(mut self, lines: &'static [&'static str]) -> Self {
        self.toolkit.progress = lines;
        self
    }

    pub fn tool<T: Tool<Service = S> + Sync>(mut self) -> Self {
        self.toolkit.tools.push(Arc::new(ErasedTool::new::<T>(self.service.clone())));
        self
    }

    pub fn probe<F, R>(mut self, probe: F) -> Self
    where
        F: Fn(Arc<S>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<String, ToolError>> + Send + 'static,
    {
        let service = self.service.clone();
        self.toolkit.probe = Some(Arc::new(move || Box::pin(probe(service.clone()))));
        self
    }

    pub fn brief<F, R>(mut self, brief: F) -> Self
    where
        F: Fn(Arc<S>, About) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<Known>, ToolError>> + Send + 'static,
    {
        let service = self.service.clone();
        self.toolkit.brief = Some(Arc::new(move |about| Box::pin(brief(service.clone(), about))));
        self
    }

    pub fn pictures<F, R>(mut self, fetch: F) -> Self
    where
        F: Fn(Arc<S>, String) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Picture, ToolError>> + Send + 'static,
    {
        let service = self.service.clone();
        self.toolkit.pictures = Some(Arc::new(move |name| Box::pin(fetch(service.clone(), name))));
        self
    }

    pub fn follow(mut self, follow: impl Follow + 'static) -> Self {
        self.toolkit.follow = Some(Arc::new(follow));
        self
    }

    pub fn hook(mut self, hook: impl Hook + 'static) -> Self {
        self.toolkit.hooks.push(Arc::new(hook));
        self
    }

    pub fn build(self) -> Toolkit {
        self.toolkit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Look something up.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Look {
        /// How it is written.
        format: Option<String>,
        /// How many.
        default: Option<u32>,
    }

    impl Tool for Look {
        const NAME: &'static str = "look";
        const EFFECT: Effect = Effect::Read;
        type Service = ();

        fn title(&self) -> String {
            "Looking".into()
        }

        async fn run(self, _service: &(), _call: &Call) -> Result<Output, ToolError> {
            Ok(Output::default())
        }
    }

    /// Look for so many.
    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Count {
        #[serde(default)]
        count: u32,
        name: String,
    }

    #[test]
    fn null_is_an_argument_that_is_not_meant_and_everything_else_stays_strict() {
        let parse = |text: &str| parse_arguments::<Count>(text);
        assert_eq!(parse(r#"{"count": null, "name": "a"}"#), Ok(Count { count: 0, name: "a".into() }));
        for wrong in [
            r#"{"count": null, "name": null}"#,
            r#"{"count": null, "name": "a", "name": "b"}"#,
            r#"{"count": null, "name": "a", "other": 1}"#,
            r#"{"count": null, "name": "a"} more"#,
            r#"{"count": "many", "name": "a"}"#,
            "null",
        ] {
            assert!(matches!(parse(wrong), Err(ToolError::TellModel(_))), "{wrong}");
        }
    }

    #[test]
    fn a_schema_keeps_arguments_named_like_words_of_the_schema_language() {
        let spec = spec_of::<Look>();
        assert_eq!(
            spec.schema,
            serde_json::json!({
                "type": "object",
                "properties": {
                    "format": {"type": "string", "description": "How it is written."},
                    "default": {"type": "integer", "description": "How many."}
                },
                "additionalProperties": false
            })
        );
        assert_eq!(spec.description, "Look something up.");
    }
}
