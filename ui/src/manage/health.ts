/** Reads the answer of `/health` into rows. */

import type { Health } from "../api/types";

export type Condition = "ok" | "degraded" | "failed" | "off" | "unknown";

export interface Component {
  name: string;
  condition: Condition;
  detail: string;
}

const CONDITIONS: Record<string, Condition> = {
  operational: "ok",
  degraded: "degraded",
  unavailable: "failed",
  off: "off",
};

/** Another name of `models` for programs of old; people see it once. */
const ALIASES = ["concentrate_ai"];

export function readHealth(
  health: (Pick<Health, "components"> & { details?: Record<string, string>; off?: Record<string, string> }) | undefined,
): Component[] {
  return Object.entries(health?.components ?? {})
    .filter(([name]) => !ALIASES.includes(name))
    .map(([key, state]) => {
      const name = key.replace(/_api$/, "").replaceAll("_", " ");
      return {
        name,
        condition: CONDITIONS[state] ?? "unknown",
        detail: health?.details?.[key] ?? health?.off?.[name] ?? "",
      };
    });
}
