import { useEffect, useRef, useState } from "react";
import { words } from "../words/en";

/** A title being changed where it stands: Enter keeps, Escape gives up, leaving keeps. */
export function RenameField({
  title,
  onDone,
  className,
}: {
  title: string;
  onDone: (title: string | undefined) => void;
  className?: string;
}) {
  const [text, setText] = useState(title);
  const input = useRef<HTMLInputElement>(null);
  const over = useRef(false);
  useEffect(() => {
    // After the menu that led here has given the focus back.
    const timer = setTimeout(() => {
      input.current?.focus();
      input.current?.select();
    }, 0);
    return () => clearTimeout(timer);
  }, []);
  const finish = (keep: boolean) => {
    if (over.current) return;
    over.current = true;
    const next = text.trim();
    onDone(keep && next !== "" && next !== title ? next : undefined);
  };
  return (
    <input
      ref={input}
      aria-label={words.sidebar.rename_label}
      value={text}
      maxLength={120}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => finish(true)}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing) return;
        if (event.key === "Enter") finish(true);
        if (event.key === "Escape") {
          event.stopPropagation();
          finish(false);
        }
      }}
      className={className}
    />
  );
}
