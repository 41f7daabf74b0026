/** The taste of the person and of the household: chips and fields over the profile, and what was learned. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus, Undo2, X } from "lucide-react";
import { type FormEvent, type ReactNode, useCallback, useEffect, useId, useRef, useState } from "react";
import { api } from "../api/client";
import type { Me, ToolAnswer } from "../api/types";
import { Isolated } from "../chat/isolated";
import { note } from "../kit/notes";
import { Button, Confirm, classes, field, IconButton, Spinner } from "../kit/pieces";
import { holdHere } from "../kit/route";
import { Choice, Frame, Part } from "../manage/frame";
import { WaitsForYes } from "../manage/waits";
import { date, words } from "../words/en";
import {
  applied,
  at,
  type Edit,
  finerPoints,
  inWords,
  type Json,
  type Lesson,
  listAt,
  type Place,
  type Profile,
  readLessons,
  readProfile,
  SECTIONS,
  type Section,
  updateOf,
  type Whose,
  withEdit,
} from "./profile";
import { TitlePoster } from "./titles";
import { titleOf } from "./titles-fit";
import { Shown, useTool } from "./tool";

const said = words.taste;

export default function TastePage({ me, start }: { me: Me; start: ReactNode }) {
  const [whose, setWhose] = useState<Whose>("me");
  const [unsaved, setUnsaved] = useState(false);
  // Where somebody wants to go while something here is not saved.
  const [leave, setLeave] = useState<() => void>();
  useEffect(() => {
    if (!unsaved) return;
    const asks = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", asks);
    const release = holdHere((go) => setLeave(() => go));
    return () => {
      window.removeEventListener("beforeunload", asks);
      release();
    };
  }, [unsaved]);
  return (
    <Frame me={me} start={start} page="taste" hint={said.hint}>
      <div className="flex">
        <Choice
          label={said.whose}
          value={whose}
          options={[
            ["me", said.me],
            ["household", said.household],
          ]}
          onChange={(next) => (unsaved ? setLeave(() => () => setWhose(next)) : setWhose(next))}
        />
      </div>
      <Taste key={whose} whose={whose} me={me} onUnsaved={setUnsaved} />
      <Confirm
        open={leave !== undefined}
        onClose={() => setLeave(undefined)}
        onYes={() => leave?.()}
        title={said.leave_title}
        text={said.leave_text}
        yes={said.leave_yes}
        no={said.leave_no}
      />
    </Frame>
  );
}

function Taste({ whose, me, onUnsaved }: { whose: Whose; me: Me; onUnsaved: (unsaved: boolean) => void }) {
  const asked = useTool("read_household_preferences", { whose }, readProfile);
  const client = useQueryClient();
  // What waits for a yes is shown until it is seen through.
  const [waiting, setWaiting] = useState<{ id: string; text: string }>();
  const refresh = useCallback(
    () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["tool", "read_household_preferences"] }),
        client.invalidateQueries({ queryKey: ["tool", "household_learned"] }),
      ]),
    [client],
  );
  return (
    <>
      {waiting && <WaitsForYes key={waiting.id} {...waiting} me={me} onSettled={() => void refresh()} />}
      <Shown asked={asked} name="read_household_preferences">
        {(profile) => (
          <>
            <Editor
              profile={profile}
              whose={whose}
              onWaits={(id) => setWaiting({ id, text: whose === "me" ? said.waits_me : said.waits_household })}
              onSaved={refresh}
              onUnsaved={onUnsaved}
            />
            <Learned
              whose={whose}
              onWaits={(id) => setWaiting({ id, text: said.unlearn_waits })}
              onUnlearned={refresh}
            />
          </>
        )}
      </Shown>
    </>
  );
}

/** What an answer of a changing tool means: done, refused, or waiting for a yes. */
function settle(
  answer: ToolAnswer,
  on: { waits: (id: string) => void; done: () => void; refused: (text: string) => void },
) {
  if (answer.approval) on.waits(answer.approval);
  else if (answer.is_error) on.refused(answer.text);
  else on.done();
}

