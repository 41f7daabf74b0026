/** The inbox: what waits for this person's decision wherever it was asked, and what they asked for themselves. */

import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import { api } from "../api/client";
import type { Me, ShownApproval } from "../api/types";
import { OPEN_LIMIT, refreshApprovals, useOpenApprovals } from "../chat/approvals";
import { Button, Failed, Spinner } from "../kit/pieces";
import { words } from "../words/en";
import { Followed } from "./followed";
import { Choice, Frame, Waiting } from "./frame";

type Filter = "open" | "all";

export default function ApprovalsPage({ me, start }: { me: Me; start: ReactNode }) {
  const [filter, setFilter] = useState<Filter>("open");
  return (
    <Frame me={me} start={start} page="approvals" hint={words.inbox.hint}>
      <div>
        <div className="mb-2 flex justify-end">
          <Choice
            label={words.inbox.filter}
            value={filter}
            options={[
              ["open", words.inbox.open],
              ["all", words.inbox.all],
            ]}
            onChange={setFilter}
          />
        </div>
        {filter === "open" ? <Open me={me} /> : <All me={me} />}
      </div>
    </Frame>
  );
}

/** What was open when one came stays to be seen through, also after its decision. */
function Open({ me }: { me: Me }) {
  const { data, isPending, isError, refetch } = useOpenApprovals();
  const [news, tell] = useNews();
  const listed = data?.approvals ?? [];
  const [met, setMet] = useState<Record<string, ShownApproval>>({});
  useEffect(() => {
    if (!data) return;
    setMet((before) => ({ ...before, ...Object.fromEntries(data.approvals.map((one) => [one.id, one])) }));
  }, [data]);
  const approvals = Object.values({ ...met, ...Object.fromEntries(listed.map((one) => [one.id, one])), ...news });
  return (
    <List
      me={me}
      approvals={approvals.toSorted((a, b) => b.created_at_ms - a.created_at_ms)}
      listed={listed}
      waiting={isPending}
      failed={isError && !data}
      onRetry={() => void refetch()}
      onNews={tell}
      empty={words.inbox.empty_open}
    />
  );
}

function All({ me }: { me: Me }) {
  const [news, tell] = useNews();
  const { data, isPending, isError, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["approvals", "all"],
    queryFn: ({ pageParam, signal }) =>
      api.approvals({
        state: "all",
        limit: OPEN_LIMIT,
        signal,
        ...(pageParam === undefined ? {} : { before_ms: pageParam }),
      }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ approvals }) => (approvals.length < OPEN_LIMIT ? undefined : approvals.at(-1)?.created_at_ms),
  });
  const listed = useMemo(() => data?.pages.flatMap((page) => page.approvals) ?? [], [data]);
  return (
    <>
      <List
        me={me}
        approvals={listed.map((one) => news[one.id] ?? one)}
        listed={listed}
        waiting={isPending}
        failed={isError && !data}
        onRetry={() => void refetch()}
        onNews={tell}
        empty={words.inbox.empty_all}
      />
      {hasNextPage && (
        <Button kind="quiet" className="mt-2" onClick={() => void fetchNextPage()}>
          {isFetchingNextPage && <Spinner size={14} />} {words.inbox.older}
        </Button>
      )}
    </>
  );
}

/** What was learned since the lists were asked. */
function useNews() {
  const client = useQueryClient();
  const [news, setNews] = useState<Record<string, ShownApproval>>({});
  const tell = useCallback(
    (approvals: ShownApproval[]) => {
      setNews((before) => ({ ...before, ...Object.fromEntries(approvals.map((one) => [one.id, one])) }));
      void refreshApprovals(client);
    },
    [client],
  );
  return [news, tell] as const;
}

function List({
  me,
  approvals,
  listed,
  waiting,
  failed,
  empty,
  onRetry,
  onNews,
}: {
  me: Me;
  approvals: ShownApproval[];
  /** As the service last listed them. */
  listed: ShownApproval[];
  waiting: boolean;
  failed: boolean;
  empty: string;
  onRetry: () => void;
  onNews: (approvals: ShownApproval[]) => void;
}) {
  if (waiting) return <Waiting />;
  if (failed) return <Failed title={words.inbox.failed} hint={words.inbox.failed_hint} onRetry={onRetry} />;
  if (approvals.length === 0) {
    return (
      <div className="flex flex-col items-center gap-2 py-14 text-center">
        <CircleCheck size={26} strokeWidth={1.6} className="text-livery" aria-hidden="true" />
        <p className="text-[14px] text-ink-2">{empty}</p>
      </div>
    );
  }
  return (
    <ul aria-label={words.pages.approvals}>
      {approvals.map((approval) => (
        <li key={approval.id}>
          <Followed approval={approval} me={me} listed={listed.find(({ id }) => id === approval.id)} onNews={onNews} />
        </li>
      ))}
    </ul>
  );
}
