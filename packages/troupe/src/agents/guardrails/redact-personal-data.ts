/** Finds personal data by rules. Numbers with a checksum are verified, so that other numbers stay. */
import ipaddr from 'ipaddr.js'
import { checkOptions, invalidInput, isListOf } from '../../core/index.ts'
import type { GuardrailFunction } from './guardrail.ts'

/** A kind of personal data that has a recognisable form. */
export type PersonalData = 'email' | 'phone' | 'card' | 'iban' | 'ip'

/** The options of `redactPersonalData`. */
export interface RedactPersonalDataOptions {
  /** The kinds that are replaced; all five by default. */
  readonly kinds?: readonly PersonalData[]
}

interface Rule {
  readonly pattern: RegExp
  readonly isOne: (found: string) => boolean
}

const digitsOf = (text: string): string => text.replace(/\D/g, '')

/**
 * The rules. Their patterns take linear time, and most do not match a part of a longer word. Earlier rules have
 * priority.
 */
const rules: Readonly<Record<PersonalData, Rule>> = {
  email: { pattern: /[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}/gu, isOne: () => true },
  iban: { pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g, isOne: isIban },
  card: { pattern: /(?<![\d-])\d(?:[ -]?\d){11,18}(?![\d-])/g, isOne: isCard },
  ip: {
    pattern: /(?<![\w:.])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:]|\.\d)/g,
    isOne: isAddress,
  },
  phone: { pattern: /(?<![\w+]|\d )(?:\+|00|0|\()[\d ()./-]{6,20}\d(?!\w)/g, isOne: isPhone },
}

/** The check of Luhn, ISO/IEC 7812. */
function isCard(text: string): boolean {
  const digits = [...digitsOf(text)].reverse().map(Number)
  const sum = digits.reduce(
    (total, digit, i) => total + (i % 2 === 0 ? digit : ((digit * 2 - 1) % 9) + 1 - (digit === 0 ? 1 : 0)),
    0,
  )
  return digits.length >= 12 && sum % 10 === 0 && digits.some((digit) => digit > 0)
}

/** ISO 13616: moved, in numbers, the rest by 97 is 1. */
function isIban(text: string): boolean {
  const compact = text.replaceAll(' ', '')
  if (compact.length < 15 || compact.length > 34) return false
  let rest = 0
  for (const character of `${compact.slice(4)}${compact.slice(0, 4)}`)
    for (const digit of String(Number.parseInt(character, 36))) rest = (rest * 10 + Number(digit)) % 97
  return rest === 1
}

function isAddress(text: string): boolean {
  if (!text.includes(':')) return ipaddr.IPv4.isValidFourPartDecimal(text)
  return /[0-9a-fA-F]/.test(text) && ipaddr.IPv6.isValid(text)
}

function isPhone(text: string): boolean {
  const { length } = digitsOf(text)
  return length >= 7 && length <= 15
}

/**
 * Returns a check that replaces e-mail addresses, phone numbers, card numbers (by the check of Luhn), IBANs (by their
 * checksum) and IP addresses by `[email]`, `[phone]`, `[card]`, `[iban]` and `[ip]`. It does not find names and postal
 * addresses, which have no such form.
 * @throws ValidationError for an unknown kind or an empty list
 * @example new LlmAgent({ name: 'Clerk', model, guardrails: { input: [redactPersonalData()], output: [redactPersonalData()] } })
 */
export function redactPersonalData(options: RedactPersonalDataOptions = {}): GuardrailFunction {
  checkOptions('redactPersonalData', options, ['kinds'])
  const known = Object.keys(rules) as PersonalData[]
  const { kinds = known } = options
  const isKind = (kind: unknown): kind is PersonalData => known.includes(kind as PersonalData)
  if (!isListOf(kinds, isKind) || kinds.length === 0)
    throw invalidInput('redactPersonalData', `kinds must be among ${known.join(', ')}`)
  return function redactPersonalData(content) {
    const found = new Map<PersonalData, number>()
    let redacted = content
    for (const kind of known.filter((each) => kinds.includes(each)))
      redacted = redacted.replace(rules[kind].pattern, (text) => {
        if (!rules[kind].isOne(text)) return text
        found.set(kind, (found.get(kind) ?? 0) + 1)
        return `[${kind}]`
      })
    if (found.size === 0) return { pass: true }
    const reason = [...found].map(([kind, count]) => `${count} × ${kind}`).join(', ')
    return { pass: false, reason, redacted }
  }
}
