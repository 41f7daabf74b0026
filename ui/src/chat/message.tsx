/** One item of a conversation: what somebody said, or an answer with its work, notices and figures. */

import { useQuery } from "@tanstack/react-query";
import {
  BadgeCheck,
  CircleAlert,
  CircleSlash,
  Clock3,
  FileText,
  Hand,
  Hourglass,
  Popcorn,
  RotateCw,
  Shuffle,
  Split,
  TriangleAlert,
  X,
} from "lucide-react";
import { lazy, memo, type ReactNode, Suspense, useState } from "react";
import { api } from "../api/client";
import type { Notice, NoticeKind } from "../api/types";
import { Button, CopyButton, classes, Dialog, IconButton, Spinner, useNow, useSeen } from "../kit/pieces";
import { addressOf } from "../kit/route";
import { useSetting } from "../kit/settings";
import { date, duration, money, tokens, wholeTokens, words } from "../words/en";
import { ApprovalPlace } from "./approvals";
import { Work } from "./call";
import { Picture } from "./cards";
import { Isolated } from "./isolated";
import type { PointedAt } from "./links";
import { type Answer, answerText, type Said, type Summary } from "./reduce";

const Markdown = lazy(() => import("./markdown"));

/** The words themselves until the drawing of Markdown has arrived. */
function Prose({ text, known }: { text: string; known: PointedAt | undefined }) {
  return (
    <Suspense fallback={<div className="prose whitespace-pre-wrap">{text}</div>}>
      <Markdown text={text} known={known} />
    </Suspense>
  );
}

export interface MessageActions {
  /** Sends the last thing the person said once more. */
  retry(): void;
  again(id: string): void;
  discard(id: string): void;
}

/** Types a browser may show from a data address without running anything. */
const SHOWN = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;

export const SaidMessage = memo(function SaidMessage({ item, actions }: { item: Said; actions: MessageActions }) {
  const [open, setOpen] = useState<string>();
  const pictures = item.files.filter((file) => SHOWN.test(file.media_type));
  const files = item.files.filter((file) => !SHOWN.test(file.media_type));
  const waiting = item.state === "queued";
  return (
    <article
      aria-label={words.chat.you}
      className="flex flex-col items-end pt-2 pb-1"
      data-testid="said"
      data-state={item.state}
    >
      {pictures.length > 0 && (
        <div className="mb-1.5 flex max-w-[85%] flex-wrap justify-end gap-1.5">
          {pictures.map((file, place) => {
            const address = `data:${file.media_type};base64,${file.data}`;
            return (
              <button key={place} type="button" onClick={() => setOpen(address)} className="rounded-xl">
                <img
                  src={address}
                  alt={file.name || words.chat.attached}
                  className="max-h-52 max-w-full rounded-xl ring-1 ring-line"
                />
              </button>
            );
          })}
        </div>
      )}
      {files.map((file, place) => (
        <p
          key={place}
          className="mb-1.5 flex max-w-[85%] items-center gap-2 rounded-xl border border-line bg-raised px-3 py-2 text-[13px]"
        >
          <FileText size={15} className="shrink-0 text-ink-3" aria-hidden="true" />
          <span className="truncate">{file.name}</span>
        </p>
      ))}
      {item.text !== "" && (
        <div
          className={classes(
            "max-w-[85%] overflow-hidden whitespace-pre-wrap rounded-[18px] rounded-br-md bg-bubble px-4 py-2.5 text-[15px] leading-[1.55] [overflow-wrap:anywhere] sm:max-w-[78%]",
            waiting && "bg-transparent text-ink-2 ring-1 ring-line-2 ring-inset",
          )}
        >
          {item.text}
        </div>
      )}
      {waiting && (
        <p className="mt-1 flex items-center gap-1.5 pe-1 text-[12px] text-ink-3">
          <Hourglass size={11} aria-hidden="true" /> {words.chat.queued}
        </p>
      )}
      {item.state === "refused" && (
        <div role="alert" className="mt-1.5 flex flex-wrap items-center justify-end gap-1 text-[13px] text-danger">
          <span className="pe-1">{words.chat.refused(item.reason ?? words.state.unreachable)}</span>
          <Button kind="plain" className="h-7! px-2.5!" onClick={() => actions.again(item.id)}>
            <RotateCw size={12} /> {words.state.try_again}
          </Button>
          <Button kind="quiet" className="h-7! px-2.5!" onClick={() => actions.discard(item.id)}>
            <X size={12} /> {words.chat.discard}
          </Button>
        </div>
      )}
      <Dialog open={open !== undefined} onClose={() => setOpen(undefined)} title={words.chat.picture} wide>
        <img src={open} alt={words.chat.attached} className="mx-auto mt-2 max-h-[70dvh] max-w-full rounded-lg" />
      </Dialog>
    </article>
  );
});

