/** What people say is wrong with something: an admin sees all of it and says what became of it, everybody else sees their own. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, TriangleAlert } from "lucide-react";
import { api } from "../api/client";
import type { Me, ShownReport } from "../api/types";
import { Isolated } from "../chat/isolated";
import { note } from "../kit/notes";
import { Button } from "../kit/pieces";
import { addressOf } from "../kit/route";
import { day, words } from "../words/en";
import { Stale } from "./bits";

const said = words.reports;

/** Nothing while nothing is reported. */
export function Reports({ me }: { me: Me }) {
  const { data, error } = useQuery({ queryKey: ["reports"], queryFn: ({ signal }) => api.reports(signal) });
  if (error && !data) return <Stale reason={error.message} />;
  if (!data || data.reports.length === 0) return null;
  return (
    <section aria-labelledby="reports-title" className="mb-7">
      <h2 id="reports-title" className="mb-2 font-semibold text-[15.5px] tracking-[-0.01em]">
        {me.person.standing === "admin" ? said.title : said.mine}
      </h2>
      <ul className="divide-y divide-line border-line border-y">
        {data.reports.map((report) => (
          <Row key={report.id} report={report} />
        ))}
      </ul>
    </section>
  );
}

function Row({ report }: { report: ShownReport }) {
  const client = useQueryClient();
  const close = useMutation({
    mutationFn: (state: "mended" | "dismissed") => api.closeReport(report.id, state),
    onSuccess: () => note(said.told),
    onError: (reason: Error) => note(words.requests.not_done(reason.message)),
    onSettled: () => client.invalidateQueries({ queryKey: ["reports"] }),
  });
  return (
    <li data-testid="report" className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
      <TriangleAlert size={16} aria-hidden="true" className="shrink-0 text-brass" />
      <div className="min-w-0 flex-1 overflow-y-clip">
        <p className="font-medium text-[14.5px] leading-snug">
          {report.request_id === null ? (
            <Isolated text={report.title} />
          ) : (
            <a href={addressOf({ page: "requests", id: report.request_id })} className="hover:underline">
              <Isolated text={report.title} />
            </a>
          )}
        </p>
        <p className="text-[13.5px] text-ink-2 leading-snug">
          <Isolated text={report.text} />
        </p>
        <p className="text-[12.5px] text-ink-3">
          {said.by} {report.is_own ? words.requests.you : <Isolated text={report.reporter_name} />} ·{" "}
          {day(report.created_at_ms)}
        </p>
      </div>
      {report.may_close && (
        <div className="flex gap-2">
          <Button disabled={close.isPending} onClick={() => close.mutate("mended")}>
            <Check size={15} aria-hidden="true" /> {said.mended}
          </Button>
          <Button kind="quiet" disabled={close.isPending} onClick={() => close.mutate("dismissed")}>
            {said.dismissed}
          </Button>
        </div>
      )}
    </li>
  );
}
