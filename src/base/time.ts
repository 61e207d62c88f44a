/** The last moment that a `Date` can name: records may hold later ones. */
const LAST_MS = 8.64e15;

/** A time of a record as RFC 3339, UTC; what lies beyond the last moment of the calendar is that moment. */
export function formatTime(timeMs: number): string {
  return new Date(Math.min(timeMs, LAST_MS)).toISOString();
}
