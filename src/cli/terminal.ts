import type { Io, Sink } from "./io.ts";

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

export type Colour = keyof typeof CODES;

/** How text may look on one stream. */
export interface Look {
  readonly isTTY: boolean;
  readonly colour: boolean;
  /** Columns to fill; 80 where the stream is no terminal. */
  readonly width: number;
  /** False where only ASCII may be drawn (`INGOT_ASCII`). */
  readonly unicode: boolean;
  paint(colour: Colour, text: string): string;
}

export interface Terminal {
  readonly out: Look;
  readonly err: Look;
  /** A person can be asked: both ends of the conversation are a terminal. */
  readonly canAsk: boolean;
}

export type ColourChoice = "auto" | "always" | "never";

/** Looks at streams and environment once. */
export function describeTerminal(io: Io, choice: ColourChoice = "auto", noInput = false): Terminal {
  return {
    out: lookOf(io.stdout, io, choice),
    err: lookOf(io.stderr, io, choice),
    canAsk: !noInput && io.stdin.isTTY && io.stderr.isTTY,
  };
}

function lookOf(sink: Sink, { env }: Io, choice: ColourChoice): Look {
  const colour = wantsColour(sink, env, choice);
  return {
    isTTY: sink.isTTY,
    colour,
    width: Math.max(40, sink.columns ?? 80),
    unicode: (env.INGOT_ASCII ?? "") === "",
    paint: (name, text) =>
      colour && text !== "" ? `\x1b[${CODES[name][0]}m${text}\x1b[${CODES[name][1]}m` : text,
  };
}

function wantsColour(sink: Sink, env: Io["env"], choice: ColourChoice): boolean {
  if (choice !== "auto") return choice === "always";
  if ((env.NO_COLOR ?? "") !== "" || (env.INGOT_NO_COLOR ?? "") !== "") return false;
  const forced = env.FORCE_COLOR ?? "";
  if (forced !== "") return forced !== "0" && forced !== "false";
  return sink.isTTY && env.TERM !== "dumb";
}

/** A look for tests and for text that goes to files: no colour, unicode, 80 columns. */
export const plainLook: Look = {
  isTTY: false,
  colour: false,
  width: 80,
  unicode: true,
  paint: (_, text) => text,
};
