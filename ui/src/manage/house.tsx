/** The house behind the conversations: health, usage, models, keys. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type FormEvent, type ReactNode, useMemo, useState } from "react";
import { api } from "../api/client";
import type { Key, Me, ModelInfo, UsageDay } from "../api/types";
import { noteFailure } from "../chat/conversations";
import { useModels } from "../chat/models";
import { Button, Confirm, classes, Dialog, Failed, field } from "../kit/pieces";
import { day, money, tokens, wholeTokens, words } from "../words/en";
import { Choice, Frame, forbidden, Part, Secret, Waiting } from "./frame";
import { type Condition, readHealth } from "./health";
import { type Columns, DataTable } from "./table";

export default function HousePage({ me, start }: { me: Me; start: ReactNode }) {
  return (
    <Frame me={me} start={start} page="house">
      <Health />
      <Usage admin={me.person.standing === "admin"} />
      <ModelList />
      <Keys />
      {me.person.standing === "admin" && <Hooks />}
      <footer className="border-line border-t pt-5 text-[12.5px] text-ink-3 leading-relaxed">
        <p>{words.about.tmdb}</p>
        <p>{words.about.tvmaze}</p>
      </footer>
    </Frame>
  );
}

const DOTS: Record<Condition, string> = {
  ok: "bg-livery",
  degraded: "bg-brass-mark",
  failed: "bg-danger",
  off: "border border-line-2",
  unknown: "bg-line-2",
};

function Health() {
  const { data, isPending, isError, refetch } = useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => api.health(signal),
    refetchInterval: 15_000,
  });
  const components = readHealth(data);
  const ill = components.filter(({ condition }) => condition === "failed" || condition === "degraded").length;
  return (
    <Part title={words.house.health} hint={words.house.health_hint}>
      {isPending ? (
        <Waiting />
      ) : isError ? (
        <Failed title={words.state.unreachable} onRetry={() => void refetch()} />
      ) : (
        <>
          <p className="mb-3 text-[14px]">
            {components.length === 0
              ? words.house.no_components
              : ill === 0
                ? words.house.all_well
                : words.house.some_ill(ill)}
          </p>
          <ul className="grid gap-x-10 sm:grid-cols-2">
            {components.map(({ name, condition, detail }) => (
              <li key={name} className="flex items-baseline gap-3 border-line border-t py-2.5">
                <span
                  className={classes("relative top-[-1px] size-2 shrink-0 rounded-full", DOTS[condition])}
                  aria-hidden="true"
                />
                <span className="shrink-0 font-medium text-[13.5px]">{name}</span>
                <span className="min-w-0 flex-1 truncate text-end text-[13px] text-ink-3" title={detail}>
                  {detail || words.house.status[condition]}
                  {detail && <span className="sr-only">, {words.house.status[condition]}</span>}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Part>
  );
}

const DAYS = 30;

const DAY_COLUMNS: Columns<UsageDay> = [
  { accessorKey: "day", header: words.house.day },
  { accessorKey: "turns", header: words.house.turns },
  { accessorKey: "input_tokens", header: words.house.input, cell: ({ row }) => wholeTokens(row.original.input_tokens) },
  {
    accessorKey: "output_tokens",
    header: words.house.output,
    cell: ({ row }) => wholeTokens(row.original.output_tokens),
  },
  { accessorKey: "cost_micros", header: words.house.cost, cell: ({ row }) => money(row.original.cost_micros) },
];

function Usage({ admin }: { admin: boolean }) {
  const [all, setAll] = useState(false);
  const [table, setTable] = useState(false);
  const { data, isPending, isError, refetch } = useQuery({
    queryKey: ["usage", all],
    queryFn: ({ signal }) => api.usage({ days: DAYS, all, signal }),
  });
  const days = data?.days ?? [];
  const sum = (pick: (usage: UsageDay) => number) => days.reduce((total, usage) => total + pick(usage), 0);
  const totals: [string, string][] = [
    [words.house.turns, wholeTokens(sum(({ turns }) => turns))],
    [words.house.input, tokens(sum(({ input_tokens }) => input_tokens))],
    [words.house.output, tokens(sum(({ output_tokens }) => output_tokens))],
    [words.house.cost, money(sum(({ cost_micros }) => cost_micros))],
  ];
  return (
    <Part
      title={words.house.usage}
      hint={words.house.usage_hint}
      action={
        admin && (
          <Choice
            label={words.house.usage}
            value={all ? "all" : "mine"}
            options={[
              ["mine", words.house.usage_mine],
              ["all", words.house.usage_all],
            ]}
            onChange={(value) => setAll(value === "all")}
          />
        )
      }
    >
      {isPending ? (
        <Waiting />
      ) : isError ? (
        <Failed title={words.state.unreachable} onRetry={() => void refetch()} />
      ) : days.length === 0 ? (
        <p className="text-[14px] text-ink-2">{words.house.no_usage}</p>
      ) : (
        <>
          <dl className="grid grid-cols-2 gap-y-4 sm:grid-cols-4">
            {totals.map(([label, value]) => (
              <div key={label}>
                <dt className="text-[12.5px] text-ink-3">{label}</dt>
                <dd className="tabular font-medium text-[22px] tracking-[-0.02em]">{value}</dd>
              </div>
            ))}
          </dl>
          <Chart days={days} />
          <Button kind="quiet" className="-ms-3 mt-1" aria-expanded={table} onClick={() => setTable(!table)}>
            {table ? words.house.hide_days : words.house.show_days}
          </Button>
          {table && (
            <DataTable
              label={words.house.usage}
              columns={DAY_COLUMNS}
              rows={days}
              numeric={["turns", "input_tokens", "output_tokens", "cost_micros"]}
              sorting={[{ id: "day", desc: true }]}
            />
          )}
        </>
      )}
    </Part>
  );
}

/** Answers a day over the last thirty; days without any keep their place. */
function Chart({ days }: { days: UsageDay[] }) {
  const by_day = new Map(days.map((usage) => [usage.day, usage]));
  // Days are UTC.
  const end = Date.parse(`${new Date().toISOString().slice(0, 10)}T00:00:00Z`);
  const bars = Array.from({ length: DAYS }, (_, place) => {
    const key = new Date(end - (DAYS - 1 - place) * 86_400_000).toISOString().slice(0, 10);
    return by_day.get(key) ?? { day: key, turns: 0, input_tokens: 0, output_tokens: 0, cost_micros: 0 };
  });
  const most = Math.max(1, ...bars.map(({ turns }) => turns));
  const [first] = bars;
  return (
    <figure className="mt-6">
      <svg
        viewBox="0 0 600 112"
        role="img"
        aria-label={words.house.chart}
        preserveAspectRatio="none"
        className="h-28 w-full"
      >
        <line x1="0" x2="600" y1="111.5" y2="111.5" stroke="var(--line-2)" vectorEffect="non-scaling-stroke" />
        {bars.map((usage, place) => {
          const height = usage.turns === 0 ? 0 : Math.max(3, (usage.turns / most) * 104);
          return (
            <g key={usage.day} className="group">
              <title>{words.house.chart_bar(usage.day, usage.turns, money(usage.cost_micros))}</title>
              <rect x={place * 20} y="0" width="20" height="112" fill="transparent" />
              <rect
                x={place * 20 + 3}
                y={111 - height}
                width="14"
                height={height}
                rx="2"
                className="fill-livery/75 group-hover:fill-livery"
              />
            </g>
          );
        })}
      </svg>
      <figcaption className="mt-1.5 flex justify-between text-[12px] text-ink-3">
        <span>{first ? day(new Date(`${first.day}T12:00:00`).getTime()) : ""}</span>
        <span>{day(new Date(`${bars.at(-1)?.day}T12:00:00`).getTime())}</span>
      </figcaption>
    </figure>
  );
}

