// Filled in by the build.
declare const INGOT_VERSION: string | undefined;

/** Version of the program. */
export const PROGRAM_VERSION: string = typeof INGOT_VERSION === "undefined" ? "0.0.0-source" : INGOT_VERSION;
