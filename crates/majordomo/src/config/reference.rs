//! Every setting with its default, for `majordomo reference settings` and `config/majordomo.example.toml`. The tests below
//! compare it with what the rooms really read.

use std::fmt::Write;

/// One table of the file.
pub struct Section {
    /// As in the file, such as `tools.tmdb`. Empty for keys without a section.
    pub name: &'static str,
    pub words: &'static str,
    /// An example of a table people name themselves; its lines are commented out.
    pub is_example: bool,
    pub settings: &'static [Setting],
}

/// One key.
pub struct Setting {
    pub key: &'static str,
    /// TOML. An example when the setting has no default; see `is_set`.
    pub value: &'static str,
    /// Whether the value is the default. Otherwise the line is commented out.
    pub is_set: bool,
    pub words: &'static str,
}

const fn set(key: &'static str, value: &'static str, words: &'static str) -> Setting {
    Setting { key, value, is_set: true, words }
}

const fn absent(key: &'static str, example: &'static str, words: &'static str) -> Setting {
    Setting { key, value: example, is_set: false, words }
}

pub const SECTIONS: &[Section] = &[
    Section {
        name: "",
        words: "",
        is_example: false,
        settings: &[
            set("data", "\"data\"", "The data folder, relative to the working directory."),
            set(
                "demo",
                "\"auto\"",
                "Stand-ins for what is not configured: \"auto\" (when there is no settings file), \"on\", \"off\".",
            ),
            set(
                "rules",
                "[]",
                "Who may do what, beside the default table of docs/guides/approvals.md; the first that fits decides. Each names any of tool\n\
                 (radarr_* for all that begin so), effect (read, write, destroy), standing (a list), person, agent, place (a channel or a\n\
                 room), arguments (text by name, or >20, <=3 for numbers; tools add facts of their own such as expected_gb), and says decision (allow, ask, refuse), approvers (requester, member, admin), reason.\n\
                 Such as [{ tool = \"party_*\", standing = [\"child\"], decision = \"ask\", approvers = \"member\" }].",
            ),
        ],
    },
    Section {
        name: "server",
        words: "The page and the API.",
        is_example: false,
        settings: &[
            set(
                "listen",
                "\"127.0.0.1:8765\"",
                "Address and port. Anything but this machine is refused before there is an admin.",
            ),
            absent(
                "public_url",
                "\"https://majordomo.example\"",
                "How people reach the service: links, cookies and the check of origins follow it.",
            ),
            set(
                "allowed_origins",
                "[]",
                "Origins of other pages that may use the API with a key, such as \"https://panel.example\".",
            ),
            set(
                "allowed_hosts",
                "[]",
                "Host names the service answers to, beside its own address and that of public_url.",
            ),
            set(
                "trusted_proxies",
                "[]",
                "Reverse proxies whose X-Forwarded-For is believed: addresses, or networks such as \"10.0.0.0/8\".",
            ),
            set(
                "max_body_bytes",
                "1000000",
                "Bytes of one request, 10 000 to 100 000 000. \"1MB\" is understood, too.",
            ),
            set("max_files_bytes", "16000000", "Bytes of one message with files, 10 000 to 500 000 000."),
            set("session_idle_days", "14", "Days without a visit after which a browser is signed out, 1 to 3 650."),
            set("session_days", "30", "Days after which a browser is signed out in any case, 1 to 3 650."),
            set(
                "keep_alive_seconds",
                "15",
                "Seconds of silence after which an event stream sends a sign of life, 1 to 300.",
            ),
        ],
    },
    Section {
        name: "store",
        words: "What must not be lost.",
        is_example: false,
        settings: &[absent(
            "url",
            "\"sqlite://data/majordomo.db\"",
            "The database; SQLite in the data folder when absent. Or \"postgres://USER:PASSWORD@HOST/DATABASE\",\n\
             \"mysql://USER:PASSWORD@HOST/DATABASE\" (MariaDB, too), best as \"env:DATABASE_URL\". To a server elsewhere add\n\
             ?sslmode=verify-full (PostgreSQL) or ?ssl-mode=VERIFY_IDENTITY (MySQL).",
        )],
    },
    Section {
        name: "backup",
        words: "Backups, which the running service makes by itself. `majordomo restore` puts one back.",
        is_example: false,
        settings: &[
            set("every_hours", "24", "Hours between two backups, 0 to 8 760. 0: none."),
            set("keep", "7", "Backups kept, 1 to 1 000."),
            absent(
                "folder",
                "\"data/backups\"",
                "Where they go, best on another disk; in the data folder when absent.",
            ),
        ],
    },
    Section {
        name: "secrets",
        words: "Secrets kept sealed in the database: `majordomo secret set NAME` writes one, \"secret:NAME\" names it wherever a table\n\
                below [models] or [tools] wants a key.",
        is_example: false,
        settings: &[absent(
            "key_file",
            "\"/etc/majordomo/secrets.key\"",
            "The master key: 32 bytes as base64 in a file nobody else can read. When absent: the variable MAJORDOMO_SECRETS_KEY, the\n\
             systemd credential majordomo.key, or majordomo/secrets.key in the user's configuration folder.",
        )],
    },
    Section {
        name: "bus",
        words: "Live events between processes.",
        is_example: false,
        settings: &[set("url", "\"local\"", "This version knows \"local\": one process.")],
    },
    Section {
        name: "models",
        words: "Language models. Without a table here, every provider whose key is in the environment is used: OPENAI_API_KEY,\n\
                OPENROUTER_API_KEY, ANTHROPIC_API_KEY, CONCENTRATE_API_KEY, GROQ_API_KEY, MISTRAL_API_KEY, DEEPSEEK_API_KEY, GEMINI_API_KEY.",
        is_example: false,
        settings: &[set("priority", "[]", "Providers, the preferred one first. Those not named follow by name.")],
    },
    Section {
        name: "models.openai",
        words: "One table for each provider, under any name. Names with a preset need no more than the name: openai, openrouter,\n\
                anthropic, concentrate, groq, mistral, deepseek, gemini, ollama, lmstudio, vllm.",
        is_example: true,
        settings: &[
            absent(
                "dialect",
                "\"responses\"",
                "The API it speaks: responses, chat_completions, messages, echo, demo. The preset's when absent.",
            ),
            absent("base_url", "\"https://api.openai.com/v1\"", "With the path prefix. The preset's when absent."),
            absent(
                "api_key",
                "\"env:OPENAI_API_KEY\"",
                "The key, or the variable that holds it. A provider whose variable is not set is left out.",
            ),
            absent("headers", "{}", "Sent with every request."),
            absent("streams", "true", "Whether answers come piece by piece."),
            absent("idle_timeout_seconds", "60", "Longest silence within an answer, 1 to 600."),
            absent("retries", "2", "Further attempts to begin an answer after a passing failure, 0 to 10."),
            absent(
                "context_tokens",
                "128000",
                "Tokens its models can read, when the provider does not say, 1 000 to 100 000 000.",
            ),
            absent(
                "prices",
                "{ \"gpt-5-mini\" = { input = 0.25, output = 2.0, cached_input = 0.025 } }",
                "US dollars per million tokens, by the provider's model id.",
            ),
            absent(
                "roles",
                "{ chat = \"gpt-5-mini\", smart = { model = \"gpt-5\", effort = \"medium\", params = { temperature = 1 } } }",
                "Models by what they are needed for: chat, smart, worker, quick, summarizer. A role without one uses chat's.",
            ),
            absent(
                "site_url",
                "\"https://majordomo.example\"",
                "Told to providers that ask who is calling (OpenRouter).",
            ),
            absent("app_name", "\"Majordomo\"", "Told to providers that ask who is calling (OpenRouter)."),
        ],
    },
    Section {
        name: "tools.tmdb",
        words: "Films, series and people. Off without a key; TMDB_API_KEY in the environment is enough.",
        is_example: false,
        settings: &[
            absent("api_key", "\"env:TMDB_API_KEY\"", "An API key (32 hex digits) or a read access token (eyJ…)."),
            set("base_url", "\"https://api.themoviedb.org/3\"", "Where it is asked."),
            set(
                "image_base_url",
                "\"https://image.tmdb.org/t/p\"",
                "Where posters come from; the page gets them through us.",
            ),
            set("language", "\"en-US\"", "Of titles and texts."),
            absent(
                "region",
                "\"US\"",
                "Country for release dates, age ratings and streaming; that of language when absent.",
            ),
            set("include_adult", "false", "Whether adult titles are found."),
            set(
                "vote_floor",
                "100",
                "Votes an item needs where results are ordered or filtered by score, 0 to 1 000 000.",
            ),
            set(
                "timeout_ms",
                "15000",
                "Wall time of one call, retries included, 100 to 600 000. \"15s\" is understood, too.",
            ),
            set("request_timeout_ms", "5000", "Wait for one answer, 100 to 600 000."),
            set(
                "hedge_after_ms",
                "1200",
                "A second request starts when the first has not answered after this; 0 for never.",
            ),
            set("at_once", "8", "Requests at the same time, 1 to 100."),
            set("per_second", "30", "Requests a second, 1 to 1 000. TMDb's own ceiling is about 40."),
            set("details_age_s", "21600", "Age in seconds, 0 to 604 800, up to which details are reused."),
            set("lists_age_s", "3600", "Age in seconds, 0 to 604 800, up to which lists and searches are reused."),
            set(
                "reference_age_s",
                "86400",
                "Age in seconds, 0 to 604 800, up to which genres, age ratings and the like are reused.",
            ),
        ],
    },
    Section {
        name: "tools.tvmaze",
        words: "When and where series air. Needs no key, so it is on only when this table is there, or MAJORDOMO_TOOLS__TVMAZE__ENABLED=true.",
        is_example: false,
        settings: &[
            set("enabled", "true", "false switches it off."),
            set("base_url", "\"https://api.tvmaze.com\"", "Where it is asked."),
            set("country", "\"US\"", "Country of the schedule when none is named."),
            set("timeout_ms", "15000", "Wall time of one call, retries included, 100 to 600 000."),
            set("request_timeout_ms", "5000", "Wait for one answer, 100 to 600 000."),
            set(
                "hedge_after_ms",
                "0",
                "A second request starts when the first has not answered after this; 0 for never.",
            ),
            set("at_once", "4", "Requests at the same time, 1 to 100."),
            set("per_ten_seconds", "20", "Requests in ten seconds, 1 to 1 000. TVmaze's own limit."),
            set("age_s", "3600", "Age in seconds, 0 to 604 800, up to which answers are reused."),
        ],
    },
    Section {
        name: "tools.radarr.default",
        words: "Radarr: the household's films. One table for each instance, named as people call it: [tools.radarr.default],\n\
                [tools.radarr.4k]. On when an address and a key are there.",
        is_example: true,
        settings: &[
            absent("base_url", "\"http://nas:7878\"", "Where it is, a path prefix such as /radarr allowed."),
            absent("api_key", "\"env:RADARR_API_KEY\"", "Its API key: Settings, General."),
            absent(
                "quality_profile",
                "\"HD-1080p\"",
                "Quality profile by name for what is added. When absent and there are several, the call has to name one.",
            ),
            absent(
                "root_folder",
                "\"/films\"",
                "Root folder for what is added. When absent and there are several, the call has to name one.",
            ),
            set(
                "fallback_profiles",
                "[]",
                "Quality profiles by name, in the order in which they are proposed when nothing is found in the wanted one.",
            ),
            set(
                "minimum_availability",
                "\"released\"",
                "When a film that is added counts as out: announced, in_cinemas or released.",
            ),
            set("timeout_ms", "20000", "Wall time of one call, retries included, 100 to 600 000."),
            set("request_timeout_ms", "10000", "Wait for one answer, 100 to 600 000."),
            set("library_timeout_ms", "60000", "Wait for the whole library, 100 to 600 000."),
            set(
                "release_timeout_ms",
                "120000",
                "Wait for a search of every indexer, 100 to 600 000. A tool that does so has 130 seconds; engine.tools says otherwise.",
            ),
            set("command_wait_ms", "60000", "How long a search in the background is followed, 100 to 120 000."),
            set("poll_ms", "1000", "First wait between two looks at it, growing to five times as long, 10 to 60 000."),
            set("at_once", "6", "Requests at the same time, 1 to 100."),
            set(
                "age_s",
                "60",
                "Age in seconds, 0 to 604 800, up to which library and lists are reused; less after a change.",
            ),
            set(
                "reference_age_s",
                "600",
                "Age in seconds, 0 to 604 800, up to which quality profiles, root folders and tags are reused.",
            ),
        ],
    },
    Section {
        name: "tools.sonarr.default",
        words: "Sonarr: the household's series. One table for each instance, named as people call it: [tools.sonarr.default],\n\
                [tools.sonarr.anime]. On when an address and a key are there.",
        is_example: true,
        settings: &[
            absent("base_url", "\"http://nas:8989\"", "Where it is, a path prefix such as /sonarr allowed."),
            absent("api_key", "\"env:SONARR_API_KEY\"", "Its API key: Settings, General."),
            absent(
                "quality_profile",
                "\"HD-1080p\"",
                "Quality profile by name for what is added. When absent and there are several, the call has to name one.",
            ),
            absent(
                "root_folder",
                "\"/series\"",
                "Root folder for what is added. When absent and there are several, the call has to name one.",
            ),
            set(
                "fallback_profiles",
                "[]",
                "Quality profiles by name, in the order in which they are proposed when nothing is found in the wanted one.",
            ),
            set("timeout_ms", "20000", "Wall time of one call, retries included, 100 to 600 000."),
            set("request_timeout_ms", "10000", "Wait for one answer, 100 to 600 000."),
            set("library_timeout_ms", "60000", "Wait for the whole library, 100 to 600 000."),
            set(
                "release_timeout_ms",
                "120000",
                "Wait for a search of every indexer, 100 to 600 000. A tool that does so has 130 seconds; engine.tools says otherwise.",
            ),
            set("command_wait_ms", "60000", "How long a search in the background is followed, 100 to 120 000."),
            set("poll_ms", "1000", "First wait between two looks at it, growing to five times as long, 10 to 60 000."),
            set("at_once", "6", "Requests at the same time, 1 to 100."),
            set(
                "age_s",
                "60",
                "Age in seconds, 0 to 604 800, up to which library and lists are reused; less after a change.",
            ),
            set(
                "reference_age_s",
                "600",
                "Age in seconds, 0 to 604 800, up to which quality profiles, root folders and tags are reused.",
            ),
        ],
    },
    Section {
        name: "tools.knowledge",
        words: "Questions answered from a folder of documents: Markdown (.md), PDF and plain text (.txt). On when a folder is named.",
        is_example: false,
        settings: &[
            absent(
                "folder",
                "\"documents\"",
                "The folder, relative to the working directory. Links out of it are not followed.",
            ),
            set("top", "6", "Passages an answer is made of at most, 1 to 20. Each brings the one after it."),
            set("chunk_chars", "1000", "Characters of one passage, 200 to 4 000. A change reads every document anew."),
            set(
                "overlap_chars",
                "200",
                "Characters a passage repeats of the one before, 0 to half of chunk_chars. A change reads every document anew.",
            ),
            set(
                "max_file_bytes",
                "20971520",
                "Larger files are not read, 1 000 to 100 000 000. \"20MiB\" is understood, too.",
            ),
            set("max_files", "500", "Documents that are read, 1 to 1 000; those after them by name are not."),
            set(
                "language",
                "\"english\"",
                "Language of the documents, for endings and little words: danish, dutch, english, finnish, french, german, hungarian,\n\
                 italian, norwegian, portuguese, romanian, russian, spanish or swedish. Words of others are found as they are written.",
            ),
        ],
    },
    Section {
        name: "engine",
        words: "How turns are made.",
        is_example: false,
        settings: &[
            set(
                "max_running_turns",
                "256",
                "Turns that run at the same time in this process, 1 to 10 000. Further ones wait.",
            ),
            set(
                "max_waiting_per_conversation",
                "10",
                "Turns that may wait in one conversation, 0 to 1 000. Further messages are refused.",
            ),
            set("progress_after_ms", "3000", "Silence after which a line is shown while working, 100 to 600 000."),
            set("max_message_chars", "100000", "A message has fewer characters than this, 2 to 1 000 000."),
            set(
                "cool_down_seconds",
                "30",
                "How long a model that failed is passed over when another one can answer, 0 to 86 400.",
            ),
            set("recall_hours", "24", "How long the rest of a long result can be read, 1 to 8 760."),
            set("undo_minutes", "60", "How long a change can be taken back with one press, 0 to 10 080; 0 for never."),
            set(
                "tools",
                "{}",
                "Limits by toolkit or tool in place of their own, such as { tmdb = { timeout_ms = 8000, at_once = 4, list_items = 10 } }:\n\
                 timeout_ms 100 to 600 000 (a change that was begun is not cut, only waited for), at_once 1 to 1 000, list_items (entries of a list the model sees; it can read the others) 1 to\n\
                 10 000.",
            ),
        ],
    },
    Section {
        name: "agents.majordomo",
        words: "One table for each agent. The agent majordomo is there without one.",
        is_example: true,
        settings: &[
            absent("prompt", "\"You are …\"", "Character and duties; the built-in prompt when absent."),
            absent("toolkits", "[\"tmdb\", \"tvmaze\"]", "Toolkits it may use; every one that is on when empty."),
            absent(
                "first_tools",
                "[\"tmdb_search_multi\"]",
                "Tools the model is told of at once; the built-in choice when absent. The others it finds.",
            ),
            absent("may_stay_silent", "false", "Whether it may end a turn without a word."),
            absent(
                "approvals",
                "{ mode = \"writes\", expire_seconds = 600, tools = { party_view = { mode = \"always\", expire_seconds = 60 } } }",
                "When its calls ask first: mode always (reads too), writes, by_rule or never (not for what the person may decide alone).\n\
                 expire_seconds, 1 to 2 592 000: how long a question stays open; each tool's own time when absent. Both also by tool.",
            ),
            absent(
                "memory",
                "\"conversation\"",
                "What its talk is remembered by: person (one talk with each, on every channel), room, or conversation.",
            ),
            absent(
                "limits",
                "{ steps = 8, worker_steps = 3, seconds = 90, calls_per_step = 16, history_tokens = 24000, \
                 history_messages = 200, history_turns = 100, tool_messages = 60, keep_messages = 0, output_tokens = 4000, \
                 result_chars = 6000 }",
                "What one turn may cost. steps and worker_steps: 1 to 50 questions to a model; seconds: 5 to 3 600; calls_per_step: 1 to\n\
                 100; history_tokens: 500 to 10 000 000; history_messages: 2 to 10 000; history_turns: 1 to 10 000; tool_messages\n\
                 (rounds of results a request carries): 1 to 10 000; keep_messages: 0 (all) to 10 000 000; output_tokens: 16 to\n\
                 200 000; result_chars: 200 to 1 000 000.",
            ),
        ],
    },
    Section {
        name: "tools.media",
        words: "Who may ask for how much, and for what.",
        is_example: false,
        settings: &[
            set(
                "quotas",
                "{}",
                "By admin, member, child or guest, such as { member = { days = 7, count = 5, open = 10, gigabytes = 100 } }: requests and\n\
                 expected gigabytes in so many days, and requests open at once. What is not named is not limited.",
            ),
            set("people", "{}", "The same by a person's name, in place of the standing's."),
            set(
                "age_ceilings",
                "{}",
                "The oldest age a title may be for, by standing or name, such as { child = 12 }: in requests, media_search, media_recommend,\n\
                 and what TMDb and Plex list. What has no known rating is above it.",
            ),
            absent(
                "hooks_url",
                "\"http://192.168.1.5:8765\"",
                "Where Radarr and Sonarr reach this service for their webhooks, where that is not as people do (server.public_url).",
            ),
        ],
    },
    Section {
        name: "tools.media.stuck",
        words: "How long a download is left alone before it counts as stuck and is offered to be mended.",
        is_example: false,
        settings: &[
            set("stalled_minutes", "360", "Without a byte more. 1 to 43 200."),
            set("finished_minutes", "30", "A finished one, for its unpacker and its import. 1 to 43 200."),
            set("failed_minutes", "60", "A failed one, for Radarr's or Sonarr's own handling. 1 to 43 200."),
            set(
                "remember_days",
                "180",
                "How long a removed release is remembered, so that it is not taken again. 1 to 3 650.",
            ),
        ],
    },
    Section {
        name: "tools.party",
        words: "The party of a pen-and-paper game.",
        is_example: false,
        settings: &[set("wording", "\"plain\"", "How questions about it are worded: plain, themed or terminal.")],
    },
    Section {
        name: "tools.plex.default",
        words: "One table for each Plex server, under any name; the one called default is meant where a call names none. Off without an\n\
                address and a token.",
        is_example: true,
        settings: &[
            absent("base_url", "\"http://nas:32400\"", "Where the server is, with the path prefix."),
            absent("token", "\"env:PLEX_TOKEN\"", "The X-Plex-Token of the server's owner."),
            absent(
                "discover_url",
                "\"https://discover.provider.plex.tv\"",
                "Where the watchlist is; it has moved before.",
            ),
            absent("metadata_url", "\"https://metadata.provider.plex.tv\"", "Where titles are matched with ids."),
            absent("plex_tv_url", "\"https://plex.tv\"", "Where the account is."),
            absent("clients_url", "\"https://clients.plex.tv\"", "Where the account's servers are listed."),
            absent("product", "\"Majordomo\"", "What the server's list of devices calls us."),
            absent(
                "client_identifier",
                "\"majordomo-den\"",
                "A stable name of this installation; made once and kept when absent.",
            ),
            absent("timeout_ms", "15000", "Wall time of one call, retries included, 100 to 600 000."),
            absent("request_timeout_ms", "10000", "Wait for one answer, 100 to 600 000."),
            absent("sync_timeout_ms", "60000", "Wait for one answer while the whole library is read, 100 to 600 000."),
            absent("at_once", "4", "Requests at the same time, 1 to 100: it is a home machine."),
            absent("age_s", "60", "Seconds up to which lists and items are reused, 0 to 604 800."),
            absent("reference_age_s", "600", "The same for sections, genres and people."),
            absent("watchlist_age_s", "180", "Seconds in which the watchlist is not asked again, 0 to 604 800."),
            absent("index_age_s", "300", "Seconds after which the index of ids looks for what is new, 0 to 604 800."),
            absent(
                "index_whole_age_s",
                "21600",
                "Seconds after which the index is read anew as a whole, 0 to 604 800.",
            ),
        ],
    },
    Section {
        name: "limits",
        words: "How fast a person may speak, and what may be spent on models, by day and month (UTC): day_tokens, month_tokens, day_usd,\n\
                month_usd. Nothing is spent against a limit that is not named. Reserved before a model is asked, settled after.",
        is_example: false,
        settings: &[
            set(
                "messages_per_minute",
                "120",
                "Messages of one person within a minute, over all conversations and channels; so many may come at once, further ones are\n\
                 told to slow down. 0 to 60 000; 0: any number.",
            ),
            set("household", "{}", "Everybody together, such as { month_usd = 20.0 }."),
            set("person", "{}", "Each person, such as { day_tokens = 200000 }."),
            set("people", "{}", "People by name, in place of person."),
            set("agents", "{}", "Agents by name."),
        ],
    },
    Section {
        name: "news",
        words: "What is told to those who wait for something.",
        is_example: false,
        settings: &[
            set("gather_seconds", "60", "Seconds that news wait for more of the same, 0 to 3600."),
            set(
                "quiet_from",
                "\"23:00\"",
                "Nothing is told between quiet_from and quiet_to of a person's day; both empty for no quiet hours.",
            ),
            set("quiet_to", "\"07:00\"", "What comes in quiet hours is told then."),
            set(
                "look_seconds",
                "60",
                "Seconds between two looks at what is on its way, 1 to 3600. What nobody has found yet is looked at less often.",
            ),
        ],
    },
    Section {
        name: "log",
        words: "What the program says about itself, on standard error.",
        is_example: false,
        settings: &[
            set("format", "\"auto\"", "text, logfmt or json; auto is text on a terminal and logfmt anywhere else."),
            set(
                "level",
                "\"info\"",
                "trace, debug, info, warn, error or off; or a list such as \"warn,majordomo=info,hyper=debug\".",
            ),
        ],
    },
    Section {
        name: "telemetry",
        words: "Traces over OTLP. Metrics are at /metrics.",
        is_example: false,
        settings: &[absent(
            "otlp_endpoint",
            "\"http://localhost:4318/v1/traces\"",
            "Where traces go. Nothing is sent when absent.",
        )],
    },
];

