/** Reads a value that a person has typed: JSON where it is JSON, else the text itself. */
export function fromText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
