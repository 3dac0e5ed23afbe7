const mostTries = 2000;

/** Removes pieces of a text as long as `does` remains true of it. */
export function shrink(text: string, does: (text: string) => boolean): string {
  let smallest = text;
  let tries = 0;
  for (let size = text.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < smallest.length && tries < mostTries;) {
      const less = smallest.slice(0, at) + smallest.slice(at + size);
      tries++;
      if (does(less)) smallest = less;
      else at += size;
    }
  }
  return smallest;
}
