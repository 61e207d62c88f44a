/** Examples of an `ingot evolution --json` that were trained, with whether their last answer was exactly the expected one. */
function lastAnswers(evolution) {
  return evolution.examples
    .filter((example) => !example.heldOut)
    .map((example) => ({ ...example, right: example.strip.at(-1) === true }));
}

/** How many of the trained examples are answered exactly at the last reading, and one that was learned on the way. */
export function exactMatch(evolution) {
  const answers = lastAnswers(evolution);
  const right = answers.filter((answer) => answer.right).length;
  const learned = answers.find((answer) => answer.status === "learned") ?? answers[0];
  return { right, of: answers.length, share: right / answers.length, example: `e:${learned.id.slice(0, 8)}` };
}

/** How many of the given conversations are answered exactly at the last reading. */
export function scoreAgainst(evolution, conversations) {
  const key = (question, answer) => JSON.stringify([question, answer]);
  const right = new Set(
    lastAnswers(evolution)
      .filter((a) => a.right)
      .map((a) => key(a.input, a.expected)),
  );
  const answered = conversations.filter(([user, assistant]) =>
    right.has(key(user.content, assistant.content)),
  );
  return { right: answered.length, of: conversations.length };
}