/// The example settings file.
pub fn settings() -> String {
    let mut text = String::from(
        "# Every setting of Majordomo with its default. Lines that begin with `#` and a key have no default; their value is an\n\
         # example. Generated by `majordomo reference settings`.\n\
         #\n\
         # Each key can also be set as MAJORDOMO_SECTION__KEY, such as MAJORDOMO_SERVER__LISTEN; the environment wins over the\n\
         # file. Secrets are best named: `env:NAME` from the environment or a file `.env` beside this one, `secret:NAME` from the\n\
         # database.\n",
    );
    for section in SECTIONS {
        text.push('\n');
        for line in section.words.lines() {
            let _ = writeln!(text, "# {line}");
        }
        let mark = if section.is_example { "#" } else { "" };
        if !section.name.is_empty() {
            let _ = writeln!(text, "{mark}[{}]", section.name);
        }
        for setting in section.settings {
            let mark = if setting.is_set && !section.is_example { "" } else { "#" };
            for line in setting.words.lines() {
                let _ = writeln!(text, "# {line}");
            }
            let _ = writeln!(text, "{mark}{} = {}", setting.key, setting.value);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment, read};
    use std::path::Path;

    fn problems(text: &str) -> String {
        match read(Some((Path::new("majordomo.toml"), text)), &Environment::new()) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    /// The example file in the repository is what the program prints.
    #[test]
    fn the_example_file_is_up_to_date() {
        let kept = include_str!("../../../../config/majordomo.example.toml");
        assert!(kept == settings(), "run `make reference` and look at what changed in config/majordomo.example.toml");
    }

    #[test]
    fn the_example_is_understood_as_it_is_and_with_every_line_switched_on() {
        assert_eq!(problems(&settings()), "");
        let everything = settings()
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(rest) if !rest.starts_with(' ') && !rest.is_empty() => rest,
                _ => line,
            })
            .collect::<Vec<_>>()
            .join("\n")
            .replace("env:OPENAI_API_KEY", "sk-of-a-test")
            .replace("env:RADARR_API_KEY", "0123456789abcdef0123456789abcdef")
            .replace("env:SONARR_API_KEY", "0123456789abcdef0123456789abcdef")
            .replace("env:TMDB_API_KEY", "0123456789abcdef0123456789abcdef");
        assert_eq!(problems(&everything), "");
    }

    /// Every key a room reads is documented, and the other way round. The rooms are asked for their keys by giving them one they
    /// cannot know.
    #[test]
    fn every_key_is_documented() {
        for section in SECTIONS {
            let text = match section.name {
                "" => "zzzzzzzzzzzzzzzz = 1".to_owned(),
                // Any name is a provider here, so nothing is unknown.
                "models" => continue,
                name => format!("[{name}]\nzzzzzzzzzzzzzzzz = 1"),
            };
            let said = problems(&text);
            let known = said.lines().next().unwrap_or_default();
            let (_, known) = known.split_once("known keys: ").unwrap_or_else(|| panic!("[{}]: {said}", section.name));
            let mut known: Vec<&str> = known.split(", ").collect();
            if section.name.is_empty() {
                known.retain(|key| !SECTIONS.iter().any(|section| section.name.split('.').next() == Some(key)));
            }
            // A table with a section of its own is documented there.
            known.retain(|key| !SECTIONS.iter().any(|other| other.name == format!("{}.{key}", section.name)));
            let mut documented: Vec<&str> = section.settings.iter().map(|setting| setting.key).collect();
            known.sort_unstable();
            documented.sort_unstable();
            assert_eq!(documented, known, "[{}]", section.name);
        }
    }

    /// Examples of tables people name themselves show the defaults, but for what has none.
    #[test]
    fn the_example_of_a_plex_server_shows_the_defaults() {
        let section = SECTIONS.iter().find(|section| section.name == "tools.plex.default").unwrap();
        let own = ["base_url", "token", "client_identifier"];
        let lines = section.settings.iter().filter(|setting| !own.contains(&setting.key));
        let text: String = lines.map(|setting| format!("{} = {}\n", setting.key, setting.value)).collect();
        let text = format!("[tools.plex.default]\n{text}");
        let config = read(Some((Path::new("majordomo.toml"), &text)), &Environment::new()).unwrap().config;
        let real = majordomo_tools::plex::Server::default();
        assert_eq!(format!("{:?}", config.tools.plex["default"]), format!("{real:?}"));
    }

    /// The defaults written here are those of the code, wherever the code can be asked.
    #[test]
    fn defaults_are_the_real_ones() {
        let config = Config::default();
        let compare = |name: &str, real: toml::Table| {
            let section = SECTIONS.iter().find(|section| section.name == name).unwrap();
            for setting in section.settings.iter().filter(|setting| setting.is_set) {
                let written: toml::Table = toml::from_str(&format!("value = {}", setting.value)).unwrap();
                assert_eq!(Some(&written["value"]), real.get(setting.key), "[{name}] {}", setting.key);
            }
        };
        compare("server", toml::Table::try_from(&config.server).unwrap());
        compare("engine", toml::Table::try_from(&config.engine).unwrap());
        compare("log", toml::Table::try_from(&config.log).unwrap());
        let read_back = read(Some((Path::new("majordomo.toml"), &settings())), &Environment::new()).unwrap().config;
        let tmdb = |config: &Config| format!("{:?}", config.tools);
        assert_eq!(tmdb(&read_back), tmdb(&config));
    }
}
