import type { Oid } from "../base/oid.ts";
import type { ByteSource } from "../base/ports.ts";
import type { Repository } from "../repo/repository.ts";
import type { Receiver, Remote, RemoteState } from "./port.ts";
import { openReceiver } from "./receiver.ts";

/**
 * Another repository on a disk of this machine, opened as any other: it is read through its own verified reads, and written
 * by its own operations.
 */
export class DirectoryRemote implements Remote {
  readonly location: string;
  private readonly repository: Repository;

  constructor(repository: Repository) {
    this.repository = repository;
    this.location = repository.location;
  }

  async state(): Promise<RemoteState> {
    const refs = await this.repository.refs();
    return { id: this.repository.id, n: refs.n, refs: refs.list("") };
  }

  async missing(oids: readonly Oid[]): Promise<readonly Oid[]> {
    const missing: Oid[] = [];
    for (const oid of oids) if (!(await this.repository.has(oid))) missing.push(oid);
    return missing;
  }

  open(oid: Oid): Promise<ByteSource> {
    return this.repository.openObject(oid);
  }

  receive(): Promise<Receiver> {
    return openReceiver(this.repository, this.location);
  }

  close(): Promise<void> {
    return this.repository.close();
  }
}
