import type { Oid } from "../../../src/base/oid.ts";
import type { RefEdit } from "../../../src/objects/records.ts";
import type { Repository } from "../../../src/repo/repository.ts";

export interface Version {
  readonly commit: Oid;
  readonly number: number;
}

/** Makes versions in a repository as the verbs do: objects, then one operation with the number and the branch. */
export class History {
  private readonly repo: Repository;

  constructor(repo: Repository) {
    this.repo = repo;
  }

  /** A version: a base model where it has no parent, else an adapter on its parent's base. */
  async version(
    text: string,
    { onto, branch = "main", aside = false }: { onto?: Oid; branch?: string; aside?: boolean } = {},
  ): Promise<Version> {
    const session = await this.repo.begin();
    const file = async (path: string, content: string | Uint8Array) => {
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      return { path, blob: await session.putBytes(bytes), sizeBytes: bytes.length };
    };
    let snapshot: Oid;
    if (onto === undefined) {
      const tree = await session.putRecord({
        kind: "tree",
        entries: [await file("config.json", "{}"), await file("model.onnx", `model ${text}`)],
      });
      const base = await session.putRecord({ kind: "model", format: "onnx", tree, entry: "model.onnx" });
      snapshot = await session.putRecord({ kind: "snapshot", base, adapters: [] });
    } else {
      const parent = await this.repo.readRecord(
        (await this.repo.readRecord(onto, "commit")).snapshot,
        "snapshot",
      );
      const weights = Buffer.concat([Buffer.from(`weights ${text}`), Buffer.alloc(100_000, text)]);
      const tree = await session.putRecord({
        kind: "tree",
        entries: [await file("adapter_config.json", "{}"), await file("adapter_model.safetensors", weights)],
      });
      const adapter = await session.putRecord({
        kind: "adapter",
        method: "lora",
        model: parent.base,
        tree,
        entry: "adapter_model.safetensors",
      });
      snapshot = await session.putRecord({ kind: "snapshot", base: parent.base, adapters: [adapter] });
    }
    const commit = await session.putRecord({
      kind: "commit",
      snapshot,
      parents: onto === undefined ? [] : [onto],
      author: { name: "Ada" },
      timeMs: 1767225600000,
      message: text,
      datasets: [],
      environment: {},
    });
    let number = 0;
    await session.publish((refs, next) => {
      number = next("version") - 1;
      const old = refs.get(`heads/${branch}`);
      const edits: RefEdit[] = [{ ref: `tags/v${number}`, new: { oid: commit } }];
      if (!aside)
        edits.push({ ref: `heads/${branch}`, ...(old === undefined ? {} : { old }), new: { oid: commit } });
      return { command: `train ${text}`, edits };
    });
    return { commit, number };
  }

  async dataset(name: string, number: number, text: string): Promise<Oid> {
    const session = await this.repo.begin();
    const blob = await session.putBytes(Buffer.from(text));
    const tree = await session.putRecord({
      kind: "tree",
      entries: [{ path: `${name}.jsonl`, blob, sizeBytes: Buffer.byteLength(text) }],
    });
    const train = await session.putBytes(Buffer.from(`ids of ${text}`));
    const dataset = await session.putRecord({ kind: "dataset", format: "text", tree, options: {}, train });
    await session.publish(() => ({
      command: `data add ${name}`,
      edits: [{ ref: `data/${name}/v${number}`, new: { oid: dataset } }],
    }));
    return dataset;
  }

  /** A column that a training's evolution has, and with it a record whose references are not in any tree. */
  async signature(commit: Oid): Promise<Oid> {
    const session = await this.repo.begin();
    const oid = await session.putRecord({
      kind: "signature",
      commit,
      namespace: "ingot-commit",
      armour: "...",
    });
    await session.publish(() => ({
      command: "sign",
      edits: [{ ref: `about/${commit}/${oid}`, new: { oid } }],
    }));
    return oid;
  }

  async set(ref: string, oid: Oid | undefined): Promise<void> {
    await this.repo.operate((refs) => {
      const old = refs.get(ref);
      return {
        command: "set",
        edits: [
          { ref, ...(old === undefined ? {} : { old }), ...(oid === undefined ? {} : { new: { oid } }) },
        ],
      };
    });
  }
}

/** Every ref of a repository with the object it points at, as text. */
export async function refTexts(repo: Repository, prefix = ""): Promise<Record<string, string>> {
  const refs = await repo.refs();
  return Object.fromEntries(
    refs.list(prefix).map(({ name, value }) => [name, "oid" in value ? value.oid : value.symbolic]),
  );
}