const MODEL_COLUMNS: Columns<ModelInfo> = [
  { accessorKey: "name", header: words.house.model },
  {
    accessorKey: "context_tokens",
    header: words.house.context,
    cell: ({ row }) => (row.original.context_tokens ? words.models.context(row.original.context_tokens) : ""),
  },
  {
    id: "price",
    accessorFn: (model) => model.price?.output ?? -1,
    header: words.house.price,
    cell: ({ row }) =>
      row.original.price ? words.models.price(row.original.price.input, row.original.price.output) : "",
  },
];

function ModelList() {
  const { models, live, loading, problem } = useModels();
  return (
    <Part title={words.house.models} hint={words.house.models_hint}>
      {loading ? (
        <Waiting />
      ) : (
        <>
          {!live && (
            <p className="mb-2 text-[13.5px] text-brass">
              {words.models.built_in_hint} {problem}
            </p>
          )}
          <div className="max-h-96 overflow-y-auto">
            <DataTable
              label={words.house.models}
              columns={MODEL_COLUMNS}
              rows={models}
              numeric={["context_tokens", "price"]}
            />
          </div>
        </>
      )}
    </Part>
  );
}

function Keys() {
  const client = useQueryClient();
  const { data, isPending, error, refetch } = useQuery({
    queryKey: ["keys"],
    queryFn: ({ signal }) => api.keys(signal),
  });
  const [name, setName] = useState("");
  const [made, setMade] = useState<string>();
  const [removing, setRemoving] = useState<Key>();
  const refresh = () => client.invalidateQueries({ queryKey: ["keys"] });
  const create = useMutation({
    mutationFn: api.createKey,
    onError: noteFailure,
    onSuccess: ({ key }) => {
      setMade(key);
      setName("");
      return refresh();
    },
  });
  const remove = useMutation({
    mutationFn: (id: string) => api.deleteKey(id),
    onError: noteFailure,
    onSettled: refresh,
  });
  const columns: Columns<Key> = useMemo(
    () => [
      {
        accessorKey: "name",
        header: words.house.name,
        cell: ({ row }) => <span className="font-medium">{row.original.name}</span>,
      },
      {
        accessorKey: "created_at_ms",
        header: words.house.since,
        cell: ({ row }) => (row.original.created_at_ms ? day(row.original.created_at_ms) : ""),
      },
      {
        id: "actions",
        enableSorting: false,
        header: () => <span className="sr-only">{words.house.actions}</span>,
        cell: ({ row }) => (
          <Button className="h-8! px-2.5!" onClick={() => setRemoving(row.original)}>
            {words.house.revoke}
          </Button>
        ),
      },
    ],
    [],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "") create.mutate({ name: name.trim() });
  };

  if (forbidden(error)) return null;
  return (
    <Part title={words.house.keys} hint={words.house.keys_hint}>
      {isPending ? (
        <Waiting />
      ) : error ? (
        <Failed title={words.state.unreachable} onRetry={() => void refetch()} />
      ) : data.keys.length === 0 ? (
        <p className="text-[14px] text-ink-2">{words.house.no_keys}</p>
      ) : (
        <DataTable label={words.house.keys} columns={columns} rows={data.keys} numeric={["actions"]} />
      )}
      <form onSubmit={submit} aria-label={words.house.create_key} className="mt-4 flex flex-wrap gap-2">
        <input
          value={name}
          maxLength={80}
          onChange={(event) => setName(event.target.value)}
          aria-label={words.house.key_name}
          placeholder={words.house.key_name}
          className={classes(field, "h-9! min-w-40 flex-1 sm:max-w-64")}
        />
        <Button type="submit" disabled={create.isPending || name.trim() === ""}>
          <Plus size={15} aria-hidden="true" /> {words.house.create_key}
        </Button>
      </form>
      <Dialog
        open={made !== undefined}
        onClose={() => setMade(undefined)}
        title={words.house.key_made}
        description={words.house.key_once}
      >
        <Secret text={made ?? ""} />
      </Dialog>
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        onYes={() => removing && remove.mutate(removing.id)}
        title={words.confirm.key_title(removing?.name ?? "")}
        text={words.confirm.key_text}
        yes={words.confirm.yes_revoke}
      />
    </Part>
  );
}

