import { plainText } from "../base/terminal-text.ts";
import type { KeyDifference, VersionDiff } from "../commands/diff.ts";

/** What differs between two versions, for the pane that `d` opens. */
export function differenceLines({
  a,
  b,
  metrics,
  sameSnapshot,
  sameBase,
  recipe,
  data,
  weights,
}: VersionDiff): readonly string[] {
  return [
    `${a.version} ${a.commit.slice(0, 8)} to ${b.version} ${b.commit.slice(0, 8)}`,
    ...(sameSnapshot ? ["the same model, byte for byte"] : []),
    ...(sameBase ? [] : ["different base models"]),
    ...(metrics === undefined
      ? []
      : section("metrics", [
          `accuracy ${signed(metrics.accuracy * 100, 1)} points`,
          `loss ${signed(metrics.loss, 4)}`,
        ])),
    ...section("recipe", recipe.map(keyLine)),
    ...section("data", [
      ...data.onlyA.map(({ name }) => `- ${plainText(name)}`),
      ...data.onlyB.map(({ name }) => `+ ${plainText(name)}`),
    ]),
    ...section(
      "weights by module, norm of the difference",
      weights.map(
        ({ module, normDifference }) => `${normDifference.toPrecision(4).padEnd(10)} ${plainText(module)}`,
      ),
    ),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
}

function keyLine({ key, a, b }: KeyDifference): string {
  return `${plainText(key)}  ${valueText(a)} to ${valueText(b)}`;
}

function valueText(value: unknown): string {
  return value === undefined ? "unset" : plainText(typeof value === "string" ? value : JSON.stringify(value));
}

function signed(value: number, digits: number): string {
  return `${value > 0 ? "+" : ""}${value.toFixed(digits)}`;
}
