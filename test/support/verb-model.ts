/** A ref's value in one word: an id, or `-> heads/main` where HEAD is on a branch. */
export type Value = string;
export type Refs = ReadonlyMap<string, Value>;

export interface Edit {
  readonly ref: string;
  readonly old: Value | undefined;
  readonly new: Value | undefined;
}

/** What a verb should do: move refs, or be refused with a code. */
export type Prediction = { readonly edits: readonly Edit[] } | { readonly fault: string };

export interface ModelCommit {
  readonly parents: readonly string[];
  readonly isBase: boolean;
}

export interface ModelOperation {
  readonly n: number;
  readonly edits: readonly Edit[];
  /** A rollback or an undo: what it put back is not what the ref was given. */
  readonly putsBack: boolean;
  readonly undoes: boolean;
  readonly condemns: boolean;
}

/** The refs of a repository as a plain map, and what each verb does to it: written from the manual, not from the code. */
export class VerbModel {
  refs: Refs;
  readonly commits = new Map<string, ModelCommit>();
  readonly operations: ModelOperation[] = [];
  /** How many version numbers were ever given. */
  given = 0;

  constructor(refs: Refs) {
    this.refs = refs;
  }

  oid(ref: string): string | undefined {
    const value = this.refs.get(ref);
    return value?.startsWith("-> ") === true ? this.refs.get(value.slice(3)) : value;
  }

  list(prefix: string): readonly (readonly [string, Value])[] {
    return [...this.refs].filter(([name]) => name.startsWith(prefix));
  }

  apply(edits: readonly Edit[]): Refs {
    const next = new Map(this.refs);
    for (const { ref, new: value } of edits) {
      if (value === undefined) next.delete(ref);
      else next.set(ref, value);
    }
    return next;
  }

  edit(ref: string, value: Value | undefined): Edit {
    return { ref, old: this.refs.get(ref), new: value };
  }

  /** Deleted: a record stays, and no number names it any more. */
  isDropped(oid: string): boolean {
    const versions = this.list("tags/v").filter(([name]) => /^tags\/v[0-9]+$/.test(name));
    return (
      this.list("dropped/").some(([, value]) => value === oid) && !versions.some(([, value]) => value === oid)
    );
  }

  /** The commit of a word; undefined where nothing, or only what was deleted, is called so. */
  resolve(word: string): string | undefined {
    const oid = this.oid(`tags/${word}`) ?? this.oid(`heads/${word}`) ?? this.oid(word);
    return oid === undefined || this.isDropped(oid) ? undefined : oid;
  }

  train(commit: string): Prediction {
    const head = this.refs.get("HEAD") ?? "";
    const version = `tags/v${this.given}`;
    const moved = head.startsWith("-> ") ? head.slice(3) : "HEAD";
    return { edits: [this.edit(version, commit), this.edit(moved, commit)] };
  }

  branch(name: string, word: string): Prediction {
    const oid = this.resolve(word);
    if (oid === undefined) return { fault: "ref.missing" };
    if (this.refs.has(`heads/${name}`)) return { fault: "conflict.exists" };
    return { edits: [this.edit(`heads/${name}`, oid)] };
  }

  deleteBranch(name: string): Prediction {
    if (!this.refs.has(`heads/${name}`)) return { fault: "ref.missing" };
    if (this.refs.get("HEAD") === `-> heads/${name}`) return { fault: "refused.policy" };
    return { edits: [this.edit(`heads/${name}`, undefined)] };
  }

  renameBranch(from: string, to: string): Prediction {
    const value = this.refs.get(`heads/${from}`);
    if (value === undefined) return { fault: "ref.missing" };
    if (this.refs.has(`heads/${to}`)) return { fault: "conflict.exists" };
    const edits = [this.edit(`heads/${from}`, undefined), this.edit(`heads/${to}`, value)];
    if (this.refs.get("HEAD") === `-> heads/${from}`) edits.push(this.edit("HEAD", `-> heads/${to}`));
    return { edits };
  }

  tag(name: string, word: string): Prediction {
    const oid = this.resolve(word);
    if (oid === undefined) return { fault: "ref.missing" };
    if (this.refs.has(`tags/${name}`)) return { fault: "conflict.exists" };
    return { edits: [this.edit(`tags/${name}`, oid)] };
  }

  deleteTag(name: string): Prediction {
    if (!this.refs.has(`tags/${name}`)) return { fault: "ref.missing" };
    return { edits: [this.edit(`tags/${name}`, undefined)] };
  }

  checkout(word: string): Prediction {
    if (word !== "HEAD" && this.refs.has(`heads/${word}`)) return this.moveHead(`-> heads/${word}`);
    const oid = this.resolve(word);
    if (oid === undefined) return { fault: "ref.missing" };
    return word === "HEAD" ? { edits: [] } : this.moveHead(oid);
  }

