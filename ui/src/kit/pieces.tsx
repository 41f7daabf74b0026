/** The few shared pieces over Radix: buttons, dialogs, menus, tooltips, states. They draw and know no data. */

import { Check, Copy, LoaderCircle, RotateCw, X } from "lucide-react";
import { AlertDialog, Dialog as RadixDialog, Tooltip } from "radix-ui";
import { Component, type ComponentProps, type ReactNode, useEffect, useRef, useState } from "react";
import { words } from "../words/en";
import { note } from "./notes";

export function classes(...names: (string | false | null | undefined)[]) {
  return names.filter(Boolean).join(" ");
}

const BUTTON = {
  primary: "bg-livery text-on-livery hover:bg-livery-2 disabled:opacity-45",
  plain: "border border-line-2 bg-raised text-ink hover:bg-hover disabled:opacity-50",
  quiet: "text-ink-2 hover:bg-hover hover:text-ink disabled:opacity-50",
  danger: "bg-danger text-paper hover:opacity-90 disabled:opacity-50",
};

export function Button({
  kind = "plain",
  className,
  ...rest
}: ComponentProps<"button"> & { kind?: keyof typeof BUTTON }) {
  return (
    <button
      type="button"
      className={classes(
        "inline-flex h-9 items-center justify-center gap-2 rounded-[10px] px-3.5 font-medium text-[13.5px] transition-colors",
        BUTTON[kind],
        className,
      )}
      {...rest}
    />
  );
}

