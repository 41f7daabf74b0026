/** For admins: what was decided, done, refused and changed in the house, newest first. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api } from "../api/client";
import type { AuditEntry, Me } from "../api/types";
import { Isolated } from "../chat/isolated";
import { Button, classes, Failed, field, Spinner } from "../kit/pieces";
import { date, words } from "../words/en";
import { Frame, forbidden, Waiting } from "./frame";

const LIMIT = 50;

export default function AuditPage({ me, start }: { me: Me; start: ReactNode }) {
  const [kind, setKind] = useState("");
  const { data, isPending, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["audit", kind],
    queryFn: ({ pageParam, signal }) =>
      api.audit({ kind, limit: LIMIT, signal, ...(pageParam === undefined ? {} : { before: pageParam }) }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ entries, more }) => (more ? entries.at(-1)?.seq : undefined),
    select: ({ pages }) => pages.flatMap(({ entries }) => entries),
  });
  const kinds = Object.entries(words.audit.kind);
  return (
    <Frame me={me} start={start} page="audit" hint={words.audit.hint}>
      <div>
        <div className="mb-3 flex justify-end">
          <label className="flex items-center gap-2 text-[13px] text-ink-2">
            {words.audit.filter}
            <select
              value={kind}
              onChange={(event) => setKind(event.target.value)}
              className={classes(field, "h-9! w-auto! pe-2")}
            >
              <option value="">{words.audit.every}</option>
              {kinds.map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </label>
        </div>
        {isPending ? (
          <Waiting />
        ) : error ? (
          <Failed
            title={forbidden(error) ? words.audit.forbidden : words.audit.failed}
            {...(forbidden(error) ? {} : { onRetry: () => void refetch() })}
          />
        ) : data.length === 0 ? (
          <p className="py-8 text-center text-[14px] text-ink-2">{words.audit.empty}</p>
        ) : (
          <Entries entries={data} />
        )}
        {hasNextPage && (
          <Button
            kind="quiet"
            className="-ms-3 mt-2"
            disabled={isFetchingNextPage}
            onClick={() => void fetchNextPage()}
          >
            {isFetchingNextPage && <Spinner size={14} />} {words.audit.older}
          </Button>
        )}
      </div>
    </Frame>
  );
}

/** A table where there is room; on a narrow screen each entry is a few lines. */
function Entries({ entries }: { entries: AuditEntry[] }) {
  const head = "h-9 pe-4 text-start font-medium text-[12.5px] text-ink-3 last:pe-0";
  const cell = "py-2.5 pe-4 align-top last:pe-0 max-sm:block max-sm:p-0";
  return (
    <table aria-label={words.pages.audit} className="w-full border-collapse text-[13.5px] max-sm:block">
      <thead className="max-sm:sr-only">
        <tr className="border-line border-b">
          {[words.audit.when, words.audit.who, words.audit.what, words.audit.detail].map((name) => (
            <th key={name} scope="col" className={head}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody className="max-sm:block">
        {entries.map((entry) => (
          <tr
            key={entry.seq}
            data-testid="entry"
            className="border-line border-b last:border-0 max-sm:flex max-sm:flex-wrap max-sm:items-baseline max-sm:gap-x-2 max-sm:py-2.5"
          >
            <td className={classes(cell, "tabular whitespace-nowrap text-ink-3 max-sm:text-[12.5px]")}>
              {date(entry.at_ms)}
            </td>
            <td className={classes(cell, "whitespace-nowrap max-sm:text-[12.5px]")}>
              {entry.actor_name ? <Isolated text={entry.actor_name} /> : words.audit.house}
            </td>
            <td className={cell}>
              <span className="whitespace-nowrap rounded-md bg-linen px-1.5 py-0.5 text-[12.5px] text-ink-2">
                {words.audit.kind[entry.kind] ?? entry.kind}
              </span>
            </td>
            <td className={classes(cell, "max-sm:mt-1 max-sm:w-full")}>
              <Isolated text={entry.detail} />
              {entry.subject !== "" && (
                <span className="block text-[12px] text-ink-3">
                  <Isolated text={entry.subject} />
                </span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
