import { describe, expect, test } from "vitest";
import { argumentsOf, faithful, fieldsOf, parted, valuesOf } from "./fields";

const schema = {
  type: "object",
  required: ["name", "level"],
  $defs: {
    Role: {
      oneOf: [
        { const: "solo", type: "string" },
        { const: "netrunner", type: "string" },
      ],
    },
  },
  properties: {
    name: { type: "string", description: "Who joins." },
    level: { type: "integer" },
    share: { type: ["number", "null"] },
    role: { $ref: "#/$defs/Role", description: "What they do." },
    side: { anyOf: [{ enum: ["left", "right"] }, { type: "null" }] },
    loud: { type: "boolean" },
    gear: { type: "array", items: { type: "string" } },
  },
};
const given = { name: "V", level: 3, gear: ["katana"] };

test("every plain argument gets its field, with its words", () => {
  const fields = fieldsOf(schema, given);
  expect(fields?.map(({ name, kind, required }) => `${name} ${kind}${required ? "!" : ""}`)).toEqual([
    "name text!",
    "level integer!",
    "share number",
    "role choice",
    "side choice",
    "loud boolean",
    "gear list",
  ]);
  expect(fields?.find(({ name }) => name === "role")).toMatchObject({
    hint: "What they do.",
    options: ["solo", "netrunner"],
  });
});

test.each([
  ["an object within", { properties: { a: { type: "object", properties: {} } } }, { a: {} }],
  ["a list of fractions", { properties: { a: { type: "array", items: { type: "number" } } } }, { a: [0.5] }],
  ["either of two types", { properties: { a: { type: ["string", "number"] } } }, { a: "b" }],
  ["something needed without a field", { properties: { a: { type: "object" } }, required: ["a"] }, {}],
  ["a choice that is not offered", { properties: { a: { type: "array", items: { enum: ["x", "y"] } } } }, { a: ["z"] }],
  ["an argument the schema does not know", { properties: {} }, { b: 1 }],
  ["a value of another type than said", { properties: { a: { type: "string" } } }, { a: 1 }],
  ["a reference to nowhere", { properties: { a: { $ref: "#/$defs/Gone" } } }, { a: 1 }],
  [
    "a reference in a circle",
    { $defs: { A: { $ref: "#/$defs/A" } }, properties: { a: { $ref: "#/$defs/A" } } },
    { a: 1 },
  ],
  ["no schema", undefined, {}],
])("%s has no form", (_name, other, values) => {
  expect(fieldsOf(other, values)).toBeUndefined();
});

describe("what is entered becomes arguments", () => {
  const fields = fieldsOf(schema, given) ?? [];
  const values = valuesOf(fields, given);
  test.each([
    ["nothing touched changes nothing", {}, { arguments: given }],
    ["a text, exactly", { name: " V " }, { arguments: { ...given, name: " V " } }],
    ["numbers", { level: "4", share: "0.5" }, { arguments: { ...given, level: 4, share: 0.5 } }],
    ["a choice and a switch", { role: "solo", loud: true }, { arguments: { ...given, role: "solo", loud: true } }],
    ["a list, one line each", { gear: "katana\n\n rope " }, { arguments: { ...given, gear: ["katana", "rope"] } }],
    ["an emptied list", { gear: "" }, { arguments: { ...given, gear: [] } }],
    ["a whole number that is none", { level: "3.5" }, { wrong: "level" }],
    ["a number beyond what a page can count", { level: "9007199254740993" }, { wrong: "level" }],
    ["a number that is none", { share: "much" }, { wrong: "share" }],
    ["something needed left out", { name: "" }, { wrong: "name" }],
  ])("%s", (_name, entered, expected) => {
    expect(argumentsOf(fields, { ...values, ...entered }, given)).toEqual(expected);
  });
});

test.each([
  ['{"a":1}', true],
  ['{"id":9007199254740993}', false],
  ['{"a":1,"a":2}', false],
  ["[1]", false],
  ["{broken", false],
])("%s can be written down again: %s", (text, can) => {
  expect(faithful(text) !== undefined).toBe(can);
});

/** As the tool that adds a series describes itself. */
const adding = {
  type: "object",
  required: ["tvdb_id"],
  $defs: {
    NameOrId: { type: ["string", "integer"] },
    Folders: { type: "object", properties: { a: { type: "string" } } },
  },
  properties: {
    tvdb_id: { type: "integer", format: "uint64", minimum: 0 },
    instance: { type: ["string", "null"] },
    root_folder: { anyOf: [{ $ref: "#/$defs/NameOrId" }, { type: "null" }] },
    seasons_to_monitor: { type: ["array", "null"], items: { type: "integer", format: "uint32", minimum: 0 } },
    quality_profile: { anyOf: [{ $ref: "#/$defs/NameOrId" }, { type: "null" }] },
    sources: { type: "array", items: { enum: ["usenet", "torrent"] } },
    extra: { anyOf: [{ $ref: "#/$defs/Folders" }, { type: "null" }] },
  },
};

describe("a request is changed in fields", () => {
  const asked = { tvdb_id: 7, seasons_to_monitor: [1, 2], quality_profile: "HD-1080p", root_folder: 3 };
  const fields = fieldsOf(adding, asked) ?? [];
  const values = valuesOf(fields, asked);

  test("quality, seasons, folder and instance come first, what has no field and was not said is left out", () => {
    const { first, others } = parted(fields);
    expect(first.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      "quality_profile name",
      "seasons_to_monitor numbers",
      "root_folder name",
      "instance text",
    ]);
    expect(others.map(({ name, kind }) => `${name} ${kind}`)).toEqual(["tvdb_id integer", "sources several"]);
  });

  test.each([
    ["nothing touched changes nothing", {}, { arguments: asked }],
    ["other seasons", { seasons_to_monitor: "2, 3 4" }, { arguments: { ...asked, seasons_to_monitor: [2, 3, 4] } }],
    ["no season", { seasons_to_monitor: "" }, { arguments: { ...asked, seasons_to_monitor: [] } }],
    ["a season that is none", { seasons_to_monitor: "1, two" }, { wrong: "seasons_to_monitor" }],
    ["a quality by name", { quality_profile: "1080" }, { arguments: { ...asked, quality_profile: "1080" } }],
    ["a folder by another number", { root_folder: "4" }, { arguments: { ...asked, root_folder: 4 } }],
    ["a folder by its path", { root_folder: "/tv" }, { arguments: { ...asked, root_folder: "/tv" } }],
    ["the other instance", { instance: "4k" }, { arguments: { ...asked, instance: "4k" } }],
    ["one of several", { sources: "torrent" }, { arguments: { ...asked, sources: ["torrent"] } }],
  ])("%s", (_name, entered, expected) => {
    expect(argumentsOf(fields, { ...values, ...entered }, asked)).toEqual(expected);
  });
});
