/**
 * Checks the options of `createTroupe`: unknown options and invalid values are rejected before anything is opened, all
 * at once.
 */
import { contextLimits, createLifecycles } from '../context/index.ts'
import {
  checkName,
  checkOptions,
  checkPath,
  failure,
  invalidInput,
  isFilledText,
  isObject,
  isPlainObject,
  listOf,
  milliseconds,
  readable,
  systemClock,
  systemRandom,
  TroupeError,
} from '../core/index.ts'
import { type MessagingConfig, messagingSettings } from '../messaging/index.ts'
import {
  callSettingNames,
  checkModelLimits,
  type ModelDefaults,
  problemOfSettings,
  providers,
} from '../models/index.ts'
import { checkOnlineScoring, checkSchedulesConfig, readLimits } from '../runs/index.ts'
import { readSandboxConfig } from '../sandbox/index.ts'
import {
  auditSettings,
  checkEgress,
  createRoles,
  isSecretReference,
  readTaintPolicy,
  roleOf,
} from '../security/index.ts'
import { checkFaults, retentionBounds } from '../storage/index.ts'
import { withHelpers } from '../topology/index.ts'
import { checksById } from './doctor/doctor-catalogue.ts'
import { checkDoctor } from './doctor/doctor-check.ts'
import { checkObservation } from './observation-config.ts'
import { checkOptionShape, shaped } from './option-shapes.ts'
import { openPolicies } from './policies-config.ts'
import { retentionPeriods } from './retention-periods.ts'
import { serverProblems } from './server-config.ts'
import {
  agentsByName,
  compiledTeam,
  compiledTeams,
  type ModelsConfig,
  standardFileBytes,
  storageRetentionOf,
  type TroupeConfig,
} from './troupe-config.ts'
import { unsafeInProduction } from './unsafe-in-production.ts'

/** @throws ValidationError for the one problem that there is; `config.invalid` with all of them in its details */
export function checkConfig(config: TroupeConfig): TroupeConfig {
  throwProblems(configProblems(config))
  return config
}

/** @throws the one problem that there is; `config.invalid` with all of them in its details */
export function throwProblems(all: readonly TroupeError[]): void {
  const [first, ...others] = all
  if (!first) return
  if (others.length === 0) throw first
  const problems = [first, ...others].map(({ message, hint = '' }) => `${message} ${hint}`.trim())
  throw failure('config.invalid', { first: problems[0] as string, others: others.length, problems })
}

/** Everything that is wrong with it, and in production everything that is unsafe. */
export function configProblems(from: TroupeConfig): readonly TroupeError[] {
  if (!isPlainObject(from)) return [invalidInput('The configuration', 'it is not an object')]
  const input = readable('The configuration', () => ({ ...from }))
  const config = shaped(input)
  const checks = [
    ...Object.entries(input).map(
      ([option, value]) =>
        () =>
          checkOptionShape(option, value),
    ),
    () => checkStorage(config),
    () => void createRoles(config.roles),
    () => void readLimits(config.limits),
    () => checkSchedulesConfig(config.schedules ?? {}),
    () => void auditSettings(config.audit),
    () => checkEgress(config.egress ?? {}),
    () => void readSandboxConfig(config.sandbox),
    () => void readTaintPolicy(config.policy),
    () => checkPresence(config),
    () => checkOptions('models', config.models ?? {}, modelsOptions),
    () => checkDefaults(config.models?.defaults ?? {}),
    () => checkKeys(config.models ?? {}),
    () => checkObservation(config),
    () => checkRetention(config),
    () => checkBlobs(config),
    () => void messagingSettings(config.messaging as MessagingConfig | undefined),
    () => checkContext(config),
    () => checkModels(config.models ?? {}),
    () => void openPolicies(config.policies ?? {}, { clock: systemClock, random: systemRandom }),
    () => checkDoctor(config.doctor ?? {}, checksById),
    () => checkGeneral(config),
    () => checkParts(config),
    ...checksOfTeams(config),
    ...rolesOfAgents(config),
  ]
  const problems = checks.flatMap((check) => {
    try {
      readable('The configuration', check)
      return []
    } catch (error) {
      if (error instanceof TroupeError) return [error]
      throw error
    }
  })
  return [
    ...problems,
    ...serverProblems(config.server ?? {}, config.profile),
    ...(config.profile === 'production' ? unsafeInProduction(config) : []),
  ]
}

function checkPresence({ presence = {} }: TroupeConfig): void {
  checkOptions('presence', presence, ['heartbeat'])
  if (presence.heartbeat !== undefined) milliseconds(presence.heartbeat, 'presence.heartbeat', '1ms')
}

function checkRetention({ retention = {} }: TroupeConfig): void {
  retentionBounds(storageRetentionOf(retention))
  retentionPeriods(retention)
  if (retention.metrics !== undefined) milliseconds(retention.metrics, 'retention.metrics', '1m')
}

function checkBlobs({ blobs = {} }: TroupeConfig): void {
  checkOptions('blobs', blobs, ['fileBytes'])
  const { fileBytes = standardFileBytes } = blobs
  if (!(Number.isSafeInteger(fileBytes) && fileBytes >= 1_024))
    throw invalidInput('blobs.fileBytes', 'it must be a whole number from 1024')
}

