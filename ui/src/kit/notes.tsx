/** Short remarks at the foot of the page that leave by themselves; screen readers hear them. */

import { useSyncExternalStore } from "react";

const STAY_MS = 5_000;
let notes: { id: number; text: string }[] = [];
let next = 1;
const listeners = new Set<() => void>();

function change(to: typeof notes) {
  notes = to;
  for (const listener of listeners) listener();
}

export function note(text: string) {
  const id = next++;
  change([...notes.slice(-2), { id, text }]);
  setTimeout(() => change(notes.filter((other) => other.id !== id)), STAY_MS);
}

export function Notes() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    () => notes,
  );
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 bottom-28 z-60 flex flex-col items-center gap-2 px-4"
    >
      {shown.map(({ id, text }) => (
        <p key={id} className="enter max-w-md rounded-xl bg-ink px-4 py-2.5 text-[13.5px] text-paper shadow-floating">
          {text}
        </p>
      ))}
    </div>
  );
}