function Editor({
  profile,
  whose,
  onWaits,
  onSaved,
  onUnsaved,
}: {
  profile: Profile;
  whose: Whose;
  onWaits: (id: string) => void;
  onSaved: () => Promise<unknown>;
  onUnsaved: (unsaved: boolean) => void;
}) {
  const [edits, setEdits] = useState<Edit[]>([]);
  const unsaved = edits.length > 0;
  useEffect(() => {
    onUnsaved(unsaved);
    return () => onUnsaved(false);
  }, [unsaved, onUnsaved]);
  const [problem, setProblem] = useState("");
  const client = useQueryClient();
  const draft = applied(profile, edits);
  const edit = (one: Edit) => {
    setProblem("");
    setEdits((before) => withEdit(profile, before, one));
  };
  const save = useMutation({
    mutationFn: async () => {
      // Somebody may have said something since; what is merged is merged into that.
      const fresh = await client.fetchQuery({
        queryKey: ["tool", "read_household_preferences", { whose }],
        queryFn: ({ signal }) => api.runTool("read_household_preferences", { whose }, signal),
        staleTime: 0,
      });
      const update = updateOf(whose, readProfile(fresh.text) ?? profile, edits);
      return update && api.runTool("update_household_preferences", update);
    },
    onError: (reason) => setProblem(said.not_saved(reason.message)),
    onSuccess: async (answer) => {
      if (!answer) return setEdits([]);
      settle(answer, {
        waits: (id) => {
          setEdits([]);
          onWaits(id);
        },
        refused: (text) => setProblem(said.not_saved(text)),
        done: () => {
          note(said.saved);
          void onSaved().then(() => setEdits([]));
        },
      });
    },
  });
  const places = { profile: draft, onEdit: edit };
  const finer = finerPoints(draft);
  const parts: [Section, title: string, hint: string][] = [
    ["likes", said.likes, said.likes_hint],
    ["dislikes", said.dislikes, said.dislikes_hint],
    ["limits", said.limits, said.limits_hint],
    ["never", said.never, said.never_hint],
    ["tonight", said.tonight, said.tonight_hint],
    ["anchors", said.anchors, said.anchors_hint],
    ["notes", said.notes, said.notes_hint],
  ];
  return (
    <>
      {parts.map(([section, title, hint]) => (
        <Part key={section} title={title} hint={hint}>
          <Fields>
            {SECTIONS[section].map((place) => (
              <Field key={place.path} place={place} tone={section} section={title} {...places} />
            ))}
          </Fields>
        </Part>
      ))}
      {finer.length > 0 && (
        <Part title={said.finer} hint={said.finer_hint}>
          <Fields>
            {finer.map(({ path, kind, value }) =>
              kind ? (
                <Field key={path} place={{ path, kind }} tone="finer" section={said.finer} {...places} />
              ) : (
                <div key={path} data-testid="kept" className={ROW}>
                  <dt className={LABEL}>{inWords(path)}</dt>
                  <dd className="min-w-0 flex-1 pt-1.5 font-mono text-[12.5px] text-ink-2 [overflow-wrap:anywhere]">
                    <Isolated text={JSON.stringify(value)} />
                  </dd>
                </div>
              ),
            )}
          </Fields>
        </Part>
      )}
      {(edits.length > 0 || problem !== "") && (
        <div
          data-testid="unsaved"
          className="safe-bottom sticky bottom-0 z-10 -mx-5 mt-6! border-line border-t bg-raised px-5 pt-3 shadow-raised sm:mx-0 sm:rounded-t-2xl sm:border-x"
        >
          {problem !== "" && (
            <p role="alert" className="mb-2 text-[13.5px] text-danger">
              {problem}
            </p>
          )}
          <div className="flex flex-wrap items-center gap-2">
            <p role="status" className="me-auto text-[13.5px]">
              {edits.length > 0 && said.unsaved(edits.length)}
            </p>
            <Button
              kind="quiet"
              disabled={save.isPending}
              onClick={() => {
                setEdits([]);
                setProblem("");
              }}
            >
              {said.discard}
            </Button>
            <Button kind="primary" disabled={save.isPending || edits.length === 0} onClick={() => save.mutate()}>
              {save.isPending && <Spinner size={14} />} {said.save}
            </Button>
          </div>
        </div>
      )}
    </>
  );
}

const ROW = "flex flex-col gap-x-6 gap-y-1.5 border-line border-t py-2.5 last:border-b sm:flex-row";
const LABEL = "shrink-0 pt-1.5 text-[13.5px] text-ink-2 sm:w-44";

function Fields({ children }: { children: ReactNode }) {
  return <dl>{children}</dl>;
}

interface FieldProps {
  place: Place;
  profile: Profile;
  tone: Section | "finer";
  /** Two places may have the same name in different sections. */
  section: string;
  onEdit: (edit: Edit) => void;
}

