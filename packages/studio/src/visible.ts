/** Text in which every character can be seen, and none changes the direction of what follows. */

/** Scripts whose letters join or stack, where a joiner is part of the word. */
const joining = [
  'Arabic',
  'Bengali',
  'Devanagari',
  'Gujarati',
  'Gurmukhi',
  'Kannada',
  'Khmer',
  'Malayalam',
  'Myanmar',
  'Oriya',
  'Sinhala',
  'Tamil',
  'Telugu',
]
const letter = `[${joining.map((script) => `\\p{Script=${script}}`).join('')}]\\p{M}*`
const emoji = '\\p{Extended_Pictographic}[\\p{EMod}\\ufe0f]*'
const allowedJoiners = `(?<=${letter})[\\u200c\\u200d](?=${letter})|(?<=${emoji})\\u200d(?=${emoji})`
const unseen = new RegExp(`(${allowedJoiners})|[^\\P{C}\\n\\t]|[\\u2028\\u2029]`, 'gu')

/** Replaces each character that would not be seen; lines, tabs and what a script is written with stay. */
export const replaceUnseen = (text: string, replacement: (codePoint: number) => string): string =>
  text.replace(unseen, (one, stays?: string) => stays ?? replacement(one.codePointAt(0) as number))

/** What would not be seen is shown as `\u{202e}`. */
export const visible = (text: string): string => replaceUnseen(text, (codePoint) => `\\u{${codePoint.toString(16)}}`)
