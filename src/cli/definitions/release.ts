import { type CommandDefinition, text } from "../command.ts";

export const releaseCommands: readonly CommandDefinition[] = [
  {
    name: "branch",
    group: "release",
    summary: "List, make, rename and delete branches",
    positionals: [
      { name: "name", summary: "branch to make", kind: text("NAME", "branch") },
      { name: "rev", summary: "where it starts (HEAD); with -m the new name", kind: text("REV", "revision") },
    ],
    options: [
      { name: "delete", short: "d", summary: "Delete the branch; its versions stay" },
      { name: "move", short: "m", summary: "Rename it" },
    ],
    examples: [
      ["ingot branch", "list"],
      ["ingot branch try v2", "a branch at v2"],
      ["ingot branch -m try tone", "rename"],
    ],
    json: true,
    dryRun: true,
  },
  {
    name: "checkout",
    aliases: ["switch"],
    group: "release",
    summary: "Choose what the next training builds on, or write files to DIR",
    details:
      "A branch moves on with the next training; any other revision detaches HEAD and leaves the branches alone. `checkout base` starts fresh. With DIR the files of the version are written there and HEAD stays.",
    positionals: [
      { name: "rev", summary: "branch or revision", kind: text("REV", "revision") },
      { name: "dir", summary: "folder to write the files of REV to", kind: text("DIR", "file") },
    ],
    options: [
      {
        name: "branch",
        short: "b",
        summary: "Make this branch at REV and check it out",
        kind: text("NEW", "branch"),
      },
      { name: "create", short: "c", summary: "The same, as `switch -c`", kind: text("NEW", "branch") },
      { name: "with-base", summary: "With DIR: write the base beside the adapter" },
      { name: "force", short: "f", summary: "With DIR: write into a folder that is not empty" },
    ],
    examples: [
      ["ingot checkout v2", "the next training builds on v2"],
      ["ingot checkout -b tone v2", "the same, on a new branch"],
      ["ingot checkout v2 ./out", "the files of v2, as PEFT reads them"],
    ],
    json: true,
    dryRun: true,
  },
  {
    name: "tag",
    group: "release",
    summary: "Name a version for good",
    positionals: [
      { name: "name", summary: "name", kind: text("NAME") },
      { name: "rev", summary: "version (HEAD)", kind: text("REV", "revision") },
    ],
    options: [{ name: "delete", short: "d", summary: "Delete the name; the version stays" }],
    examples: [["ingot tag math_fixes v3", "v3 has a second name"]],
    json: true,
    dryRun: true,
  },
  {
    name: "promote",
    group: "release",
    summary: "Move production (or another protected ref) to a version",
    details:
      "Moves staging's version to production by default; warns when it has no evaluation, was just trained, or is not better. Asks; without a terminal it needs --yes.",
    positionals: [
      { name: "rev", summary: "version (staging)", kind: text("REV", "revision") },
      { name: "ref", summary: "ref to move (production)", kind: text("REF", "ref") },
    ],
    options: [{ name: "reason", summary: "Why, for the log", kind: text("TEXT") }],
    examples: [
      ["ingot promote", "staging to production"],
      ["ingot promote v3 staging", "another version, another ref"],
    ],
    json: true,
    dryRun: true,
  },
  {
    name: "rollback",
    group: "release",
    summary: "Put production (or another ref) back to what it was",
    positionals: [{ name: "ref", summary: "ref to move (production)", kind: text("REF", "ref") }],
    options: [
      { name: "to", summary: "Version to go back to (what it was before)", kind: text("REV", "revision") },
      { name: "preview", summary: "Show what would happen and stop" },
      { name: "reason", summary: "Why, for the log", kind: text("TEXT") },
    ],
    examples: [
      ["ingot rollback --reason 'refund answers wrong'", "production to the version before"],
      ["ingot rollback main --to v2", "main to v2; later versions stay, out of the line"],
    ],
    json: true,
    dryRun: true,
  },
];
