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
const allowedSelectors = '(?<=\\p{Extended_Pictographic})[\\ufe0e\\ufe0f]|(?<=[0-9#*])\\ufe0f(?=\\u20e3)'
/** As `reviewableText` of the server: format and control characters, fillers, variation selectors, unusual spaces. */
const hidden = '[^\\P{C}\\n\\t]|[\\p{Default_Ignorable_Code_Point}\\u2028\\u2029\\u2800]|(?! )\\p{Zs}'
const unseen = new RegExp(`(${allowedJoiners}|${allowedSelectors})|${hidden}`, 'gu')

/** Replaces each character that would not be seen; lines, tabs and what a script is written with stay. */
export const replaceUnseen = (text: string, replacement: (codePoint: number) => string): string =>
  text.replace(unseen, (one, stays?: string) => stays ?? replacement(one.codePointAt(0) as number))

/** Shows each invisible character as its code: `\u{202e}`. */
export const visible = (text: string): string => replaceUnseen(text, (codePoint) => `\\u{${codePoint.toString(16)}}`)
