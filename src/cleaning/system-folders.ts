/** Neither they nor anything in them is a place for rules. */
const WHOLE = ['/bin', '/boot', '/dev', '/etc', '/lib', '/lib32', '/lib64', '/proc', '/sbin', '/sys'];
const OF_PROGRAMS = ['/usr/bin', '/usr/include', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/sbin', '/usr/share'];
/** Shared by many: what lies in them may be cleaned, each under a root of its own. */
const THEMSELVES = [
  '/home/lost+found',
  '/usr/libexec',
  '/usr/local',
  '/usr/src',
  '/var/backups',
  '/var/cache',
  '/var/lib',
  '/var/mail',
  '/var/run',
  '/var/spool',
  '/run/user',
];
/** Folders right below `/` that exist to be emptied. */
const TEMPORARY = ['/tmp'];

/**
 * Why a folder is no root for a rule, by its path alone.
 * @param path absolute, without a slash at its end
 * @returns undefined where nothing speaks against it
 */
export function systemFolderReason(path: string): string | undefined {
  if (path === '/') return 'is the root of the whole system';
  if ([...WHOLE, ...OF_PROGRAMS].some((folder) => path === folder || path.startsWith(`${folder}/`)))
    return 'belongs to the operating system';
  if (THEMSELVES.includes(path) || (/^\/[^/]+$/.test(path) && !TEMPORARY.includes(path)))
    return 'is shared by the whole system: name a folder in it';
  if (path === '/root' || /^\/home\/[^/]+$/.test(path)) return 'is a home: name a folder in it';
  return undefined;
}