function Field({ place, profile, tone, section, onEdit }: FieldProps) {
  const { path, kind } = place;
  const name = said.field[path] ?? inWords(path);
  const label = `${section}: ${name}`;
  const value = at(profile, path);
  const set = (next: Json) => onEdit({ path, kind: "set", value: next });
  return (
    <div className={ROW} data-testid="taste-field" data-path={path}>
      <dt className={LABEL}>{name}</dt>
      <dd className="min-w-0 flex-1">
        {kind === "words" || kind === "numbers" ? (
          <Chips
            label={label}
            numeric={kind === "numbers"}
            hint={path === "constraints.languageWhitelist" ? said.language_hint : undefined}
            tone={tone}
            titles={path === "neverRecommend.titles"}
            values={listAt(profile, path)}
            onAdd={(added) => onEdit({ path, kind: "add", value: added })}
            onRemove={(removed) => onEdit({ path, kind: "remove", value: removed })}
          />
        ) : kind === "yes" || kind === "no" ? (
          <label className="inline-flex h-9 items-center gap-2.5 text-[14px]">
            <input
              type="checkbox"
              aria-label={label}
              checked={value === (kind === "yes")}
              // What nobody said is not the same as its opposite.
              onChange={(event) => set(kind === "yes" ? event.target.checked : event.target.checked ? false : null)}
              className="size-4 accent-livery"
            />
            {said.yes}
          </label>
        ) : kind === "minutes" ? (
          <MinutesField label={label} value={value} onSet={set} />
        ) : kind === "number" ? (
          <NumberField
            label={label}
            value={typeof value === "number" ? value : undefined}
            year={path === "constraints.eraMinYear"}
            onSet={set}
          />
        ) : (
          <TextField label={label} value={typeof value === "string" ? value : ""} long={kind === "notes"} onSet={set} />
        )}
      </dd>
    </div>
  );
}

const CHIP: Partial<Record<FieldProps["tone"], string>> = {
  likes: "bg-livery-soft text-livery",
  anchors: "bg-livery-soft text-livery",
  tonight: "bg-brass-soft text-brass",
  limits: "bg-danger-soft text-danger",
  never: "bg-danger-soft text-danger",
};

/** Gives the focus on when what had it is gone; whoever has gone elsewhere meanwhile stays there. */
function whenLost(next: () => HTMLElement | null) {
  requestAnimationFrame(() => {
    if (document.activeElement === null || document.activeElement === document.body) next()?.focus();
  });
}

function Chips({
  label,
  numeric,
  hint,
  tone,
  titles,
  values,
  onAdd,
  onRemove,
}: {
  label: string;
  numeric: boolean;
  hint: string | undefined;
  tone: FieldProps["tone"];
  /** They are titles, so each stands beside its poster. */
  titles: boolean;
  values: (string | number)[];
  onAdd: (value: string | number) => void;
  onRemove: (value: string | number) => void;
}) {
  const [adding, setAdding] = useState(false);
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const row = useRef<HTMLUListElement>(null);
  const id = useId();
  useEffect(() => {
    if (adding) input.current?.focus();
  }, [adding]);
  const leave = () => {
    setAdding(false);
    setText("");
    setWrong(false);
    whenLost(() => button.current);
  };
  const add = (event?: FormEvent) => {
    event?.preventDefault();
    const next = text.trim();
    if (next === "") return;
    if (numeric && !/^\d{1,12}$/.test(next)) return setWrong(true);
    onAdd(numeric ? Number(next) : next);
    setText("");
    setWrong(false);
  };
  const remove = (value: string | number, place: number) => {
    onRemove(value);
    // The button is gone: its neighbour has the focus, or the way to add one.
    whenLost(() => {
      const left = row.current?.querySelectorAll<HTMLButtonElement>("[data-remove]");
      return left?.[Math.min(place, left.length - 1)] ?? button.current ?? input.current;
    });
  };
  return (
    <>
      <ul ref={row} aria-label={label} className="flex min-h-9 flex-wrap items-center gap-1.5">
        {values.map((value, place) => (
          <li
            key={String(value)}
            data-testid="chip"
            className={classes(
              "flex max-w-full items-center gap-0.5 text-[13.5px]",
              titles ? "rounded-lg py-1 ps-1 pe-1" : "h-8 rounded-full ps-3 pe-1",
              CHIP[tone] ?? "bg-press text-ink",
            )}
          >
            {titles && <TitlePoster title={String(value)} className="me-2 w-7 rounded" />}
            <span className="truncate">
              <Isolated text={String(value)} />
            </span>
            <button
              type="button"
              data-remove
              aria-label={said.remove_from(String(value), label)}
              onClick={() => remove(value, place)}
              className="grid size-6 shrink-0 place-items-center rounded-full opacity-70 hover:bg-press hover:opacity-100"
            >
              <X size={13} aria-hidden="true" />
            </button>
          </li>
        ))}
        <li>
          {adding ? (
            <form onSubmit={add}>
              <input
                ref={input}
                value={text}
                maxLength={120}
                dir="auto"
                aria-label={said.add_to(label)}
                aria-invalid={wrong || undefined}
                aria-describedby={wrong || hint ? `${id}-hint` : undefined}
                inputMode={numeric ? "numeric" : "text"}
                onChange={(event) => setText(event.target.value)}
                onBlur={() => {
                  if (text.trim() !== "") add();
                  else setAdding(false);
                }}
                onKeyDown={(event) => {
                  if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
                  event.stopPropagation();
                  leave();
                }}
                className={classes(field, "h-8! w-44 rounded-full! text-[13.5px]! max-sm:text-[16px]!")}
              />
            </form>
          ) : (
            <button
              ref={button}
              type="button"
              aria-label={said.add_to(label)}
              onClick={() => setAdding(true)}
              className="flex h-8 items-center gap-1 rounded-full border border-line-2 border-dashed px-2.5 text-[13px] text-ink-3 hover:border-livery/50 hover:text-ink"
            >
              <Plus size={13} aria-hidden="true" /> {said.add}
            </button>
          )}
        </li>
      </ul>
      {(wrong || (adding && hint)) && (
        <p id={`${id}-hint`} className={classes("mt-1 text-[12.5px]", wrong ? "text-danger" : "text-ink-3")}>
          {wrong ? said.wrong_number : hint}
        </p>
      )}
    </>
  );
}

