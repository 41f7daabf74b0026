/** Where the page is, in the fragment: `#/c/ID`, `#/house`, `#/` for a new conversation. */

import { useSyncExternalStore } from "react";

export type Route = { page: "conversation"; id: string } | { page: "new" } | { page: "house" };

export function parseRoute(hash: string): Route {
  const [, page, id] = hash.replace(/^#/, "").split("/");
  if (page === "c" && id) return { page: "conversation", id: decodeURIComponent(id) };
  if (page === "house") return { page: "house" };
  return { page: "new" };
}

export function addressOf(route: Route): string {
  if (route.page === "conversation") return `#/c/${encodeURIComponent(route.id)}`;
  return route.page === "house" ? "#/house" : "#/";
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
