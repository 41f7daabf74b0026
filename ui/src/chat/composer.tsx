/** The message field: text, files, model, send and stop. */

import { AttachmentPrimitive, ComposerPrimitive, useAui, useAuiState } from "@assistant-ui/react";
import { ArrowUp, FileText, Paperclip, Square, X } from "lucide-react";
import { useEffect, useState } from "react";
import { classes, Hint } from "../kit/pieces";
import { words } from "../words/en";
import { ModelPicker } from "./models";

/** The service takes fewer characters than this. */
const LIMIT = 100_000;

function Attached() {
  const attachment = useAuiState((state) => state.attachment);
  const [address, setAddress] = useState<string>();
  const file = attachment.file;
  useEffect(() => {
    if (!file || attachment.type !== "image") return;
    let dropped = false;
    // A data address: the content policy allows no blobs.
    const reader = new FileReader();
    reader.onload = () => dropped || setAddress(String(reader.result));
    reader.readAsDataURL(file);
    return () => {
      dropped = true;
    };
  }, [file, attachment.type]);
  return (
    <AttachmentPrimitive.Root className="enter relative flex h-14 max-w-52 items-center gap-2.5 rounded-xl border border-line bg-paper p-1.5 pe-3 text-[12.5px]">
      {address ? (
        <img src={address} alt="" className="size-11 rounded-lg object-cover" />
      ) : (
        <span className="grid size-11 place-items-center rounded-lg bg-hover text-ink-3">
          <FileText size={17} aria-hidden="true" />
        </span>
      )}
      <span className="min-w-0 truncate">{attachment.name}</span>
      <AttachmentPrimitive.Remove
        aria-label={words.chat.remove_file(attachment.name)}
        className="absolute -top-2 -right-2 grid size-5.5 place-items-center rounded-full border border-line bg-raised text-ink-2 shadow-raised hover:text-ink"
      >
        <X size={12} />
      </AttachmentPrimitive.Remove>
    </AttachmentPrimitive.Root>
  );
}

export function Composer({
  busy,
  stoppable,
  draft,
  onDraft,
}: {
  busy: boolean;
  stoppable: boolean;
  draft: string;
  onDraft: (text: string) => void;
}) {
  const aui = useAui();
  const text = useAuiState((state) => state.composer.text);
  const can_send = useAuiState((state) => state.composer.canSend);
  const empty = useAuiState((state) => state.composer.isEmpty);
  const too_long = text.length >= LIMIT;
  const show_stop = busy && empty;

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the field appears
  useEffect(() => {
    if (draft !== "") aui.composer.setText(draft);
  }, []);
  useEffect(() => onDraft(text), [text, onDraft]);

  return (
    <ComposerPrimitive.AttachmentDropzone className="group/drop relative rounded-[22px]">
      <ComposerPrimitive.Root
        id="composer"
        className="rounded-[22px] border border-line-2 bg-raised shadow-raised transition-[border-color,box-shadow] focus-within:border-ink-3/60 group-data-[dragging]/drop:border-livery group-data-[dragging]/drop:ring-4 group-data-[dragging]/drop:ring-livery/15"
      >
        <div className="flex flex-wrap gap-2.5 px-3.5 pt-3.5 empty:hidden">
          <ComposerPrimitive.Attachments>{() => <Attached />}</ComposerPrimitive.Attachments>
        </div>
        <ComposerPrimitive.Input
          id="message"
          aria-label={words.chat.message}
          placeholder={busy ? words.chat.placeholder_running : words.chat.placeholder}
          autoFocus={matchMedia("(pointer: fine)").matches}
          rows={1}
          maxRows={10}
          enterKeyHint="send"
          aria-invalid={too_long}
          aria-describedby={too_long ? "too-long" : undefined}
          className="block w-full resize-none bg-transparent px-4.5 pt-3.5 pb-1.5 text-[15px] leading-[1.55] placeholder:text-ink-3 focus:outline-none max-sm:text-[16px]"
        />
        {too_long && (
          <p id="too-long" role="alert" className="px-4.5 text-[12.5px] text-danger">
            {words.chat.too_long}
          </p>
        )}
        <div className="flex items-center gap-1 p-2 pt-1">
          <Hint text={words.chat.attach_hint} side="top">
            <ComposerPrimitive.AddAttachment
              aria-label={words.chat.attach}
              className="grid size-8 shrink-0 place-items-center rounded-[9px] text-ink-2 transition-colors hover:bg-hover hover:text-ink pointer-coarse:size-9"
            >
              <Paperclip size={16.5} />
            </ComposerPrimitive.AddAttachment>
          </Hint>
          <ModelPicker />
          <span className="flex-1" />
          {show_stop ? (
            <Hint text={`${words.chat.stop} (Esc)`} side="top">
              <ComposerPrimitive.Cancel
                aria-label={words.chat.stop}
                disabled={!stoppable}
                className="grid size-9 shrink-0 place-items-center rounded-full bg-ink text-paper transition-opacity hover:opacity-85 disabled:opacity-50"
              >
                <Square size={12} fill="currentColor" />
              </ComposerPrimitive.Cancel>
            </Hint>
          ) : (
            <ComposerPrimitive.Send
              aria-label={words.chat.send}
              disabled={!can_send || too_long}
              className={classes(
                "grid size-9 shrink-0 place-items-center rounded-full bg-livery text-on-livery transition-[opacity,background-color] hover:bg-livery-2 disabled:bg-line disabled:text-ink-3",
              )}
            >
              <ArrowUp size={18} strokeWidth={2.3} />
            </ComposerPrimitive.Send>
          )}
        </div>
      </ComposerPrimitive.Root>
      <p
        aria-hidden="true"
        className="pointer-events-none absolute inset-0 hidden place-items-center rounded-[22px] bg-raised/90 font-medium text-livery group-data-[dragging]/drop:grid"
      >
        {words.chat.drop}
      </p>
    </ComposerPrimitive.AttachmentDropzone>
  );
}