/** Kept when the field is left or Enter is pressed; an emptied one says nothing any more. */
function useKept(given: string, keep: (text: string) => boolean) {
  const [text, setText] = useState(given);
  const [wrong, setWrong] = useState(false);
  // What was saved, discarded or said elsewhere shows here.
  useEffect(() => {
    setText(given);
    setWrong(false);
  }, [given]);
  const done = () => {
    if (text.trim() !== given) setWrong(!keep(text.trim()));
    else setWrong(false);
  };
  return { text, setText, wrong, done };
}

function NumberField({
  label,
  value,
  year,
  onSet,
}: {
  label: string;
  value: number | undefined;
  year: boolean;
  onSet: (value: Json) => void;
}) {
  const id = useId();
  const { text, setText, wrong, done } = useKept(value === undefined ? "" : String(value), (entered) => {
    if (entered === "") {
      onSet(null);
      return true;
    }
    const number = Number(entered);
    if (!Number.isFinite(number) || (year && !(Number.isInteger(number) && number >= 1870 && number <= 2200)))
      return false;
    onSet(number);
    return true;
  });
  return (
    <>
      <input
        value={text}
        inputMode="numeric"
        aria-label={label}
        aria-invalid={wrong || undefined}
        aria-describedby={wrong ? id : undefined}
        placeholder={year ? said.year : ""}
        onChange={(event) => setText(event.target.value)}
        onBlur={done}
        onKeyDown={(event) => event.key === "Enter" && done()}
        className={classes(field, "h-9! w-48!")}
      />
      {wrong && (
        <p id={id} className="mt-1 text-[12.5px] text-danger">
          {year ? said.wrong_year : said.wrong_number}
        </p>
      )}
    </>
  );
}

