import { readIfThere } from './files.ts';

/**
 * The home of each user that the machine lists, by path.
 * @returns paths with the name of the user
 * @throws MaintError FILE_UNUSABLE
 */
export async function homeFolders(): Promise<ReadonlyMap<string, string>> {
  const lines = ((await readIfThere('/etc/passwd')) ?? '').split('\n').map((line) => line.split(':'));
  return new Map(lines.flatMap(([user = '', , , , , home = '']) => (home === '' ? [] : [[home, user]])));
}
