/** Small pieces the pages about films and series share: a bar, a poster's place, and who could not be asked. */

import { Unplug } from "lucide-react";
import { Picture } from "../chat/cards";
import { Isolated } from "../chat/isolated";
import { classes } from "../kit/pieces";
import { words } from "../words/en";
import type { CouldNotAsk } from "./answers";

/** How much of something; `of` says what. */
export function Bar({
  percent,
  of,
  tone = "bg-livery",
  className,
}: {
  percent: number;
  of: string;
  tone?: string;
  className?: string;
}) {
  const width = Math.max(0, Math.min(100, percent));
  return (
    <div
      role="progressbar"
      aria-label={of}
      aria-valuenow={Math.round(width)}
      aria-valuemin={0}
      aria-valuemax={100}
      className={classes("h-1.5 overflow-hidden rounded-full bg-press", className)}
    >
      <div
        className={classes("h-full rounded-full transition-[width] duration-500", tone)}
        style={{ width: `${width}%` }}
      />
    </div>
  );
}

export function Poster({ picture, className }: { picture: string | null; className: string }) {
  return <Picture card={{ picture }} className={classes("aspect-2/3 shrink-0 ring-1 ring-line", className)} />;
}

/** What is shown was true once; asking again did not work. */
export function Stale({ reason }: { reason: string | undefined }) {
  if (reason === undefined) return null;
  return (
    <p role="status" data-testid="stale" className="mb-3 flex items-center gap-2 text-[13px] text-brass">
      <span className="size-1.5 shrink-0 animate-pulse rounded-full bg-brass-mark" aria-hidden="true" />
      {words.media.stale(reason)}
    </p>
  );
}

/** Who was asked and did not answer, and why: what they know is missing, not absent. */
export function CouldNotBeAsked({ services }: { services: CouldNotAsk[] }) {
  if (services.length === 0) return null;
  return (
    <div
      role="note"
      data-testid="could-not-ask"
      className="mb-4 flex items-start gap-2.5 rounded-xl border border-brass-line bg-brass-soft px-3.5 py-2.5 text-[13.5px] text-brass leading-snug"
    >
      <Unplug size={15} className="mt-0.5 shrink-0" aria-hidden="true" />
      <div className="min-w-0 overflow-y-clip">
        <p className="font-semibold">{words.media.could_not_ask}</p>
        <ul>
          {services.map(({ service, reason }) => (
            <li key={service} className="text-ink-2">
              <Isolated text={reason.includes(service) ? reason : `${service}: ${reason}`} />
            </li>
          ))}
        </ul>
        <p className="mt-0.5 text-ink-2">{words.media.could_not_ask_hint}</p>
      </div>
    </div>
  );
}
