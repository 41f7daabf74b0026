/** How far a request has come, as a page shows it. Pure. */

import type { ShownRequest } from "../api/types";

/** States in which something may still happen by itself. */
const MOVING = ["asked", "wanted", "downloading", "downloaded", "partly"];

export function isMoving({ state, closed_at_ms }: Pick<ShownRequest, "state" | "closed_at_ms">): boolean {
  return closed_at_ms === null && MOVING.includes(state);
}

/** A film is one thing: either it is there or not. */
export function isWhole({ progress }: Pick<ShownRequest, "progress">): boolean {
  return progress !== null && progress.unit === "" && progress.wanted <= 1;
}

/** Whether there are several parts to count. */
export function hasParts({ progress }: Pick<ShownRequest, "progress">): boolean {
  return progress !== null && progress.wanted > 1;
}

/**
 * What a bar shows, 0 to 100: of what is on its way, else of the parts that can be watched. Undefined where a bar would say
 * nothing, such as of a film that is here and waits to be shown.
 */
export function barOf({ state, progress }: Pick<ShownRequest, "state" | "progress">): number | undefined {
  if (progress === null || !["downloading", "partly", "downloaded"].includes(state)) return undefined;
  if (state === "downloading") return progress.percent ?? undefined;
  return progress.wanted > 1 ? (progress.here / progress.wanted) * 100 : undefined;
}
