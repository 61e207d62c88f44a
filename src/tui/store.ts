/** State that is always the newest when it is read, unlike what a render closed over: two keys may come before one frame. */
export interface Store<State, Action> {
  read(): State;
  dispatch(action: Action): void;
  subscribe(listener: () => void): () => void;
}

/** A state that a pure function changes, with listeners. */
export function createStore<State, Action>(
  reduce: (state: State, action: Action) => State,
  initial: State,
): Store<State, Action> {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    read: () => state,
    dispatch: (action) => {
      state = reduce(state, action);
      for (const listener of listeners) listener();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
