import { chmodSync, chownSync, linkSync, lstatSync, mkdirSync, renameSync, unlinkSync, utimesSync } from 'node:fs';
import { systemCode, translatedSync } from './files.ts';
import { currentUid } from './scratch.ts';

/** Moves a file or link, in place of what may be there. @throws MaintError FILE_UNUSABLE, NO_SPACE */
export function moveOver(from: string, to: string): void {
  translatedSync(to, () => renameSync(from, to));
}

/** Moves a file or link to where nothing may be. @throws MaintError FILE_UNUSABLE where something is, NO_SPACE */
export function moveBeside(from: string, to: string): void {
  translatedSync(to, () => {
    linkSync(from, to);
    unlinkSync(from);
  });
}

/** Makes a folder like another one, unless it is there. @throws MaintError FILE_UNUSABLE, NO_SPACE */
export function makeFolderAs(like: string, path: string): void {
  translatedSync(path, () => {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if (systemCode(error) === 'EEXIST') return;
      throw error;
    }
    const { mode, uid, gid, atime, mtime } = lstatSync(like);
    if (currentUid() === 0) chownSync(path, uid, gid);
    chmodSync(path, mode & 0o7777);
    utimesSync(path, atime, mtime);
  });
}
