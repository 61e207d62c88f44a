import { type CommandDefinition, choice, integer, text } from "../command.ts";

export const historyCommands: readonly CommandDefinition[] = [
  {
    name: "status",
    group: "history",
    summary: "What is checked out, serving, unfinished; the next step",
    examples: [["ingot status", "what the next training builds on, and what to do now"]],
    json: true,
  },
  {
    name: "log",
    group: "history",
    summary: "Versions, newest first, with the change of their metrics",
    details:
      "Without REV every version of the repository; with REV what leads to it; with A..B what leads to B and not to A.",
    positionals: [{ name: "range", summary: "REV or REV..REV", kind: text("REV[..REV]", "revision") }],
    options: [
      { name: "graph", summary: "Draw what came from what" },
      { name: "oneline", summary: "One line a version" },
      { name: "count", short: "n", summary: "Show at most N", kind: integer("N") },
      { name: "interactive", short: "i", summary: "Full screen" },
    ],
    examples: [
      ["ingot log --graph --oneline", "the tree of versions"],
      ["ingot log v2..main", "what main has that v2 has not"],
      ["ingot log -n 1 --json", "the newest, for a program"],
    ],
    json: true,
  },
  {
    name: "show",
    group: "history",
    summary: "One version, dataset or object in full",
    positionals: [
      { name: "what", summary: "revision, dataset or id (HEAD)", kind: text("REV|DATA|ID", "revision") },
    ],
    examples: [["ingot show v2", "recipe, data, metrics, files and lineage of v2"]],
    json: true,
  },
  {
    name: "diff",
    group: "history",
    summary: "Compare two versions: metrics, recipe, data, weights",
    positionals: [
      { name: "a", summary: "revision", kind: text("A", "revision"), required: true },
      { name: "b", summary: "revision (HEAD)", kind: text("B", "revision") },
    ],
    options: [{ name: "weights", summary: "Show every module, not only the ten that differ most" }],
    examples: [["ingot diff v1 v2", "what changed from v1 to v2"]],
    json: true,
  },
  {
    name: "evolution",
    group: "history",
    summary: "How each example was learned or lost in a training",
    positionals: [
      { name: "what", summary: "version or example (HEAD)", kind: text("REV|EXAMPLE", "revision") },
      { name: "example", summary: "example, after a version", kind: text("EXAMPLE") },
    ],
    options: [
      {
        name: "status",
        summary: "Only examples of this status",
        kind: choice("known", "learned", "wobbling", "regressed", "struggling", "new"),
      },
      { name: "csv", summary: "Print CSV" },
    ],
    examples: [
      ["ingot evolution v2 --status regressed", "what v2 lost"],
      ["ingot evolution e:4f2a91", "one example: its curve and its predictions"],
    ],
    json: true,
  },
  {
    name: "reflog",
    group: "history",
    summary: "Every operation on this repository, or on one ref",
    positionals: [{ name: "ref", summary: "only changes of this ref", kind: text("REF", "ref") }],
    options: [
      { name: "count", short: "n", summary: "Show at most N", kind: integer("N") },
      { name: "all", summary: "With housekeeping (checkpoints, packs)" },
    ],
    examples: [["ingot reflog production", "who moved production, when and why"]],
    json: true,
  },
  {
    name: "undo",
    group: "history",
    summary: "Take back the last operation, or one of them",
    details:
      "Undoing is an operation too, so `ingot undo --redo` (or undoing the undo by its number) brings it back.",
    positionals: [{ name: "op", summary: "number of the operation, as in reflog", kind: integer("OP", 1) }],
    options: [
      { name: "redo", summary: "Take back the last undo" },
      { name: "list", summary: "List what can be undone" },
    ],
    examples: [["ingot undo", "take back what the last command did"]],
    json: true,
    dryRun: true,
  },
];
