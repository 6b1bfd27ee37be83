/** Of which form each option of `createTroupe` is: asked first, so that whatever looks into one finds what it looks into. */
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
    'retention',
    'limits',
    'schedules',
    'evaluation',
    'sandbox',
  ],
  ...['encryption', 'audit', 'egress', 'policies', 'roles', 'shutdown', 'doctor', 'faults', 'health', 'otlp', 'server'],
]
/** False is none of it. */
const objectsOrFalse: readonly string[] = ['alerts', 'traces', 'watchdog']

/** A list of rules stands for an object that holds them. */
const objectsOrLists: readonly string[] = ['policy']

const isMisshapen = (option: string, value: unknown): boolean =>
  value !== undefined &&
  !isObject(value) &&
  ((objectsOrLists.includes(option) && !Array.isArray(value)) ||
    objects.includes(option) ||
    (objectsOrFalse.includes(option) && value !== false))

/** @throws ValidationError for an option that there is not, or of another form than its own */
export function checkOptionShape(option: string, value: unknown): void {
  checkOptions('createTroupe', { [option]: 0 }, troupeOptions)
  if (!isMisshapen(option, value)) return
  const form = objects.includes(option)
    ? 'no object'
    : `neither an object nor ${objectsOrLists.includes(option) ? 'a list' : 'false'}`
  throw failure('validation.failed', { what: option, problem: `${describe(value)} is ${form}` })
}

/** The configuration without what is of another form, for whoever looks into the rest. */
export function shaped(config: TroupeConfig): TroupeConfig {
  const odd = Object.entries(config).filter(([option, value]) => isMisshapen(option, value))
  return { ...config, ...Object.fromEntries(odd.map(([option]) => [option, undefined])) }
}
