import { type CommandDefinition, text } from "../command.ts";

const remote = { name: "remote", summary: "name of the remote (origin)", kind: text("REMOTE") } as const;

export const shareCommands: readonly CommandDefinition[] = [
  {
    name: "remote add",
    group: "share",
    summary: "Add a place to share with",
    positionals: [
      { name: "name", summary: "its name", kind: text("NAME"), required: true },
      { name: "url", summary: "folder on this or another disk", kind: text("URL", "file"), required: true },
    ],
    examples: [["ingot remote add origin /mnt/disk/assistant", "a folder on another disk"]],
    json: true,
  },
  {
    name: "remote list",
    group: "share",
    summary: "List the remotes",
    json: true,
  },
  {
    name: "remote rm",
    group: "share",
    summary: "Forget a remote; what it holds stays there",
    positionals: [{ name: "name", summary: "its name", kind: text("NAME"), required: true }],
    json: true,
  },
  {
    name: "push",
    group: "share",
    summary: "Send versions; only what is missing travels",
    positionals: [
      remote,
      {
        name: "refs",
        summary: "refs to send (branches, tags, production, staging)",
        kind: text("REF", "ref"),
        many: true,
      },
    ],
    options: [{ name: "force", summary: "Move refs there even where they went another way" }],
    examples: [["ingot push origin main production", "two refs and all they need, or nothing"]],
    json: true,
    events: true,
    dryRun: true,
  },
  {
    name: "pull",
    group: "share",
    summary: "Fetch versions and fast-forward the branches",
    positionals: [remote],
    examples: [["ingot pull", "what origin has and we have not"]],
    json: true,
    events: true,
  },
];
