/**
 * Which links of an answer may be clicked. A model that was talked into it can hide what it knows in an address, so a
 * link opens only where the person or a tool pointed first, or at one of a few well-known places. Pure; draws nothing.
 */

import type { Message } from "../api/types";

/** These and everything below them. They are what answers about films and series point at. */
export const KNOWN_HOSTS = ["themoviedb.org", "tvmaze.com", "imdb.com", "wikipedia.org"];

/** Addresses longer than this carry more than a place. */
const LONGEST = 300;

/** What was pointed at in a conversation. */
export interface PointedAt {
  /** Hosts the person named. */
  hosts: ReadonlySet<string>;
  /** Whole addresses: those the person wrote, and the links of tools' cards. */
  addresses: ReadonlySet<string>;
}

export const nowhere: PointedAt = { hosts: new Set(), addresses: new Set() };

/** Why a link is drawn as text. */
export type Refusal = "writing" | "scheme" | "disguised" | "carries" | "unknown";
export type Verdict = { href: string } | { refusal: Refusal };

const ADDRESS = /https?:\/\/[^\s<>"'`|)\]]+/giu;
const BARE = /(?<![\p{L}\p{N}@./_-])(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}(?::\d+)?(?![\p{L}\p{N}@_-])/giu;
/** An address inside of another: what redirectors are told. */
const NESTED = /https?:|https?%3a|%2f%2f|\/\/|%253a|www\./i;

function parsed(address: string): URL | undefined {
  return URL.canParse(address) ? new URL(address) : undefined;
}

/** `www.` in front of a name is the same owner. */
function bare(host: string) {
  return host.replace(/^www\./, "");
}

function addressesIn(text: string): URL[] {
  return [...text.matchAll(ADDRESS)].flatMap(([found]) => parsed(found.replace(/[.,;:!?]+$/, "")) ?? []);
}

function hostsIn(text: string): string[] {
  const names = [...text.replaceAll(ADDRESS, " ").matchAll(BARE)].flatMap(([name]) => parsed(`http://${name}`) ?? []);
  return [...addressesIn(text), ...names].map(({ host }) => bare(host));
}

/** What the person and the tools of these messages pointed at. */
export function pointedAt(messages: Message[]): PointedAt {
  const hosts = new Set<string>();
  const addresses = new Set<string>();
  for (const message of messages) {
    for (const part of message.parts) {
      if (message.role === "user" && part.type === "text") {
        for (const host of hostsIn(part.text)) hosts.add(host);
        for (const { href } of addressesIn(part.text)) addresses.add(href);
      }
      if (part.type === "result") {
        for (const { link } of part.cards ?? []) {
          const href = link ? parsed(link)?.href : undefined;
          if (href) addresses.add(href);
        }
      }
    }
  }
  return { hosts, addresses };
}

/** `label` is what is read in place of the address. Without `known` the text is still being written. */
export function verdictOn(address: string, label: string, known: PointedAt | undefined): Verdict {
  if (!known) return { refusal: "writing" };
  if (!/^https?:\/\//i.test(address)) return { refusal: "scheme" };
  const url = parsed(address);
  if (!url) return { refusal: "disguised" };

  const host = bare(url.host);
  // What a browser makes of it has to be what stands there.
  const written = /^https?:\/\/([^/?#\\]*)/i
    .exec(address)?.[1]
    ?.toLowerCase()
    .replace(/:(80|443)$/, "");
  if (written !== url.host || address.includes("\\")) return { refusal: "disguised" };
  if (url.username !== "" || url.password !== "" || /(^|\.)xn--/.test(host)) return { refusal: "disguised" };
  if (hostsIn(label).some((named) => named !== host)) return { refusal: "disguised" };

  if (known.addresses.has(url.href)) return { href: url.href };
  const ours = KNOWN_HOSTS.some((name) => host === name || host.endsWith(`.${name}`));
  if (!known.hosts.has(host) && !ours) return { refusal: "unknown" };
  if (address.length > LONGEST || NESTED.test(address.slice(address.indexOf(written) + written.length)))
    return { refusal: "carries" };
  return { href: url.href };
}