/** What was decided, said by the house: nobody typed it. */
export const DecidedLine = memo(function DecidedLine({ text }: { text: string }) {
  return (
    <p
      role="note"
      data-testid="decided"
      className="mx-auto flex max-w-[90%] items-baseline justify-center gap-1.5 overflow-y-clip pt-3 pb-1 text-center text-[12.5px] text-ink-3"
    >
      <Hand size={11.5} className="relative top-px shrink-0" aria-hidden="true" />
      <Isolated text={text} />
    </p>
  );
});

/** News of what was asked for: said by the house unasked, so it looks like nobody's words. Each thing beside its poster. */
export const NewsLine = memo(function NewsLine({ item }: { item: Pick<Said, "text" | "at_ms" | "news"> }) {
  const news: Pick<Notice, "text" | "about">[] = item.news ?? [{ text: item.text, about: null }];
  return (
    <div
      role="note"
      data-testid="notice"
      data-kind="news"
      className="enter my-3 overflow-hidden rounded-2xl border border-livery/20 bg-livery-soft px-4 py-3"
    >
      <span className="sr-only">{words.notice.news}: </span>
      <ul className="space-y-3">
        {news.map(({ text, about }, place) => (
          <li key={place} className="flex items-center gap-3.5" data-testid="news">
            {about ? (
              <Picture
                card={{ picture: about.picture ?? null }}
                className="aspect-2/3 w-11 shrink-0 rounded-md ring-1 ring-line"
              />
            ) : (
              <span
                aria-hidden="true"
                className="grid size-8 shrink-0 place-items-center rounded-full bg-livery text-on-livery"
              >
                <Popcorn size={16} />
              </span>
            )}
            <div className="min-w-0 flex-1 overflow-y-clip">
              {text.split("\n").map((line, row) => (
                <p key={row} className="font-medium text-[15px] leading-normal">
                  <Isolated text={line} />
                </p>
              ))}
              <p className="mt-0.5 flex flex-wrap gap-x-2 text-[12.5px] text-ink-2">
                <time dateTime={new Date(item.at_ms).toISOString()}>{date(item.at_ms)}</time>
                <span aria-hidden="true">·</span>
                <a
                  href={addressOf({ page: "requests", ...(about ? { id: about.request } : {}) })}
                  className="text-livery hover:underline"
                >
                  {about ? words.notice.news_story : words.pages.requests}
                </a>
              </p>
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
});

const SIGNS: Record<NoticeKind, typeof Clock3> = {
  cancelled: CircleSlash,
  timed_out: Clock3,
  partial: Split,
  failed: CircleAlert,
  fallback: Shuffle,
  decided: Hand,
  receipt: BadgeCheck,
  correction: TriangleAlert,
  news: Popcorn,
};

function NoticeLine({ kind, text, action }: { kind: NoticeKind; text: string; action?: ReactNode }) {
  const Sign = SIGNS[kind] ?? CircleAlert;
  const quiet = kind === "fallback" || kind === "cancelled";
  if (kind === "decided") return <DecidedLine text={text} />;
  // Made by code from what happened, so they read alike and unlike anything a model wrote.
  if (kind === "receipt" || kind === "correction") {
    return (
      <p
        role="note"
        data-testid="notice"
        data-kind={kind}
        className={classes(
          "my-3 flex items-start gap-2.5 rounded-xl border px-3.5 py-2.5 font-medium text-[14px] leading-snug",
          kind === "receipt"
            ? "border-livery/25 bg-livery-soft text-livery"
            : "border-brass-line bg-brass-soft text-brass",
        )}
      >
        <Sign size={17} className="mt-px shrink-0" aria-hidden="true" />
        <span className="min-w-0 overflow-y-clip">
          <span className="sr-only">{words.notice[kind]}: </span>
          <Isolated text={text} />
        </span>
      </p>
    );
  }
  return (
    <div
      role={kind === "failed" ? "alert" : "note"}
      data-testid="notice"
      data-kind={kind}
      className={classes(
        "my-3 flex items-start gap-2.5 text-[13.5px] leading-snug",
        quiet && "text-ink-2",
        !quiet && "rounded-xl border px-3.5 py-3",
        (kind === "partial" || kind === "timed_out") && "border-brass-line bg-brass-soft text-brass",
        kind === "failed" && "border-danger-line bg-danger-soft text-danger",
      )}
    >
      <Sign size={15} className={classes("mt-px shrink-0", quiet && "text-ink-3")} aria-hidden="true" />
      <div className="min-w-0 flex-1 overflow-y-clip [overflow-wrap:anywhere]">
        {quiet ? (
          <span className="sr-only">{words.notice[kind]}: </span>
        ) : (
          <p className="font-semibold">{words.notice[kind]}</p>
        )}
        <p className={classes(!quiet && "mt-0.5 text-ink-2")}>
          <Isolated text={text} />
        </p>
      </div>
      {action}
    </div>
  );
}

/** Counts the seconds of waiting. The server ends a turn that takes too long; the page only shows. */
function Waiting({ label, since_ms }: { label: string; since_ms: number }) {
  const now = useNow(true);
  const seconds = Math.max(0, Math.floor((now - since_ms) / 1000));
  return (
    <p className="flex items-center gap-2 py-1 text-[14px]" data-testid="waiting">
      <span className="shimmer">{label}</span>
      {seconds > 0 && (
        <span className="tabular text-[13px] text-ink-3" aria-hidden="true" data-testid="seconds">
          {words.answer.seconds(seconds)}
        </span>
      )}
    </p>
  );
}

function Figures({ summary }: { summary: Summary }) {
  const { usage, model } = summary;
  const cut = model.indexOf("/") + 1;
  const [provider, id] = [model.slice(0, cut), model.slice(cut)];
  const about = usage.estimated ? "≈ " : "";
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of figures, not of fields
    <span
      role="group"
      aria-label={words.answer.usage}
      data-testid="figures"
      className="tabular flex min-w-0 flex-wrap items-center gap-x-2 text-[12px] text-ink-3"
    >
      <span title={`${words.answer.model} ${model}`} className="max-w-56 truncate">
        <span className="max-sm:hidden">{provider}</span>
        {id || words.answer.unknown_model}
      </span>
      <span aria-hidden="true">·</span>
      <span
        title={`${words.answer.input}: ${wholeTokens(usage.input_tokens)}. ${words.answer.output}: ${wholeTokens(usage.output_tokens)}`}
      >
        {about}
        {words.answer.read(tokens(usage.input_tokens))}
        <span aria-hidden="true">,</span> {words.answer.written(tokens(usage.output_tokens))}
      </span>
      <span aria-hidden="true">·</span>
      <span title={words.answer.cost}>{money(summary.cost_micros)}</span>
      <span aria-hidden="true">·</span>
      <span title={words.answer.time}>{duration(summary.duration_ms)}</span>
    </span>
  );
}

/** Figures of a finished turn. The event brings them first; the row is asked for once, so that a reload shows the same. */
function useSummary(answer: Answer, wanted: boolean): Summary | undefined {
  const settled = answer.state !== "running" && answer.state !== "starting";
  const { data } = useQuery({
    queryKey: ["turn", answer.turn],
    queryFn: ({ signal }) => api.turn(answer.turn, signal),
    enabled: wanted && settled,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const turn = data?.turn;
  if (!turn || turn.started_at_ms === null || turn.finished_at_ms === null) return answer.summary;
  return {
    model: turn.model ?? "",
    usage: turn.usage,
    cost_micros: turn.cost_micros,
    duration_ms: turn.finished_at_ms - turn.started_at_ms,
  };
}

export const AnswerMessage = memo(function AnswerMessage({
  item,
  last,
  actions,
  known,
}: {
  item: Answer;
  last: boolean;
  actions: MessageActions;
  /** What was pointed at in this conversation: there links may lead. */
  known: PointedAt;
}) {
  const streaming = useSetting("streaming");
  const [foot, seen] = useSeen<HTMLDivElement>();
  const summary = useSummary(item, seen);
  const live = item.state === "running" || item.state === "starting";
  const blocks = live && !streaming ? item.blocks.filter((block) => block.type !== "text") : item.blocks;
  const end = blocks.at(-1);
  const calling =
    end?.type === "work" && end.items.some((entry) => entry.type === "call" && entry.call.state === "running");
  const writing = live && end?.type === "text";
  const text = answerText(item);

  let waiting: string | undefined;
  if (live && item.cancelling) waiting = words.answer.stopping;
  else if (live && !writing) {
    if (item.progress) waiting = item.progress;
    else if (item.state === "starting") waiting = words.answer.starting;
    else if (calling) waiting = words.answer.working;
    else waiting = !streaming && text !== "" ? words.answer.writing : words.answer.thinking;
  }
  const failed = item.blocks.some((block) => block.type === "notice" && block.notice.kind === "failed");

  return (
    <article
      aria-label={words.name}
      aria-busy={live}
      data-testid="answer"
      data-state={item.state}
      className="group/answer pt-2 pb-3"
    >
      {blocks.map((block, place) => {
        const key = place;
        if (block.type === "work")
          return <Work key={key} items={block.items} live={live && place === blocks.length - 1} turn={item.turn} />;
        if (block.type === "approval") return <ApprovalPlace key={block.id} id={block.id} />;
        if (block.type === "notice") {
          return (
            <NoticeLine
              key={key}
              kind={block.notice.kind}
              text={block.notice.text}
              action={
                block.notice.kind === "failed" && last && !live && !item.after_decision ? (
                  <Button className="h-8! bg-transparent!" onClick={actions.retry}>
                    <RotateCw size={13} /> {words.answer.try_again}
                  </Button>
                ) : undefined
              }
            />
          );
        }
        return (
          <div key={key} className={classes("my-3 first:mt-0", writing && place === blocks.length - 1 && "writing")}>
            <Prose text={block.text} known={live ? undefined : known} />
          </div>
        );
      })}
      {waiting !== undefined && <Waiting label={waiting} since_ms={item.since_ms ?? item.at_ms} />}
      {!live && blocks.length === 0 && <p className="text-ink-3">{words.answer.empty}</p>}
      <div ref={foot} className={classes("flex items-center gap-1", (live || last || text !== "") && "mt-1 min-h-8")}>
        {!live && (
          <>
            <div className="-ms-2 flex items-center">
              {text !== "" && <CopyButton text={text} label={words.answer.copy} className="text-ink-3" />}
              {last && !failed && !item.after_decision && (
                <IconButton label={words.answer.retry} className="text-ink-3" onClick={actions.retry}>
                  <RotateCw size={15} />
                </IconButton>
              )}
            </div>
            {/* What was carried out without a model has used none. */}
            {summary && summary.model !== "" && (
              <span
                className={classes(
                  "min-w-0 transition-opacity",
                  !last &&
                    "pointer-fine:opacity-0 group-focus-within/answer:opacity-100 group-hover/answer:opacity-100",
                )}
              >
                <Figures summary={summary} />
              </span>
            )}
          </>
        )}
      </div>
    </article>
  );
});

export function LoadingMessages() {
  return (
    <div role="status" className="space-y-7 pt-8" aria-label={words.state.loading}>
      {[1, 2].map((place) => (
        <div key={place} className="animate-pulse space-y-3">
          <div className="ms-auto h-10 w-2/5 rounded-2xl bg-hover" />
          <div className="h-3.5 w-11/12 rounded-full bg-hover" />
          <div className="h-3.5 w-4/5 rounded-full bg-hover" />
          <div className="h-3.5 w-3/5 rounded-full bg-hover" />
        </div>
      ))}
      <Spinner className="sr-only" />
    </div>
  );
}
