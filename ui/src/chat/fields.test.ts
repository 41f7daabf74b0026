import { describe, expect, test } from "vitest";
import { argumentsOf, faithful, fieldsOf, valuesOf } from "./fields";

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
  ["an object within", { properties: { a: { type: "object", properties: {} } } }, {}],
  ["a list of numbers", { properties: { a: { type: "array", items: { type: "number" } } } }, {}],
  ["either of two types", { properties: { a: { type: ["string", "number"] } } }, {}],
  ["an argument the schema does not know", { properties: {} }, { b: 1 }],
  ["a value of another type than said", { properties: { a: { type: "string" } } }, { a: 1 }],
  ["a reference to nowhere", { properties: { a: { $ref: "#/$defs/Gone" } } }, {}],
  ["a reference in a circle", { $defs: { A: { $ref: "#/$defs/A" } }, properties: { a: { $ref: "#/$defs/A" } } }, {}],
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
