/**
 * A form for a tool's arguments, made from their JSON Schema: texts, numbers, switches, choices, names that may be numbers, and lists
 * of texts, of numbers, or of what can be chosen. A call that says anything else is changed as JSON; what has no field and was not
 * said stays unsaid. Pure.
 */

export interface Field {
  name: string;
  hint: string;
  required: boolean;
  /** `name` is a text or a whole number, such as a profile by name or id; `several` is a list of `options`. */
  kind: "text" | "name" | "number" | "integer" | "boolean" | "choice" | "list" | "numbers" | "several";
  options: string[];
}

/** What stands in the fields. A list is one line each, numbers have commas between them; an empty text may mean that nothing is said. */
export type Values = Record<string, string | boolean>;

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Follows a reference within the schema and looks through what may be null. */
function settled(schema: unknown, root: Json, depth = 0): Json | undefined {
  if (!isObject(schema) || depth > 8) return undefined;
  const { $ref, anyOf, oneOf, allOf, ...rest } = schema;
  if (typeof $ref === "string") {
    let found: unknown = root;
    for (const step of $ref.replace(/^#\//, "").split("/")) found = isObject(found) ? found[step] : undefined;
    const target = settled(found, root, depth + 1);
    return target && { ...target, ...rest };
  }
  for (const several of [anyOf, allOf, oneOf]) {
    if (!Array.isArray(several)) continue;
    const some = several.filter((one) => !(isObject(one) && one.type === "null"));
    if (some.length === 1) {
      const only = settled(some[0], root, depth + 1);
      return only && { ...only, ...rest };
    }
    const constants = some.map((one) => (isObject(one) ? (one.const ?? (one.enum as unknown[])?.[0]) : undefined));
    if (constants.every((value) => typeof value === "string")) return { ...rest, type: "string", enum: constants };
    return undefined;
  }
  return schema;
}

/** Arguments that say how something is fetched; in a form they come before what says which thing it is. */
const FIRST = [
  "quality_profile",
  "profile",
  "seasons",
  "seasons_to_monitor",
  "season_numbers",
  "episodes",
  "episodes_to_monitor",
  "root_folder",
  "root_folder_path",
  "folder",
  "instance",
];

/** The fields a request is changed by, in the order people think of them, and all the others. */
export function parted(fields: Field[]): { first: Field[]; others: Field[] } {
  const first = FIRST.flatMap((name) => fields.filter((field) => field.name === name));
  return first.length === 0
    ? { first: fields, others: [] }
    : { first, others: fields.filter((field) => !first.includes(field)) };
}

/** Undefined when something was said that has no field, or something needed has none. */
export function fieldsOf(schema: unknown, given: Json): Field[] | undefined {
  if (!isObject(schema) || !isObject(schema.properties)) return undefined;
  const properties = schema.properties;
  if (Object.keys(given).some((name) => !(name in properties))) return undefined;
  const required = Array.isArray(schema.required) ? schema.required : [];
  const fields: Field[] = [];
  for (const [name, described] of Object.entries(properties)) {
    const property = settled(described, schema);
    const kind = property && kindOf(property, schema);
    if (!kind) {
      if (required.includes(name) || (given[name] !== undefined && given[name] !== null)) return undefined;
      continue;
    }
    fields.push({
      name,
      hint: typeof property.description === "string" ? property.description : "",
      required: required.includes(name),
      kind,
      options:
        kind === "choice"
          ? (property.enum as string[]).filter((option) => option !== null)
          : kind === "several"
            ? (settled(property.items, schema)?.enum as string[])
            : [],
    });
  }
  const fits = fields.every((field) => given[field.name] === undefined || valueFits(field, given[field.name]));
  return fits ? fields : undefined;
}

function kindOf(property: Json, root: Json): Field["kind"] | undefined {
  if (Array.isArray(property.enum)) {
    return property.enum.every((value) => typeof value === "string" || value === null) ? "choice" : undefined;
  }
  const types = (Array.isArray(property.type) ? property.type : [property.type]).filter((type) => type !== "null");
  const [type] = types;
  if (types.length === 2 && types.includes("string") && types.includes("integer")) return "name";
  if (types.length !== 1) return undefined;
  if (type === "string") return "text";
  if (type === "number" || type === "integer" || type === "boolean") return type;
  if (type === "array") {
    const items = settled(property.items, root);
    if (items?.type === "integer") return "numbers";
    if (items?.type !== "string" && !Array.isArray(items?.enum)) return undefined;
    if (items.enum === undefined) return "list";
    return Array.isArray(items.enum) && items.enum.every((one) => typeof one === "string") ? "several" : undefined;
  }
  return undefined;
}

function valueFits({ kind, options }: Field, value: unknown): boolean {
  if (value === null) return true;
  if (kind === "numbers") return Array.isArray(value) && value.every((one) => Number.isSafeInteger(one));
  if (kind === "several") return Array.isArray(value) && value.every((one) => options.includes(one));
  if (kind === "name") return typeof value === "string" || Number.isSafeInteger(value);
  if (kind === "list")
    return Array.isArray(value) && value.every((one) => typeof one === "string" && !one.includes("\n"));
  if (kind === "boolean") return typeof value === "boolean";
  if (kind === "number" || kind === "integer") return typeof value === "number";
  return typeof value === "string";
}

export function valuesOf(fields: Field[], given: Json): Values {
  return Object.fromEntries(
    fields.map(({ name, kind }) => {
      const value = given[name];
      if (kind === "boolean") return [name, value === true];
      if (value === undefined || value === null) return [name, ""];
      return [name, Array.isArray(value) ? value.join(kind === "numbers" ? ", " : "\n") : String(value)];
    }),
  );
}

/** The arguments a form stands for, or the name of the first field that cannot be right. */
export function argumentsOf(fields: Field[], values: Values, given: Json): { arguments: Json } | { wrong: string } {
  const result: Json = {};
  for (const { name, kind, required } of fields) {
    const value = values[name] ?? "";
    if (typeof value === "boolean") {
      // A switch nobody touched says nothing, as before.
      if (value || required || name in given) result[name] = value;
      continue;
    }
    const text = kind === "text" ? value : value.trim();
    if (text === "") {
      if ((kind === "list" || kind === "numbers" || kind === "several") && (required || Array.isArray(given[name])))
        result[name] = [];
      else if (required && kind === "text" && given[name] === "") result[name] = "";
      else if (required) return { wrong: name };
      continue;
    }
    if (kind === "number" || kind === "integer") {
      const number = Number(text);
      if (!Number.isFinite(number) || (kind === "integer" && !Number.isSafeInteger(number))) return { wrong: name };
      result[name] = number;
    } else if (kind === "numbers") {
      const numbers = text.split(/[\s,;]+/).filter((part) => part !== "");
      if (!numbers.every((part) => /^\d{1,15}$/.test(part))) return { wrong: name };
      result[name] = [...new Set(numbers.map(Number))];
    } else if (kind === "name") {
      // A number stays one; a name made of digits, such as 1080, is still a name.
      result[name] = typeof given[name] === "number" && /^\d{1,15}$/.test(text) ? Number(text) : text;
    } else if (kind === "list" || kind === "several") {
      result[name] = text
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "");
    } else {
      result[name] = text;
    }
  }
  return { arguments: result };
}

/** The object in a text, when writing it down again gives the same text: then nothing is lost on the way. */
export function faithful(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && JSON.stringify(value) === text.trim() ? value : undefined;
  } catch {
    return undefined;
  }
}
