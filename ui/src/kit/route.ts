/**
 * Where the page is, in the fragment: `#/c/ID`, `#/house` and its neighbours, `#/requests/ID` and its neighbours, `#/` for a
 * new conversation.
 */

import { useSyncExternalStore } from "react";

/** Pages about the house, in the order they are offered. */
export const HOUSE_PAGES = ["approvals", "you", "house", "people", "audit"] as const;
export type HousePage = (typeof HOUSE_PAGES)[number];
/** Pages about films and series, in the order they are offered. */
export const MEDIA_PAGES = ["requests", "library", "taste"] as const;
export type MediaPage = (typeof MEDIA_PAGES)[number];
export type Route =
  | { page: "conversation"; id: string }
  | { page: "new" }
  | { page: "requests"; id?: string }
  | { page: HousePage | Exclude<MediaPage, "requests"> };

export function parseRoute(hash: string): Route {
  const [, page, id] = hash.replace(/^#/, "").split("/");
  if (page === "c" && id) return { page: "conversation", id: decodeURIComponent(id) };
  if (page === "requests") return { page, ...(id ? { id: decodeURIComponent(id) } : {}) };
  const known = [...HOUSE_PAGES, ...MEDIA_PAGES].find((name) => name === page);
  return { page: known ?? "new" };
}

export function addressOf(route: Route): string {
  if (route.page === "conversation") return `#/c/${encodeURIComponent(route.id)}`;
  if (route.page === "requests" && route.id) return `#/requests/${encodeURIComponent(route.id)}`;
  return route.page === "new" ? "#/" : `#/${route.page}`;
}

export function go(route: Route, replace = false) {
  const address = addressOf(route);
  if (location.hash === address) return;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

function subscribe(listener: () => void) {
  window.addEventListener("hashchange", listener);
  window.addEventListener("popstate", listener);
  return () => {
    window.removeEventListener("hashchange", listener);
    window.removeEventListener("popstate", listener);
  };
}

/** Where the page stays until whoever wants to leave was asked. */
let held: string | undefined;

/**
 * From now on leaving, by a link, the keyboard or the browser's own buttons, asks first: `ask` is given what goes on. The returned
 * function lets go again.
 */
export function holdHere(ask: (leave: () => void) => void): () => void {
  const here = location.hash;
  held = here;
  const release = () => {
    window.removeEventListener("hashchange", stay);
    window.removeEventListener("popstate", stay);
    if (held === here) held = undefined;
  };
  const stay = () => {
    const wanted = location.hash;
    if (wanted === here) return;
    history.pushState(null, "", here === "" ? "#/" : here);
    ask(() => {
      release();
      location.hash = wanted === "" ? "#/" : wanted;
    });
  };
  window.addEventListener("hashchange", stay);
  window.addEventListener("popstate", stay);
  return release;
}

let cached: { hash: string; route: Route } | undefined;

export function currentRoute(): Route {
  const hash = held ?? location.hash;
  if (cached?.hash !== hash) cached = { hash, route: parseRoute(hash) };
  return cached.route;
}

export function useRoute(): Route {
  return useSyncExternalStore(subscribe, currentRoute);
}
