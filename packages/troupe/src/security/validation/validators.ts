/**
 * Validators of what comes from outside, as Standard Schemas: for `defineKey`, `defineMessage`, `defineTool` and anything
 * else that takes one. They accept or refuse, and change nothing that they were not told to. Each costs linear time in the
 * length of what it is given, whatever that is; lengths are checked first.
 */
import { z } from 'zod'
import { checkFlag, checkOptions, failure, type Schema } from '../../core/index.ts'

export interface TextOptions {
  /** In UTF-16 units, as `length`; 0 by default. */
  readonly min?: number
  /** 1,000 by default. */
  readonly max?: number
  /** The whole text: `*` is any run of characters, `?` one; 256 at most. */
  readonly pattern?: string
  /** Those it may consist of, as ranges: `a-z0-9_-` (a `-` that is meant stands last). */
  readonly characters?: string
  /** Without the space around it; off by default. */
  readonly trim?: boolean
}

export interface NumberOptions {
  readonly min?: number
  readonly max?: number
  readonly integer?: boolean
}

export interface EmailOptions {
  /** Return the address in small letters, for applications that look addresses up; off by default. */
  readonly lowercase?: boolean
}

export interface UrlOptions {
  /** `['https', 'http']` by default. */
  readonly protocols?: readonly string[]
}

const wrong = (what: string, problem: string) => failure('validation.failed', { what, problem })

/** RFC 5321, 4.5.3.1: of a path, without its brackets. */
const emailMax = 254
/** What browsers and servers agree to take. */
const urlMax = 2_048

/**
 * @example
 * const Name = validators.text({ min: 1, max: 80, trim: true })
 * const OrderStatus = defineKey('orders.{id}.status', validators.text({ characters: 'a-z' }))
 */
export const validators = {
  /** @throws ValidationError for options that are none */
  text(options: TextOptions = {}): Schema<string> {
    checkOptions('validators.text', options, ['min', 'max', 'pattern', 'characters', 'trim'])
    const { min = 0, max = 1_000, pattern, characters, trim = false } = options
    if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min < 0 || max < min)
      throw wrong('validators.text', 'min and max are whole numbers, and max is not below min')
    if (pattern !== undefined && (typeof pattern !== 'string' || pattern.length > 256))
      throw wrong('validators.text', 'pattern is a text of 256 characters at most')
    const allowed = characters === undefined ? undefined : rangesOf(characters)
    const text = trim ? z.string().trim() : z.string()
    return text
      .min(min, { abort: true })
      .max(max, { abort: true })
      .refine((value) => pattern === undefined || matches(pattern, value), `it is not of the form ${pattern}`)
      .refine((value) => !allowed || consistsOf(allowed, value), `it has other characters than ${characters}`)
  },

  /** Never NaN or an infinity. @throws ValidationError for options that are none */
  number(options: NumberOptions = {}): Schema<number> {
    checkOptions('validators.number', options, ['min', 'max', 'integer'])
    const { min = -Number.MAX_VALUE, max = Number.MAX_VALUE, integer = false } = options
    if (!(min <= max)) throw wrong('validators.number', 'min and max are numbers, and max is not below min')
    return (integer ? z.int() : z.number()).min(min).max(max)
  },

  /**
   * Accepts `local@domain` of 254 characters at most, as it was written: case may matter before the `@`.
   * @throws ValidationError for options that are none
   */
  email(options: EmailOptions = {}): Schema<string> {
    checkOptions('validators.email', options, ['lowercase'])
    const address = z.string().max(emailMax, { abort: true })
    const { lowercase = false } = options
    checkFlag('validators.email lowercase', lowercase)
    return (lowercase ? address.toLowerCase() : address).refine(isEmail, 'it is not an e-mail address')
  },

  /** Absolute, without user and password, of 2,048 characters at most. @throws ValidationError for options that are none */
  url(options: UrlOptions = {}): Schema<string> {
    checkOptions('validators.url', options, ['protocols'])
    const { protocols = ['https', 'http'] } = options
    if (!Array.isArray(protocols) || !protocols.every((name) => /^[a-z][a-z0-9+.-]{0,31}$/.test(name)))
      throw wrong('validators.url', 'protocols are names as in https, without a colon')
    return z
      .string()
      .max(urlMax, { abort: true })
      .refine((value) => isUrl(value, protocols), `it is not a URL of ${protocols.join(', ')}`)
  },

  /** A letter or `_`, then letters, digits, `_` and `-`, of ASCII; 64 at most. */
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
    if (to < from) throw wrong('validators.text', 'a range of characters begins with the lower one')
    i += 2
  }
  if (ranges.length === 0 || ranges.length > 256)
    throw wrong('validators.text', 'characters are 1 to 256 characters or ranges')
  return ranges
}

function consistsOf(ranges: Ranges, value: string): boolean {
  for (const one of value) {
    const unit = one.codePointAt(0) as number
    if (!ranges.some(([from, to]) => unit >= from && unit <= to)) return false
  }
  return true
}

/** What a mail server takes without quotes (RFC 5321 dot-string), and a domain of two labels at least. */
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
  // A parser takes these out or turns them round; what is stored would be another URL than what is opened.
  if (/[\s\\\p{Cc}]/u.test(value)) return false
  const url = URL.parse(value)
  if (!url || !protocols.includes(url.protocol.slice(0, -1))) return false
  return url.username === '' && url.password === ''
}
