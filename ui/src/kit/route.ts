/** Where the page is, in the fragment: `#/c/ID`, `#/house` and its neighbours, `#/` for a new conversation. */

import { useSyncExternalStore } from "react";

/** Pages about the house, in the order they are offered. */
export const HOUSE_PAGES = ["approvals", "you", "house", "people", "audit"] as const;
export type HousePage = (typeof HOUSE_PAGES)[number];
export type Route = { page: "conversation"; id: string } | { page: "new" } | { page: HousePage };

export function parseRoute(hash: string): Route {
  const [, page, id] = hash.replace(/^#/, "").split("/");
  if (page === "c" && id) return { page: "conversation", id: decodeURIComponent(id) };
  const house = HOUSE_PAGES.find((name) => name === page);
  return { page: house ?? "new" };
}

export function addressOf(route: Route): string {
  if (route.page === "conversation") return `#/c/${encodeURIComponent(route.id)}`;
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

let cached: { hash: string; route: Route } | undefined;

export function currentRoute(): Route {
  if (cached?.hash !== location.hash) cached = { hash: location.hash, route: parseRoute(location.hash) };
  return cached.route;
}

export function useRoute(): Route {
  return useSyncExternalStore(subscribe, currentRoute);
}
