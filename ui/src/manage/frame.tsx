/** Around every page that is no conversation: the way back, the way to its neighbours, and the shape of a section. */

import { ArrowLeft } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { ApiError } from "../api/client";
import type { Me } from "../api/types";
import { useWaitingForMe } from "../chat/approvals";
import { Badge, Button, CopyButton, classes, Spinner } from "../kit/pieces";
import { addressOf, go, HOUSE_PAGES, type HousePage, MEDIA_PAGES, type MediaPage } from "../kit/route";
import { setting } from "../kit/settings";
import { words } from "../words/en";

const FOR_ADMINS: (HousePage | MediaPage)[] = ["people", "audit"];

export function Frame({
  me,
  start,
  page,
  hint,
  children,
}: {
  me: Me;
  start: ReactNode;
  page: HousePage | MediaPage;
  hint?: string;
  children: ReactNode;
}) {
  const title = words.pages[page];
  const waiting = useWaitingForMe();
  useEffect(() => {
    document.title = `${title} – ${words.name}`;
  }, [title]);
  const back = () => {
    const last = setting("last_conversation");
    go(last === "" ? { page: "new" } : { page: "conversation", id: last });
  };
  const about_media = MEDIA_PAGES.some((name) => name === page);
  const pages = (about_media ? MEDIA_PAGES : HOUSE_PAGES).filter(
    (name) => me.person.standing === "admin" || !FOR_ADMINS.includes(name),
  );
  return (
    <div className="flex h-full flex-col">
      <header className="safe-top shrink-0 max-lg:border-line max-lg:border-b">
        <div className="flex h-14 items-center gap-1 px-2 lg:px-4">
          {start}
          <Button kind="quiet" className="px-2.5!" onClick={back}>
            <ArrowLeft size={15} aria-hidden="true" /> {words.house.back}
          </Button>
        </div>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto max-w-[860px] px-5 pt-4 pb-20 sm:px-8">
          <h1 className="font-display text-[34px] leading-tight tracking-[-0.022em]">{title}</h1>
          {hint && <p className="mt-1 text-[14px] text-ink-2">{hint}</p>}
          <nav
            aria-label={about_media ? words.pages.media : words.pages.label}
            className="-mx-5 mt-4 mb-8 flex gap-1 overflow-x-auto border-line border-b px-5 [scrollbar-width:none] sm:-mx-0 sm:px-0"
          >
            {pages.map((name) => (
              <a
                key={name}
                href={addressOf({ page: name })}
                aria-current={name === page ? "page" : undefined}
                className={classes(
                  "-mb-px flex h-10 shrink-0 items-center gap-1.5 border-b-2 px-2.5 text-[13.5px] transition-colors",
                  name === page ? "border-livery font-medium text-ink" : "border-transparent text-ink-2 hover:text-ink",
                )}
              >
                {words.pages[name]}
                {name === "approvals" && <Badge count={waiting} words={words.inbox.waiting(waiting)} />}
              </a>
            ))}
          </nav>
          <div className="space-y-12">{children}</div>
        </div>
      </div>
    </div>
  );
}

export function Part({
  title,
  hint,
  action,
  children,
}: {
  title: string;
  hint: string;
  action?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section aria-label={title}>
      <div className="mb-4 flex flex-wrap items-end justify-between gap-3">
        <div className="min-w-0 max-w-prose">
          <h2 className="font-semibold text-[17px] tracking-[-0.012em]">{title}</h2>
          <p className="text-[13.5px] text-ink-3">{hint}</p>
        </div>
        {action}
      </div>
      {children}
    </section>
  );
}

export function Waiting() {
  return (
    <div role="status">
      <Spinner className="my-6 text-ink-3" />
      <span className="sr-only">{words.state.loading}</span>
    </div>
  );
}

/** A few words of which one holds. */
export function Choice<Value extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: Value;
  options: [Value, string][];
  onChange: (value: Value) => void;
}) {
  return (
    <div role="radiogroup" aria-label={label} className="flex rounded-[10px] bg-linen p-0.5 text-[13px]">
      {options.map(([one, text]) => (
        // biome-ignore lint/a11y/useSemanticElements: a few buttons that look like one control
        <button
          key={one}
          type="button"
          role="radio"
          aria-checked={one === value}
          onClick={() => onChange(one)}
          className={classes(
            "h-7.5 rounded-lg px-3",
            one === value ? "bg-raised shadow-raised" : "text-ink-2 hover:text-ink",
          )}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

/** Something to copy, shown this once. */
export function Secret({ text }: { text: string }) {
  return (
    <div className="flex items-center gap-1 rounded-[10px] border border-line-2 bg-paper py-1 ps-3 pe-1">
      <code className="min-w-0 flex-1 font-mono text-[12.5px] [overflow-wrap:anywhere]">{text}</code>
      <CopyButton text={text} label={words.house.copy} />
    </div>
  );
}

/** What only some may ask for is left out rather than shown as broken. */
export function forbidden(reason: unknown) {
  return reason instanceof ApiError && (reason.status === 403 || reason.status === 404);
}
