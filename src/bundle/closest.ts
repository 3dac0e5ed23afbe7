/** Maximum number of letters in which a name may differ from a suggestion. */
const furthest = 2;

/** The candidate that was probably meant by `name`, whatever the case of its letters; undefined if none is close. */
export function closestName(name: string, candidates: readonly string[]): string | undefined {
  return candidates
    .filter((candidate) => Math.abs(candidate.length - name.length) <= furthest)
    .map((candidate) => ({ candidate, far: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= Math.min(furthest, candidate.length / 3))
    .sort((one, other) => one.far - other.far)[0]?.candidate;
}

/** Number of insertions, deletions and replacements that turn one word into the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 0; i < one.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++) {
      next.push(Math.min((row[j] ?? 0) + Number(one[i] !== other[j]), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
