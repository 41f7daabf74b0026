/** Who lives in the test server's house, what is known of them, and the one tool that asks first. Data only. */

import type { Approval, AuditEntry, Identity, Person, Remembered, ToolkitList } from "../src/api/types";

const DAY = 86_400_000;

export function household(now: number): {
  people: Person[];
  identities: Record<string, Identity[]>;
  facts: Remembered[];
  audit: AuditEntry[];
} {
  const kinds: [kind: string, subject: string, detail: string, actor: string | null][] = [
    ["approval", "party_add", "Approved: Add Johnny (Rockerboy) to the party?", "p1"],
    ["execution", "party_add", "Johnny was added to the party.", null],
    ["policy", "party_remove", "Refused: a child may not take anybody out of the party.", "p3"],
    ["foreign_link", "answer", "A link to a site nobody named was made plain text: evil.example", null],
    ["hidden_text", "tmdb_search", "Invisible characters were taken out of a result.", null],
    ["person", "Guest", "Signed in with a one-time link.", "p2"],
    ["key", "kitchen display", "Created, for reading only.", "p1"],
    ["stop", "2 answers", "Stopped everything of their own.", "p2"],
  ];
  const names: Record<string, string> = { p1: "Admin", p2: "Guest", p3: "Kid" };
  return {
    people: [
      {
        id: "p1",
        name: "Admin",
        standing: "admin",
        zone: "Europe/Berlin",
        language: "en",
        created_at_ms: now - 40 * DAY,
      },
      { id: "p2", name: "Guest", standing: "member", created_at_ms: now - 12 * DAY },
      { id: "p3", name: "Kid", standing: "child", created_at_ms: now - 3 * DAY },
    ],
    identities: {
      p1: [
        { channel: "discord", account: "80351110224678912" },
        { channel: "telegram", account: "99881122" },
      ],
      p3: [{ channel: "discord", account: "80351110224670000" }],
    },
    facts: [
      ["person", "Likes silent comedies, the shorter the better."],
      ["person", "Is home late on Tuesdays."],
      ["household", "The projector stands in the living room."],
    ].map(([scope = "", text = ""], place) => ({
      id: `f${place}`,
      scope,
      text,
      author: "p1",
      created_at_ms: now - (place + 1) * 3 * DAY,
    })),
    audit: Array.from({ length: 70 }, (_, place) => {
      const [kind, subject, detail, actor] = kinds[place % kinds.length] ?? ["policy", "", "", null];
      return {
        seq: 70 - place,
        at_ms: now - place * 47 * 60_000,
        actor,
        actor_name: actor === null ? null : (names[actor] ?? null),
        kind,
        subject,
        conversation: null,
        turn: null,
        detail,
      };
    }),
  };
}

export const TOOLS: ToolkitList = {
  toolkits: [
    {
      name: "party",
      guide: "The party of the game.",
      tools: [
        {
          name: "party_add",
          aliases: [],
          description: "Add somebody to the party.",
          effect: "write",
          schema: {
            type: "object",
            required: ["name", "role"],
            properties: {
              name: { type: "string", description: "Who joins." },
              role: { enum: ["Solo", "Netrunner", "Nomad"], description: "What they do." },
              level: { type: ["integer", "null"], description: "From 1 to 50." },
              leads: { type: "boolean", description: "Whether they lead." },
              gear: { type: "array", items: { type: "string" }, description: "One thing a line." },
            },
          } as unknown as Record<string, never>,
        },
      ],
    },
  ],
};

export interface PartyArguments {
  name: string;
  role: string;
  level?: number;
  leads?: boolean;
  gear?: string[];
}

/** What an approver sees of one. `text` is what was said: some words in it choose a variant. */
export function party({ name, role, level, leads, gear }: PartyArguments, text: string) {
  const question = `Add ${name} (${role}) to the party?`;
  const card: Approval["card"] = {
    title: name,
    subtitle: role,
    text: /at length/.test(text)
      ? `${"Somebody with a long story, told from the beginning. ".repeat(11).slice(0, 599).trim()}…`
      : "Joins at the next meeting and stays until somebody takes them out.",
    picture: "tmdb:w342/solo.jpg",
    facts: [
      { label: "Role", value: role },
      ...(level === undefined ? [] : [{ label: "Level", value: String(level) }]),
      ...(leads ? [{ label: "Leads", value: "yes" }] : []),
      ...(gear && gear.length > 0 ? [{ label: "Gear", value: gear.join(", ") }] : []),
    ],
  };
  return {
    card: /barely/.test(text) ? { title: question.slice(0, -1) } : card,
    wording: {
      question,
      declined: `${name} was not added.`,
      reason: /influenced/i.test(text) ? "it changes something; influenced by: tmdb" : "",
    },
  };
}
