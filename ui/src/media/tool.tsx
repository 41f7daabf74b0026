/** Asks one tool for what a page shows, and draws every way in which that may go wrong. */

import { useQuery } from "@tanstack/react-query";
import { Plug } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError, api } from "../api/client";
import { Failed } from "../kit/pieces";
import { Waiting } from "../manage/frame";
import { words } from "../words/en";
import { Stale } from "./bits";

export type Asked<Kind> =
  | { state: "waiting" }
  /** `stale` says why it could not be asked again. */
  | { state: "here"; value: Kind; stale: string | undefined }
  /** The service has no such tool: nothing is connected. */
  | { state: "not_offered" }
  /** It could not do what was asked, and said why. */
  | { state: "refused"; reason: string; again: () => void }
  | { state: "failed"; reason: string; again: () => void };

/** `read` understands the tool's text; `every_ms` asks again while the page is looked at. */
export function useTool<Kind>(
  name: string,
  body: object,
  read: (text: string) => Kind | undefined,
  every_ms?: number,
): Asked<Kind> {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["tool", name, body],
    queryFn: ({ signal }) => api.runTool(name, body, signal),
    refetchInterval: ({ state }) =>
      every_ms === undefined || (state.error instanceof ApiError && state.error.status === 404) ? false : every_ms,
  });
  const again = () => void refetch();
  // What was here stays here, and says so, while it cannot be asked again; except when it is not offered any more.
  if (error instanceof ApiError && error.status === 404) return { state: "not_offered" };
  if (isPending) return { state: "waiting" };
  if (error && !data) return { state: "failed", reason: error.message, again };
  if (!data) return { state: "waiting" };
  if (data.is_error) return { state: "refused", reason: data.text, again };
  const value = read(data.text);
  return value === undefined
    ? { state: "failed", reason: words.media.not_understood, again }
    : { state: "here", value, stale: error?.message };
}

/** What is here, or the face of what is not. */
export function Shown<Kind>({
  asked,
  name,
  children,
}: {
  asked: Asked<Kind>;
  name: string;
  children: (value: Kind) => ReactNode;
}) {
  switch (asked.state) {
    case "waiting":
      return <Waiting />;
    case "here":
      return (
        <>
          <Stale reason={asked.stale} />
          {children(asked.value)}
        </>
      );
    case "not_offered":
      return (
        <p data-testid="not-offered" className="flex items-start gap-2.5 text-[14px] text-ink-2">
          <Plug size={16} className="mt-0.5 shrink-0 text-ink-3" aria-hidden="true" />
          {words.media.missing[name]}
        </p>
      );
    case "refused":
    case "failed":
      return <Failed title={words.media.not_answered} hint={asked.reason} onRetry={asked.again} />;
  }
}
