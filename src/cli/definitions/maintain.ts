import { type CommandDefinition, choice, integer, number, text } from "../command.ts";

export const maintainCommands: readonly CommandDefinition[] = [
  {
    name: "run",
    group: "maintain",
    summary: "Ask a version: production, else staging, else latest",
    positionals: [
      {
        name: "rev",
        summary: "version; the prompt where there is only one word",
        kind: text("REV", "revision"),
      },
      { name: "prompt", summary: "prompt, or - for standard input", kind: text("PROMPT|-") },
    ],
    options: [
      { name: "input", summary: "Tensors for the model's inputs (.safetensors)", kind: text("FILE", "file") },
      {
        name: "out",
        short: "o",
        summary: "With --input: write the outputs here",
        kind: text("FILE", "file"),
      },
      { name: "max-tokens", summary: "Longest answer", kind: integer("N", 1) },
      { name: "temperature", summary: "0 = always the likeliest token", kind: number("T", 0, 100) },
      { name: "top-p", summary: "Sample among the likeliest tokens that sum to P", kind: number("P", 0, 1) },
      { name: "seed", summary: "Seed of the sampling", kind: integer("N", 0) },
      { name: "threads", summary: "Threads of the machine", kind: integer("N", 1, 1024) },
    ],
    examples: [
      ['ingot run "Can I return a gift card?"', "the version that serves"],
      ["ingot run v2 - < question.txt", "another version, prompt from a file"],
      ["ingot run v2 --input x.safetensors --out y.safetensors", "raw outputs of any model"],
    ],
    json: true,
  },
  {
    name: "gc",
    group: "maintain",
    summary: "Condemn what nothing needs, after showing it",
    details:
      "What is condemned lies there for the grace (30d) and comes back with `ingot undo`; then it is freed. --grace 0 frees it at once and cannot be undone.",
    options: [{ name: "grace", summary: "How long condemned bytes lie: 30d, 12h, 0", kind: text("TIME") }],
    examples: [["ingot gc --dry-run", "what would go, and how much"]],
    json: true,
    events: true,
    dryRun: true,
  },
  {
    name: "fsck",
    group: "maintain",
    summary: "Check every byte; says which versions are affected",
    options: [{ name: "deep", summary: "Decode and hash every object" }],
    examples: [["ingot fsck --deep", "exit 0 when all is well, 6 when not"]],
    json: true,
    events: true,
  },
  {
    name: "rm",
    group: "maintain",
    summary: "Delete versions (asks; the record stays)",
    details:
      "A base, a version that others were trained on, the one checked out, and production or staging are locked: --force lifts the lock, after the name was typed. `ingot undo` brings a version back until gc has freed it.",
    positionals: [
      {
        name: "versions",
        summary: "versions",
        kind: text("VERSION", "revision"),
        required: true,
        many: true,
      },
    ],
    options: [
      { name: "force", summary: "Delete in spite of a lock; asks for the name" },
      { name: "reason", summary: "Why, for the log", kind: text("TEXT") },
    ],
    examples: [["ingot rm v3", "v3 is gone from every list; its record stays"]],
    json: true,
    dryRun: true,
  },
  {
    name: "config get",
    group: "maintain",
    summary: "Print one setting",
    positionals: [
      {
        name: "key",
        summary: "train.learning_rate and the like",
        kind: text("KEY", "setting"),
        required: true,
      },
    ],
    options: [{ name: "show-origin", summary: "With the file it stands in" }],
    json: true,
  },
  {
    name: "config set",
    group: "maintain",
    summary: "Write one setting",
    positionals: [
      {
        name: "key",
        summary: "train.learning_rate and the like",
        kind: text("KEY", "setting"),
        required: true,
      },
      { name: "value", summary: "TOML value, or text", kind: text("VALUE"), required: true },
    ],
    options: [
      { name: "layer", summary: "File it goes to (local)", kind: choice("local", "shared", "user") },
      { name: "user", summary: "The same as --layer user" },
    ],
    examples: [["ingot config set user.name Ada --user", "who you are, in every repository"]],
    json: true,
  },
  {
    name: "config list",
    group: "maintain",
    summary: "List the settings in force",
    options: [{ name: "show-origin", summary: "With the file each stands in" }],
    json: true,
  },
];
