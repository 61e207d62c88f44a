import { plainText } from "../base/terminal-text.ts";
import { type Glyphs, sparkline } from "./glyphs.ts";
import type { ExampleChange, VersionDetail } from "./version-row.ts";

export type Tone = "plain" | "title" | "dim" | "good" | "bad" | "name";

/** A piece of a line in one tone. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
}
export type Line = readonly Span[];

/** Number of lines that `detailLines` gives. */
export function detailLength(detail: VersionDetail, width: number): number {
  return layOut(detail, width).length;
}

/** The pane on the right, line by line; `width` columns are there to draw on. */
export function detailLines(detail: VersionDetail, width: number, glyphs: Glyphs): readonly Line[] {
  return layOut(detail, width).map((draw) => draw(width, glyphs));
}

type DrawLine = (width: number, glyphs: Glyphs) => Line;

function layOut(detail: VersionDetail, width: number): readonly DrawLine[] {
  const nameWidth = Math.max(...detail.facts.map(([name]) => name.length), 0) + FACT_GAP;
  return [
    ...detail.facts.flatMap(([name, value]) => factLines(name.padEnd(nameWidth), value, width - nameWidth)),
    ...(detail.loss.length < 2 ? [] : [blank, lossLine(detail.loss)]),
    ...(detail.statuses.length === 0 ? [] : [blank, statusLine(detail.statuses)]),
    ...group("lost", "bad", detail.lost),
    ...group("learned", "good", detail.learned),
  ];
}

/** Columns between the name of a fact and its value. */
const FACT_GAP = 2;

function factLines(name: string, value: string, room: number): readonly DrawLine[] {
  return wrap(plainText(value), Math.max(8, room)).map((part, i) =>
    fixed({ text: i === 0 ? name : " ".repeat(name.length), tone: "dim" }, { text: part, tone: "plain" }),
  );
}

/** Breaks a text at spaces into parts of at most `width` characters; a longer word is cut. */
function wrap(text: string, width: number): readonly string[] {
  const parts: string[] = [];
  let rest = [...text];
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const end = space > 0 ? space : width;
    parts.push(rest.slice(0, end).join("").trimEnd());
    rest = rest.slice(space > 0 ? end + 1 : end);
  }
  return [...parts, rest.join("")];
}

const blank: DrawLine = () => [];

function fixed(...line: Span[]): DrawLine {
  return () => line;
}

function lossLine(loss: readonly number[]): DrawLine {
  const [first, last] = [loss[0] ?? 0, loss.at(-1) ?? 0];
  return (width, glyphs) => {
    const bars = sparkline(loss, Math.max(4, Math.min(40, width - 20)), glyphs);
    return [
      { text: "loss ", tone: "dim" },
      { text: `${first.toFixed(2)} ${bars} ${last.toFixed(2)}`, tone: "plain" },
    ];
  };
}

const STATUS_TONES: { readonly [status: string]: Tone } = {
  known: "good",
  learned: "good",
  regressed: "bad",
  struggling: "bad",
};

/** Statuses that some example has. */
function statusLine(statuses: VersionDetail["statuses"]): DrawLine {
  const present = statuses.filter(([, count]) => count > 0);
  return fixed(
    ...present.map(
      ([status, count]): Span => ({ text: `${count} ${status}  `, tone: STATUS_TONES[status] ?? "plain" }),
    ),
  );
}

function group(title: string, tone: Tone, examples: readonly ExampleChange[]): readonly DrawLine[] {
  if (examples.length === 0) return [];
  return [
    blank,
    fixed({ text: `${title} ${examples.length}`, tone: "title" }),
    ...examples.map((example) => exampleLine(example, tone)),
  ];
}

/** Id, label, right or wrong at each reading, loss at first and at last; the label gives way where it is narrow. */
function exampleLine(example: ExampleChange, tone: Tone): DrawLine {
  return (width, glyphs) => {
    const strip = example.correct
      .slice(-8)
      .map((ok) => (ok ? glyphs.right : glyphs.wrong))
      .join("");
    const tail = ` ${strip} ${example.lossFirst.toFixed(2)} to ${example.lossLast.toFixed(2)}`;
    const room = Math.max(0, width - example.id.length - 1 - tail.length);
    return [
      { text: `${example.id} `, tone: "name" },
      { text: toWidth(plainText(example.label), room, glyphs), tone: "plain" },
      { text: tail, tone },
    ];
  };
}

/** Text in exactly `width` characters. */
export function toWidth(text: string, width: number, { more }: Glyphs): string {
  const characters = [...text];
  if (characters.length <= width) return text + " ".repeat(width - characters.length);
  return width === 0 ? "" : characters.slice(0, width - 1).join("") + more;
}
