import { type CommandDefinition, text } from "../command.ts";

export const startCommands: readonly CommandDefinition[] = [
  {
    name: "init",
    group: "start",
    summary: "Create a repository, optionally with a base model as v0",
    details:
      "Makes `.ingot` in DIR (here by default). With --base the model becomes v0, the version that the first training builds on.",
    positionals: [{ name: "dir", summary: "folder of the repository", kind: text("DIR", "file") }],
    options: [
      { name: "base", summary: "Import this model as v0", kind: text("PATH", "file") },
      { name: "entry", summary: "File of the model that is loaded", kind: text("FILE") },
      { name: "message", short: "m", summary: "What this base is, for people", kind: text("MSG") },
    ],
    examples: [
      ["ingot init --base ./SmolLM2-135M-Instruct", "a repository with a base model"],
      ["ingot init assistant", "an empty one, in a new folder"],
    ],
    json: true,
  },
  {
    name: "clone",
    group: "start",
    summary: "Copy a repository from another place",
    positionals: [
      { name: "from", summary: "folder of the other repository", kind: text("URL", "file"), required: true },
      { name: "dir", summary: "folder to make", kind: text("DIR", "file") },
    ],
    examples: [["ingot clone /mnt/disk/assistant", "everything it has, as `assistant` here"]],
    json: true,
  },
  {
    name: "import",
    group: "start",
    summary: "Add a model or an adapter made elsewhere as a version",
    details:
      "PATH is a model folder in Hugging Face layout, an .onnx file, or a PEFT adapter folder. The entry of a model folder is onnx/model.onnx, then model.onnx, then the only *.onnx. An adapter goes onto its base: --onto, else HEAD.",
    positionals: [{ name: "path", summary: "folder or file", kind: text("PATH", "file"), required: true }],
    options: [
      { name: "onto", summary: "Version that an adapter belongs to (HEAD)", kind: text("REV", "revision") },
      { name: "entry", summary: "File of the model that is loaded", kind: text("FILE") },
      { name: "message", short: "m", summary: "What it is, for people", kind: text("MSG") },
    ],
    examples: [
      ["ingot import ./bert-base-onnx", "a model"],
      ["ingot import ./my-lora --onto v0", "a PEFT adapter onto its base"],
    ],
    json: true,
  },
];
