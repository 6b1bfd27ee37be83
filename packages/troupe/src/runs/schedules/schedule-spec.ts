/** The specification of a schedule: its validation and its stored form. */
import {
  checkName,
  checkOptions,
  checkTags,
  type Duration,
  encodeJson,
  failure,
  type Json,
  milliseconds,
  nearest,
  show,
  type TaintLabel,
} from '../../core/index.ts'
import type { MessageType } from '../../messaging/index.ts'
import type { CanonicalTopology, CompiledTopology, RunConfig } from '../../topology/index.ts'
import type { TeamReference } from '../engine/starts/resolve-team.ts'
import { checkCron, type Misfire, nextTime, type Timing } from './schedule-times.ts'

/** The behaviour if the previous run has not ended. */
export type Overlap = 'allow' | 'skip' | 'queue'

/** The specification of a schedule, with exactly one of `team`, `agent` and `topology`. */
export type ScheduleSpec = ScheduleOptions & TeamReference

export interface ScheduleOptions {
  /** A second creation with the same id and specification returns the same schedule. At most 128 bytes, without `@`. */
  readonly id?: string
  /** The task of each run; by default, without `prepare`, the trigger of the run. */
  readonly task?: unknown
  /** The name of a function in `createTroupe({ schedules: { prepare } })` that creates the task of each run. */
  readonly prepare?: string
  readonly config?: RunConfig
  /** The tags of each run, besides `schedule:ID`. */
  readonly tags?: readonly string[]
  /** Starts one run at this time: ISO text with `Z` or an offset, or without them in `timeZone`. */
  readonly at?: string
  /** Starts one run after this time. */
  readonly in?: Duration
  /** Starts runs repeatedly: cron text of five fields, or six with seconds first, or an interval of at least 1 s. */
  readonly every?: string
  /** The time zone of the cron text or of `at`: an IANA name; `UTC` by default. */
  readonly timeZone?: string
  /** Starts a run at each write of an entry whose key matches and, with `topics`, that is addressed to one of them. */
  readonly onContext?: { readonly pattern: string; readonly topics?: readonly string[] }
  /** Starts a run at each message of this type in the mailbox `to`; by default a mailbox with the id of the schedule. */
  readonly onMessage?: { readonly type: string | MessageType; readonly to?: string }
  /** Runs for missed times: none (`skip`), one for all (`once`, the default), or one for each of the newest 100 (`all`). */
  readonly misfire?: Misfire
  /** If the previous run is open: start a run (`allow`, the default), start none (`skip`), or start it afterwards (`queue`). */
  readonly overlap?: Overlap
  readonly paused?: boolean
}

export type ScheduleSource = 'time' | 'context' | 'message'

/** The stored form, as encrypted JSON: fields keep their meaning, and new fields are optional. */
export interface StoredSpec {
  readonly task?: Json
  readonly prepare?: string
  /** Exactly one of the three. A name is resolved at each run, which gets the code of that time. */
  readonly team?: string
  readonly agent?: string
  readonly topology?: { readonly canonical: CanonicalTopology; readonly agents: readonly string[] }
  readonly config?: RunConfig
  readonly tags: readonly string[]
  readonly timing?: Timing
  readonly onContext?: { readonly pattern: string; readonly topics?: readonly string[] }
  readonly onMessage?: { readonly type: string; readonly to: string }
  readonly misfire: Misfire
  readonly overlap: Overlap
  /** The specification as it was given, for readers. */
  readonly definition: Json
  /** The id of the API key that created the schedule. */
  readonly taint?: readonly TaintLabel[]
}

const options = [
  'id',
  'task',
  'prepare',
  'team',
  'agent',
  'topology',
  'config',
  'tags',
  'at',
  'in',
  'every',
  'timeZone',
  'onContext',
  'onMessage',
  'misfire',
  'overlap',
  'paused',
]
const causes = ['at', 'in', 'every', 'onContext', 'onMessage'] as const
const shortestMs = 1_000
/** The highest length of a cron text; the cost of parsing grows with it. */
const maxCronLength = 256

const wrong = (what: string, problem: string) => failure('schedule.invalid', { what, problem })

/** @throws ValidationError `option.unknown` */
export const checkSpec = (spec: ScheduleSpec): void => checkOptions('schedules.create', spec, options)

