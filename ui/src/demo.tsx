/** Says plainly that this is a demo, and how to replace it. */

import { ArrowRight, X } from "lucide-react";
import { useState } from "react";
import type { Me } from "./api/types";
import { CopyButton, Dialog } from "./kit/pieces";
import { changeSetting, useSetting } from "./kit/settings";
import { words } from "./words/en";

export function DemoBanner({ demo }: { demo: NonNullable<Me["demo"]> }) {
  const [open, setOpen] = useState(false);
  const hidden = useSetting("demo_hidden");
  if (hidden) return null;
  return (
    <aside
      aria-label={words.demo.label}
      className="flex shrink-0 items-center gap-x-3 border-brass-line border-b bg-brass-soft py-1.5 ps-4 pe-2 text-[13px] text-brass leading-snug max-sm:text-[12.5px]"
    >
      <p className="min-w-0 flex-1">
        {words.demo.short(demo.parts)}{" "}
        <button
          type="button"
          onClick={() => setOpen(true)}
          className="inline-flex items-center gap-1 whitespace-nowrap font-medium underline decoration-current/35 underline-offset-3 hover:decoration-current"
        >
          {words.demo.how} <ArrowRight size={13} aria-hidden="true" />
        </button>
      </p>
      <button
        type="button"
        aria-label={words.demo.hide}
        onClick={() => changeSetting("demo_hidden", true)}
        className="grid size-7 shrink-0 place-items-center rounded-lg hover:bg-hover"
      >
        <X size={14} />
      </button>
      <Dialog
        open={open}
        onClose={() => setOpen(false)}
        title={words.demo.title}
        description={`${demo.text} ${words.demo.what}`}
        wide
      >
        <ol className="space-y-4 text-ink">
          {words.demo.steps
            .filter(({ part }) => demo.parts.includes(part))
            .map((step, place) => (
              <li key={step.title} className="flex gap-3.5">
                <span className="tabular mt-px grid size-6 shrink-0 place-items-center rounded-full bg-livery-soft font-medium text-[12.5px] text-livery">
                  {place + 1}
                </span>
                <div className="min-w-0 flex-1">
                  <h3 className="font-medium text-[14px]">{step.title}</h3>
                  <p className="text-[13.5px] text-ink-2">{step.text}</p>
                  <div className="relative mt-2 rounded-xl border border-line bg-linen">
                    <pre tabIndex={0} className="overflow-x-auto p-3 pe-12 font-mono text-[12.5px] leading-relaxed">
                      {step.code}
                    </pre>
                    <CopyButton
                      text={step.code}
                      label={words.answer.copy_code}
                      className="absolute top-1.5 right-1.5"
                    />
                  </div>
                </div>
              </li>
            ))}
        </ol>
        <p className="mt-4 text-[13.5px] text-ink-2">{words.demo.afterwards}</p>
      </Dialog>
    </aside>
  );
}
