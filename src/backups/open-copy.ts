import { openCommandStore } from '../adapters/command-store.ts';
import { openFolderStore } from '../adapters/folder-store.ts';
import { openS3Store } from '../adapters/s3-store.ts';
import type { Store } from '../adapters/store.ts';
import type { CopySettings } from './copy-settings.ts';

/** Opens a place for copies as it is configured. It connects to nothing yet. */
export function openCopy(copy: CopySettings): Store {
  if (copy.type === 'directory') return openFolderStore(copy.name, copy.directory);
  if (copy.type === 'command')
    return openCommandStore({ ...copy, timeoutMs: copy.timeout, putTimeoutMs: copy.putTimeout });
  const pathStyle = copy.pathStyle ?? copy.endpoint !== undefined;
  return openS3Store({ ...copy, pathStyle, timeoutMs: copy.timeout, partBytes: copy.partSize });
}
