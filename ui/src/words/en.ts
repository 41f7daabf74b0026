/** Every text the page shows of its own, in English. */

import type { Standing } from "../api/types";

const number = new Intl.NumberFormat("en");

function plural(count: number, one: string, many: string) {
  return `${number.format(count)} ${count === 1 ? one : many}`;
}

/** What the service says of a refusal comes without a full stop, what the page says comes with one. */
function sentence(reason: string) {
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}

function capital(text: string) {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** Names that many tools give their arguments. */
const ARGUMENTS: Record<string, string> = {
  quality_profile: "Quality",
  profile: "Quality",
  root_folder: "Folder",
  root_folder_path: "Folder",
  folder: "Folder",
  seasons: "Seasons",
  seasons_to_monitor: "Seasons",
  season_numbers: "Seasons",
  episodes: "Episodes",
  episodes_to_monitor: "Episodes",
  instance: "Which one",
  monitor: "Keep looking for it",
  monitored: "Keep looking for it",
  monitor_new: "Later seasons, too",
  search_now: "Look for it at once",
  tmdb_id: "TMDb number",
  tvdb_id: "TVDB number",
  series_id: "Series number",
  movie_id: "Film number",
};

export const words = {
  name: "Majordomo",
  skip: "Skip to the message field",

  state: {
    loading: "Loading…",
    unreachable: "The service could not be reached.",
    unreachable_hint: "It may be starting, or this device is offline. Nothing you wrote is lost.",
    failed: (status: number) => `The service answered with an error (${status}).`,
    try_again: "Try again",
    offline: "No connection. What you see may be out of date; reconnecting…",
    reconnecting: "Reconnecting…",
    broken: "This part of the page stopped working.",
    broken_hint: "Reloading shows the same conversation again; nothing is lost.",
    reload: "Reload",
    picture_missing: "No picture",
    hidden_character: "A character that cannot be seen, or that turns the text around",
  },

  sign_in: {
    title: "At your service",
    hint: "Enter the one-time code from the link the service printed, or the one somebody in the household gave you.",
    code: "One-time code",
    submit: "Sign in",
    busy: "Signing in…",
    wrong: "This code is not valid any more. Ask for a new one; each works once.",
    lost: "No code? Whoever runs the service gets a new link when it starts, and can make one for you on the People page.",
  },

  sidebar: {
    label: "Conversations",
    new_conversation: "New conversation",
    search: "Search",
    open: "Open the list of conversations",
    close: "Close the list of conversations",
    empty: "Conversations appear here.",
    failed: "The conversations could not be loaded.",
    more: "Show older",
    today: "Today",
    yesterday: "Yesterday",
    week: "This week",
    month: "This month",
    older: "Earlier",
    pending: "An answer is being made",
    unread: "Something new",
    actions: (title: string) => `Actions for “${title}”`,
    rename: "Rename",
    remove: "Delete",
    rename_label: "New title",
    untitled: "New conversation",
  },

  search: {
    title: "Search conversations",
    placeholder: "Search titles, or choose an action",
    none: "Nothing found.",
    conversations: "Conversations",
    actions: "Actions",
  },

  confirm: {
    cancel: "Keep it",
    delete_title: "Delete this conversation?",
    delete_text: (title: string) => `“${title}” and all its messages will be removed. This cannot be undone.`,
    delete_yes: "Delete",
    clear_title: "Clear this conversation?",
    clear_text: "Its messages will be removed; the conversation stays. This cannot be undone.",
    clear_yes: "Clear",
    person_title: (name: string) => `Remove ${name}?`,
    person_text: "They can no longer sign in. This cannot be undone.",
    hook_title: (name: string) => `A new address for ${name}?`,
    hook_text: "The address it has now stops working at once.",
    hook_void_title: (name: string) => `Make the address for ${name} void?`,
    hook_void_text: "What it sends is not listened to any more. Everything is found all the same, some minutes later.",
    yes_make: "Make a new one",
    yes_void: "Make it void",
    key_title: (name: string) => `Revoke “${name}”?`,
    key_text: "Whatever uses this key stops working at once.",
    yes_remove: "Remove",
    yes_revoke: "Revoke",
  },

  chat: {
    menu: "Conversation menu",
    rename: "Rename",
    details: "Details",
    clear: "Clear messages",
    remove: "Delete",
    greeting: (name: string, hour: number) => {
      const time =
        hour >= 5 && hour < 12 ? "Good morning" : hour >= 12 && hour < 18 ? "Good afternoon" : "Good evening";
      return `${time}, ${name}.`;
    },
    greeting_hint: "What shall we see to?",
    suggestions: "Suggestions",
    placeholder: "Ask about a film, a show, tonight",
    placeholder_running: "Add something; it waits its turn",
    message: "Message",
    send: "Send",
    stop: "Stop",
    attach: "Attach pictures or files",
    attach_hint: "Pictures, PDF and text files: up to 8, 11 MB in all. You can also paste or drop them.",
    drop: "Drop to attach",
    too_large: (name: string) => `“${name}” is too large. A file may have 10 MB, all together 11 MB.`,
    too_many: "A message takes at most 8 files.",
    wrong_kind: (name: string) => `“${name}” cannot be attached. Pictures, PDF and text files can.`,
    unreadable: (name: string) => `“${name}” could not be read.`,
    remove_file: (name: string) => `Remove ${name}`,
    picture: "Picture",
    attached: "Attached picture",
    to_latest: "Go to the latest message",
    older: "Show earlier messages",
    gone: "This conversation does not exist any more.",
    gone_hint: "It was deleted, or it belongs to somebody else.",
    missing: "The messages could not be loaded.",
    you: "You",
    queued: "Waiting for its turn",
    sending: "Sending…",
    refused: (reason: string) => `Not sent: ${reason}`,
    discard: "Discard",
    answered: (text: string) => `Majordomo answered: ${text}`,
    sent: "Message sent",
    news: (text: string) => `News: ${text}`,
    too_long: "A message has fewer than 100,000 characters.",
    disclaimer: "Majordomo can be mistaken. It changes nothing without asking.",
  },

  answer: {
    thinking: "Thinking",
    working: "Working",
    writing: "Writing",
    starting: "One moment",
    stopping: "Stopping…",
    seconds: (seconds: number) =>
      seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`,
    thought: "Thoughts",
    copy: "Copy answer",
    copied: "Copied",
    copy_failed: "Could not copy.",
    copy_code: "Copy code",
    retry: "Ask again",
    try_again: "Try again",
    model: "Answered by",
    input: "Tokens read",
    output: "Tokens written",
    read: (count: string) => `${count} in`,
    written: (count: string) => `${count} out`,
    cost: "Cost",
    time: "Time",
    usage: "Usage of this answer",
    estimated: "estimated",
    unknown_model: "unknown model",
    empty: "The answer is empty.",
    picture_link: (text: string) => (text === "" ? "picture" : text),
    unopened: {
      writing: "Links open once the answer is finished.",
      scheme: "Not a link: only web addresses can be opened from an answer.",
      disguised: "Not a link: this address is not what it looks like.",
      carries: "Not a link: this address carries more than a place.",
      unknown: "Not a link: neither you nor a search result named this site. Copy the address if you trust it.",
    },
  },

  work: {
    running: (done: number, all: number) => `Step ${number.format(Math.min(done + 1, all))} of ${number.format(all)}`,
    done: (count: number) => plural(count, "step", "steps"),
    failed: (count: number) => `${number.format(count)} failed`,
    call_state: {
      running: "running",
      done: "done",
      failed: "failed",
      unanswered: "no answer",
      parked: "not done; it was asked first",
      uncertain: "nobody knows whether it happened",
    },
    asked: "Asked with",
    came_back: "Came back",
    tool: "Tool",
  },

  undo: {
    take_back: "Take back",
    until: (moment: string) => `Can be taken back until ${moment}`,
    runs: "Taking it back:",
    waits: "It waits for somebody's yes:",
    done: "Taken back:",
    refused: "Not taken back.",
    uncertain: "Nobody knows whether this was taken back:",
    again: "Try again",
    because: (reason: string) => capital(sentence(reason)),
    not_asked: (reason: string) => `Not taken back yet: ${sentence(reason)}`,
  },

  cards: {
    shelf: (count: number) => plural(count, "result", "results"),
    more: "More about it",
    previous: "Scroll results back",
    next: "Scroll results on",
  },

  notice: {
    cancelled: "Stopped",
    timed_out: "Time limit reached",
    partial: "Partial answer",
    failed: "No answer",
    fallback: "Another model",
    decided: "Decided",
    receipt: "Done",
    correction: "Correction",
    news: "News",
    news_story: "See the request",
  },

  approval: {
    asks: "Waits for a decision",
    asks_you: "Waits for you",
    announced: (question: string) => `It waits for a decision: ${question}`,
    request: "See how the request stands",
    asked_by: "Asked by",
    by: "by",
    why: "Why it is asked",
    approve: "Approve",
    change: "Change",
    decline: "Decline",
    details: "Details",
    cut: "The card does not show everything. Open Details and read it before you approve.",
    exactly: "Exactly what would be done",
    tool: "Tool",
    instance: "Where",
    asked_at: "Asked",
    expires_at: "Open until",
    fingerprint: "Fingerprint",
    left: (seconds: number) => {
      if (seconds === 0) return "time is up";
      if (seconds < 60) return `${seconds} s left`;
      if (seconds < 3_600) return `${Math.ceil(seconds / 60)} min left`;
      if (seconds < 48 * 3_600) return `${Math.ceil(seconds / 3_600)} h left`;
      return `${Math.ceil(seconds / 86_400)} days left`;
    },
    until: (until: string) => `Open until ${until}`,
    reason: "Why not? They are told. You can leave it empty.",
    reason_hint: "Too late on a school night",
    back: "Back",
    change_hint: "The changed request is shown to you again before anything happens.",
    change_send: "Show the changed request",
    argument: (name: string) => {
      const known = ARGUMENTS[name];
      if (known) return known;
      const text = name.replaceAll("_", " ");
      return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
    },
    optional: "optional",
    numbers_hint: "Numbers with commas between them, such as 1, 2, 3.",
    other_fields: "Everything else",
    no_choice: "Not said",
    wrong: {
      text: "This is needed.",
      number: "Enter a number.",
      integer: "Enter a whole number.",
      boolean: "This is needed.",
      choice: "Choose one.",
      list: "Enter one a line.",
      numbers: "Enter whole numbers with commas between them.",
      several: "Choose among these.",
      name: "This is needed.",
    },
    not_json: "This is not a JSON object. Look for a missing quote or comma.",
    late: (reason: string) => `Your decision came too late: ${sentence(reason)}`,
    refused: (reason: string) => `Nothing was decided: ${sentence(reason)}`,
    told: {
      waits: ({ requester, standing }: { requester: boolean; standing: Standing | null }) => {
        if (standing === "admin") return "An admin decides. Nothing happens until then.";
        if (standing === "member") return "A member or an admin decides. Nothing happens until then.";
        if (standing !== null) return "Anybody of the household may decide. Nothing happens until then.";
        return requester
          ? "Only the one who asked decides. Nothing happens until then."
          : "Nobody may decide this. It will expire.";
      },
      approved: "Approved",
      running: "It is being done now.",
      executed: "Done.",
      failed: "It was approved and did not work.",
      uncertain: "It was approved, but whether it happened is not known. Please check before you ask again.",
      declined: "Declined",
      changed: "Changed",
      changed_on: "The new version has to be decided itself.",
      expired: "Nobody decided in time, so nothing was done. Ask again if you still want it.",
      void: "It may no longer be done, and nothing was. Ask again if you still want it.",
    },
    new_version: "New version",
    asking: "Looking up what was asked…",
    answered: "What was asked here is not known any more. Nothing waits for it.",
    failed: "What was asked here could not be loaded.",
  },

  models: {
    label: "Model",
    auto: "Auto",
    auto_hint: (name: string) => (name === "" ? "The house chooses" : `The house chooses; first ${name}`),
    search: "Find a model",
    none: "No model of that name.",
    built_in: "Built-in list",
    built_in_hint: "The catalogue could not be asked, so this is a built-in list. A name may not be available.",
    streaming: "Show answers while they are written",
    context: (tokens: number) => `${number.format(Math.round(tokens / 1000))}k`,
    price: (input: number, output: number) =>
      input === 0 && output === 0 ? "free" : `$${input} in, $${output} out per million`,
  },

  details: {
    title: "Details",
    id: "Id",
    created: "Created",
    changed: "Last change",
    messages: "Messages",
    turns: "Answers",
    input: "Tokens read",
    cached: "of them from cache",
    output: "Tokens written",
    cost: "Cost",
    agent: "Agent",
    copy_id: "Copy id",
    tokens: (count: number, estimated: boolean) => `${number.format(count)}${estimated ? " (estimated)" : ""}`,
  },

  demo: {
    label: "Demo",
    short: (parts: string[]) =>
      !parts.includes("model")
        ? "Partly a demo: film data comes from a small built-in library."
        : parts.length > 1
          ? "This is a demo: a scripted model answers, from a small built-in library."
          : "This is a demo: a scripted model answers.",
    how: "Connect the real ones",
    title: "This is a demo household",
    what: "Each part is replaced as soon as the service has its key, one by one.",
    steps: [
      {
        part: "model",
        title: "A language model",
        text: "Put a key into the environment or into .env beside the service.",
        code: "OPENAI_API_KEY=…\n# or OPENROUTER_API_KEY, ANTHROPIC_API_KEY, …",
      },
      {
        part: "tmdb",
        title: "Film and series data",
        text: "A free key from themoviedb.org replaces the built-in films.",
        code: "TMDB_API_KEY=…",
      },
      {
        part: "model",
        title: "Or write it into majordomo.toml",
        text: "The file lies in the folder the service runs in.",
        code: '[models]\npriority = ["openai"]\n[models.openai]\ndialect = "responses"\nbase_url = "https://api.openai.com/v1"\napi_key = "env:OPENAI_API_KEY"\n[models.openai.roles]\nchat = "gpt-5-mini"',
      },
    ],
    afterwards: "Then start the service again. Your conversations stay.",
    hide: "Hide for now",
  },

  menu: {
    theme: "Appearance",
    system: "As the system",
    light: "Light",
    dark: "Dark",
    about: "About",
    sign_out: "Sign out",
    standing: { guest: "Guest", child: "Child", member: "Member", admin: "Admin" },
  },

  about: {
    title: "About Majordomo",
    version: (version: string) => `Version ${version}`,
    what: "A self-hosted assistant for a household and its friends.",
    sources: "Where the data comes from",
    tmdb: "This product uses the TMDB API but is not endorsed or certified by TMDB.",
    tvmaze: "TV schedules and episodes come from TVmaze.com, licensed CC BY-SA 4.0.",
    keys: "Keyboard",
    shortcuts: [
      ["Enter", "Send"],
      ["Shift Enter", "New line"],
      ["Ctrl K", "Search conversations"],
      ["Ctrl Shift O", "New conversation"],
      ["Esc", "Stop the answer, close what is open"],
    ] as [string, string][],
  },

  house: {
    back: "Back to the conversation",
    health: "Health",
    health_hint: "What the service is made of, and whether it works now.",
    all_well: "Everything is in order.",
    some_ill: (count: number) => `${plural(count, "part does", "parts do")} not work as it should.`,
    no_components: "The service names no components.",
    status: { ok: "In order", degraded: "Degraded", failed: "Not working", off: "Off", unknown: "Not asked yet" },
    usage: "Usage",
    usage_hint: "The last 30 days.",
    usage_mine: "Mine",
    usage_all: "Everybody's",
    no_usage: "No answers yet in these days.",
    day: "Day",
    turns: "Answers",
    input: "Tokens read",
    output: "Tokens written",
    cost: "Cost",
    total: "Total",
    chart: "Answers a day",
    chart_bar: (day: string, turns: number, cost: string) => `${day}: ${plural(turns, "answer", "answers")}, ${cost}`,
    show_days: "Show every day",
    hide_days: "Hide the days",
    models: "Models",
    models_hint: "What can be asked now.",
    model: "Model",
    context: "Reads",
    price: "Price",
    name: "Name",
    since: "Since",
    actions: "Actions",
    keys: "API keys",
    keys_hint: "For programs that talk to the house over HTTP.",
    no_keys: "No keys yet.",
    key_name: "What it is for",
    create_key: "Create a key",
    revoke: "Revoke",
    hooks: "Webhooks",
    hooks_hint:
      "Addresses that services call when something has moved. Radarr and Sonarr are set up by asking the majordomo; the one for Plex is pasted into the account's settings there, under Webhooks.",
    hook_since: (day: string) => `since ${day}`,
    hook_none: "no address",
    hook_make: "New address",
    hook_void: "Make void",
    hook_made: (name: string) => `The address for ${name}`,
    hook_once: "Copy it now. Only a digest of it is kept, so it cannot be shown again.",
    key_made: "The new key",
    key_once: "Copy it now. It is stored hashed and cannot be shown again.",
    copy: "Copy",
    copied: "Copied",
    close: "Close",
  },

  pages: {
    label: "About the house",
    approvals: "Approvals",
    you: "You",
    house: "House",
    people: "People",
    audit: "Audit",
    media: "About films and series",
    requests: "Requests",
    library: "Library",
    taste: "Taste",
  },

  requests: {
    hint: "What the household asked for, and how far it has come.",
    which: "Which are shown",
    open: "Open",
    all: "All",
    whose: "Whose are shown",
    everybody: "Everybody's",
    own: "Mine",
    list: "Requests",
    empty_open: "Nothing is being waited for.",
    empty_all: "Nothing has been asked for yet.",
    empty_own: "You asked for nothing and wait for nothing.",
    empty_hint: "Ask for a film or a series in a conversation; it appears here.",
    failed: "The requests could not be loaded.",
    one_failed: "This request could not be loaded.",
    gone: "This request is not here.",
    gone_hint: "It was forgotten, or it is not yours to see.",
    older: "Show older",
    back: "All requests",
    asked_by: "Asked by",
    you: "you",
    asked_at: "Asked",
    over_at: "Over",
    size: "Expected size",
    state: {
      asked: "Waits for a yes",
      wanted: "Wanted, nothing on its way yet",
      downloading: "On its way",
      downloaded: "Here, not in the library yet",
      partly: "Partly ready to watch",
      watchable: "Ready to watch",
      declined: "Declined",
      failed: "Cannot be had",
      cancelled: "Taken back",
    } as Record<string, string>,
    parts: (here: number, wanted: number, unit: string) =>
      `${number.format(here)} of ${plural(wanted, unit || "part", unit === "" ? "parts" : `${unit}s`)}`,
    parts_ready: (parts: string) => `${parts} ready`,
    progress: (title: string) => `How far ${title} has come`,
    percent: (percent: number) => `${number.format(percent)} %`,
    waits: "Who waits for it",
    nobody_waits: "Nobody is told of it.",
    level: {
      first: { title: "The first of it", hint: "Once, when the first of it can be watched", told: "the first of it" },
      each: { title: "Everything new", hint: "Whenever something more can be watched", told: "everything new" },
      group: { title: "Whole seasons", hint: "Whenever a season is complete", told: "whole seasons" },
      all: { title: "All of it", hint: "Once, when nothing is missing", told: "all of it" },
    } as Record<string, { title: string; hint: string; told: string }>,
    told_of: (told: string) => `is told of ${told}`,
    told_ready: "is told when it is ready",
    tell_me: "Tell me too",
    tell_when: "When shall you be told?",
    told: (told: string) => `You are told of ${told}`,
    told_film: "You are told when it is ready",
    when_ready: "When it is ready",
    when_ready_hint: "Once, when it can be watched",
    tell_no_more: "Tell me no more",
    told_now: "You will be told.",
    told_no_more: "You will not be told of it any more.",
    waits_for_yes: "It waits for a yes.",
    take_back: "Take back",
    take_back_title: (title: string) => `Take back “${title}”?`,
    take_back_text: "It is not looked after any more, and nobody is told of it. What was fetched already stays.",
    take_back_yes: "Take it back",
    taken_back: "It was taken back.",
    not_done: (reason: string) => `Not done: ${sentence(reason)}`,
    story: "What happened",
    kind: {
      asked: "asked for it",
      joined: "waits for it, too",
      approved: "Approved",
      changed: "Asked for otherwise",
      told: "Told",
      trouble: "Trouble",
      grabbed: "Found and sent for",
      imported: "Put in its place",
      upgraded: "Replaced by a better one",
      download_failed: "Download failed",
      deleted: "File gone",
      report: "Reported",
      removed: "Deleted",
    } as Record<string, string>,
  },

  reports: {
    title: "Reported as wrong",
    mine: "What you reported",
    by: "Reported by",
    mended: "Mended",
    dismissed: "Leave it",
    told: "Whoever reported it is told.",
  },

  media: {
    could_not_ask: "Could not be asked",
    could_not_ask_hint: "What it knows is missing here.",
    not_answered: "This could not be asked.",
    stale: (reason: string) => `This may be out of date: ${sentence(reason)}`,
    not_known: "not known",
    not_understood: "The answer was not understood. The page may be older than the service; reload it.",
    connect: "Nothing is connected yet",
    connect_hint: "The library is shown as soon as the house knows where it is.",
    connect_steps: [
      {
        title: "Plex, for what is there to watch",
        code: '[tools.plex.default]\nbase_url = "http://nas:32400"\ntoken = "env:PLEX_TOKEN"',
      },
      {
        title: "Radarr, for films on their way",
        code: '[tools.radarr.default]\nbase_url = "http://nas:7878"\napi_key = "env:RADARR_API_KEY"',
      },
      {
        title: "Sonarr, for series on their way",
        code: '[tools.sonarr.default]\nbase_url = "http://nas:8989"\napi_key = "env:SONARR_API_KEY"',
      },
    ],
    connect_where: "Whoever runs the house writes this into majordomo.toml and starts the service again.",
    missing: {
      media_library: "Connect Plex, Radarr or Sonarr in the settings to see what is in the library.",
      media_queue: "Connect Radarr or Sonarr in the settings to see what is on its way.",
      media_calendar: "Connect Radarr or Sonarr in the settings to see what is coming.",
      media_health: "Connect Plex, Radarr or Sonarr in the settings to see how they are.",
      read_household_preferences: "The house keeps no taste: its tools for that are not switched on.",
      household_learned: "The house does not say what it has learned.",
    } as Record<string, string>,
  },

  library: {
    hint: "What there is to watch, what is on its way, and what comes next.",
    stock: "On the shelf",
    stock_hint: "Everything the house has.",
    films: "Films",
    series: "Series",
    episodes: "Episodes",
    size: "Space taken",
    empty: "The shelf is empty.",
    by_year: "By year",
    by_genre: "By genre",
    by_resolution: "By resolution",
    growth: "Added month by month",
    plot: (title: string, most: string) => `${title}. ${most}`,
    plot_most: (label: string, count: number) => `Most: ${label} with ${number.format(count)}.`,
    titles: (count: number) => plural(count, "title", "titles"),
    show_table: "Show as a table",
    hide_table: "Hide the table",
    label: "Which",
    month: "Month",
    count: "Titles",
    bytes: "Space",
    queue: "On its way",
    queue_hint: "What is being fetched now.",
    queue_more: (count: number) => `And ${plural(count, "more", "more")}.`,
    queue_empty: "Nothing is on its way.",
    left: (text: string) => `${text} left`,
    download_progress: (title: string) => `How much of ${title} is here`,
    state: {
      downloading: "Downloading",
      queued: "Waits its turn",
      paused: "Paused",
      importing: "Being put on the shelf",
      importpending: "Waits to be put on the shelf",
      completed: "Fetched",
      warning: "Needs a look",
      failed: "Failed",
      stalled: "Stalled",
      delayed: "Waits for a better one",
      "download client away": "The downloader does not answer",
      "import blocked": "Fetched, and somebody has to look",
    } as Record<string, string>,
    calendar: "Coming up",
    calendar_hint: (zone: string) => `The next two weeks, in the time of ${zone}.`,
    calendar_empty: "Nothing is expected in the next two weeks.",
    today: "Today",
    tomorrow: "Tomorrow",
    here: "Here",
    film: "Film",
    health: "The services behind it",
    health_hint: "Whether each of them answers, and what it complains of.",
    healthy: "Everything answers.",
    degraded: "Not everything is as it should be.",
    no_services: "No service is connected.",
    up: "In order",
    up_but: "Answers, and complains",
    down: "Not working",
    version: (version: string) => `Version ${version}`,
    disks: "Disks",
    free: (free: string, total: string) => `${free} free of ${total}`,
    used: (path: string) => `How full ${path} is`,
    nearly_full: "nearly full",
  },

  taste: {
    hint: "What suggestions go by. Say it here or in a conversation; what is said counts more than what is guessed.",
    whose: "Whose taste",
    me: "Mine",
    household: "The household's",
    failed: "The taste could not be loaded.",
    likes: "Likes",
    likes_hint: "Looked for first.",
    dislikes: "Does not like",
    dislikes_hint: "Offered only when asked for.",
    limits: "Never crossed",
    limits_hint: "Whatever else fits, nothing beyond these is suggested.",
    never: "Never suggest",
    never_hint: "These titles are not named again.",
    tonight: "Curious about now",
    tonight_hint: "Counts for a while.",
    anchors: "Held dear",
    anchors_hint: "What is known to have worked.",
    notes: "In your own words",
    notes_hint: "Anything else worth knowing.",
    finer: "Finer points",
    finer_hint: "What else is written down, under the names it came with.",
    empty: "Nothing is said yet.",
    field: {
      "likes.genres": "Genres",
      "likes.people": "People",
      "likes.languages": "Languages",
      "likes.vibes": "Moods",
      "likes.aesthetics": "Looks",
      "likes.motifs": "Motifs",
      "dislikes.genres": "Genres",
      "dislikes.people": "People",
      "dislikes.aesthetics": "Looks",
      "dislikes.tones": "Tones",
      "dislikes.structure": "Ways of telling",
      "dislikes.vibes": "Moods",
      antiPreferences: "Anything else",
      "constraints.eraMinYear": "Nothing before",
      "constraints.allowJumpScares": "No jump scares",
      "constraints.runtimeSweetSpotMins": "Length in minutes",
      "constraints.languageWhitelist": "Only in these languages",
      "constraints.contentWarnings": "Nothing with",
      "constraints.visualsDisallow": "Nothing that looks like",
      "neverRecommend.titles": "Titles",
      "neverRecommend.tmdbIds": "TMDb numbers",
      "currentCuriosities.vibesTonight": "Moods tonight",
      "currentCuriosities.themesSoon": "Themes soon",
      "anchors.loved": "Loved",
      "anchors.respondedTo": "Went well",
      "anchors.comfortSignals": "Comforts",
      "anchors.trustedFaces": "Trusted faces",
      "anchors.avoidOverEcho": "Not too much like",
      notes: "Notes",
    } as Record<string, string>,
    language_hint: "Codes such as en or de.",
    year: "A year such as 1980",
    from: "at least",
    to: "at most",
    add: "Add",
    add_to: (name: string) => `Add to ${name}`,
    remove_from: (value: string, name: string) => `Remove ${value} from ${name}`,
    yes: "yes",
    unsaved: (count: number) => `${plural(count, "change is", "changes are")} not saved yet.`,
    discard: "Discard",
    save: "Save",
    saved: "Saved.",
    waits_me: "This waits for a yes. Nothing has changed until then.",
    waits_household: "The household's taste is everybody's, so this waits for a yes. Nothing has changed until then.",
    not_saved: (reason: string) => `Not saved: ${sentence(reason)}`,
    wrong_year: "Enter a year from 1870 to 2200.",
    wrong_minutes: "Enter both lengths in minutes, the shorter one first.",
    wrong_number: "Enter a whole number.",
    learned: "What was learned",
    learned_hint: "From what was said and rated, newest first. Each can be taken back by itself.",
    learned_empty: "Nothing was learned yet.",
    learned_failed: "What was learned could not be loaded.",
    learned_by: (from: string, by: string) => (by === "" ? from : from === "said" ? `${by} said so` : `${by} ${from}`),
    learned_nothing: "Noted. It was not enough to change anything yet.",
    learned_one: (number: number) => `lesson ${number}`,
    unlearn: "Take back",
    unlearn_title: "Take this back?",
    unlearn_no: "Keep it",
    unlearn_text: (what: string) => `${what} It is learned again when somebody says it again.`,
    leave_title: "Leave without saving?",
    leave_text: "What you changed here is not saved yet.",
    leave_yes: "Leave without saving",
    leave_no: "Stay here",
    unlearned: "It was taken back.",
    not_unlearned: (reason: string) => `Not taken back: ${sentence(reason)}`,
    unlearn_waits: "Taking it back waits for a yes. Nothing has changed until then.",
  },

  inbox: {
    hint: "What waits for a decision, and what you asked for. Nothing happens before somebody says yes.",
    filter: "Which are shown",
    open: "Open",
    all: "All",
    waiting: (count: number) => `${plural(count, "request waits", "requests wait")} for you`,
    empty_open: "Nothing waits for a decision.",
    empty_all: "Nothing has been asked yet.",
    failed: "The approvals could not be loaded.",
    failed_hint: "Nothing is done without a decision, so nothing is lost.",
    older: "Show older",
    conversation: "Conversation",
  },

  people: {
    hint: "Everybody who may talk to the house. A sign-in link works once.",
    name: "Name",
    standing: "Standing",
    since: "Since",
    actions: "Actions",
    add_person: "Add a person",
    person_name: "Their name",
    add: "Add",
    edit: "Edit",
    edit_title: (name: string) => `Edit ${name}`,
    keep: "Save",
    kept: (name: string) => `${name} was saved.`,
    not_kept: (reason: string) => `Not saved: ${sentence(reason)}`,
    link: "Sign-in link",
    link_for: (name: string) => `Sign-in link for ${name}`,
    link_hint: (until: string) => `Works once, until ${until}. Whoever opens it is signed in as this person.`,
    remove: "Remove",
    you: "you",
    forbidden: "Only an admin sees who may talk to the house.",
  },

  identities: {
    title: "Accounts on other channels",
    yours: "Your other channels",
    yours_hint: "Whoever writes from a linked account is taken for you.",
    none: "No other account is linked.",
    failed: "The accounts could not be loaded.",
    forbidden: "Only an admin sees these accounts.",
    channel: { discord: "Discord", telegram: "Telegram", web: "Web", console: "Console" } as Record<string, string>,
    link: "Link another channel",
    type_it: "Send this to Majordomo on the other channel, from your own account there:",
    left: (seconds: number) => `Works once, for another ${words.answer.seconds(seconds)}.`,
    over: "That code is over. Ask for a new one.",
    unlink: "Unlink",
    unlink_title: (channel: string) => `Unlink this ${channel} account?`,
    unlink_text: "Whoever writes from it is a stranger from then on. It can be linked again.",
  },

  you: {
    hint: "What the house knows of you, and how to take it back.",
    facts: "What it remembers",
    facts_hint: "Said in conversations and kept for later ones.",
    no_facts: "Nothing is remembered.",
    failed: "What is remembered could not be loaded.",
    scope: { person: "About you", room: "About a room", household: "About the household" } as Record<string, string>,
    said_by_you: "said by you",
    said_by_other: "said by somebody else",
    remove: "Forget",
    remove_title: "Forget this?",
    forget: "Forget me",
    forget_hint: "Deletes your conversations, what is remembered of you and what you asked for.",
    forget_me: "Forget me…",
    forget_title: "Forget everything about you?",
    forget_text:
      "Your conversations, what is remembered of you and what you asked for are deleted at once. You stay a person of the household. This cannot be undone.",
    type_name: "To go on, type your name:",
    forget_yes: "Forget me",
    not_forgotten: (reason: string) => `Nothing was deleted: ${sentence(reason)}`,
    forgotten: (deleted: Record<string, number>) => {
      const parts = Object.entries(deleted)
        .filter(([, count]) => count > 0)
        .map(([what, count]) => `${what.replaceAll("_", " ")}: ${number.format(count)}`);
      return parts.length === 0 ? "There was nothing to delete." : `Deleted. ${parts.join(", ")}.`;
    },
  },

  audit: {
    hint: "Who decided, changed or was refused what, newest first.",
    filter: "Show",
    every: "Everything",
    when: "When",
    who: "Who",
    what: "What",
    detail: "In words",
    house: "The house",
    kind: {
      policy: "Rules",
      approval: "Decision",
      execution: "Done",
      person: "People",
      key: "Key",
      hidden_text: "Hidden text",
      foreign_link: "Unknown link",
      stop: "Stop",
      secret: "Secret",
    } as Record<string, string>,
    empty: "Nothing of this kind has happened.",
    older: "Show older",
    failed: "The audit could not be loaded.",
    forbidden: "Only an admin sees the audit.",
  },

  stop: {
    mine: "Stop everything",
    everybody: "Stop everybody's answers",
    everybody_title: "Stop everybody's answers?",
    everybody_text: "Whatever is being answered or waits, for anybody in the house, ends now. They can ask again.",
    everybody_yes: "Stop them",
    keep: "Let them run",
    stopped: (count: number) =>
      count === 0
        ? "Nothing was running or waiting, so nothing was stopped."
        : `${plural(count, "answer was", "answers were")} stopped. Ask again to start over.`,
    failed: (reason: string) => `Nothing was stopped: ${sentence(reason)}`,
  },

  dialog: { close: "Close" },
};

export function tokens(count: number) {
  return count < 10_000 ? number.format(count) : `${number.format(Math.round(count / 100) / 10)}k`;
}

export function wholeTokens(count: number) {
  return number.format(count);
}

/** Millionths of a US dollar as a price a person can read: two digits that matter, cents from one dollar on. */
export function money(micros: number) {
  if (micros === 0) return "$0";
  const dollars = micros / 1_000_000;
  if (dollars >= 1) return `$${dollars.toFixed(2)}`;
  if (dollars < 0.0001) return "< $0.0001";
  return `$${dollars.toFixed(Math.min(4, Math.max(2, 1 - Math.floor(Math.log10(dollars)))))}`;
}

export function duration(ms: number) {
  if (ms < 950) return `${Math.max(0.1, Math.round(ms / 100) / 10).toFixed(1)} s`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return words.answer.seconds(Math.round(ms / 1000));
}

export function date(ms: number) {
  return new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" }).format(ms);
}

export function day(ms: number) {
  return new Intl.DateTimeFormat("en", { dateStyle: "medium" }).format(ms);
}

/** As disks are sold: thousands, with as many digits as matter. */
export function bytes(count: number) {
  const units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
  let value = count;
  let place = 0;
  while (value >= 999.5 && place < units.length - 1) {
    value /= 1000;
    place += 1;
  }
  const shown = place === 0 || value >= 99.5 ? Math.round(value) : Math.round(value * 10) / 10;
  return `${number.format(shown)} ${units[place]}`;
}

export function count(value: number) {
  return number.format(value);
}

/** A month such as `2026-10`, as on an axis. */
export function month(text: string) {
  const at = Date.parse(`${text}-15T12:00:00Z`);
  return Number.isNaN(at) ? text : new Intl.DateTimeFormat("en", { month: "short", year: "2-digit" }).format(at);
}