  private moveHead(value: Value): Prediction {
    return { edits: this.refs.get("HEAD") === value ? [] : [this.edit("HEAD", value)] };
  }

  checkoutNew(name: string, word: string): Prediction {
    const isUnborn = word === "HEAD" && this.oid("HEAD") === undefined;
    const oid = this.resolve(word);
    if (oid === undefined && !isUnborn) return { fault: "ref.missing" };
    if (this.refs.has(`heads/${name}`)) return { fault: "conflict.exists" };
    return {
      edits: [
        ...(oid === undefined ? [] : [this.edit(`heads/${name}`, oid)]),
        this.edit("HEAD", `-> heads/${name}`),
      ],
    };
  }

  promote(word: string, ref: string): Prediction {
    const oid = this.resolve(word);
    if (oid === undefined) return { fault: "ref.missing" };
    return { edits: this.oid(ref) === oid ? [] : [this.edit(ref, oid)] };
  }

  rollback(name: string, to: string | undefined): Prediction {
    const ref = ["production", "staging"].includes(name) ? name : `heads/${name}`;
    const now = this.oid(ref);
    if (now === undefined) return { fault: "ref.missing" };
    const oid = to === undefined ? this.previous(ref, now) : this.resolve(to);
    if (oid === undefined) return { fault: to === undefined ? "undo.nothing" : "ref.missing" };
    return { edits: oid === now ? [] : [this.edit(ref, oid)] };
  }

  /** What the ref held before the value it has now was given to it, leaving out what has been deleted since. */
  private previous(ref: string, now: Value): Value | undefined {
    let sought = now;
    for (const { edits, putsBack } of [...this.operations].reverse()) {
      const edit = edits.find((each) => each.ref === ref);
      if (edit === undefined || edit.new !== sought || putsBack) continue;
      if (edit.old === undefined || !this.isDropped(edit.old)) return edit.old;
      sought = edit.old;
    }
    return undefined;
  }

  /** The operation that a plain `undo` takes back; with `redo` only an undo. */
  undoable(redo = false): ModelOperation | undefined {
    const last = [...this.operations].reverse().find(({ edits, condemns }) => edits.length > 0 || condemns);
    return redo && last?.undoes !== true ? undefined : last;
  }

  undo(operation: ModelOperation | undefined): Prediction {
    if (operation === undefined) return { fault: "undo.nothing" };
    if (operation.edits.some((edit) => this.refs.get(edit.ref) !== edit.new))
      return { fault: "conflict.ref" };
    return { edits: operation.edits.map((edit) => ({ ref: edit.ref, old: edit.new, new: edit.old })) };
  }

  /** Words that keep a version from being deleted without force. */
  locks(oid: string): readonly string[] {
    const versions = this.list("tags/v").filter(([name]) => /^tags\/v[0-9]+$/.test(name));
    return [
      ...(this.commits.get(oid)?.isBase === true ? ["base"] : []),
      ...(versions.some(([, other]) => this.commits.get(other)?.parents.includes(oid)) ? ["children"] : []),
      ...(this.oid("HEAD") === oid ? ["active"] : []),
      ...(["production", "staging"].some((ref) => this.oid(ref) === oid) ? ["protected"] : []),
    ];
  }

  remove(word: string, force: boolean): Prediction {
    const oid = this.resolve(word);
    const number = this.list("tags/v").find(
      ([name, value]) => value === oid && /^tags\/v[0-9]+$/.test(name),
    )?.[0];
    if (oid === undefined || number === undefined) return { fault: "ref.missing" };
    if (this.locks(oid).length > 0 && !force) return { fault: "refused.lock" };
    let survivor = this.commits.get(oid)?.parents[0];
    while (survivor !== undefined && this.isDropped(survivor))
      survivor = this.commits.get(survivor)?.parents[0];
    const edits = [this.edit(number.replace("tags/", "dropped/"), oid)];
    for (const [ref, value] of this.refs) {
      if (value !== oid || /^(dropped|remotes|data)\//.test(ref)) continue;
      if (ref === "HEAD") edits.push(this.edit(ref, survivor ?? "-> heads/main"));
      else edits.push(this.edit(ref, ref.startsWith("heads/") ? survivor : undefined));
    }
    return { edits };
  }

  addData(name: string, dataset: string): Prediction {
    const versions = this.list(`data/${name}/v`);
    if (versions.some(([, value]) => value === dataset)) return { edits: [] };
    const newest = Math.max(0, ...versions.map(([ref]) => Number(ref.slice(`data/${name}/v`.length))));
    return { edits: [this.edit(`data/${name}/v${newest + 1}`, dataset)] };
  }
}
