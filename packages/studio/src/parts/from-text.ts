/** Reads values that a person has typed. */

/** Reads JSON: text stands in quotation marks. */
export function parseJson(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

/** Returns why a text that looks like JSON, such as `{"a": `, is none; undefined for any other text. */
export function jsonProblem(text: string): string | undefined {
  const read = parseJson(text)
  return 'problem' in read && /^\s*[{["]/.test(text) ? read.problem : undefined
}

/** Reads JSON where it is JSON, else the text itself. */
export function fromText(text: string): unknown {
  const read = parseJson(text)
  return 'value' in read ? read.value : text
}
