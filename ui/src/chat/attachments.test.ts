import { expect, test } from "vitest";
import { mediaType } from "./attachments";

test.each([
  ["poster.png", "image/png", "image/png"],
  ["photo.jpg", "image/jpg", "image/jpeg"],
  ["notes.md", "", "text/markdown"],
  ["notes.md", "text/plain", "text/markdown"],
  ["list.csv", "text/csv;charset=utf-8", "text/csv"],
  ["film.nfo", "", "text/plain"],
  ["page.html", "text/html", "text/plain"],
  ["IMG_1.HEIC", "image/heic", undefined],
  ["film.mkv", "video/x-matroska", undefined],
  ["program", "", undefined],
])("%s given as “%s” is sent as %s", (name, type, expected) => {
  expect(mediaType(name, type)).toBe(expected);
});
