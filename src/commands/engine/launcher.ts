/** Why a channel ended: what the other side said last, or how its process died. */
export interface ChannelEnd {
  readonly code?: number;
  readonly signal?: string;
  readonly error?: Error;
}

/** Two-way channel to the engine's process. Messages are structured clones (typed arrays travel as they are). */
export interface EngineChannel {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, when the process has ended or could not start. */
  onEnd(listener: (end: ChannelEnd) => void): void;
  /** Ends the process at once. Harmless when it has ended. */
  kill(): void;
}

/** Starts the engine in a process of its own, with an empty working directory; implemented by the face that owns the process. */
export interface EngineLauncher {
  /** `folder` is an existing private folder that becomes the working directory. */
  launch(folder: string): EngineChannel;
}
