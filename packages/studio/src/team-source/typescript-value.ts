/** Writes values as TypeScript. */
import { visible } from '../visible.ts'

/** Code among the values, such as the name of a constant. */
export class Expression {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const lineWidth = 100

/** Returns a string literal on one line. Characters that cannot be seen are escaped. */
export function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = visible(text.replaceAll(/[\\']/g, (sign) => (sign === '\\' || sign === quote ? `\\${sign}` : sign)))
  return `${quote}${escaped.replaceAll('\n', '\\n').replaceAll('\t', '\\t')}${quote}`
}

/** Returns a template literal, whose lines are those of the text. */
const template = (text: string): string => `\`${visible(text.replaceAll(/[\\`]|\$(?=\{)/g, '\\$&'))}\``

/** Returns a line comment. */
export const lineComment = (text: string): string => `// ${visible(text).replaceAll(/\s+/g, ' ')}\n`

/** Returns the literal of a value; the first line has no indentation. Entries that are undefined are left out. */
export function literal(value: unknown, indent = ''): string {
  if (value instanceof Expression) return value.text.replaceAll('\n', `\n${indent}`)
  if (typeof value === 'string') return value.includes('\n') ? template(value) : quoted(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const isList = Array.isArray(value)
  const [open, close] = isList ? ['[', ']'] : ['{ ', ' }']
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  if (entries.length === 0) return `${open.trim()}${close.trim()}`
  const inner = `${indent}  `
  const parts = entries.map(([key, one]) => `${isList ? '' : `${keyOf(key)}: `}${literal(one, inner)}`)
  const line = `${open}${parts.join(', ')}${close}`
  if (indent.length + line.length <= lineWidth && !line.includes('\n')) return line
  return `${open.trim()}\n${parts.map((part) => `${inner}${part},\n`).join('')}${indent}${close.trim()}`
}

/** `__proto__` would set the prototype if it were not computed. */
const keyOf = (key: string): string =>
  key === '__proto__' ? `['${key}']` : /^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key)
