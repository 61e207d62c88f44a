/** An output stream as the command line uses it. */
export interface Sink {
  readonly isTTY: boolean;
  /** Columns of the terminal; undefined where it is none. */
  readonly columns: number | undefined;
  readonly rows?: number | undefined;
  /** Resolves when the stream can take more. */
  write(chunk: string | Uint8Array): Promise<void> | undefined;
}

export interface Source {
  readonly isTTY: boolean;
  /** One line without its end; undefined at the end of the input. */
  readLine(): Promise<string | undefined>;
  /** Everything up to the end. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** The process around a command: streams, environment, folder. Tests hand in a made-up one. */
export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly stdin: Source;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  readonly platform: string;
  /** Home folder and login name of the person. */
  readonly home: string;
  readonly user: string;
  /** Aborted at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}
