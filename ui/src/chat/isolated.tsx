/** Text that somebody else chose: it cannot turn its neighbours around, and what cannot be seen is named. */

import { classes } from "../kit/pieces";
import { words } from "../words/en";
import { revealed } from "./reveal";

export function Isolated({ text, className }: { text: string; className?: string }) {
  return (
    <bdi className={classes("[overflow-wrap:anywhere]", className)}>
      {revealed(text).map((piece, place) =>
        "text" in piece ? (
          piece.text
        ) : (
          <span
            key={place}
            title={words.state.hidden_character}
            className="mx-px rounded-[4px] border border-brass-line bg-brass-soft px-1 font-mono text-[0.8em] text-brass"
          >
            {piece.code}
          </span>
        ),
      )}
    </bdi>
  );
}
