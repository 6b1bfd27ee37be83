/** Reads values that a person has typed. */

/** Reads JSON: text stands in quotation marks. */
export function parseJson(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

/** Reads JSON where it is JSON, else the text itself. */
export function fromText(text: string): unknown {
  const read = parseJson(text)
  return 'value' in read ? read.value : text
}