export interface Registered {
  /** The names of the functions of `prepare`. */
  readonly prepare: Iterable<string>
  readonly compile: (reference: TeamReference) => CompiledTopology
}

/**
 * @param now ms since 1970, for times that count from the creation
 * @throws ValidationError `option.unknown`, `schedule.invalid`; NotFoundError `team.unknown`
 */
export function readSpec(id: string, spec: ScheduleSpec, registered: Registered, now: number): StoredSpec {
  const found = causes.filter((cause) => spec[cause] !== undefined)
  if (found.length !== 1)
    throw wrong('What sets it off', `it is one of ${causes.join(', ')}, and not ${found.join(' and ') || 'none'}`)
  if (spec.task !== undefined && spec.prepare !== undefined)
    throw wrong('The task', 'there is a prepare too, which would make it')
  if (spec.prepare !== undefined) oneOf('prepare', spec.prepare, [...registered.prepare])
  const timing = readTiming(spec, now)
  if (spec.misfire !== undefined && !timing)
    throw wrong('misfire', 'it is for at, in and every: changes and messages are never missed')
  if (spec.paused !== undefined && typeof spec.paused !== 'boolean') throw wrong('paused', 'it is true or false')
  return {
    ...(spec.task === undefined ? {} : { task: plain(spec.task, 'The task') }),
    ...(spec.prepare === undefined ? {} : { prepare: spec.prepare }),
    ...readTeam(spec, registered),
    ...(spec.config === undefined ? {} : { config: plain(spec.config, 'The config') as RunConfig }),
    tags: checkTags('The tags of a schedule', spec.tags ?? []),
    ...(timing ? { timing } : {}),
    ...(spec.onContext ? { onContext: readContext(spec.onContext) } : {}),
    ...(spec.onMessage ? { onMessage: readMessage(spec.onMessage, id) } : {}),
    misfire: oneOf('misfire', spec.misfire ?? 'once', ['skip', 'once', 'all']),
    overlap: oneOf('overlap', spec.overlap ?? 'allow', ['allow', 'skip', 'queue']),
    definition: definitionOf(spec),
  }
}

export const sourceOf = (spec: StoredSpec): ScheduleSource =>
  spec.timing ? 'time' : spec.onContext ? 'context' : 'message'

const plain = (value: unknown, what: string): Json => JSON.parse(encodeJson(value, what)) as Json

function oneOf<T extends string>(what: string, value: T, known: readonly T[]): T {
  if (known.includes(value)) return value
  const near = nearest(show(value), known)
  throw wrong(
    what,
    `it is ${show(value)}, and none of ${known.join(', ') || 'those that are registered'}${near ? `; the nearest is ${near}` : ''}`,
  )
}

function readTeam(
  { team, agent, topology }: TeamReference,
  { compile }: Registered,
): Pick<StoredSpec, 'team' | 'agent' | 'topology'> {
  const { canonical, agents } = compile({ team, agent, topology } as TeamReference)
  if (team !== undefined) return { team }
  if (typeof agent === 'string') return { agent }
  return { topology: { canonical, agents: [...agents.keys()] } }
}

function readTiming(spec: ScheduleSpec, now: number): Timing | undefined {
  const { at, every, timeZone } = spec
  if (timeZone !== undefined) checkZone(timeZone)
  const timing = at !== undefined ? { at: timestampOf(at, timeZone) } : everyOf(spec, now)
  const usesZone = at !== undefined ? !hasOffset(at) : timing !== undefined && 'cron' in timing
  if (timeZone !== undefined && !usesZone)
    throw wrong('timeZone', 'it is for a cron text, or an `at` without an offset')
  if (every !== undefined && timing && nextTime(timing, now) === undefined) throw wrong('every', `${every} never comes`)
  return timing
}

