/** Most examples that are tracked by default. */
export const PROBE_EXAMPLES = 512;

export interface ProbeSources {
  /** Ids of the rows of this training. */
  readonly fresh: readonly string[];
  /** Ids of the lineage's earlier training rows. */
  readonly earlier: readonly string[];
  /** Ids of all held-out examples: always tracked. */
  readonly heldOut: readonly string[];
  /** Ids that have regressed before: always tracked. */
  readonly regressed: readonly string[];
}

/**
 * Ids that are tracked through a training, sorted: every training example where there are at most `limit`, else the `limit`
 * lowest ids, half of them earlier ones where there are enough; and always all held-out and formerly regressed ones.
 */
export function chooseProbe(sources: ProbeSources, limit: number): readonly string[] {
  const fresh = [...new Set(sources.fresh)].sort();
  const known = new Set(fresh);
  const earlier = [...new Set(sources.earlier)].filter((id) => !known.has(id)).sort();
  const forEarlier =
    fresh.length + earlier.length <= limit
      ? earlier.length
      : Math.min(earlier.length, Math.max(Math.floor(limit / 2), limit - fresh.length));
  const trained = new Set([...fresh, ...earlier]);
  const chosen = [...fresh.slice(0, Math.max(0, limit - forEarlier)), ...earlier.slice(0, forEarlier)];
  const regressed = sources.regressed.filter((id) => trained.has(id));
  return [...new Set([...chosen, ...sources.heldOut, ...regressed])].sort();
}
