/** Kinds of values that a setting may have: as a text of the environment, and as a value of a file or a flag. */
import { type Duration, isObject, milliseconds } from '../../core/index.ts'
import { isSecretReference } from '../../security/index.ts'

export interface Kind {
  /** Completes "it is not …". */
  readonly says: string
  /** @returns undefined for a text that is no such value */
  fromText(text: string): unknown
  accepts(value: unknown): boolean
}

const whole = (lowest: number, highest = Number.MAX_SAFE_INTEGER): Kind => {
  const accepts = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= lowest && Number(value) <= highest
  return {
    says: `a whole number from ${lowest}${highest === Number.MAX_SAFE_INTEGER ? '' : ` to ${highest}`}`,
    fromText: (text) => (/^\d+$/.test(text) && accepts(Number(text)) ? Number(text) : undefined),
    accepts,
  }
}

const figure = (lowest: number, highest: number): Kind => {
  const accepts = (value: unknown) => typeof value === 'number' && value >= lowest && value <= highest
  return {
    says: `a number from ${lowest} to ${highest}`,
    fromText: (text) => (text.trim() !== '' && accepts(Number(text)) ? Number(text) : undefined),
    accepts,
  }
}

const span = (lowestMs: number, lowest: Duration): Kind => {
  const accepts = (value: unknown) => {
    try {
      return milliseconds(value, '') >= lowestMs
    } catch {
      return false
    }
  }
  return {
    says: `a duration such as 30s or 5m${lowestMs > 0 ? `, at least ${lowest}` : ''}`,
    fromText: (text) => (accepts(text) ? text : undefined),
    accepts,
  }
}

const choice = (...known: readonly string[]): Kind => ({
  says: `one of ${known.join(', ')}`,
  fromText: (text) => known.find((one) => one === text.toLowerCase()),
  accepts: (value) => known.includes(value as string),
})

const yes = ['true', '1', 'yes', 'on']
const no = ['false', '0', 'no', 'off']
const flag: Kind = {
  says: 'true or false',
  fromText: (text) => (yes.includes(text.toLowerCase()) ? true : no.includes(text.toLowerCase()) ? false : undefined),
  accepts: (value) => typeof value === 'boolean',
}

const text: Kind = {
  says: 'a text that is not empty',
  fromText: (given) => given,
  accepts: (value) => typeof value === 'string' && value !== '',
}

/** Never shown. */
const secretText: Kind = {
  says: 'a text that is not empty, or a reference to a secret',
  fromText: (given) => given,
  accepts: (value) => text.accepts(value) || isSecretReference(value),
}

const list: Kind = {
  says: 'a list of texts',
  fromText: (given) =>
    given
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  accepts: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
}

const logLevel: Kind = {
  says: 'one of debug, info, warn, error, silent, or { level, … }',
  accepts: (value) => logLevels.accepts(value) || isObject(value),
  fromText: (given) => (given.toLowerCase() === 'warning' ? 'warn' : logLevels.fromText(given)),
}
const logLevels = choice('debug', 'info', 'warn', 'error', 'silent')

/** What its room checks when the troupe is opened; JSON in the environment. */
const structure: Kind = {
  says: 'JSON',
  fromText(given) {
    try {
      return JSON.parse(given)
    } catch {
      return undefined
    }
  },
  accepts: (value) => value !== undefined && value !== null,
}

export const kinds = { whole, figure, span, choice, flag, text, secretText, list, logLevel, structure }
