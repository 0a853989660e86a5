/** One command of a line: `FOO=1 tar c /x >out` out of `cd / && FOO=1 tar c /x >out`. */
export interface SimpleCommand {
  /** Without what sets variables, and without redirections. Quotes are taken off. */
  readonly words: readonly string[];
  /** Where its output goes: `>out`, `2>/dev/null`. */
  readonly redirections: readonly string[];
}

/** A word, an operator such as `&&`, or a redirection with its target. */
interface Token {
  readonly kind: 'word' | 'operator' | 'redirection';
  readonly text: string;
}

const TOKEN =
  /(?<redirection>(?:&>>?|\d*(?:>>|>\||>&|<<?|>))\s*(?:[^\s;&|<>()]|&\d)*)|(?<operator>&&|\|\||[;|&()\n])|(?<word>(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\((?:[^()]|\([^()]*\))*\)|`[^`]*`|[^\s;&|<>()\\'"`])+)/gs;

/** Takes a shell line apart, as far as lint needs it: quotes, operators, redirections; no loops, no functions. */
export function simpleCommands(line: string): readonly SimpleCommand[] {
  const commands: { words: string[]; redirections: string[] }[] = [{ words: [], redirections: [] }];
  for (const { kind, text } of tokensOf(line)) {
    const current = commands.at(-1);
    if (kind === 'operator') commands.push({ words: [], redirections: [] });
    else if (kind === 'redirection') current?.redirections.push(text.replaceAll(/\s/g, ''));
    else if (current?.words.length !== 0 || !/^\w+=/.test(text)) current?.words.push(withoutQuotes(text));
  }
  return commands.filter(({ words, redirections }) => words.length + redirections.length > 0);
}

function tokensOf(line: string): readonly Token[] {
  return [...line.matchAll(TOKEN)].map(({ groups = {} }) => {
    const { redirection, operator, word = '' } = groups;
    if (redirection !== undefined) return { kind: 'redirection', text: redirection };
    return operator === undefined ? { kind: 'word', text: word } : { kind: 'operator', text: operator };
  });
}

function withoutQuotes(word: string): string {
  return word.replaceAll(/\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)"/gs, (_, escaped, single, double) =>
    String(escaped ?? single ?? double ?? ''),
  );
}
