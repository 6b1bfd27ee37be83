/** The form of each option of `createTroupe`, checked first, so that later checks can read their options. */
import { checkOptions, describe, invalidInput, isList, isObject } from '../core/index.ts'
import type { TroupeConfig } from './troupe-config.ts'

/** An object, an object or `false`, an object or a list, or whatever its own check accepts. */
type OptionForm = 'object' | 'false' | 'list' | 'other'

const forms: Readonly<Record<Extract<keyof TroupeConfig, string>, OptionForm>> = {
  storage: 'other',
  profile: 'other',
  agents: 'other',
  teams: 'other',
  server: 'object',
  messaging: 'object',
  roles: 'object',
  presence: 'object',
  context: 'object',
  lease: 'other',
  prices: 'object',
  contextWindows: 'object',
  models: 'object',
  cassette: 'object',
  blobs: 'object',
  retention: 'object',
  limits: 'object',
  schedules: 'object',
  evaluation: 'object',
  sandbox: 'object',
  encryption: 'object',
  secrets: 'other',
  audit: 'object',
  egress: 'object',
  policy: 'list',
  requireUserId: 'other',
  shutdown: 'object',
  restored: 'other',
  signals: 'other',
  debug: 'other',
  clock: 'other',
  random: 'other',
  faults: 'object',
  doctor: 'object',
  policies: 'object',
  log: 'other',
  traces: 'false',
  health: 'object',
  alerts: 'false',
  watchdog: 'false',
  otlp: 'object',
  fetch: 'other',
}

/** The names of the options of `createTroupe`. */
export const troupeOptions: readonly string[] = Object.keys(forms)

const formOf = (option: string): OptionForm =>
  Object.hasOwn(forms, option) ? forms[option as keyof typeof forms] : 'other'

const isMisshapen = (option: string, value: unknown): boolean => {
  const form = formOf(option)
  if (value === undefined || isObject(value) || form === 'other') return false
  return !(form === 'false' ? value === false : form === 'list' && isList(value))
}

/** @throws ValidationError for an unknown option, or a value of another form */
export function checkOptionShape(option: string, value: unknown): void {
  checkOptions('createTroupe', { [option]: 0 }, troupeOptions)
  if (!isMisshapen(option, value)) return
  const form = formOf(option)
  const wanted = form === 'object' ? 'no object' : `neither an object nor ${form === 'list' ? 'a list' : form}`
  throw invalidInput(option, `${describe(value)} is ${wanted}`)
}

/** Returns the configuration without options of another form, for checks of the rest. */
export function shaped(config: TroupeConfig): TroupeConfig {
  const odd = Object.entries(config).filter(([option, value]) => isMisshapen(option, value))
  return { ...config, ...Object.fromEntries(odd.map(([option]) => [option, undefined])) }
}
