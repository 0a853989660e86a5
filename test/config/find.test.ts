import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/read.ts';
import { test, type ConfigFolder } from '../support/config-folder.ts';

/** Writes a file whose project name tells which one was read. */
async function named(folder: ConfigFolder, file: string, name: string): Promise<string> {
  return folder.write(file, `name: ${name}\n`);
}

describe('the configuration file', () => {
  test('is the one that --config names, whatever else there is', async ({ folder }) => {
    const file = await named(folder, 'elsewhere/x.conf', 'by-flag');
    await named(folder, 'by-env.yaml', 'by-env');
    await named(folder, 'maint.yaml', 'in-cwd');
    const env = { MAINT_CONFIG: join(folder.path, 'by-env.yaml') };
    expect(await loadConfig(folder.request({ env, configPath: 'elsewhere/x.conf' }))).toMatchObject({
      file,
      project: 'by-flag',
      assumptions: [],
    });
  });

  test('is the one of MAINT_CONFIG before that of the working directory', async ({ folder }) => {
    const file = await named(folder, 'by-env.yaml', 'by-env');
    await named(folder, 'maint.yaml', 'in-cwd');
    const config = await loadConfig(folder.request({ env: { MAINT_CONFIG: 'by-env.yaml' } }));
    expect(config).toMatchObject({ file, project: 'by-env' });
  });

  test('in the working directory is maint.yaml, maint.yml or maint.json, in this order', async ({ folder }) => {
    await folder.write('maint.json', '{\n\t"name": "json"\n}');
    expect((await loadConfig(folder.request())).project).toBe('json');
    await named(folder, 'maint.yml', 'yml');
    expect((await loadConfig(folder.request())).project).toBe('yml');
    await named(folder, 'maint.yaml', 'yaml');
    expect((await loadConfig(folder.request())).project).toBe('yaml');
  });

  test('is looked for in the system directory last', async ({ folder }) => {
    const file = await named(folder, 'etc/maint.yml', 'system');
    expect(await loadConfig(folder.request())).toMatchObject({ file, project: 'system' });
    await named(folder, 'maint.json', 'near');
    expect((await loadConfig(folder.request())).project).toBe('near');
  });

  test('is not looked for in folders above', async ({ folder }) => {
    await named(folder, 'maint.yaml', 'above');
    await mkdir(join(folder.path, 'below'));
    expect((await loadConfig(folder.request({ cwd: join(folder.path, 'below') }))).file).toBeNull();
  });

  test('must exist when it was named', async ({ folder }) => {
    await named(folder, 'maint.yaml', 'in-cwd');
    await expect(loadConfig(folder.request({ configPath: 'gone.yaml' }))).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      exitCode: 2,
      message: `the file ${join(folder.path, 'gone.yaml')}, named by --config, does not exist`,
    });
    await expect(loadConfig(folder.request({ env: { MAINT_CONFIG: 'gone.yaml' } }))).rejects.toThrow(/MAINT_CONFIG/);
  });

  test('that cannot be read is an error, not passed over', async ({ folder }) => {
    await mkdir(join(folder.path, 'maint.yaml'));
    await expect(loadConfig(folder.request())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test.skipIf(process.getuid?.() === 0)('that may not be read is an error', async ({ folder }) => {
    await chmod(await named(folder, 'maint.yaml', 'x'), 0o000);
    await expect(loadConfig(folder.request())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('a module', () => {
  test.for(['ts', 'js', 'mjs'])('with the ending .%s is run when it was named', async (ending, { folder }) => {
    const file = await folder.write(`maint.config.${ending}`, `export default { name: 'from-' + '${ending}' };\n`);
    await folder.write('package.json', '{ "type": "module" }');
    expect((await loadConfig(folder.request({ configPath: file }))).project).toBe(`from-${ending}`);
  });

  test.for(['maint.ts', 'maint.js', 'maint.mjs', 'maint.config.js', '.maintrc', 'package.json'])(
    'named %s is never found by itself',
    async (name, { folder }) => {
      await folder.write(name, name === 'package.json' ? '{ "maint": { "name": "found" } }' : 'throw new Error("run")');
      expect((await loadConfig(folder.request())).file).toBeNull();
    },
  );

  test('that throws is named in the error', async ({ folder }) => {
    const file = await folder.write('broken.mjs', 'throw new Error("no luck today");\n');
    await expect(loadConfig(folder.request({ configPath: file }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/broken\.mjs cannot be read: .*no luck today/s),
    });
  });

  test('that exports no settings is refused', async ({ folder }) => {
    const file = await folder.write('none.mjs', 'export const name = "x";\n');
    await expect(loadConfig(folder.request({ configPath: file }))).rejects.toMatchObject({
      message: `${file}: found nothing, allowed is a mapping`,
    });
  });
});

describe('the working directory', () => {
  test('is never asked for code or settings of the finder itself', async ({ folder }) => {
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    await folder.write('.config/config.js', 'require("node:fs").writeFileSync("was-run", ""); module.exports = {};');
    await named(folder, 'maint.yaml', 'mine');
    process.chdir(folder.path);
    expect((await loadConfig(folder.request())).project).toBe('mine');
    await folder.write('package.json', '{ broken');
    expect((await loadConfig(folder.request())).project).toBe('mine');
    expect(await readdir(folder.path)).not.toContain('was-run');
  });
});
