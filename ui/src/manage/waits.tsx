/** Something that waits for a yes, on the page where it was wished: what is said of it, and the card on which it is decided. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { api } from "../api/client";
import type { Me, ShownApproval } from "../api/types";
import { Failed } from "../kit/pieces";
import { words } from "../words/en";
import { Followed } from "./followed";
import { Waiting } from "./frame";

/** A change that was not made but asked about, with the card on which it is decided. */
export function WaitsForYes({
  id,
  text,
  quiet = false,
  me,
  onSettled,
}: {
  id: string;
  text: string;
  /** The page says so already. */
  quiet?: boolean;
  me: Me;
  onSettled: () => void;
}) {
  const { data, isError, refetch } = useQuery({
    queryKey: ["approvals", "one", id],
    queryFn: ({ signal }) => api.approval(id, signal),
  });
  const client = useQueryClient();
  // A change of what was asked is decided by itself, under another name.
  const [next, setNext] = useState<ShownApproval>();
  const settled = useRef(onSettled);
  settled.current = onSettled;
  const onNews = useCallback(
    (news: ShownApproval[]) => {
      const [one, other] = news;
      if (other) setNext(other);
      else if (one && one.id !== id) setNext(one);
      else if (one) client.setQueryData(["approvals", "one", id], one);
      void client.invalidateQueries({ queryKey: ["approvals", "open"] });
      if (news.some(({ state }) => state !== "open" && state !== "approved" && state !== "running")) settled.current();
    },
    [client, id],
  );
  const shown = next ?? data;
  return (
    <section data-testid="waits-for-yes" aria-label={text}>
      {!quiet && (!shown || shown.state === "open") && (
        <p role="status" className="text-[14px] text-brass">
          {text}
        </p>
      )}
      {shown ? (
        <Followed approval={shown} listed={shown} me={me} onNews={onNews} />
      ) : isError ? (
        <Failed title={words.approval.failed} onRetry={() => void refetch()} />
      ) : (
        <Waiting />
      )}
    </section>
  );
}
