import type { RuleContext } from "../rule.ts";

/** How a node is said in other operators. */
export interface Rewrite {
  readonly domain: string;
  readonly op: string;
  /** Only below this opset; always where absent. */
  readonly before?: number;
  /** False where this node may stay as it is. */
  readonly applies?: (node: RuleContext["node"]) => boolean;
  /** Emits the parts; one result per output of the node, undefined for those nobody can read. */
  readonly parts: (ctx: RuleContext) => readonly (string | undefined)[];
}
