/**
 * A call that waits, or waited, for somebody's decision: what was asked, whether it may be done, what became of it.
 * Everything in it that comes from the arguments is set apart from our own words.
 */

import { useQuery } from "@tanstack/react-query";
import {
  Ban,
  Check,
  ChevronRight,
  CircleAlert,
  CircleHelp,
  Hand,
  Hourglass,
  Pencil,
  TriangleAlert,
  X,
} from "lucide-react";
import { Collapsible } from "radix-ui";
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { ApiError, api } from "../api/client";
import type { ApprovalState, Decision, ShownApproval, ToolInfo } from "../api/types";
import { Button, classes, field, Spinner, useNow } from "../kit/pieces";
import { addressOf, currentRoute } from "../kit/route";
import { date, words } from "../words/en";
import { CardContent } from "./cards";
import { argumentsOf, type Field, faithful, fieldsOf, parted, type Values, valuesOf } from "./fields";
import { Isolated } from "./isolated";
import type { ApprovalView } from "./reduce";

/** What was learned of approvals on the way, for whoever shows them. */
export type OnNews = (approvals: ShownApproval[]) => void;

type Kind = Decision["decision"];

/** Sends one decision at a time. Whoever was faster is shown, not argued with. */
function useDecide(id: string, onNews: OnNews) {
  const sending = useRef(false);
  const [busy, setBusy] = useState<Kind>();
  const [problem, setProblem] = useState<{ text: string; late: boolean }>();
  const decide = async (decision: Decision): Promise<boolean> => {
    if (sending.current) return false;
    sending.current = true;
    setBusy(decision.decision);
    setProblem(undefined);
    try {
      const { approval, changed_to } = await api.decide(id, decision);
      onNews(changed_to ? [approval, changed_to] : [approval]);
      return true;
    } catch (reason) {
      const text = reason instanceof Error ? reason.message : words.state.unreachable;
      // It may be over by now, or no longer be this person's.
      const stands = reason instanceof ApiError && (reason.status === 409 || reason.status === 403);
      const now = stands ? await api.approval(id).catch(() => undefined) : undefined;
      const late = now !== undefined && now.state !== "open";
      setProblem({ text: late ? words.approval.late(text) : words.approval.refused(text), late });
      if (now) onNews([now]);
      return false;
    } finally {
      sending.current = false;
      setBusy(undefined);
    }
  };
  return { decide, busy, problem };
}

const SIGNS: Record<ApprovalState, { Sign: typeof Check; tone: string }> = {
  open: { Sign: Hand, tone: "text-brass" },
  approved: { Sign: Check, tone: "text-livery" },
  running: { Sign: Check, tone: "text-livery" },
  executed: { Sign: Check, tone: "text-livery" },
  failed: { Sign: X, tone: "text-danger" },
  uncertain: { Sign: CircleHelp, tone: "text-brass" },
  declined: { Sign: Ban, tone: "text-ink-3" },
  changed: { Sign: Pencil, tone: "text-ink-3" },
  expired: { Sign: Hourglass, tone: "text-ink-3" },
  void: { Sign: CircleAlert, tone: "text-ink-3" },
};

/** The service cuts long texts with three dots: then the card alone is not enough to say yes to. */
export function isCut({ card, wording }: Pick<ApprovalView, "card" | "wording">): boolean {
  const texts = [
    wording.question,
    card.title,
    card.subtitle ?? "",
    card.text ?? "",
    ...(card.facts ?? []).flatMap(({ label, value }) => [label, value]),
  ];
  return texts.some((text) => text.trimEnd().endsWith("…")) || (card.facts ?? []).length >= MOST_FACTS;
}

/** A card that tells nothing of the arguments; they are shown at once then. */
function isBare({ card, arguments: text }: ApprovalView): boolean {
  return !card.text && !card.subtitle && (card.facts ?? []).length === 0 && text !== "{}";
}

/** As many as a card can have; there may have been more. */
const MOST_FACTS = 12;

