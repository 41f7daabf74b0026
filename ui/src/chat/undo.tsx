/** Taking back what a call has changed: offered for a while, done once, tried again where it failed; how it stands is the service's to
 * tell. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, CircleHelp, Hand, RotateCw, Undo2, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { ApiError, api } from "../api/client";
import type { TakenBack, UndoOffer } from "../api/types";
import { Button, classes, Spinner } from "../kit/pieces";
import { date, words } from "../words/en";
import { Isolated } from "./isolated";

/** How soon it is asked again while it is being taken back, or waits for somebody. */
const RUNS_MS = 1_500;
const WAITS_MS = 5_000;
/** Browsers cannot wait longer than this at once. */
const LONGEST_MS = 2_147_483_647;

const said = words.undo;

/** What to draw of an offer; undefined once it is too late and nobody wanted it. */
export function standing(
  offer: UndoOffer,
  known: TakenBack | undefined,
  now_ms: number,
): TakenBack["state"] | "offered" | undefined {
  if (known) return known.state;
  return now_ms <= offer.until_ms ? "offered" : undefined;
}

/** True from the moment on which an offer ends. */
function useOver(until_ms: number) {
  const [over, setOver] = useState(() => Date.now() > until_ms);
  useEffect(() => {
    const left = until_ms - Date.now();
    if (left < 0) return setOver(true);
    const timer = setTimeout(() => setOver(Date.now() > until_ms), Math.min(left + 1, LONGEST_MS));
    return () => clearTimeout(timer);
  }, [until_ms]);
  return over;
}

export function TakeBack({ turn, call, offer }: { turn: string; call: string; offer: UndoOffer }) {
  const client = useQueryClient();
  const over = useOver(offer.until_ms);
  const { data, isPending } = useQuery({
    queryKey: ["turn", turn],
    queryFn: ({ signal }) => api.turn(turn, signal),
    retry: false,
    refetchInterval: ({ state }) => {
      const now = state.data?.taken_back.find(({ call_id }) => call_id === call)?.state;
      return now === "runs" ? RUNS_MS : now === "waits" ? WAITS_MS : false;
    },
  });
  const known = data?.taken_back.find(({ call_id }) => call_id === call);
  const press = useMutation({
    mutationFn: () => api.undo(turn, call),
    onSettled: () => client.invalidateQueries({ queryKey: ["turn", turn] }),
  });
  const told = useRef<HTMLParagraphElement>(null);
  const state = press.isPending ? "runs" : standing(offer, known, over ? offer.until_ms + 1 : Date.now());
  const late = press.error instanceof ApiError && press.error.status === 409;
  // The button is gone after the press, so whoever pressed it goes on at what is told in its place.
  const pressed = useRef(false);
  useEffect(() => {
    if (!pressed.current || state === "offered" || press.isPending) return;
    pressed.current = false;
    told.current?.focus();
  }, [state, press.isPending]);
  const takeBack = () => {
    pressed.current = true;
    press.mutate();
  };

  if (isPending || (state === undefined && !press.error)) return null;
  const title = <Isolated text={offer.title} />;
  if (state === "offered" && !late) {
    return (
      <div data-testid="take-back" data-state="offered" className="mt-2.5">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
          <Button
            className="h-8! px-3! pointer-coarse:h-10!"
            title={said.until(date(offer.until_ms))}
            aria-label={`${said.take_back}: ${offer.title}`}
            onClick={takeBack}
          >
            <Undo2 size={14} aria-hidden="true" />
            {said.take_back}
          </Button>
          <span aria-hidden="true" className="min-w-0 text-[13px] text-ink-2 leading-snug [overflow-wrap:anywhere]">
            {title}
          </span>
        </div>
        {press.error && (
          <p role="alert" className="mt-1 text-[13px] text-danger">
            {said.not_asked(press.error.message)}
          </p>
        )}
      </div>
    );
  }
  const faces: Record<TakenBack["state"], [sign: ReactNode, tone: string, text: ReactNode]> = {
    runs: [<Spinner key="sign" size={14} />, "text-livery", said.runs],
    waits: [<Hand key="sign" size={14} aria-hidden="true" />, "text-brass", said.waits],
    done: [<Check key="sign" size={14} strokeWidth={2.4} aria-hidden="true" />, "text-livery", said.done],
    refused: [<X key="sign" size={14} strokeWidth={2.4} aria-hidden="true" />, "text-danger", said.refused],
    uncertain: [<CircleHelp key="sign" size={14} aria-hidden="true" />, "text-brass", said.uncertain],
  };
  const shown = state === undefined || state === "offered" ? "refused" : state;
  const [sign, tone, text] = faces[shown];
  const unasked = press.error && !late ? said.not_asked(press.error.message) : undefined;
  // What the last press came to counts, not what the one before it did.
  const reason = late ? (press.error?.message ?? "") : (known?.reason ?? press.error?.message ?? "");
  const again = (shown === "refused" || shown === "uncertain") && known?.may_retry === true && !over && !late;
  return (
    <div data-testid="take-back" data-state={shown} className="mt-2.5">
      <p
        ref={told}
        tabIndex={-1}
        role="status"
        data-testid="take-back-told"
        className="flex items-start gap-2 rounded-md text-[13px] leading-snug"
      >
        <span className={classes("mt-0.5 grid size-[18px] shrink-0 place-items-center", tone)}>{sign}</span>
        <span className="min-w-0 overflow-y-clip pt-0.5 text-ink-2 [overflow-wrap:anywhere]">
          <span className={classes("font-medium", tone)}>{text}</span>{" "}
          {shown === "refused" && reason !== "" ? <Isolated text={said.because(reason)} /> : title}
        </span>
      </p>
      {again && (
        <Button
          className="mt-2 ms-[26px] h-8! px-3! pointer-coarse:h-10!"
          title={said.until(date(offer.until_ms))}
          aria-label={`${said.again}: ${offer.title}`}
          onClick={takeBack}
        >
          <RotateCw size={14} aria-hidden="true" />
          {said.again}
        </Button>
      )}
      {known && unasked && (
        <p role="alert" className="mt-1 ms-[26px] text-[13px] text-danger">
          {unasked}
        </p>
      )}
    </div>
  );
}
