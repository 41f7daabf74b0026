/** Which of the cards found for a title is it. Pure. */

import type { Card } from "../api/types";
import { inWords } from "./profile";

const plain = (text: string) =>
  text
    .normalize("NFKD")
    .replaceAll(/[\p{M}\p{P}\p{S}]/gu, "")
    .replaceAll(/\s+/g, " ")
    .trim()
    .toLowerCase();
const YEAR = / \((\d{4})\)$/;

/** The picture of the one card of that very name; null where none has it, or several do and no year tells them apart. */
export function posterOf(title: string, cards: Pick<Card, "title" | "picture">[]): string | null {
  const year = YEAR.exec(title)?.[1];
  const name = plain(title.replace(YEAR, ""));
  const fitting = cards.filter(
    (card) => plain(card.title.replace(YEAR, "")) === name && (!year || YEAR.exec(card.title)?.[1] === year),
  );
  return fitting.length === 1 ? (fitting[0]?.picture ?? null) : null;
}

/** What the page calls the list of titles nobody wants to see. */
const NEVER = inWords("neverRecommend.titles");

/** The title a lesson is about, where it names one: what was rated, or is never to be recommended. */
export function titleOf({ from, what }: { from: string; what: string[] }): string | undefined {
  const rated = /^rated “(.+)” [\d.]+ of 10$/.exec(from);
  const [only = "", ...more] = what;
  const never = more.length === 0 && only.endsWith(` ${NEVER}`) ? /^“(.+)” /.exec(only) : null;
  return rated?.[1] ?? never?.[1];
}
