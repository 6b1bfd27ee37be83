/** Makes texts of agents and models safe for a terminal, which control characters could control. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Control characters are shown as their codes; line breaks and tabs stay. */
export const safe = (text: string): string =>
  text.replace(control, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** A value as JSON of several lines. */
export const indented = (value: unknown): string => safe(JSON.stringify(value, undefined, 2))

/** On one line, at most so wide. */
export function oneLine(value: unknown, width = Number.POSITIVE_INFINITY): string {
  const text = safe(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
    .replace(/\s+/g, ' ')
    .trim()
  const letters = [...text]
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`
}
