import { expect, test } from "vitest";
import { revealedText } from "./reveal";

test.each([
  ["plain words stay", "The General (1926)", "The General (1926)"],
  ["other scripts stay", "Носферату, 千と千尋, שלום", "Носферату, 千と千尋, שלום"],
  ["joined letters stay", "می‌خواهم क्‍ष", "می‌خواهم क्‍ष"],
  ["lines and accents stay", "e\u0301\nzwei\tdrei", "e\u0301\nzwei\tdrei"],
  ["an emoji of several parts stays", "👨‍👩‍👧 ❤️ 1️⃣", "👨‍👩‍👧 ❤️ 1️⃣"],
  ["an override of direction is named", "Alien \u202e(9791)", "Alien [U+202E](9791)"],
  ["isolates and marks are named", "a\u2066b\u2069c\u200fd", "a[U+2066]b[U+2069]c[U+200F]d"],
  ["a split by nothing is named", "De\u200blete\u2060 me\ufeff", "De[U+200B]lete[U+2060] me[U+FEFF]"],
  ["a joiner outside an emoji is named", "a\u200db", "a[U+200D]b"],
  ["tags behind an emoji are named", "🙂\u{e0064}\u{e0065}", "🙂[U+E0064][U+E0065]"],
  ["controls and escapes are named", "a\u0000b\u001b[2Jc", "a[U+0000]b[U+001B][2Jc"],
  ["blank letters are named", "x\u3164y\u2800z", "x[U+3164]y[U+2800]z"],
  ["half a character is named", "a\ud800b", "a[U+D800]b"],
])("%s", (_name, text, expected) => {
  expect(revealedText(text)).toBe(expected);
});