function checkContext({ context = {} }: TroupeConfig): void {
  checkOptions('context', context, ['limits', 'lifecycles', 'cleanup'])
  contextLimits(context.limits)
  createLifecycles(context.lifecycles)
  if (context.cleanup !== undefined) milliseconds(context.cleanup, 'context.cleanup', '1s')
}

function checkModels({ limits = {}, attempts = 1 }: ModelsConfig): void {
  checkModelLimits(limits)
  if (!(Number.isSafeInteger(attempts) && attempts >= 1))
    throw invalidInput('models.attempts', 'it must be a whole number from 1')
}

const profiles: readonly unknown[] = ['development', 'test', 'production']

const modelsOptions = [
  'model',
  'apiKey',
  'keys',
  'registry',
  'defaults',
  'limits',
  'breaker',
  'attempts',
  'idle',
  'cache',
  'embedding',
  'reranking',
] as const

function checkStorage({ storage, lease }: TroupeConfig): void {
  if (typeof storage === 'string') checkPath('storage', storage)
  else if (!isPlainObject(storage))
    throw invalidInput('storage', 'it is not memory:, sqlite:PATH, postgres://… or where a PostgreSQL database is')
  if (lease === undefined) return
  if (typeof storage === 'string' && !/^postgres(ql)?:/.test(storage))
    throw invalidInput('lease', 'only PostgreSQL has it: with this storage, one process owns all runs')
  milliseconds(lease, 'lease', '1s')
}

function checkGeneral({ profile, requireUserId, debug, signals, shutdown, restored, traces }: TroupeConfig): void {
  if (debug && (traces === false || traces?.store === false))
    throw invalidInput('debug', 'it is on while traces are off, and they are what it is for')
  checkOptions('shutdown', shutdown ?? {}, ['timeout'])
  if (shutdown?.timeout !== undefined) milliseconds(shutdown.timeout, 'shutdown.timeout', '1s')
  if (profile !== undefined && !profiles.includes(profile))
    throw invalidInput('profile', `it is not one of ${profiles.join(', ')}`)
  if (restored !== undefined && restored !== 'wait' && restored !== 'resume')
    throw invalidInput('restored', 'it must be wait or resume')
  for (const [name, value] of Object.entries({ requireUserId, debug, signals }))
    if (value !== undefined && typeof value !== 'boolean') throw invalidInput(name, 'it must be true or false')
}

/** Checks the options that are code or that only programs pass. */
function checkParts({ agents, teams, evaluation = {}, clock, random, faults }: TroupeConfig): void {
  checkOptions('evaluation', evaluation, ['scores', 'online'])
  for (const [name, score] of Object.entries(evaluation.scores ?? {}))
    if (typeof score !== 'function') throw invalidInput(`evaluation.scores.${name}`, 'it must be a function')
  if (evaluation.online !== undefined) checkOnlineScoring(evaluation.online, evaluation.scores ?? {})
  if (agents !== undefined) agentsByName(listOf('agents', agents))
  if (teams !== undefined && !isObject(teams))
    throw invalidInput('teams', 'it must be an object with a topology by the name of each team')
  if (faults) checkFaults(faults)
  if (clock !== undefined && typeof clock?.now !== 'function') throw invalidInput('clock', 'it has no now()')
  if (random !== undefined && typeof random?.next !== 'function') throw invalidInput('random', 'it has no next()')
}

/** Compiles each team by itself, so that the problems of all teams are reported at once. */
function checksOfTeams({ teams }: TroupeConfig): readonly (() => void)[] {
  return isObject(teams) ? Object.values(teams as object).map((team) => () => void compiledTeam(team)) : []
}

/** Checks each agent, helpers and those of topologies too, so that an error in a role is found before a run. */
function rolesOfAgents({ agents = [], teams = {}, roles }: TroupeConfig): readonly (() => void)[] {
  const named = quietly(() => {
    const teamAgents = [...compiledTeams(teams).values()].flatMap((team) => [...team.agents.values()])
    const all = new Set([...listOf('agents', agents), ...teamAgents].flatMap((agent) => [...withHelpers(agent)]))
    return [...all].map(({ name, access }) => ({ name: checkName('agent', name), role: access?.role }))
  })
  const known = quietly(() => createRoles(roles))
  if (!named || !known) return []
  return named.map(({ name, role }) => () => {
    if (role !== undefined) roleOf(known, role, name)
  })
}

/** A problem is reported by the check of that option. */
function quietly<Out>(make: () => Out): Out | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

function checkKeys({ model, apiKey, keys = {} }: ModelsConfig): void {
  if (model !== undefined && !isFilledText(model))
    throw invalidInput('models.model', 'it must be provider/model, or a name of models.registry')
  checkOptions('models.keys', keys, Object.keys(providers))
  for (const [name, key] of Object.entries({ apiKey, ...keys }))
    if (key !== undefined && !isFilledText(key) && !isSecretReference(key))
      throw invalidInput(`models: ${name}`, 'it is not a key, and names no secret')
}

function checkDefaults(defaults: ModelDefaults): void {
  checkOptions('models.defaults', defaults, callSettingNames)
  const problem = problemOfSettings(defaults)
  if (problem !== undefined) throw invalidInput('models.defaults', problem)
}