export function Hint({
  text,
  children,
  side = "bottom",
}: {
  text: string;
  children: ReactNode;
  side?: "top" | "bottom" | "right";
}) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="pop z-50 max-w-64 rounded-lg bg-ink px-2.5 py-1.5 text-[12px] text-paper leading-snug shadow-floating"
        >
          {text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

/** A button that is only a sign; its label is read out and shown on hover. */
export function IconButton({
  label,
  className,
  hint = "bottom",
  ...rest
}: ComponentProps<"button"> & { label: string; hint?: "top" | "bottom" | "right" }) {
  return (
    <Hint text={label} side={hint}>
      <button
        type="button"
        aria-label={label}
        className={classes(
          "inline-flex size-8 shrink-0 items-center justify-center rounded-[9px] text-ink-2 transition-colors hover:bg-hover hover:text-ink active:bg-press disabled:pointer-events-none disabled:opacity-40 pointer-coarse:size-9",
          className,
        )}
        {...rest}
      />
    </Hint>
  );
}

export function CopyButton({ text, label, className }: { text: string; label: string; className?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <IconButton
      label={copied ? words.answer.copied : label}
      className={className}
      onClick={async () => {
        if (await copyText(text)) setCopied(true);
        else note(words.answer.copy_failed);
      }}
    >
      {copied ? <Check size={15} className="text-livery" /> : <Copy size={15} />}
    </IconButton>
  );
}

/** The clipboard is closed to pages served over plain http from another machine, as a household's often are. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.className = "fixed top-0 opacity-0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function Dialog({
  open,
  onClose,
  title,
  description,
  children,
  wide = false,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: string;
  children: ReactNode;
  wide?: boolean;
}) {
  return (
    <RadixDialog.Root open={open} onOpenChange={(next) => next || onClose()}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="veil fixed inset-0 z-40 bg-veil" />
        <RadixDialog.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          className={classes(
            "pop fixed inset-x-3 top-1/2 z-50 mx-auto flex max-h-[min(86dvh,720px)] -translate-y-1/2 flex-col rounded-2xl border border-line bg-raised shadow-floating focus:outline-none",
            wide ? "max-w-2xl" : "max-w-md",
          )}
        >
          <div className="flex items-start gap-3 px-5 pt-5 pb-1">
            <RadixDialog.Title className="min-w-0 flex-1 pt-0.5 font-semibold text-[16px] leading-snug tracking-[-0.01em]">
              {title}
            </RadixDialog.Title>
            <RadixDialog.Close asChild>
              <button
                type="button"
                aria-label={words.dialog.close}
                className="-mt-1 -mr-1.5 inline-flex size-8 items-center justify-center rounded-[9px] text-ink-3 hover:bg-hover hover:text-ink"
              >
                <X size={16} />
              </button>
            </RadixDialog.Close>
          </div>
          <div className="min-h-0 overflow-y-auto px-5 pb-5">
            {description && (
              <RadixDialog.Description className="mt-1 mb-3 text-[13.5px] text-ink-2">
                {description}
              </RadixDialog.Description>
            )}
            {children}
          </div>
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

export function Confirm({
  open,
  onClose,
  onYes,
  title,
  text,
  yes,
  no = words.confirm.cancel,
}: {
  open: boolean;
  onClose: () => void;
  onYes: () => void;
  title: string;
  text: string;
  yes: string;
  no?: string;
}) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => next || onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="veil fixed inset-0 z-40 bg-veil" />
        <AlertDialog.Content className="pop fixed inset-x-3 top-1/2 z-50 mx-auto max-w-sm -translate-y-1/2 rounded-2xl border border-line bg-raised p-5 shadow-floating focus:outline-none">
          <AlertDialog.Title className="font-semibold text-[16px] tracking-[-0.01em]">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-1.5 text-[13.5px] text-ink-2 [overflow-wrap:anywhere]">
            {text}
          </AlertDialog.Description>
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>{no}</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button kind="danger" onClick={onYes}>
                {yes}
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

export const menu = {
  content:
    "pop z-50 min-w-44 rounded-xl border border-line bg-raised p-1 text-[13.5px] shadow-floating focus:outline-none",
  item: "flex h-8.5 cursor-default select-none items-center gap-2.5 rounded-lg px-2.5 outline-none data-highlighted:bg-hover pointer-coarse:h-10",
  danger: "text-danger",
  separator: "mx-2 my-1 h-px bg-line",
  label: "px-2.5 pt-1.5 pb-1 text-[12px] text-ink-3",
};

export const field =
  "h-10 w-full rounded-[10px] border border-line-2 bg-paper px-3 text-[14px] text-ink placeholder:text-ink-3 focus:border-livery focus:outline-none focus:ring-3 focus:ring-livery/15 max-sm:text-[16px]";

export function Spinner({ size = 16, className }: { size?: number; className?: string }) {
  return <LoaderCircle size={size} aria-hidden="true" className={classes("animate-spin", className)} />;
}

/** A small number, and its words for those who cannot see it; nothing when it is 0. */
export function Badge({ count, words: said, className }: { count: number; words: string; className?: string }) {
  if (count === 0) return null;
  return (
    <span
      data-testid="badge"
      className={classes(
        "tabular grid h-4.5 min-w-4.5 place-items-center rounded-full bg-livery px-1.25 font-medium text-[11px] text-on-livery leading-none",
        className,
      )}
    >
      <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
      <span className="sr-only">{said}</span>
    </span>
  );
}

/** The face of a failure: what happened, what it means, and the way on. */
export function Failed({ title, hint, onRetry }: { title: string; hint?: string; onRetry?: () => void }) {
  return (
    <div role="alert" className="flex flex-col items-center gap-1 px-6 py-10 text-center">
      <p className="font-medium">{title}</p>
      {hint && <p className="max-w-sm text-[13.5px] text-ink-2">{hint}</p>}
      {onRetry && (
        <Button className="mt-4" onClick={onRetry}>
          <RotateCw size={14} />
          {words.state.try_again}
        </Button>
      )}
    </div>
  );
}

/** Keeps a broken part from taking the page along. */
export class Fence extends Component<{ children: ReactNode; place?: string }, { broken: boolean }> {
  override state = { broken: false };

  /** Another place may work. */
  override componentDidUpdate(before: { place?: string }) {
    if (this.state.broken && before.place !== this.props.place) this.setState({ broken: false });
  }

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <div role="alert" className="grid h-full place-items-center p-6 text-center">
        <div>
          <p className="font-medium">{words.state.broken}</p>
          <p className="mt-1 text-[13.5px] text-ink-2">{words.state.broken_hint}</p>
          <Button className="mt-4" onClick={() => location.reload()}>
            {words.state.reload}
          </Button>
        </div>
      </div>
    );
  }
}

/** This page's clock, moved once a second while `running`. */
export function useNow(running: boolean) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}

/** Whether an element has been on screen at least once. */
export function useSeen<Kind extends Element>() {
  const target = useRef<Kind>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = target.current;
    if (seen || !element) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [seen]);
  return [target, seen] as const;
}
