/** Kinds of values that a setting may have: as a text of the environment, and as a value of a file or a flag. */
import { type Duration, isListOf, isObject, isText, milliseconds } from '../../core/index.ts'
import { isSecretReference } from '../../security/index.ts'

export interface SettingKind {
  /** Completes "it is not …". */
  readonly description: string
  /** @returns undefined for a text that is no such value */
  fromText(text: string): unknown
  accepts(value: unknown): boolean
  /** Never shown. */
  readonly secret?: true
}

const integer = (lowest: number, highest = Number.MAX_SAFE_INTEGER): SettingKind => {
  const accepts = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= lowest && Number(value) <= highest
  return {
    description: `a whole number from ${lowest}${highest === Number.MAX_SAFE_INTEGER ? '' : ` to ${highest}`}`,
    fromText: (text) => (/^\d+$/.test(text) && accepts(Number(text)) ? Number(text) : undefined),
    accepts,
  }
}

const decimal = (lowest: number, highest: number): SettingKind => {
  const accepts = (value: unknown) => typeof value === 'number' && value >= lowest && value <= highest
  return {
    description: `a number from ${lowest} to ${highest}`,
    fromText: (text) => (text.trim() !== '' && accepts(Number(text)) ? Number(text) : undefined),
    accepts,
  }
}

const share: SettingKind = {
  ...decimal(0, 1),
  description: 'a number above 0, at most 1',
  fromText: (text) => (share.accepts(Number(text)) ? Number(text) : undefined),
  accepts: (value) => value !== 0 && decimal(0, 1).accepts(value),
}

const span = (lowestMs: number, lowest: Duration): SettingKind => {
  const accepts = (value: unknown) => {
    try {
      return milliseconds(value, '') >= lowestMs
    } catch {
      return false
    }
  }
  return {
    description: `a duration such as 30s or 5m${lowestMs > 0 ? `, at least ${lowest}` : ''}`,
    fromText: (text) => (accepts(text) ? text : undefined),
    accepts,
  }
}

const time = span(1, '1ms')

const port = integer(0, 65_535)

const choice = (...known: readonly string[]): SettingKind => ({
  description: `one of ${known.join(', ')}`,
  fromText: (text) => known.find((one) => one === text.toLowerCase()),
  accepts: (value) => known.includes(value as string),
})

const yes = ['true', '1', 'yes', 'on']
const no = ['false', '0', 'no', 'off']
const flag: SettingKind = {
  description: 'true or false',
  fromText: (text) => (yes.includes(text.toLowerCase()) ? true : no.includes(text.toLowerCase()) ? false : undefined),
  accepts: (value) => typeof value === 'boolean',
}

const text: SettingKind = {
  description: 'a text that is not empty',
  fromText: (text) => text,
  accepts: (value) => typeof value === 'string' && value !== '',
}

const secretText: SettingKind = {
  secret: true,
  description: 'a text that is not empty, or a reference to a secret',
  fromText: (text) => text,
  accepts: (value) => text.accepts(value) || isSecretReference(value),
}

const list: SettingKind = {
  description: 'a list of texts',
  fromText: (text) =>
    text
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  accepts: (value) => isListOf(value, isText),
}

const logLevel: SettingKind = {
  description: 'one of debug, info, warn, error, silent, or { level, … }',
  accepts: (value) => logLevels.accepts(value) || isObject(value),
  fromText: (text) => (text.toLowerCase() === 'warning' ? 'warn' : logLevels.fromText(text)),
}
const logLevels = choice('debug', 'info', 'warn', 'error', 'silent')

/** A structure, which its module checks when the troupe is opened; JSON in the environment. */
const structure: SettingKind = {
  description: 'JSON',
  fromText(text) {
    try {
      return JSON.parse(text)
    } catch {
      return undefined
    }
  },
  accepts: (value) => value !== undefined && value !== null,
}

const secretStructure: SettingKind = { ...structure, secret: true }

export const settingKinds = {
  integer,
  decimal,
  share,
  span,
  time,
  port,
  choice,
  flag,
  text,
  secretText,
  list,
  logLevel,
  structure,
  secretStructure,
}
