import { type CommandDefinition, choice, text } from "../command.ts";

const id = {
  name: "id",
  summary: "id, prefix or revision",
  kind: text("ID", "revision"),
  required: true,
} as const;

export const plumbingCommands: readonly CommandDefinition[] = [
  {
    name: "help",
    group: "plumbing",
    summary: "Help of a verb, an error code or a topic",
    positionals: [
      {
        name: "topic",
        summary: "verb, topic or error code",
        kind: text("VERB|TOPIC|CODE", "topic"),
        many: true,
      },
    ],
    options: [{ name: "all", short: "a", summary: "With the plumbing" }],
  },
  {
    name: "completion",
    group: "plumbing",
    summary: "Print the completion script of a shell",
    positionals: [{ name: "shell", summary: "shell (bash)", kind: choice("bash", "zsh") }],
    examples: [["source <(ingot completion bash)", "in ~/.bashrc"]],
  },
  {
    name: "show-ref",
    group: "plumbing",
    summary: "Every ref and HEAD with its id",
    json: true,
  },
  {
    name: "rev-parse",
    group: "plumbing",
    summary: "The full id of a revision",
    positionals: [
      { name: "rev", summary: "revision", kind: text("REV", "revision"), required: true, many: true },
    ],
    json: true,
  },
  {
    name: "cat-object",
    group: "plumbing",
    summary: "The plain bytes of an object",
    positionals: [id],
    examples: [["ingot cat-object 5d0c21aa | b3sum", "prints the id"]],
    json: true,
  },
  {
    name: "hash-object",
    group: "plumbing",
    summary: "Ids of files, without storing them",
    positionals: [
      {
        name: "files",
        summary: "files, or - for standard input",
        kind: text("FILE", "file"),
        required: true,
        many: true,
      },
    ],
    json: true,
  },
  {
    name: "ls-objects",
    group: "plumbing",
    summary: "Id, kind and size of every object",
    options: [
      {
        name: "kind",
        summary: "Only this kind",
        kind: choice(
          "blob",
          "tree",
          "model",
          "adapter",
          "dataset",
          "evolution",
          "snapshot",
          "commit",
          "checkpoint",
          "evaluation",
          "signature",
          "operation",
        ),
      },
      { name: "unreachable", summary: "Only what no ref needs" },
    ],
    json: true,
  },
  {
    name: "grad",
    group: "plumbing",
    summary: "Gradients of an ONNX model",
    details:
      "The gradient of the sum of all float outputs (or of their product with the cotangents) for each float input and initialiser named, under its ONNX name. Needs no repository.",
    positionals: [{ name: "model", summary: "model file", kind: text("MODEL.onnx", "file"), required: true }],
    options: [
      { name: "inputs", summary: "Inputs by name", kind: text("FILE.safetensors", "file") },
      {
        name: "cotangents",
        summary: "Weights of the outputs by name",
        kind: text("FILE.safetensors", "file"),
      },
      { name: "wrt", summary: "all, or names separated by commas", kind: text("all|NAMES"), repeat: true },
      { name: "out", short: "o", summary: "File to write", kind: text("FILE.safetensors", "file") },
    ],
    examples: [["ingot grad m.onnx --inputs x.safetensors --wrt all --out g.safetensors", "every gradient"]],
    json: true,
  },
];
