/** Files on their way into a message: read here, sent as base64. */

import type { AppendMessage, AttachmentAdapter } from "@assistant-ui/react";
import type { OutgoingFile } from "../api/types";
import { note } from "../kit/notes";
import { words } from "../words/en";

/** The service takes 16 MB a message; base64 makes four bytes of three. */
export const MOST_BYTES = 11 * 1024 * 1024;

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
  return {
    accept: "*",
    async add({ file }) {
      const taken = [...sizes.values()].reduce((sum, size) => sum + size, 0);
      if (taken + file.size > MOST_BYTES) {
        note(words.chat.too_large(file.name));
        throw new Error("too large");
      }
      const id = `${file.name}:${file.size}:${file.lastModified}:${sizes.size}`;
      sizes.set(id, file.size);
      return {
        id,
        type: file.type.startsWith("image/") ? "image" : "file",
        name: file.name || words.chat.picture,
        contentType: file.type || "application/octet-stream",
        file,
        status: { type: "requires-action", reason: "composer-send" },
      };
    },
    async remove({ id }) {
      sizes.delete(id);
    },
    async send(attachment) {
      sizes.delete(attachment.id);
      try {
        const data = await base64(attachment.file);
        return {
          ...attachment,
          status: { type: "complete" },
          content: [
            {
              type: "file",
              data,
              mimeType: attachment.contentType ?? "application/octet-stream",
              filename: attachment.name,
            },
          ],
        };
      } catch (reason) {
        note(words.chat.unreadable(attachment.name));
        throw reason;
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
