/** Plain data: what `JSON.stringify` writes and reads back unchanged. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
