/** Validators of input from outside. */
import { z } from 'zod'
import { checkFlag, checkOptions, invalidInput, type Schema } from '../../core/index.ts'

/** Options of `validators.text`. */
export interface TextOptions {
  /** The least length in UTF-16 units; 0 by default. */
  readonly min?: number
  /** The greatest length in UTF-16 units; 1,000 by default. */
  readonly max?: number
  /** A pattern of the whole text, of at most 256 characters: `*` matches any characters, `?` matches one. */
  readonly pattern?: string
  /** The allowed characters, as characters and ranges: `a-z0-9_-` (a literal `-` comes last). */
  readonly characters?: string
  /** Removes the white space around the text first; false by default. */
  readonly trim?: boolean
}

/** Options of `validators.number`. */
export interface NumberOptions {
  /** The least number; unlimited by default. */
  readonly min?: number
  /** The greatest number; unlimited by default. */
  readonly max?: number
  /** Accepts whole numbers only, up to 2^53 - 1; false by default. */
  readonly integer?: boolean
}

/** Options of `validators.email`. */
export interface EmailOptions {
  /** Returns the address in lower case, for applications that look addresses up; false by default. */
  readonly lowercase?: boolean
}

/** Options of `validators.url`. */
export interface UrlOptions {
  /** The allowed protocols, without colon; `['https', 'http']` by default. */
  readonly protocols?: readonly string[]
}

/** RFC 5321, 4.5.3.1: of a path, without its brackets. */
const emailMax = 254
/** The length that browsers and servers accept. */
const urlMax = 2_048

/**
 * Validators of input from outside, as Standard Schemas for `defineKey`, `defineMessage`, `defineTool` and others. They
 * change a value only if an option says so. The cost is linear in the length of the value, and lengths are checked
 * first.
 * @example
 * const Name = validators.text({ min: 1, max: 80, trim: true })
 * const OrderStatus = defineKey('orders.{id}.status', validators.text({ characters: 'a-z' }))
 */
export const validators = {
  /** Accepts texts of a length and form. @throws ValidationError for invalid options */
  text(options: TextOptions = {}): Schema<string> {
    checkOptions('validators.text', options, ['min', 'max', 'pattern', 'characters', 'trim'])
    const { min = 0, max = 1_000, pattern, characters, trim = false } = options
    if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min < 0 || max < min)
      throw invalidInput('validators.text', 'min and max are whole numbers, and max is not below min')
    if (pattern !== undefined && (typeof pattern !== 'string' || pattern.length > 256))
      throw invalidInput('validators.text', 'pattern is a text of 256 characters at most')
    const allowed = characters === undefined ? undefined : rangesOf(characters)
    const text = trim ? z.string().trim() : z.string()
    return text
      .min(min, { abort: true })
      .max(max, { abort: true })
      .refine((value) => pattern === undefined || matches(pattern, value), `it is not of the form ${pattern}`)
      .refine((value) => !allowed || consistsOf(allowed, value), `it has other characters than ${characters}`)
  },

  /** Accepts numbers, never NaN or an infinity. @throws ValidationError for invalid options */
  number(options: NumberOptions = {}): Schema<number> {
    checkOptions('validators.number', options, ['min', 'max', 'integer'])
    const { min = -Number.MAX_VALUE, max = Number.MAX_VALUE, integer = false } = options
    if (!(min <= max)) throw invalidInput('validators.number', 'min and max are numbers, and max is not below min')
    return (integer ? z.int() : z.number()).min(min).max(max)
  },

  /**
   * Accepts `local@domain` of at most 254 characters and returns it unchanged: case may matter before the `@`.
   * @throws ValidationError for invalid options
   */
  email(options: EmailOptions = {}): Schema<string> {
    checkOptions('validators.email', options, ['lowercase'])
    const address = z.string().max(emailMax, { abort: true })
    const { lowercase = false } = options
    checkFlag('validators.email lowercase', lowercase)
    return (lowercase ? address.toLowerCase() : address).refine(isEmail, 'it is not an e-mail address')
  },

  /**
   * Accepts absolute URLs without user and password, of at most 2,048 characters. @throws ValidationError for invalid
   * options
   */
  url(options: UrlOptions = {}): Schema<string> {
    checkOptions('validators.url', options, ['protocols'])
    const { protocols = ['https', 'http'] } = options
    if (!Array.isArray(protocols) || !protocols.every((name) => /^[a-z][a-z0-9+.-]{0,31}$/.test(name)))
      throw invalidInput('validators.url', 'protocols are names as in https, without a colon')
    return z
      .string()
      .max(urlMax, { abort: true })
      .refine((value) => isUrl(value, protocols), `it is not a URL of ${protocols.join(', ')}`)
  },

  /** Accepts a letter or `_`, then letters, digits, `_` and `-`, of ASCII, at most 64 characters. */
  identifier(): Schema<string> {
    return z
      .string()
      .max(64, { abort: true })
      .refine((value) => /^[A-Za-z_][\w-]*$/.test(value), 'it is not an identifier')
  },
} as const

/** Goes back to the last `*` alone: at most the length of the value times that of the pattern, which is bounded. */
function matches(pattern: string, value: string): boolean {
  let [p, v, star, from] = [0, 0, -1, 0]
  while (v < value.length)
    if (pattern[p] === '*') {
      star = p++
      from = v
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === value[v])) {
      p++
      v++
    } else if (star >= 0) {
      p = star + 1
      v = ++from
    } else return false
  while (pattern[p] === '*') p++
  return p === pattern.length
}

type Ranges = readonly (readonly [from: number, to: number])[]

function rangesOf(characters: string): Ranges {
  const units = [...String(characters)].map((one) => one.codePointAt(0) as number)
  const dash = 0x2d
  const ranges: [number, number][] = []
  for (let i = 0; i < units.length; i++) {
    const from = units[i] as number
    const to = units[i + 1] === dash ? units[i + 2] : undefined
    ranges.push([from, to ?? from])
    if (to === undefined) continue
    if (to < from) throw invalidInput('validators.text', 'a range of characters begins with the lower one')
    i += 2
  }
  if (ranges.length === 0 || ranges.length > 256)
    throw invalidInput('validators.text', 'characters are 1 to 256 characters or ranges')
  return ranges
}

function consistsOf(ranges: Ranges, value: string): boolean {
  for (const one of value) {
    const unit = one.codePointAt(0) as number
    if (!ranges.some(([from, to]) => unit >= from && unit <= to)) return false
  }
  return true
}

/**
 * A local part that a mail server accepts without quotes (RFC 5321 dot-string), and a domain of at least two labels.
 */
function isEmail(value: string): boolean {
  const at = value.lastIndexOf('@')
  const [local, domain] = [value.slice(0, at), value.slice(at + 1)]
  const labels = domain.split('.')
  return (
    at > 0 &&
    local.length <= 64 &&
    local.split('.').every((part) => /^[\w!#$%&'*+/=?^`{|}~-]+$/.test(part)) &&
    labels.length >= 2 &&
    labels.every((label) => /^[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u.test(label))
  )
}

function isUrl(value: string, protocols: readonly string[]): boolean {
  // A parser removes or replaces these characters: the opened URL would differ from the stored one.
  if (/[\s\\\p{Cc}]/u.test(value)) return false
  const url = URL.parse(value)
  if (!url || !protocols.includes(url.protocol.slice(0, -1))) return false
  return url.username === '' && url.password === ''
}