function MinutesField({
  label,
  value,
  onSet,
}: {
  label: string;
  value: Json | undefined;
  onSet: (value: Json) => void;
}) {
  const [least, most] = Array.isArray(value) ? value : [];
  const given = {
    from: typeof least === "number" ? String(least) : "",
    to: typeof most === "number" ? String(most) : "",
  };
  const [text, setText] = useState(given);
  const [wrong, setWrong] = useState(false);
  const id = useId();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the two texts, not the object that holds them
  useEffect(() => {
    setText(given);
    setWrong(false);
  }, [given.from, given.to]);
  const done = () => {
    const [from, to] = [text.from.trim(), text.to.trim()];
    if (from === given.from && to === given.to) return setWrong(false);
    if (from === "" && to === "") {
      setWrong(false);
      return onSet(null);
    }
    const fits = /^\d{1,4}$/.test(from) && /^\d{1,4}$/.test(to) && Number(from) <= Number(to);
    setWrong(!fits);
    if (fits) onSet([Number(from), Number(to)]);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: two fields with one name, in a list of fields
    <div
      role="group"
      aria-label={label}
      onBlur={(event) => {
        // Going from one of the two to the other, nobody is done yet.
        if (!event.currentTarget.contains(event.relatedTarget)) done();
      }}
    >
      <div className="flex flex-wrap items-center gap-2 text-[13.5px] text-ink-2">
        {(["from", "to"] as const).map((end) => (
          <label key={end} className="flex items-center gap-2">
            {said[end]}
            <input
              value={text[end]}
              inputMode="numeric"
              aria-invalid={wrong || undefined}
              aria-describedby={wrong ? id : undefined}
              onChange={(event) => setText((before) => ({ ...before, [end]: event.target.value }))}
              onKeyDown={(event) => event.key === "Enter" && done()}
              className={classes(field, "h-9! w-18!")}
            />
          </label>
        ))}
      </div>
      {wrong && (
        <p id={id} className="mt-1 text-[12.5px] text-danger">
          {said.wrong_minutes}
        </p>
      )}
    </div>
  );
}

function TextField({
  label,
  value,
  long,
  onSet,
}: {
  label: string;
  value: string;
  long: boolean;
  onSet: (value: Json) => void;
}) {
  const { text, setText, done } = useKept(value, (entered) => {
    onSet(entered === "" ? null : entered);
    return true;
  });
  const common = {
    value: text,
    dir: "auto",
    "aria-label": label,
    maxLength: long ? 2_000 : 300,
    onChange: (event: { target: { value: string } }) => setText(event.target.value),
    onBlur: done,
  };
  return long ? (
    <textarea {...common} rows={3} className={classes(field, "h-auto! py-2")} />
  ) : (
    <input {...common} onKeyDown={(event) => event.key === "Enter" && done()} className={classes(field, "h-9!")} />
  );
}

const LESSONS = 50;

function Learned({
  whose,
  onWaits,
  onUnlearned,
}: {
  whose: Whose;
  onWaits: (id: string) => void;
  onUnlearned: () => Promise<unknown>;
}) {
  const asked = useTool("household_learned", { whose, limit: LESSONS }, readLessons);
  const [taking, setTaking] = useState<Lesson>();
  const unlearn = useMutation({
    mutationFn: (id: number) => api.runTool("household_unlearn", { whose, id }),
    onError: (reason) => note(said.not_unlearned(reason.message)),
    onSuccess: (answer) =>
      settle(answer, {
        waits: onWaits,
        refused: (text) => note(said.not_unlearned(text)),
        done: () => {
          note(said.unlearned);
          void onUnlearned();
        },
      }),
  });
  const what = (lesson: Lesson) => (lesson.what.length === 0 ? said.learned_nothing : `${lesson.what.join(", ")}.`);
  return (
    <Part title={said.learned} hint={said.learned_hint}>
      <Shown asked={asked} name="household_learned">
        {(lessons) =>
          lessons.length === 0 ? (
            <p className="text-[14px] text-ink-2">{said.learned_empty}</p>
          ) : (
            <ul aria-label={said.learned} className="divide-y divide-line border-line border-y">
              {lessons.map((lesson) => (
                <li key={lesson.id} data-testid="lesson" className="flex items-start gap-3 py-2.5">
                  {titleOf(lesson) !== undefined && (
                    <TitlePoster title={titleOf(lesson) ?? ""} className="w-8 rounded" />
                  )}
                  <div className="min-w-0 flex-1 overflow-y-clip">
                    <p className="text-[14px] leading-snug">
                      <Isolated text={what(lesson)} />
                    </p>
                    <p className="mt-0.5 text-[12.5px] text-ink-3">
                      <Isolated text={said.learned_by(lesson.from, lesson.by)} />
                      {lesson.at_ms !== undefined && ` · ${date(lesson.at_ms)}`}
                    </p>
                  </div>
                  <IconButton
                    label={`${said.unlearn}: ${said.learned_one(lesson.id)}, ${what(lesson)}`}
                    disabled={unlearn.isPending}
                    onClick={() => setTaking(lesson)}
                  >
                    <Undo2 size={15} />
                  </IconButton>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
      <Confirm
        open={taking !== undefined}
        onClose={() => setTaking(undefined)}
        onYes={() => taking && unlearn.mutate(taking.id)}
        title={said.unlearn_title}
        text={taking ? said.unlearn_text(what(taking)) : ""}
        yes={said.unlearn}
        no={said.unlearn_no}
      />
    </Part>
  );
}
