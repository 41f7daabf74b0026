/** Plots of what is counted, each with its words and, on demand, its table. Drawn by Recharts in the page's own colours. */

import { useState } from "react";
import { Bar, BarChart, CartesianGrid, LabelList, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { Button } from "../kit/pieces";
import { type Columns, DataTable } from "../manage/table";
import { bytes, count, month, words } from "../words/en";
import type { Counted, Library } from "./answers";

const said = words.library;
/** Opaque, so that no line shines through. */
const FILL = "color-mix(in oklab, var(--livery) 78%, var(--paper))";
const TICK = { fill: "var(--ink-3)", fontSize: 12 };

interface Bucket extends Counted {
  size_bytes?: number;
}

export default function Plots({ library }: { library: Library }) {
  const growth = library.growth.map((one) => ({
    label: month(one.month),
    count: one.count,
    size_bytes: one.size_bytes,
  }));
  return (
    <div className="grid gap-x-10 gap-y-9 md:grid-cols-2">
      <Plot title={said.by_year} of={said.label} buckets={library.by_year} upright />
      <Plot title={said.growth} of={said.month} buckets={growth} upright />
      <Plot title={said.by_genre} of={said.label} buckets={library.by_genre} />
      <Plot title={said.by_resolution} of={said.label} buckets={library.by_resolution} />
    </div>
  );
}

/** Bars stand where their order is one of time, and lie where their names are words. */
function Plot({
  title,
  of,
  buckets,
  upright = false,
}: {
  title: string;
  of: string;
  buckets: Bucket[];
  upright?: boolean;
}) {
  const [table, setTable] = useState(false);
  const most = buckets.reduce<Bucket | undefined>(
    (best, one) => (best && best.count >= one.count ? best : one),
    undefined,
  );
  if (!most) return null;
  const sized = buckets.some(({ size_bytes }) => size_bytes !== undefined && size_bytes > 0);
  const columns: Columns<Bucket> = [
    { accessorKey: "label", header: of, enableSorting: false },
    { accessorKey: "count", header: said.count, cell: ({ row }) => count(row.original.count), enableSorting: false },
    ...(sized
      ? ([
          {
            accessorKey: "size_bytes",
            header: said.bytes,
            cell: ({ row }) => bytes(row.original.size_bytes ?? 0),
            enableSorting: false,
          },
        ] satisfies Columns<Bucket>)
      : []),
  ];
  return (
    <figure data-testid="plot" className="min-w-0">
      <figcaption className="mb-2 flex items-center justify-between gap-3">
        <span className="font-medium text-[14px]">{title}</span>
        <Button
          kind="quiet"
          className="-me-2.5 h-7! px-2.5! font-normal! text-[12.5px]!"
          aria-expanded={table}
          aria-label={`${table ? said.hide_table : said.show_table}: ${title}`}
          onClick={() => setTable(!table)}
        >
          {table ? said.hide_table : said.show_table}
        </Button>
      </figcaption>
      {table ? (
        <div className="max-h-72 overflow-y-auto">
          <DataTable label={title} columns={columns} rows={buckets} numeric={["count", "size_bytes"]} />
        </div>
      ) : (
        <div role="img" aria-label={said.plot(title, said.plot_most(most.label, most.count))}>
          <div aria-hidden="true">{upright ? <Upright buckets={buckets} /> : <Lying buckets={buckets} />}</div>
        </div>
      )}
    </figure>
  );
}

function Upright({ buckets }: { buckets: Bucket[] }) {
  return (
    <ResponsiveContainer width="100%" height={196}>
      <BarChart data={buckets} margin={{ top: 6, right: 0, bottom: 0, left: 0 }} accessibilityLayer={false}>
        <CartesianGrid vertical={false} stroke="var(--line)" />
        <XAxis
          dataKey="label"
          tick={TICK}
          tickLine={false}
          axisLine={{ stroke: "var(--line-2)" }}
          interval="equidistantPreserveStart"
          minTickGap={10}
        />
        <YAxis tick={TICK} tickLine={false} axisLine={false} width={34} allowDecimals={false} tickCount={4} />
        <Tooltip isAnimationActive={false} cursor={{ fill: "var(--hover)" }} content={<Hover />} />
        <Bar dataKey="count" fill={FILL} radius={[3, 3, 0, 0]} maxBarSize={34} isAnimationActive={false} />
      </BarChart>
    </ResponsiveContainer>
  );
}

/** Height of one lying bar with its name. */
const LINE = 27;

function Lying({ buckets }: { buckets: Bucket[] }) {
  return (
    <ResponsiveContainer width="100%" height={buckets.length * LINE + 4}>
      <BarChart
        data={buckets}
        layout="vertical"
        margin={{ top: 0, right: 40, bottom: 0, left: 0 }}
        accessibilityLayer={false}
      >
        <XAxis type="number" hide domain={[0, "dataMax"]} />
        <YAxis
          type="category"
          dataKey="label"
          tick={<Name />}
          tickLine={false}
          axisLine={false}
          width={108}
          interval={0}
        />
        <Tooltip isAnimationActive={false} cursor={{ fill: "var(--hover)" }} content={<Hover />} />
        <Bar dataKey="count" fill={FILL} radius={[0, 3, 3, 0]} barSize={13} isAnimationActive={false}>
          <LabelList dataKey="count" position="right" fill="var(--ink-2)" fontSize={12} offset={7} />
        </Bar>
      </BarChart>
    </ResponsiveContainer>
  );
}

/** A bar's name, in line with what stands above the plot. */
function Name({ y, payload }: { y?: number; payload?: { value: string } }) {
  return (
    <text x={0} y={y} dy="0.34em" fill="var(--ink-2)" fontSize={12.5}>
      {payload?.value}
    </text>
  );
}

function Hover({ active, payload }: { active?: boolean; payload?: readonly { payload?: Bucket }[] }) {
  const bucket = payload?.[0]?.payload;
  if (!active || !bucket) return null;
  return (
    <div className="rounded-lg bg-ink px-2.5 py-1.5 text-[12px] text-paper leading-snug shadow-floating">
      <span className="font-medium">{bucket.label}</span> {said.titles(bucket.count)}
      {bucket.size_bytes ? `, ${bytes(bucket.size_bytes)}` : ""}
    </div>
  );
}
