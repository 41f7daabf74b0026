/** Watches a conversation: reads its event stream, comes back after a break and resumes from the last number. */

import { createParser } from "eventsource-parser";
import { api, signedOut } from "./client";
import type { Event } from "./types";

export type Connection = "connecting" | "open" | "waiting" | "closed";

export interface Watcher {
  onEvent(event: Event): void;
  onConnection(state: Connection): void;
  /** The last number seen, to resume from; undefined asks for a snapshot. */
  after(): number | undefined;
  /** The conversation is gone or not ours: nothing more will come. */
  onGone(): void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** The server writes a comment every 15 s; two missed ones and a bit mean the line is dead. */
const SILENCE_MS = 40_000;

/** Starts watching; the returned function stops. */
export function watch(conversation: string, watcher: Watcher): () => void {
  let stopped = false;
  let attempt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let current: AbortController | undefined;
  let resumable = true;

  function again() {
    if (stopped) return;
    watcher.onConnection("waiting");
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.7 + Math.random() * 0.6);
    attempt += 1;
    clearTimeout(timer);
    timer = setTimeout(connect, wait);
  }

  function hurry() {
    if (stopped || document.visibilityState === "hidden" || timer === undefined) return;
    clearTimeout(timer);
    attempt = 0;
    void connect();
  }

  async function connect() {
    timer = undefined;
    if (stopped) return;
    current = new AbortController();
    const { signal } = current;
    watcher.onConnection("connecting");
    let silence: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => current?.abort(), SILENCE_MS);
    };
    try {
      const after = resumable ? watcher.after() : undefined;
      heard();
      const response = await fetch(api.eventsPath(conversation), {
        credentials: "same-origin",
        headers: {
          accept: "text/event-stream",
          ...(after === undefined ? {} : { "last-event-id": String(after) }),
        },
        cache: "no-store",
        signal,
      });
      if (response.status === 404 || response.status === 401 || response.status === 403) {
        watcher.onConnection("closed");
        stopped = true;
        if (response.status === 404) watcher.onGone();
        if (response.status === 401) signedOut();
        return;
      }
      // A number the server does not want to hear again: ask for a snapshot instead.
      resumable = response.status !== 400;
      const type = response.headers.get("content-type") ?? "";
      if (!response.ok || !response.body || !type.startsWith("text/event-stream")) return again();

      watcher.onConnection("open");
      const parser = createParser({
        onEvent: ({ data }) => {
          let event: Event;
          try {
            event = JSON.parse(data) as Event;
          } catch {
            return;
          }
          attempt = 0;
          watcher.onEvent(event);
        },
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        heard();
        parser.feed(value);
      }
      again();
    } catch {
      again();
    } finally {
      clearTimeout(silence);
    }
  }

  window.addEventListener("online", hurry);
  document.addEventListener("visibilitychange", hurry);
  void connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    current?.abort();
    window.removeEventListener("online", hurry);
    document.removeEventListener("visibilitychange", hurry);
  };
}
