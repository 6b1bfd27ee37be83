/** The form of each option of `createTroupe`, checked first, so that later checks can read their options. */
import { checkOptions, describe, failure, isObject } from '../core/index.ts'
import { type TroupeConfig, troupeOptions } from './troupe-config.ts'

const objects: readonly string[] = [
  ...[
    'messaging',
    'presence',
    'context',
    'prices',
    'contextWindows',
    'models',
    'cassette',
    'blobs',
    'retention',
    'limits',
    'schedules',
    'evaluation',
    'sandbox',
  ],
  ...['encryption', 'audit', 'egress', 'policies', 'roles', 'shutdown', 'doctor', 'faults', 'health', 'otlp', 'server'],
]
/** Options that may be false. */
const objectsOrFalse: readonly string[] = ['alerts', 'traces', 'watchdog']

/** Options that may be a list in place of an object. */
const objectsOrLists: readonly string[] = ['policy']

const isMisshapen = (option: string, value: unknown): boolean =>
  value !== undefined &&
  !isObject(value) &&
  ((objectsOrLists.includes(option) && !Array.isArray(value)) ||
    objects.includes(option) ||
    (objectsOrFalse.includes(option) && value !== false))

/** @throws ValidationError for an unknown option, or a value of another form */
export function checkOptionShape(option: string, value: unknown): void {
  checkOptions('createTroupe', { [option]: 0 }, troupeOptions)
  if (!isMisshapen(option, value)) return
  const form = objects.includes(option)
    ? 'no object'
    : `neither an object nor ${objectsOrLists.includes(option) ? 'a list' : 'false'}`
  throw failure('validation.failed', { what: option, problem: `${describe(value)} is ${form}` })
}

/** Returns the configuration without options of another form, for checks of the rest. */
export function shaped(config: TroupeConfig): TroupeConfig {
  const odd = Object.entries(config).filter(([option, value]) => isMisshapen(option, value))
  return { ...config, ...Object.fromEntries(odd.map(([option]) => [option, undefined])) }
}
