/** What was done for an answer: a timeline of thoughts and calls that folds away, each call with its details. */

import { Check, ChevronRight, CircleDashed, CircleHelp, Hand, Sparkle, X } from "lucide-react";
import { Collapsible } from "radix-ui";
import { useState } from "react";
import { classes, Spinner } from "../kit/pieces";
import { duration, words } from "../words/en";
import { Cards } from "./cards";
import { Isolated } from "./isolated";
import { type CallView, cardsOf, type WorkItem } from "./reduce";
import { TakeBack } from "./undo";

function Sign({ state }: { state: CallView["state"] }) {
  const base = "relative z-1 grid size-[18px] shrink-0 place-items-center rounded-full";
  return (
    <span className={classes(base, "bg-paper")}>
      {state === "running" && <Spinner size={14} className="text-livery" />}
      {state === "done" && <Check size={14} strokeWidth={2.4} className="text-livery" aria-hidden="true" />}
      {state === "failed" && <X size={14} strokeWidth={2.4} className="text-danger" aria-hidden="true" />}
      {state === "unanswered" && <CircleDashed size={13} className="text-ink-3" aria-hidden="true" />}
      {state === "parked" && <Hand size={13} className="text-brass" aria-hidden="true" />}
      {state === "uncertain" && <CircleHelp size={14} className="text-brass" aria-hidden="true" />}
      <span className="sr-only">{words.work.call_state[state]}</span>
    </span>
  );
}

function readable(text: string) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Detail({ label, children }: { label: string; children: string }) {
  return (
    <div className="mt-2">
      <p className="text-[11.5px] text-ink-3">{label}</p>
      <pre
        tabIndex={0}
        className="mt-0.5 max-h-52 overflow-auto whitespace-pre-wrap rounded-lg bg-linen px-3 py-2 font-mono text-[12px] text-ink-2 leading-relaxed [overflow-wrap:anywhere]"
      >
        <Isolated text={children} />
      </pre>
    </div>
  );
}

function Call({ call }: { call: CallView }) {
  const [open, setOpen] = useState(false);
  return (
    <Collapsible.Root open={open} onOpenChange={setOpen}>
      <Collapsible.Trigger className="group flex w-full items-start gap-2.5 rounded-md py-1 text-start text-[13.5px]">
        <span className="mt-px">
          <Sign state={call.state} />
        </span>
        <span
          className={classes(
            "min-w-0 [overflow-wrap:anywhere] group-hover:text-ink",
            call.state === "running" ? "text-ink" : "text-ink-2",
          )}
        >
          <Isolated text={call.title} />
          {call.state !== "running" && call.duration_ms > 0 && (
            <span className="tabular text-ink-3"> · {duration(call.duration_ms)}</span>
          )}
        </span>
        <ChevronRight
          size={14}
          aria-hidden="true"
          className={classes(
            "-ms-1.5 mt-1 shrink-0 text-ink-3 opacity-0 transition group-hover:opacity-100 group-focus-visible:opacity-100 pointer-coarse:opacity-60",
            open && "rotate-90 opacity-100",
          )}
        />
      </Collapsible.Trigger>
      <Collapsible.Content className="fold">
        <div className="ps-7 pb-2">
          <Detail label={words.work.tool}>{call.name}</Detail>
          {call.arguments !== undefined && call.arguments.trim() !== "" && call.arguments.trim() !== "{}" && (
            <Detail label={words.work.asked}>{readable(call.arguments)}</Detail>
          )}
          {call.result !== "" && <Detail label={words.work.came_back}>{readable(call.result)}</Detail>}
        </div>
      </Collapsible.Content>
    </Collapsible.Root>
  );
}

function Thought({ text, live }: { text: string; live: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <Collapsible.Root open={open} onOpenChange={setOpen}>
      <Collapsible.Trigger className="group flex w-full items-start gap-2.5 rounded-md py-1 text-start text-[13.5px] text-ink-2 hover:text-ink">
        <span className="relative z-1 mt-px grid size-[18px] shrink-0 place-items-center rounded-full bg-paper">
          <Sparkle size={12} className="text-ink-3" aria-hidden="true" />
        </span>
        <span className={classes(live && "shimmer")}>{words.answer.thought}</span>
        <ChevronRight
          size={14}
          aria-hidden="true"
          className={classes("-ms-1.5 mt-1 shrink-0 text-ink-3 transition-transform", open && "rotate-90")}
        />
      </Collapsible.Trigger>
      <Collapsible.Content className="fold">
        <p className="overflow-y-clip whitespace-pre-wrap ps-7 pb-2 text-[13px] text-ink-2 leading-relaxed">{text}</p>
      </Collapsible.Content>
    </Collapsible.Root>
  );
}

/** Longer timelines fold when their answer is there. */
const SHORT = 6;

export function Work({ items, live, turn }: { items: WorkItem[]; live: boolean; turn: string }) {
  const calls = items.flatMap((item) => (item.type === "call" ? [item.call] : []));
  const done = calls.filter((call) => call.state !== "running").length;
  const failed = calls.filter((call) => call.state === "failed").length;
  const [chosen, setChosen] = useState<boolean>();
  const foldable = calls.length > 1;
  const open = chosen ?? (live || items.length <= SHORT);
  const cards = cardsOf(items);

  const timeline = (
    <ol className="relative before:absolute before:top-3 before:bottom-3 before:left-[8.5px] before:w-px before:bg-line">
      {items.map((item, place) => (
        <li key={item.type === "call" ? item.call.id : place}>
          {item.type === "call" ? (
            <Call call={item.call} />
          ) : (
            <Thought text={item.text} live={live && place === items.length - 1} />
          )}
        </li>
      ))}
    </ol>
  );

  return (
    <section className="my-3 first:mt-0" data-testid="work">
      {foldable ? (
        <Collapsible.Root open={open} onOpenChange={setChosen}>
          <Collapsible.Trigger className="group flex items-center gap-1.5 rounded-md py-0.5 text-[13.5px] text-ink-2 hover:text-ink">
            <span className={classes(live && done < calls.length && "shimmer")}>
              {live && done < calls.length ? words.work.running(done, calls.length) : words.work.done(calls.length)}
            </span>
            {failed > 0 && <span className="text-danger">· {words.work.failed(failed)}</span>}
            <ChevronRight
              size={14}
              aria-hidden="true"
              className={classes("text-ink-3 transition-transform", open && "rotate-90")}
            />
          </Collapsible.Trigger>
          <Collapsible.Content className="fold">
            <div className="pt-1">{timeline}</div>
          </Collapsible.Content>
        </Collapsible.Root>
      ) : (
        timeline
      )}
      {cards.length > 0 && <Cards cards={cards} />}
      {!live &&
        calls.map((call) => call.undo && <TakeBack key={call.id} turn={turn} call={call.id} offer={call.undo} />)}
    </section>
  );
}
