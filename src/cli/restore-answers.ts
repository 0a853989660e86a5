/** A name in quotes, which may hold a comma, or what stands between commas. */
const NAME = /(?:[^",]|"(?:[^"]|"")*")+/g;

/** Takes names apart that a person typed with commas between: `users, app."Odd, name"`. */
export function namesIn(text: string): readonly string[] {
  return (text.match(NAME) ?? []).map((name) => name.trim()).filter((name) => name !== '');
}
