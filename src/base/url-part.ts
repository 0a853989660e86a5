/** User, password or path of a URL as it was meant; as it stands where its percent signs mean nothing. */
export function decodedPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part;
    throw error;
  }
}