export function ApprovalCard({
  approval,
  mine,
  onNews,
  action,
}: {
  approval: ApprovalView;
  /** The person who looks asked for it. */
  mine: boolean;
  onNews: OnNews;
  action?: ReactNode;
}) {
  const { state, wording, card } = approval;
  const { decide, busy, problem } = useDecide(approval.id, onNews);
  const [form, setForm] = useState<"decline" | "change">();
  const [details, setDetails] = useState(approval.state === "open" && isBare(approval));
  const [seen, setSeen] = useState(details);
  const heading = useId();
  const told = useRef<HTMLParagraphElement>(null);
  const buttons = { decline: useRef<HTMLButtonElement>(null), change: useRef<HTMLButtonElement>(null) };
  const open = state === "open";
  const cut = isCut(approval);
  // Some cards have no more to say than the question.
  const titled = wording.question.replace(/\?$/, "") !== card.title;
  const { Sign, tone } = SIGNS[state];
  const void_now = state === "expired" || state === "void";

  // Somebody may have decided elsewhere in the middle of a form.
  useEffect(() => {
    if (!open) setForm(undefined);
  }, [open]);

  const send = async (decision: Decision) => {
    const done = await decide(decision);
    if (done) setForm(undefined);
    // The buttons are gone: what came of them has the focus instead.
    requestAnimationFrame(() => told.current?.focus());
    return done;
  };
  const leave = (from: "decline" | "change") => {
    setForm(undefined);
    requestAnimationFrame(() => buttons[from].current?.focus());
  };

  return (
    <section
      id={`approval-${approval.id}`}
      aria-labelledby={heading}
      data-testid="approval"
      data-state={state}
      className={classes(
        "enter my-3 overflow-hidden rounded-2xl border bg-raised",
        open ? "border-brass-line shadow-raised" : "border-line",
      )}
    >
      <div className={classes("px-4 pt-3 sm:px-5", open ? "pb-1" : "pb-3")}>
        {open && (
          <div className="mb-1 flex items-center gap-2 text-[12.5px]">
            <Sign size={14} className={tone} aria-hidden="true" />
            <span className="font-medium text-brass">
              {approval.may_decide ? words.approval.asks_you : words.approval.asks}
            </span>
            <TimeLeft
              until={approval.expires_at_ms}
              onOver={() => api.approval(approval.id).then((now) => onNews([now]))}
            />
          </div>
        )}
        <div className="flex items-start gap-2.5">
          {!open && <Sign size={16} className={classes("mt-0.5 shrink-0", tone)} aria-hidden="true" />}
          <h3
            id={heading}
            className={classes(
              "min-w-0 overflow-y-clip font-semibold leading-snug tracking-[-0.008em]",
              open ? "text-[16px]" : "text-[14px]",
              void_now && "text-ink-3 line-through",
            )}
          >
            <Isolated text={wording.question} />
          </h3>
        </div>
        {!mine && approval.requester_name && (
          <p className={classes("mt-0.5 text-[13px] text-ink-2", !open && "ps-6.5")}>
            {words.approval.asked_by} <Isolated text={approval.requester_name} className="font-medium" />
          </p>
        )}
        <p
          ref={told}
          tabIndex={-1}
          role="status"
          data-testid="approval-told"
          className={classes(
            "overflow-y-clip text-[13.5px] text-ink-2 focus:outline-none",
            !open && "mt-0.5 ps-6.5",
            state === "failed" && "text-danger",
            state === "uncertain" && "text-brass",
          )}
        >
          <Told approval={approval} />
          {problem && (
            <span className={classes("mt-1 block", problem.late ? "text-brass" : "text-danger")}>{problem.text}</span>
          )}
        </p>
      </div>

      {open && (
        <>
          <div className="px-4 pt-2 sm:px-5">
            <CardContent card={card} asked titled={titled} />
          </div>
          {wording.reason !== "" && (
            <p
              data-testid="approval-reason"
              className="mx-4 mt-3 flex items-start gap-2 rounded-xl border border-brass-line bg-brass-soft px-3 py-2 text-[13px] text-brass leading-snug sm:mx-5"
            >
              <TriangleAlert size={14} className="mt-0.5 shrink-0" aria-hidden="true" />
              <span className="min-w-0 overflow-y-clip">
                <span className="font-medium">{words.approval.why}: </span>
                <Isolated text={wording.reason} />
              </span>
            </p>
          )}
        </>
      )}

      <Collapsible.Root
        open={details}
        onOpenChange={(next) => {
          setDetails(next);
          if (next) setSeen(true);
        }}
      >
        <div
          className={classes(
            "flex items-center gap-2 px-4 sm:px-5",
            open ? "mt-2" : "-mt-1.5 pb-2.5 ps-10.5! sm:ps-11.5!",
          )}
        >
          <Collapsible.Trigger className="group -ms-1 flex items-center gap-1 rounded-md px-1 py-1 text-[13px] text-ink-3 hover:text-ink">
            {words.approval.details}
            <ChevronRight
              size={13}
              aria-hidden="true"
              className={classes("transition-transform", details && "rotate-90")}
            />
          </Collapsible.Trigger>
          {action}
        </div>
        <Collapsible.Content className="fold">
          <div className="px-4 pb-3 sm:px-5">
            {!open && (
              <div className="mb-3 border-line border-t pt-3">
                <CardContent card={card} asked titled={titled} />
              </div>
            )}
            <Exactly approval={approval} />
          </div>
        </Collapsible.Content>
      </Collapsible.Root>

      {approval.request_id && currentRoute().page !== "requests" && (
        <p className="px-4 pb-3 sm:px-5">
          <a
            href={addressOf({ page: "requests", id: approval.request_id })}
            className="inline-flex items-center gap-1 rounded-md py-1 text-[13px] text-livery hover:underline"
          >
            {words.approval.request} <ChevronRight size={13} aria-hidden="true" />
          </a>
        </p>
      )}

      {open && approval.may_decide === true && (
        <div className="mt-1 border-line border-t px-4 pt-3 pb-3.5 sm:px-5">
          {form === undefined && (
            <>
              {cut && !seen && (
                <p id={`${heading}-cut`} className="mb-2.5 text-[13px] text-brass leading-snug">
                  {words.approval.cut}
                </p>
              )}
              <div className="flex flex-wrap gap-2">
                <Button
                  kind="primary"
                  disabled={busy !== undefined || (cut && !seen)}
                  aria-describedby={cut && !seen ? `${heading}-cut` : undefined}
                  onClick={() => void send({ decision: "approve" })}
                  className="max-sm:flex-1"
                >
                  {busy === "approve" ? <Spinner size={14} /> : <Check size={15} aria-hidden="true" />}
                  {words.approval.approve}
                </Button>
                {faithful(approval.arguments) && (
                  <Button ref={buttons.change} disabled={busy !== undefined} onClick={() => setForm("change")}>
                    {words.approval.change}
                  </Button>
                )}
                <Button ref={buttons.decline} disabled={busy !== undefined} onClick={() => setForm("decline")}>
                  {words.approval.decline}
                </Button>
              </div>
            </>
          )}
          {form === "decline" && (
            <Decline
              busy={busy === "decline"}
              onCancel={() => leave("decline")}
              onSend={(reason) => void send({ decision: "decline", reason: reason === "" ? null : reason })}
            />
          )}
          {form === "change" && (
            <Change
              approval={approval}
              busy={busy === "change"}
              onCancel={() => leave("change")}
              onSend={(changed) => void send({ decision: "change", arguments: changed })}
            />
          )}
        </div>
      )}
    </section>
  );
}

