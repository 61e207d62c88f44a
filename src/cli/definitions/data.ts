import { type CommandDefinition, choice, integer, number, type OptionDefinition, text } from "../command.ts";

const dataAddOptions: readonly OptionDefinition[] = [
  { name: "name", summary: "Name of the dataset (the file's)", kind: text("NAME", "dataset") },
  { name: "as", summary: "Read it as this format instead of detecting it", kind: text("FORMAT") },
  { name: "eval", summary: "Rows held out: a share, a file, or none", kind: text("FRACTION|FILE|none") },
  { name: "dedupe", summary: "Leave repeated rows out" },
  { name: "skip-bad", summary: "Leave out rows that do not read, and count them" },
  { name: "prompt-col", summary: "Column of the prompt", kind: text("COLUMN") },
  { name: "completion-col", summary: "Column of the answer", kind: text("COLUMN") },
  { name: "text-col", summary: "Column of the text", kind: text("COLUMN") },
  { name: "label-col", summary: "Column of the label", kind: text("COLUMN") },
];

export const trainOptions: readonly OptionDefinition[] = [
  { name: "on", summary: "Build on this version (HEAD)", kind: text("REV", "revision") },
  { name: "name", summary: "Name the new version beside its number", kind: text("NAME") },
  { name: "message", short: "m", summary: "Message of the version", kind: text("MSG") },
  { name: "recipe", summary: "Recipe file, TOML or JSON", kind: text("FILE", "file") },
  { name: "resume", summary: "Go on with an unfinished training (the last one)" },
  { name: "method", summary: "What is trained", kind: choice("lora", "full") },
  { name: "lr", summary: "Peak learning rate", kind: number("RATE", 0) },
  { name: "steps", summary: "Optimizer steps", kind: integer("N", 1) },
  { name: "epochs", summary: "Passes over the data", kind: number("N", 0) },
  { name: "batch-size", summary: "Examples in a batch", kind: integer("N", 1) },
  { name: "rank", summary: "Rank of the adapter", kind: integer("R", 1) },
  { name: "alpha", summary: "Scale of the adapter is alpha / rank", kind: number("A", 0) },
  { name: "targets", summary: "Modules that get an adapter, or all-linear", kind: text("NAMES") },
  { name: "seed", summary: "Seed of order and start values", kind: integer("N", 0) },
  { name: "order", summary: "Order of the examples", kind: choice("shuffled", "sequential") },
  {
    name: "replay",
    summary: "Earlier rows drawn for each new row (0 turns it off)",
    kind: number("SHARE", 0),
  },
  { name: "probe", summary: "Examples tracked: a number, all or none", kind: text("N|all|none") },
  { name: "stack", summary: "Add an adapter on top of the one there is" },
  { name: "new-only", summary: "Leave out rows this line has been trained on" },
  {
    name: "threads",
    summary: "Threads of the machine; the result does not depend on it",
    kind: integer("N", 1, 1024),
  },
  { name: "stage", summary: "Move staging to the new version" },
  { name: "no-stage", summary: "Leave staging where it is, without asking" },
  { name: "keep", summary: "Take the version in even if it is worse" },
];

export const dataCommands: readonly CommandDefinition[] = [
  {
    name: "data add",
    group: "data",
    summary: "Register examples: jsonl, json, csv, text, tensors",
    details:
      "Files are kept byte for byte. Every example gets an id; files and examples seen before are said. Of 50 examples or more a tenth is held out.",
    positionals: [
      {
        name: "paths",
        summary: "files or folders; - is standard input",
        kind: text("PATH", "file"),
        required: true,
        many: true,
      },
    ],
    options: dataAddOptions,
    examples: [
      ["ingot data add faq.jsonl", "a file; its format is detected"],
      ["ingot data add a.csv --name faq --prompt-col question --completion-col answer", "columns of a table"],
    ],
    json: true,
    dryRun: true,
  },
  {
    name: "data list",
    group: "data",
    summary: "List the datasets",
    json: true,
  },
  {
    name: "data show",
    group: "data",
    summary: "Show one dataset: examples, files, where it was trained",
    positionals: [
      { name: "data", summary: "name, name:v2 or id", kind: text("DATA", "dataset"), required: true },
    ],
    options: [{ name: "count", short: "n", summary: "Examples to print", kind: integer("N") }],
    examples: [["ingot data show faq", "the newest version of faq"]],
    json: true,
  },
  {
    name: "train",
    group: "data",
    summary: "Train a new version on what HEAD points at",
    details:
      "DATA is the name of a dataset or a file; without it, what was added since the last version. The plan with all its checks is shown first; on a terminal it asks, else it starts when all checks pass. Ctrl-C saves and stops; --resume goes on.",
    positionals: [{ name: "data", summary: "datasets or files", kind: text("DATA", "dataset"), many: true }],
    options: trainOptions,
    examples: [
      ["ingot train faq", "train on a dataset"],
      ["ingot train faq --on v2 --lr 1e-4 --epochs 3", "on another version, with other numbers"],
      ["ingot train --resume", "go on where the last one stopped"],
    ],
    json: true,
    events: true,
    dryRun: true,
  },
  {
    name: "reproduce",
    group: "data",
    summary: "Train a version again and compare every byte",
    positionals: [{ name: "rev", summary: "version", kind: text("REV", "revision"), required: true }],
    options: [{ name: "threads", summary: "Threads of the machine", kind: integer("N", 1, 1024) }],
    examples: [["ingot reproduce v1", "exit 0 when the bytes are equal, 6 when not"]],
    json: true,
  },
];
