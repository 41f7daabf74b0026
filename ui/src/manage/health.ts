/** Reads the answer of `/health` into rows. Tolerant: a component may be a word or an object, in a list or by name. */

export type Condition = "ok" | "degraded" | "failed" | "unknown";

export interface Component {
  name: string;
  condition: Condition;
  detail: string;
}

const GOOD = ["ok", "up", "healthy", "operational", "ready", "closed", "true"];
const MIDDLING = ["degraded", "half_open", "slow", "starting", "demo", "warning"];
const BAD = ["failed", "down", "error", "unhealthy", "open", "unreachable", "false"];

function condition(value: unknown): Condition {
  const word = String(value).toLowerCase();
  if (GOOD.includes(word)) return "ok";
  if (MIDDLING.includes(word)) return "degraded";
  return BAD.includes(word) ? "failed" : "unknown";
}

function component(name: string, value: unknown): Component {
  if (value === null || typeof value !== "object") return { name, condition: condition(value), detail: "" };
  const entry = value as Record<string, unknown>;
  const state = entry.status ?? entry.state ?? entry.ok ?? entry.healthy;
  const detail = entry.detail ?? entry.reason ?? entry.message ?? entry.error ?? entry.problem ?? "";
  return {
    name: typeof entry.name === "string" ? entry.name : name,
    condition: condition(state),
    detail: typeof detail === "string" ? detail : "",
  };
}

export function readHealth(answer: unknown): Component[] {
  if (answer === null || typeof answer !== "object") return [];
  const { components } = answer as { components?: unknown };
  if (Array.isArray(components)) return components.map((entry, place) => component(String(place + 1), entry));
  if (components !== null && typeof components === "object") {
    return Object.entries(components).map(([name, entry]) => component(name, entry));
  }
  return [];
}
