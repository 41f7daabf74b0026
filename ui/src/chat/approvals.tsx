/** Approvals where they are met: in their conversation, and counted for the whole page. Keeps what was learned together. */

import { type QueryClient, useQuery } from "@tanstack/react-query";
import { ArrowDown } from "lucide-react";
import { createContext, useContext } from "react";
import { api } from "../api/client";
import { Button, Spinner } from "../kit/pieces";
import { words } from "../words/en";
import { ApprovalCard, type OnNews } from "./approval";
import { type ApprovalView, versionsOf } from "./reduce";

/** How often it is asked whether somebody waits for a decision, while the page is looked at. */
const WATCH_MS = 5_000;
export const OPEN_LIMIT = 50;

export function useOpenApprovals() {
  return useQuery({
    queryKey: ["approvals", "open"],
    queryFn: ({ signal }) => api.approvals({ state: "open", limit: OPEN_LIMIT, signal }),
    refetchInterval: WATCH_MS,
  });
}

/** How many wait for this person. */
export function useWaitingForMe(): number {
  const { data } = useOpenApprovals();
  return data?.approvals.filter(({ may_decide }) => may_decide).length ?? 0;
}

export function refreshApprovals(client: QueryClient) {
  return client.invalidateQueries({ queryKey: ["approvals"] });
}

export interface Met {
  approvals: Record<string, ApprovalView>;
  /** Whether those not among them are still being asked for. */
  asking: "asking" | "answered" | "failed";
  person: string;
  onNews: OnNews;
  onRetry: () => void;
}

export const MetApprovals = createContext<Met | undefined>(undefined);

/** The place of an approval in a conversation, with the versions that followed it. */
export function ApprovalPlace({ id }: { id: string }) {
  const met = useContext(MetApprovals);
  if (!met) return null;
  const versions = versionsOf(met.approvals, id);
  if (versions.length === 0) {
    return (
      <div
        role={met.asking === "failed" ? "alert" : "status"}
        className="my-3 flex flex-wrap items-center gap-3 rounded-2xl border border-line px-4 py-3.5 text-[13.5px] text-ink-2"
      >
        {met.asking === "asking" && <Spinner className="text-ink-3" />}
        <span className="min-w-0 flex-1">{words.approval[met.asking]}</span>
        {met.asking === "failed" && (
          <Button className="h-8!" onClick={met.onRetry}>
            {words.state.try_again}
          </Button>
        )}
      </div>
    );
  }
  return versions.map((approval, place) => {
    const next = versions[place + 1];
    return (
      <ApprovalCard
        key={approval.id}
        approval={approval}
        mine={approval.requester === met.person}
        onNews={met.onNews}
        action={
          next && (
            <button
              type="button"
              onClick={() => {
                const target = document.getElementById(`approval-${next.id}`);
                target?.scrollIntoView({ block: "nearest" });
                target?.querySelector<HTMLElement>("[data-testid=approval-told]")?.focus();
              }}
              className="inline-flex items-center gap-1 rounded-md px-1 py-1 text-[13px] text-livery hover:underline"
            >
              {words.approval.new_version} <ArrowDown size={13} aria-hidden="true" />
            </button>
          )
        }
      />
    );
  });
}
