import { oneLine } from "../../base/terminal-text.ts";
import type { ImportResult } from "../../commands/import.ts";
import type { Look } from "../terminal.ts";
import { count, formatBytes, formatMagnitude } from "./format.ts";

/** What an import made, as text. */
export function importLines(look: Look, result: ImportResult): string[] {
  const sizeBytes = result.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const facts = result.facts === undefined ? "" : `  ${factsText(result.facts)}`;
  const lines = [
    `${look.paint("yellow", result.version)} ${result.commit.slice(0, 8)}  ${result.kind}, ${count(result.files.length, "file")}, ${formatBytes(sizeBytes)}${facts}     (undo: ingot undo)`,
  ];
  if (result.skipped.length > 0) {
    const shown = result.skipped.slice(0, 5).map(oneLine).join(", ");
    lines.push(
      `not part of the model: ${shown}${result.skipped.length > 5 ? ` and ${result.skipped.length - 5} more` : ""}`,
    );
  }
  return lines;
}

function factsText(facts: NonNullable<ImportResult["facts"]>): string {
  return [
    facts.architecture ?? "",
    `${formatMagnitude(facts.parameters)} parameters`,
    facts.task,
    `${count(facts.modules.length, "module")} for adapters`,
    facts.hasCache ? "KV cache yes" : "KV cache no",
    facts.tokenizer ? "" : "no tokenizer",
  ]
    .filter((fact) => fact !== "")
    .join(", ");
}
