/** Maximum number of letters in which a word may differ from a suggestion. */
const furthest = 2;

/**
 * The known word that was probably meant by `word`, whatever the case of its letters; undefined if none is close. `most`:
 * in how many letters they may differ.
 */
export function nearest(word: string, known: readonly string[], most = furthest): string | undefined {
  const lower = word.toLowerCase();
  return known
    .filter((candidate) => Math.abs(candidate.length - word.length) <= most)
    .map((candidate) => ({ candidate, far: distance(lower, candidate.toLowerCase(), most) }))
    .filter(({ candidate, far }) => far <= Math.min(most, candidate.length / 3))
    .sort((one, other) => one.far - other.far)[0]?.candidate;
}

/**
 * Number of insertions, deletions, replacements and exchanges of neighbours that turn one word into the other
 * (optimal string alignment); more than `most` if that is exceeded: it looks only at the diagonals up to there.
 */
function distance(one: string, other: string, most: number): number {
  const beyond = most + 1;
  const none = (): number[] => Array<number>(other.length + 2).fill(beyond);
  let [before, row, next] = [none(), none(), none()];
  for (let j = 0; j <= Math.min(most, other.length); j++) row[j] = j;
  let previous = 0;
  for (let i = 0; i < one.length; i++) {
    const [from, to] = [Math.max(0, i - most), Math.min(other.length, i + beyond)];
    next[from] = from === 0 ? i + 1 : beyond;
    let least = next[from];
    for (let j = from; j < to; j++) {
      let steps = Math.min(row[j + 1] ?? beyond, next[j] ?? beyond) + 1;
      const same = one[i] === other[j];
      steps = Math.min(steps, (row[j] ?? beyond) + (same ? 0 : 1));
      if (!same && i > 0 && j > 0 && one[i] === other[j - 1] && one[i - 1] === other[j]) {
        steps = Math.min(steps, (before[j - 1] ?? beyond) + 1);
      }
      next[j + 1] = steps;
      if (steps < least) least = steps;
    }
    // Each later row derives from these two alone.
    if (least > most && previous > most) return beyond;
    previous = least;
    next[to + 1] = beyond;
    [before, row, next] = [row, next, before];
  }
  return row[other.length] ?? beyond;
}

/**
 * As nearest, or the known word to which `word` adds a number: LINUX for LINUX64; or the shortest that begins or ends with
 * it: network for net, SCMP_CMP_EQ for EQ; or of which it has some letters.
 */
function meantOf(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const extended = known.filter((candidate) => {
    const other = candidate.toLowerCase();
    return word.length > 1 && (other.startsWith(lower) || other.endsWith(lower));
  });
  const shortened = known.filter((candidate) => word.length > 2 && isShortOf(lower, candidate.toLowerCase()));
  const byLength = (one: string, other: string): number => one.length - other.length;
  const stem = lower.replace(/\d+$/, '');
  const numbered = stem === lower ? undefined : known.find((candidate) => candidate.toLowerCase() === stem);
  return (
    nearest(word, known, 1) ??
    numbered ??
    nearest(word, known) ??
    extended.sort(byLength)[0] ??
    shortened.sort(byLength)[0]
  );
}

/** Whether letters were left out, but not the first one: mnt for mount. */
function isShortOf(word: string, other: string): boolean {
  let at = 0;
  for (const letter of other) if (letter === word[at]) at++;
  return at === word.length && word[0] === other[0];
}

/** The question for a hint; undefined if no word is close. `write`: how a word is written there. */
export function askNearest(
  word: string,
  known: readonly string[],
  write = (meant: string): string => meant,
): string | undefined {
  return question(nearest(word, known), write);
}

/** As askNearest, or about a longer word for which `word` stands. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  return question(meantOf(word, known), (meant) => meant);
}

function question(meant: string | undefined, write: (meant: string) => string): string | undefined {
  return meant === undefined ? undefined : `did you mean ${write(meant)}?`;
}