function everyOf({ in: later, every, timeZone = 'UTC' }: ScheduleSpec, now: number): Timing | undefined {
  if (later !== undefined) return { at: Math.ceil(now + milliseconds(later, 'in')) }
  if (every === undefined) return undefined
  if (typeof every !== 'string' || every.length > maxCronLength)
    throw wrong('every', `it is a cron text or a span such as 15m, of ${maxCronLength} characters at most`)
  if (/^\s*[\d.]+\s*[a-z]+\s*$/i.test(every)) {
    const everyMs = milliseconds(every, 'every')
    if (everyMs < shortestMs) throw wrong('every', 'it is 1s at least')
    return { everyMs: Math.round(everyMs), from: now }
  }
  try {
    checkCron(every, timeZone)
  } catch (cause) {
    throw wrong(
      'every',
      `${every} is not a cron text: ${(cause as Error).message.replace(/^CronPattern: |\.$/g, '')}${nickname(every)}`,
    )
  }
  return { cron: every, timeZone }
}

const nicknames = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@hourly']
const nickname = (every: string) => {
  const near = every.startsWith('@') ? nearest(every, nicknames) : undefined
  return near ? `; the nearest is ${near}` : ''
}

function checkZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch {
    const near = nearest(show(timeZone), ['UTC', ...Intl.supportedValuesOf('timeZone')])
    throw wrong('timeZone', `${show(timeZone)} is not an IANA time zone${near ? `; the nearest is ${near}` : ''}`)
  }
}

const iso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?)?(Z|[+-]\d\d:\d\d)?$/
const hasOffset = (at: string) => /(Z|[+-]\d\d:\d\d)$/.test(at)

function timestampOf(at: string, timeZone: string | undefined): number {
  const bad = () => wrong('at', `${show(at)} is not an ISO text such as 2026-03-01T09:00:00Z`)
  if (typeof at !== 'string' || !iso.test(at)) throw bad()
  const written = at.includes('T') ? at : `${at}T00:00:00`
  const date = written.slice(0, 10)
  // `Date` reads a day that does not exist as another day.
  if (Number.isNaN(Date.parse(date)) || new Date(date).toISOString().slice(0, 10) !== date)
    throw wrong('at', `${at} is of no day that there is`)
  if (hasOffset(at)) {
    const timestamp = Date.parse(written)
    if (Number.isNaN(timestamp)) throw bad()
    return timestamp
  }
  if (timeZone === undefined) throw wrong('at', `${at} has neither Z nor an offset; say them, or the timeZone`)
  const parts = /T(\d\d):(\d\d)(?::(\d\d))?/.exec(written)
  const [year, month, day] = date.split('-').map(Number)
  const [hour, minute, second] = [Number(parts?.[1]), Number(parts?.[2]), Number(parts?.[3] ?? 0)]
  const cron = `${second} ${minute} ${hour} ${day} ${month} * ${year}`
  try {
    checkCron(cron, timeZone)
  } catch {
    throw bad()
  }
  // The rule of all times of day at a change of the clocks.
  const timestamp = nextTime({ cron, timeZone }, Date.UTC(year as number, (month as number) - 1, (day as number) - 2))
  if (timestamp === undefined) throw bad()
  return timestamp
}

function readContext(on: NonNullable<ScheduleSpec['onContext']>): NonNullable<StoredSpec['onContext']> {
  checkOptions('onContext', on, ['pattern', 'topics'])
  if (typeof on.pattern !== 'string') throw wrong('onContext.pattern', 'it is a text such as orders.*')
  if (on.topics !== undefined && (!Array.isArray(on.topics) || on.topics.length === 0))
    throw wrong('onContext.topics', 'it is a list of names')
  const { topics } = on
  return { pattern: on.pattern, ...(topics ? { topics: topics.map((topic) => checkName('topic', topic)) } : {}) }
}

function readMessage(on: NonNullable<ScheduleSpec['onMessage']>, id: string): NonNullable<StoredSpec['onMessage']> {
  checkOptions('onMessage', on, ['type', 'to'])
  const type = checkName('message type', typeof on.type === 'string' ? on.type : on.type?.name)
  return { type, to: checkName('agent', on.to ?? id) }
}

/** Returns the specification without large values and code. */
function definitionOf({ at, in: later, every, timeZone, onContext, onMessage }: ScheduleSpec): Json {
  const message = onMessage && {
    type: typeof onMessage.type === 'string' ? onMessage.type : onMessage.type.name,
    ...(onMessage.to === undefined ? {} : { to: onMessage.to }),
  }
  const found = { at, in: later, every, timeZone, onContext, onMessage: message }
  return JSON.parse(JSON.stringify(found)) as Json
}
