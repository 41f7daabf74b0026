/** Finds what a reader would not see, or would see in the wrong order: each such character is named instead. Pure. */

export type Piece = { text: string } | { code: string };

/** Controls, marks of direction, joiners, fillers and characters nobody has defined. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;
const LINE = /[\n\t]/;
/** Scripts whose letters a joiner shapes: there it is part of the word. */
const JOINED =
  /[\p{Script=Arabic}\p{Script=Bengali}\p{Script=Devanagari}\p{Script=Gujarati}\p{Script=Gurmukhi}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Oriya}\p{Script=Sinhala}\p{Script=Tamil}\p{Script=Telugu}]/u;
const PICTURE = /\p{Extended_Pictographic}|\p{Emoji_Modifier}/u;

export function revealed(text: string): Piece[] {
  const characters = [...text];
  const pieces: Piece[] = [];
  characters.forEach((character, place) => {
    if (HIDDEN.test(character) && !LINE.test(character) && !belongs(characters, place)) {
      const point = character.codePointAt(0) ?? 0;
      pieces.push({ code: `U+${point.toString(16).toUpperCase().padStart(4, "0")}` });
      return;
    }
    const last = pieces.at(-1);
    if (last && "text" in last) last.text += character;
    else pieces.push({ text: character });
  });
  return pieces;
}

/** What joins the parts of one emoji or the letters of a word, or says how they are drawn, is part of what is seen. */
function belongs(characters: string[], place: number): boolean {
  const before = characters[place - 1] ?? "";
  const after = characters[place + 1] ?? "";
  const shapes = characters[place] === "\u200c" || characters[place] === "\u200d";
  if (shapes && JOINED.test(before) && JOINED.test(after)) return true;
  if (characters[place] === "\u200d") return (PICTURE.test(before) || before === "\ufe0f") && PICTURE.test(after);
  if (characters[place] === "\ufe0f") return PICTURE.test(before) || /[\d#*]/.test(before);
  return false;
}

/** The whole as one string, for places that take no elements. */
export function revealedText(text: string): string {
  return revealed(text)
    .map((piece) => ("text" in piece ? piece.text : `[${piece.code}]`))
    .join("");
}
