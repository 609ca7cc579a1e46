/** Removes the given characters from the end of a text, in one pass: a regular expression takes quadratic time for it. */
export function trimEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
