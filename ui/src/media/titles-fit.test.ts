import { expect, test } from "vitest";
import { posterOf, titleOf } from "./titles-fit";

const card = (title: string, picture: string | null = title) => ({ title, picture });

test.each<[string, string, string[], string | null]>([
  ["of that name", "Metropolis", ["Metropolis (1927)", "Metropolis Now (2001)"], "Metropolis (1927)"],
  ["whatever its case, accents and marks", "haxan", ["Häxan (1922)"], "Häxan (1922)"],
  ["of that year", "Nosferatu (1922)", ["Nosferatu (2024)", "Nosferatu (1922)"], "Nosferatu (1922)"],
  ["none where several have the name", "Nosferatu", ["Nosferatu (2024)", "Nosferatu (1922)"], null],
  ["none where only others were found", "The Room", ["Room (2015)"], null],
  ["none where nothing was found", "The Room", [], null],
])("a poster %s", (_name, title, found, expected) => {
  expect(
    posterOf(
      title,
      found.map((one) => card(one)),
    ),
  ).toBe(expected);
});

test("a card without a picture is that title all the same", () => {
  expect(posterOf("Detour", [card("Detour (1945)", null)])).toBeNull();
});

test.each<[string, string[], string | undefined]>([
  ["rated “Sherlock Jr.” 10 of 10", ["“Buster Keaton” added to likes.people"], "Sherlock Jr."],
  ["rated “The “Best” of” 7.5 of 10", [], "The “Best” of"],
  ["said", ["“The Room” added to Never recommend · Titles"], "The Room"],
  ["said", ["“Noir” added to Likes · Genres"], undefined],
  ["a file that was imported", [], undefined],
])("%s names its title, if any", (from, what, expected) => {
  expect(titleOf({ from, what })).toBe(expected);
});