/** What became of it, in one or two sentences. Nothing while it is open and the person may decide. */
function Told({ approval }: { approval: ApprovalView }) {
  const { state, outcome, wording } = approval;
  const by = approval.decided_by_name ?? "";
  const told = words.approval.told;
  // What a tool returned as data is no sentence; it stands in the conversation.
  const quoted = outcome && !/^\s*[[{]/.test(outcome) ? <Isolated text={outcome} /> : undefined;
  switch (state) {
    case "open":
      return approval.may_decide === false ? told.waits(approval.approvers) : null;
    case "approved":
    case "running":
      return (
        <span className="inline-flex items-center gap-2">
          <Spinner size={13} />
          <span>
            <Decider word={told.approved} name={by} /> {told.running}
          </span>
        </span>
      );
    case "executed":
      return (
        <>
          {quoted ?? told.executed} <Decider word={told.approved} name={by} />
        </>
      );
    case "failed":
      return (
        <>
          {told.failed} {quoted}
        </>
      );
    case "uncertain":
      return (
        <>
          {told.uncertain} {quoted}
        </>
      );
    case "declined":
      return (
        <>
          <Decider word={told.declined} name={by} /> {quoted ?? <Isolated text={wording.declined} />}
        </>
      );
    case "changed":
      return (
        <>
          <Decider word={told.changed} name={by} /> {told.changed_on}
        </>
      );
    case "expired":
      return told.expired;
    case "void":
      return (
        <>
          {told.void} {quoted}
        </>
      );
  }
}

function By({ name }: { name: string }) {
  if (name === "") return ".";
  return (
    <>
      {words.approval.by} <Isolated text={name} />.
    </>
  );
}

function Decider({ word, name }: { word: string; name: string }) {
  return (
    <span>
      {word}
      {name !== "" && " "}
      <By name={name} />
    </span>
  );
}

/** Counts down quietly. When it is over, the service is asked what became of it; it alone decides. */
function TimeLeft({ until, onOver }: { until: number; onOver: () => Promise<void> }) {
  const now = useNow(true);
  const seconds = Math.max(0, Math.ceil((until - now) / 1000));
  const over = seconds === 0;
  const latest = useRef(onOver);
  latest.current = onOver;
  useEffect(() => {
    if (!over) return;
    const ask = () => void latest.current().catch(() => {});
    ask();
    const timer = setInterval(ask, 2_000);
    return () => clearInterval(timer);
  }, [over]);
  return (
    <span
      title={words.approval.until(date(until))}
      data-testid="time-left"
      className={classes("tabular ms-auto", seconds < 60 ? "text-brass" : "text-ink-3")}
    >
      {words.approval.left(seconds)}
    </span>
  );
}

/** The arguments as the service keeps them, with nothing left out. */
function Exactly({ approval }: { approval: ApprovalView }) {
  const value = faithful(approval.arguments);
  const text = value === undefined ? approval.arguments : JSON.stringify(value, null, 2);
  const rows: [string, string][] = [
    [words.approval.tool, approval.tool],
    ...(approval.instance === "" ? [] : [[words.approval.instance, approval.instance] as [string, string]]),
    [words.approval.asked_at, date(approval.created_at_ms)],
    [words.approval.expires_at, date(approval.expires_at_ms)],
    [words.approval.fingerprint, approval.fingerprint],
  ];
  return (
    <div data-testid="approval-details">
      <p className="text-[11.5px] text-ink-3">{words.approval.exactly}</p>
      <pre
        dir="ltr"
        className="mt-0.5 whitespace-pre-wrap rounded-lg bg-linen px-3 py-2 font-mono text-[12px] text-ink-2 leading-relaxed [overflow-wrap:anywhere]"
      >
        <Isolated text={text} />
      </pre>
      <dl className="mt-2 grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-[12px]">
        {rows.map(([label, value]) => (
          <div key={label} className="contents">
            <dt className="text-ink-3">{label}</dt>
            <dd className="tabular min-w-0 text-ink-2">
              <Isolated text={value} />
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function Decline({
  busy,
  onCancel,
  onSend,
}: {
  busy: boolean;
  onCancel: () => void;
  onSend: (reason: string) => void;
}) {
  const [reason, setReason] = useState("");
  const input = useFirstFocus<HTMLInputElement>();
  return (
    <form
      aria-label={words.approval.decline}
      onSubmit={(event) => {
        event.preventDefault();
        onSend(reason.trim());
      }}
      onKeyDown={escaped(onCancel)}
    >
      <label className="block text-[13px] text-ink-2">
        {words.approval.reason}
        <input
          ref={input}
          value={reason}
          maxLength={300}
          onChange={(event) => setReason(event.target.value)}
          placeholder={words.approval.reason_hint}
          className={classes(field, "mt-1 h-9!")}
        />
      </label>
      <div className="mt-2.5 flex gap-2">
        <Button type="submit" kind="danger" disabled={busy}>
          {busy && <Spinner size={14} />} {words.approval.decline}
        </Button>
        <Button kind="quiet" disabled={busy} onClick={onCancel}>
          {words.approval.back}
        </Button>
      </div>
    </form>
  );
}

/** A form of the tool's own arguments, or their JSON where they have no form. */
function Change({
  approval,
  busy,
  onCancel,
  onSend,
}: {
  approval: ApprovalView;
  busy: boolean;
  onCancel: () => void;
  onSend: (changed: Record<string, unknown>) => void;
}) {
  const { data, isPending } = useQuery({
    queryKey: ["tools"],
    queryFn: ({ signal }) => api.tools(signal),
    staleTime: 5 * 60_000,
    retry: false,
  });
  if (isPending) return <Spinner className="text-ink-3" />;
  const given = faithful(approval.arguments) ?? {};
  const tool = data?.toolkits
    .flatMap(({ tools }) => tools as ToolInfo[])
    .find(({ name, aliases }) => name === approval.tool || aliases.includes(approval.tool));
  const fields = fieldsOf(tool?.schema, given);
  return fields ? (
    <Fields fields={fields} given={given} busy={busy} onCancel={onCancel} onSend={onSend} />
  ) : (
    <Raw given={given} busy={busy} onCancel={onCancel} onSend={onSend} />
  );
}

interface ChangeForm {
  given: Record<string, unknown>;
  busy: boolean;
  onCancel: () => void;
  onSend: (changed: Record<string, unknown>) => void;
}

function Fields({ fields, given, busy, onCancel, onSend }: ChangeForm & { fields: Field[] }) {
  const [values, setValues] = useState<Values>(() => valuesOf(fields, given));
  const [wrong, setWrong] = useState<string>();
  const form = useFirstFocus<HTMLFormElement>("input, select, textarea");
  const { first, others } = parted(fields);
  // What was left unsaid among the others is seldom wanted; a wrong one among them has to be seen.
  const [all, setAll] = useState(false);
  const entry = (one: Field) => (
    <Entry
      key={one.name}
      field={one}
      value={values[one.name] ?? ""}
      wrong={wrong === one.name}
      onChange={(value) => {
        if (wrong === one.name) setWrong(undefined);
        setValues((before) => ({ ...before, [one.name]: value }));
      }}
    />
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const result = argumentsOf(fields, values, given);
    setWrong("wrong" in result ? result.wrong : undefined);
    if ("wrong" in result && others.some(({ name }) => name === result.wrong)) setAll(true);
    if ("arguments" in result) onSend(result.arguments);
  };
  return (
    <form ref={form} aria-label={words.approval.change} onSubmit={submit} onKeyDown={escaped(onCancel)}>
      <p className="mb-2.5 text-[13px] text-ink-2">{words.approval.change_hint}</p>
      <div className="grid gap-3">{first.map(entry)}</div>
      {others.length > 0 && (
        <Collapsible.Root open={all} onOpenChange={setAll} className="mt-2.5">
          <Collapsible.Trigger className="-ms-1 flex items-center gap-1 rounded-md px-1 py-1 text-[13px] text-ink-3 hover:text-ink">
            {words.approval.other_fields}
            <ChevronRight
              size={13}
              aria-hidden="true"
              className={classes("transition-transform", all && "rotate-90")}
            />
          </Collapsible.Trigger>
          <Collapsible.Content className="fold">
            <div className="grid gap-3 pt-1.5 pb-1">{others.map(entry)}</div>
          </Collapsible.Content>
        </Collapsible.Root>
      )}
      <Buttons busy={busy} onCancel={onCancel} />
    </form>
  );
}

function Entry({
  field: { name, hint, kind, options, required },
  value,
  wrong,
  onChange,
}: {
  field: Field;
  value: string | boolean;
  wrong: boolean;
  onChange: (value: string | boolean) => void;
}) {
  const id = useId();
  const common = {
    id,
    "aria-describedby": hint || wrong || kind === "numbers" ? `${id}-hint` : undefined,
    "aria-invalid": wrong || undefined,
  };
  const text = typeof value === "string" ? value : "";
  const change = (event: { target: { value: string } }) => onChange(event.target.value);
  const below = common["aria-describedby"] && (
    <p id={`${id}-hint`} className={classes("mt-1 text-[12px] leading-snug", wrong ? "text-danger" : "text-ink-3")}>
      {wrong && `${words.approval.wrong[kind]} `}
      {hint} {kind === "numbers" && !wrong && words.approval.numbers_hint}
    </p>
  );
  if (kind === "several") {
    const chosen = text.split("\n").filter((one) => one !== "");
    return (
      <fieldset aria-describedby={common["aria-describedby"]}>
        <legend className="text-[13px] text-ink-2">
          {words.approval.argument(name)}
          {!required && <span className="text-ink-3"> ({words.approval.optional})</span>}
        </legend>
        <div className="mt-1 flex flex-wrap gap-x-5 gap-y-1.5">
          {options.map((option) => (
            <label key={option} className="flex items-center gap-2 text-[13.5px]">
              <input
                type="checkbox"
                checked={chosen.includes(option)}
                onChange={(event) =>
                  onChange(
                    options.filter((one) => (one === option ? event.target.checked : chosen.includes(one))).join("\n"),
                  )
                }
                className="size-4 accent-livery"
              />
              {option}
            </label>
          ))}
        </div>
        {below}
      </fieldset>
    );
  }
  if (kind === "boolean") {
    return (
      <div>
        <label htmlFor={id} className="flex items-center gap-2 text-[13.5px]">
          <input
            {...common}
            type="checkbox"
            checked={value === true}
            onChange={(event) => onChange(event.target.checked)}
            className="size-4 accent-livery"
          />
          {words.approval.argument(name)}
        </label>
        {below}
      </div>
    );
  }
  return (
    <div>
      <label htmlFor={id} className="block text-[13px] text-ink-2">
        {words.approval.argument(name)}
        {!required && <span className="text-ink-3"> ({words.approval.optional})</span>}
      </label>
      {kind === "choice" ? (
        <select {...common} value={text} onChange={change} className={classes(field, "mt-1 h-9!")}>
          {(!required || text === "") && <option value="">{words.approval.no_choice}</option>}
          {options.map((option) => (
            <option key={option} value={option}>
              {option}
            </option>
          ))}
        </select>
      ) : kind === "list" ? (
        <textarea
          {...common}
          value={text}
          rows={Math.min(6, Math.max(2, text.split("\n").length))}
          dir="auto"
          onChange={change}
          className={classes(field, "mt-1 h-auto! py-1.5")}
        />
      ) : (
        <input
          {...common}
          value={text}
          dir="auto"
          inputMode={kind === "integer" ? "numeric" : kind === "number" ? "decimal" : "text"}
          onChange={change}
          className={classes(field, "mt-1 h-9!")}
        />
      )}
      {below}
    </div>
  );
}

function Raw({ given, busy, onCancel, onSend }: ChangeForm) {
  const [text, setText] = useState(() => JSON.stringify(given, null, 2));
  const [wrong, setWrong] = useState(false);
  const input = useFirstFocus<HTMLTextAreaElement>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    const is_object = typeof value === "object" && value !== null && !Array.isArray(value);
    setWrong(!is_object);
    if (is_object) onSend(value as Record<string, unknown>);
  };
  return (
    <form aria-label={words.approval.change} onSubmit={submit} onKeyDown={escaped(onCancel)}>
      <p className="mb-2.5 text-[13px] text-ink-2">{words.approval.change_hint}</p>
      <textarea
        ref={input}
        aria-label={words.approval.exactly}
        aria-invalid={wrong || undefined}
        value={text}
        rows={Math.min(14, text.split("\n").length + 1)}
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        className={classes(field, "h-auto! py-2 font-mono text-[12.5px]!")}
      />
      {wrong && <p className="mt-1 text-[12.5px] text-danger">{words.approval.not_json}</p>}
      <Buttons busy={busy} onCancel={onCancel} />
    </form>
  );
}

function Buttons({ busy, onCancel }: { busy: boolean; onCancel: () => void }) {
  return (
    <div className="mt-3 flex gap-2">
      <Button type="submit" kind="primary" disabled={busy}>
        {busy && <Spinner size={14} />} {words.approval.change_send}
      </Button>
      <Button kind="quiet" disabled={busy} onClick={onCancel}>
        {words.approval.back}
      </Button>
    </div>
  );
}

function escaped(act: () => void) {
  return (event: React.KeyboardEvent) => {
    if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
}

/** Whoever opened a form wants to write into it. */
function useFirstFocus<Kind extends HTMLElement>(selector?: string) {
  const target = useRef<Kind>(null);
  useEffect(() => {
    const element = selector ? target.current?.querySelector<HTMLElement>(selector) : target.current;
    element?.focus();
  }, [selector]);
  return target;
}
