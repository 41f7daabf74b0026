/** A table of a few dozen rows whose columns sort. Scrolls sideways on a narrow screen. */

import {
  type ColumnDef,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  sortFns,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { ArrowDown, ArrowUp } from "lucide-react";
import { useState } from "react";
import { classes } from "../kit/pieces";

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel(), sortFns });

export type Columns<Row extends object> = ColumnDef<typeof features, Row, unknown>[];

/** `numeric` names the columns that are set to the right, `wide` those left out on a narrow screen. */
export function DataTable<Row extends object>({
  label,
  columns,
  rows,
  numeric = [],
  wide = [],
  sorting: first = [],
}: {
  label: string;
  columns: Columns<Row>;
  rows: Row[];
  numeric?: string[];
  wide?: string[];
  sorting?: SortingState;
}) {
  const [sorting, setSorting] = useState<SortingState>(first);
  const table = useTable({ features, columns, data: rows, state: { sorting }, onSortingChange: setSorting });
  return (
    <section aria-label={label} tabIndex={0} className="relative overflow-x-auto">
      <table className="w-full border-collapse text-[13.5px]">
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} className="border-line border-b">
              {group.headers.map((header) => {
                const sorted = header.column.getIsSorted();
                const right = numeric.includes(header.column.id);
                return (
                  <th
                    key={header.id}
                    scope="col"
                    aria-sort={sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : undefined}
                    className={classes(
                      "h-9 pe-4 font-medium text-[12.5px] text-ink-3 last:pe-0",
                      right ? "text-end" : "text-start",
                      wide.includes(header.column.id) && "max-sm:hidden",
                    )}
                  >
                    {header.column.getCanSort() ? (
                      <button
                        type="button"
                        onClick={header.column.getToggleSortingHandler()}
                        className="inline-flex items-center gap-1 rounded hover:text-ink"
                      >
                        <table.FlexRender header={header} />
                        {sorted === "asc" && <ArrowUp size={12} aria-hidden="true" />}
                        {sorted === "desc" && <ArrowDown size={12} aria-hidden="true" />}
                      </button>
                    ) : (
                      <table.FlexRender header={header} />
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr key={row.id} className="border-line border-b last:border-0">
              {row.getAllCells().map((cell) => (
                <td
                  key={cell.id}
                  className={classes(
                    "tabular h-11 whitespace-nowrap pe-4 last:pe-0",
                    numeric.includes(cell.column.id) ? "text-end text-ink-2" : "text-start",
                    wide.includes(cell.column.id) && "max-sm:hidden",
                  )}
                >
                  <table.FlexRender cell={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
