import { httpsAddress } from '../adapters/https-address.ts';
import { Secret } from '../base/secret.ts';
import type { HttpsPlace } from '../engine/task.ts';
import { isMapping } from './tree.ts';

/** Every host that settings name by https, each once, with the key that names it first. */
export function httpsPlaces(settings: unknown): readonly HttpsPlace[] {
  const places = new Map<string, HttpsPlace>();
  for (const place of placesIn(settings, '')) {
    const key = `${place.host}:${place.port}`;
    if (!places.has(key)) places.set(key, place);
  }
  return [...places.values()];
}

function placesIn(value: unknown, where: string): readonly HttpsPlace[] {
  const address = value instanceof Secret ? value : typeof value === 'string' ? new Secret(value) : undefined;
  if (address !== undefined) {
    const found = httpsAddress(address);
    return found === undefined ? [] : [{ where, ...found }];
  }
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => placesIn(item, `${where}[${index}]`));
  if (!isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => placesIn(item, where === '' ? key : `${where}.${key}`));
}
