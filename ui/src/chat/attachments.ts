/** Files on their way into a message: checked and read here, sent as base64. Photographs are made smaller on the way. */

import type { AppendMessage, AttachmentAdapter } from "@assistant-ui/react";
import type { OutgoingFile } from "../api/types";
import { note } from "../kit/notes";
import { words } from "../words/en";

/** The service takes 16 MB a message; base64 makes four bytes of three. */
const MOST_BYTES = 11_000_000;
const MOST_BYTES_EACH = 10_000_000;
const MOST_FILES = 8;

const TAKEN = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "application/pdf",
  "application/json",
  "text/plain",
  "text/markdown",
  "text/csv",
]);
const BY_ENDING: Record<string, string> = {
  md: "text/markdown",
  markdown: "text/markdown",
  csv: "text/csv",
  json: "application/json",
  pdf: "application/pdf",
};

/** No model sees more than this many pixels a side. */
const LONGEST_SIDE = 2048;
const SMALL_ENOUGH_BYTES = 1_500_000;

/** The media type the service knows a file by; undefined when it takes no such file. */
export function mediaType(name: string, type: string): string | undefined {
  const bare = type.split(";")[0]?.trim().toLowerCase() ?? "";
  const ending = name.split(".").at(-1)?.toLowerCase() ?? "";
  const known = BY_ENDING[ending];
  if (known && (bare === "" || bare.startsWith("text/") || bare === "application/octet-stream")) return known;
  if (TAKEN.has(bare)) return bare;
  if (bare === "image/jpg") return "image/jpeg";
  if (bare.startsWith("text/") || /^(txt|log|nfo|srt|toml|ya?ml|ini|conf)$/.test(ending)) return "text/plain";
  return undefined;
}

/** A photograph as large as is useful, in a format everybody reads. Undefined when the browser cannot draw it. */
async function smaller(file: File): Promise<File | undefined> {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.86));
    return blob ? new File([blob], `${file.name.replace(/\.\w+$/, "")}.jpg`, { type: "image/jpeg" }) : undefined;
  } catch {
    return undefined;
  }
}

/** The file as it will be sent, or why it cannot be. */
async function prepared(file: File): Promise<File | string> {
  const name = file.name || words.chat.picture;
  let type = mediaType(name, file.type);
  let result = file;
  const redraw =
    file.type.startsWith("image/") &&
    file.type !== "image/gif" &&
    (type === undefined || file.size > SMALL_ENOUGH_BYTES);
  if (redraw) {
    const drawn = await smaller(file);
    if (drawn && (type === undefined || drawn.size < file.size)) {
      result = drawn;
      type = "image/jpeg";
    }
  }
  if (type === undefined) return words.chat.wrong_kind(name);
  if (result.size > MOST_BYTES_EACH) return words.chat.too_large(name);
  return new File([result], result.name || name, { type });
}

function base64(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error ?? new Error(file.name));
    reader.onload = () => resolve(String(reader.result).replace(/^data:[^,]*,/, ""));
    reader.readAsDataURL(file);
  });
}

/** One for each message field: it adds up what is attached there. */
export function attachments(): AttachmentAdapter {
  const sizes = new Map<string, number>();
  let next = 1;
  return {
    accept: "*",
    async add({ file: chosen }) {
      const file = await prepared(chosen);
      const taken = [...sizes.values()].reduce((sum, size) => sum + size, 0);
      let problem: string | undefined;
      if (typeof file === "string") problem = file;
      else if (sizes.size >= MOST_FILES) problem = words.chat.too_many;
      else if (taken + file.size > MOST_BYTES) problem = words.chat.too_large(file.name);
      if (problem !== undefined || typeof file === "string") {
        note(problem ?? "");
        throw new Error(problem);
      }
      const id = `file-${next++}`;
      sizes.set(id, file.size);
      return {
        id,
        type: file.type.startsWith("image/") ? "image" : "file",
        name: file.name,
        contentType: file.type,
        file,
        status: { type: "requires-action", reason: "composer-send" },
      };
    },
    async remove({ id }) {
      sizes.delete(id);
    },
    async send(attachment) {
      try {
        const data = await base64(attachment.file);
        return {
          ...attachment,
          status: { type: "complete" },
          content: [{ type: "file", data, mimeType: attachment.file.type, filename: attachment.name }],
        };
      } catch (reason) {
        note(words.chat.unreadable(attachment.name));
        throw reason;
      } finally {
        sizes.delete(attachment.id);
      }
    },
  };
}

/** What the composer hands over, as text and files. */
export function taken(message: AppendMessage): { text: string; files: OutgoingFile[] } {
  const text = message.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
  const files = (message.attachments ?? []).flatMap((attachment) =>
    attachment.content.flatMap((part) =>
      part.type === "file"
        ? [{ name: part.filename ?? attachment.name, media_type: part.mimeType, data: part.data }]
        : [],
    ),
  );
  return { text, files };
}