/** Addresses that somebody pastes where a service asks for one. */
function Hooks() {
  const client = useQueryClient();
  const { data, isPending, error, refetch } = useQuery({
    queryKey: ["hooks"],
    queryFn: ({ signal }) => api.hooks(signal),
  });
  const [made, setMade] = useState<{ name: string; address: string }>();
  const [asked, setAsked] = useState<{ name: string; act: "make" | "void" }>();
  const refresh = () => client.invalidateQueries({ queryKey: ["hooks"] });
  const make = useMutation({
    mutationFn: api.createHook,
    onError: noteFailure,
    onSuccess: ({ address }, name) => {
      setMade({ name, address });
      return refresh();
    },
  });
  const remove = useMutation({ mutationFn: api.deleteHook, onError: noteFailure, onSettled: refresh });
  const voids = asked?.act === "void";
  if (forbidden(error) || data?.hooks.length === 0) return null;
  return (
    <Part title={words.house.hooks} hint={words.house.hooks_hint}>
      {isPending ? (
        <Waiting />
      ) : error ? (
        <Failed title={words.state.unreachable} onRetry={() => void refetch()} />
      ) : (
        <ul>
          {data.hooks.map(({ name, made_at_ms }) => (
            <li key={name} className="flex flex-wrap items-center gap-x-3 gap-y-2 border-line border-t py-2.5">
              <span className="font-medium text-[13.5px]">{name}</span>
              <span className="flex-1 text-[13px] text-ink-3">
                {made_at_ms === null ? words.house.hook_none : words.house.hook_since(day(made_at_ms))}
              </span>
              <Button
                className="h-8! px-2.5!"
                aria-label={`${words.house.hook_make}: ${name}`}
                disabled={make.isPending}
                onClick={() => (made_at_ms === null ? make.mutate(name) : setAsked({ name, act: "make" }))}
              >
                {words.house.hook_make}
              </Button>
              {made_at_ms !== null && (
                <Button
                  className="h-8! px-2.5!"
                  aria-label={`${words.house.hook_void}: ${name}`}
                  onClick={() => setAsked({ name, act: "void" })}
                >
                  {words.house.hook_void}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      <Dialog
        open={made !== undefined}
        onClose={() => setMade(undefined)}
        title={words.house.hook_made(made?.name ?? "")}
        description={words.house.hook_once}
      >
        <Secret text={made?.address ?? ""} />
      </Dialog>
      <Confirm
        open={asked !== undefined}
        onClose={() => setAsked(undefined)}
        onYes={() => asked && (voids ? remove : make).mutate(asked.name)}
        title={(voids ? words.confirm.hook_void_title : words.confirm.hook_title)(asked?.name ?? "")}
        text={voids ? words.confirm.hook_void_text : words.confirm.hook_text}
        yes={voids ? words.confirm.yes_void : words.confirm.yes_make}
      />
    </Part>
  );
}
