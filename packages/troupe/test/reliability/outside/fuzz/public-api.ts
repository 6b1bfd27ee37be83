/** Walks the public API: every exported function and class, and every method of the objects that they lead to. */
import { constructionsOf } from './constructions.ts'
import type { LibraryUnderTest } from './library.ts'
import type { Testbed } from './open-testbed.ts'
import {
  type Arguments,
  argumentsOfConstructors,
  argumentsOfFunctions,
  argumentsOfMethods,
  runId,
} from './valid-arguments.ts'

export interface Target {
  readonly name: string
  readonly call: (parameters: readonly unknown[]) => unknown
  readonly arguments: Arguments
}

export type Callable = (...parameters: readonly unknown[]) => unknown
type Members = Record<string, unknown>

/** Of a function that has none of its own: nothing, a name, a name with options. */
export const anyArguments: Arguments = [[{}], ['x'], ['x', {}]]

/** Functions that would end the process, start others, or take the place of its globals. */
const leftOut: Readonly<Record<string, string>> = {
  handleSignals: 'listens to the signals of this process',
  simulate: 'starts processes',
  storageConformance: 'is a list of tests',
  openStorage: 'is for adapters',
  createDisk: 'is for adapters',
  createInbox: 'is for adapters',
  createJournals: 'is for adapters',
  createSteps: 'is for adapters',
  createTimers: 'is for adapters',
  checkAppends: 'judges a history that a test recorded',
  checkAtMostOnce: 'judges a history that a test recorded',
  checkCounters: 'judges a history that a test recorded',
  checkFifo: 'judges a history that a test recorded',
  checkLinearizability: 'judges a history that a test recorded',
  checkShare: 'judges a history that a test recorded',
  checkUpdates: 'judges a history that a test recorded',
  serveMcp: 'takes the standard input of this process',
}
/** Methods that close what the other calls need, and members that no public type shows. */
const closing = /^(close|drain|constructor|detach|attach|pause|setRole|setAllow|setDeny)$/
const internal =
  /^(begin|getStore|callAmong|observe|act|by|written|refused|rejected|rejectedCall|revealAll|reveal|endSession|deadLetter|answered|isGranted|deadLetterFragment|ackFragment|nackFragment|finished|listen|sign|revokedAmong|link|listAs|require|requireLive|among|adopt|readGauges|child|erasureRecord|finished|perform|rejection|step|check|startOf|actionStatements|flushNow|startWorker|link|openSession|unsupported|authenticate|claim|touch|start)$/

export const isClass = (value: Callable) => /^class\b/.test(Function.prototype.toString.call(value))

/** @param testbed is asked at each call, because it is opened a second time when a call closed it */
export function publicApi(library: LibraryUnderTest, testbed: () => Testbed, folder: string): readonly Target[] {
  return [...exportedTargets(library, folder), ...objectTargets(library, testbed, folder)]
}

function exportedTargets(library: LibraryUnderTest, folder: string): readonly Target[] {
  const functions = argumentsOfFunctions(library, folder)
  const constructors = argumentsOfConstructors(library)
  return Object.entries(library).flatMap(([name, value]): readonly Target[] => {
    if (name in leftOut) return []
    if (name === 'patterns' || name === 'validators') return targetsOf(name, value as Members, functions)
    if (typeof value !== 'function') return []
    const callable = value as Callable
    if (!isClass(callable))
      return [{ name, call: (parameters) => callable(...parameters), arguments: functions[name] ?? anyArguments }]
    const Class = value as unknown as new (...parameters: readonly unknown[]) => unknown
    const valid = constructors[name]
    const created = valid
      ? [{ name: `new ${name}`, call: (parameters: readonly unknown[]) => new Class(...parameters), arguments: valid }]
      : []
    const names = Object.getOwnPropertyNames(Class).filter(
      (member) => !['length', 'name', 'prototype'].includes(member),
    )
    return [...created, ...methodTargets(name, () => Class, names, functions)]
  })
}

export const targetsOf = (
  at: string,
  members: Members,
  valid: Readonly<Record<string, Arguments>>,
): readonly Target[] =>
  Object.entries(members).flatMap(([name, value]) =>
    typeof value === 'function'
      ? [
          {
            name: `${at}.${name}`,
            call: (parameters) => (value as Callable)(...parameters),
            arguments: valid[`${at}.${name}`] ?? anyArguments,
          },
        ]
      : [],
  )

/** The objects to which calls and members lead, each as a function that gives one to call. */
function objectsOf(library: LibraryUnderTest, testbed: () => Testbed): Readonly<Record<string, () => unknown>> {
  const of = (name: string & keyof Testbed['troupe']) => [`troupe.${name}`, () => testbed().troupe[name]] as const
  return {
    troupe: () => testbed().troupe,
    ...Object.fromEntries(
      (
        [
          'audit',
          'apiKeys',
          'log',
          'metrics',
          'performance',
          'healthMonitor',
          'signatures',
          'encryption',
          'egress',
        ] as const
      ).map(of),
    ),
    'troupe.secrets': () => testbed().troupe.secrets,
    user: () => testbed().user,
    'user.context': () => testbed().user.context,
    'user.orchestra': () => testbed().user.orchestra,
    'user.schedules': () => testbed().user.schedules,
    'user.metrics': () => testbed().user.metrics,
    'agent.metrics': () => testbed().support.metrics,
    'user.traces': () => testbed().user.traces,
    'agent.context': () => testbed().support.context,
    'agent.messages': () => testbed().support.messages,
    'agent.mailbox': () => testbed().support.mailbox,
    'agent.tools': () => testbed().support.tools,
    run: () => testbed().run,
    ctx: () => testbed().ctx,
    'ctx.context': () => testbed().ctx.context,
    'ctx.messages': () => testbed().ctx.messages,
    'ctx.metrics': () => testbed().ctx.metrics,
    'ctx.sandbox': () => testbed().ctx.sandbox,
    delivery: () => testbed().delivery,
    session: () => testbed().user.session(testbed().agent),
    'memory.episodic': () => testbed().user.memory('Support').episodic,
    'memory.working': () => testbed().user.memory('Support').working('t'),
    sharedLimiter: () => testbed().troupe.rateLimiter({ name: 's', limit: 5, window: '1m' }),
    ...constructionsOf(library),
  }
}
export function objectTargets(library: LibraryUnderTest, testbed: () => Testbed, folder: string): readonly Target[] {
  const valid = argumentsOfMethods(library, folder)
  return Object.entries(objectsOf(library, testbed)).flatMap(([at, get]) => {
    const object = get()
    if (object === undefined) throw new Error(`the fuzzer has no ${at}`)
    return methodTargets(at, get as () => unknown, methodNames(object as object), valid, testbed)
  })
}

function methodNames(object: object): readonly string[] {
  const names = new Set<string>()
  for (let at: object | null = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  return [...names].filter((name) => {
    if (closing.test(name) || internalOf(object, name) || name.startsWith('_')) return false
    return typeof Reflect.get(object, name) === 'function'
  })
}
const internalOf = (object: object, name: string) =>
  internal.test(name) &&
  !(name === 'step' && 'breakAt' in object) &&
  !(name === 'check' && 'verifyReplay' in object) &&
  !(name === 'start' && 'supervise' in object) &&
  !(name === 'start' && 'verifyReplay' in object)

export function methodTargets(
  at: string,
  get: () => unknown,
  names: readonly string[],
  valid: Readonly<Record<string, Arguments>>,
  testbed?: () => Testbed,
): readonly Target[] {
  const withRun = (parameters: readonly unknown[]) =>
    parameters.map((parameter) => (parameter === runId && testbed ? testbed().run.id : parameter))
  return names
    .filter((name) => typeof (get() as Members)[name] === 'function')
    .map((name) => ({
      name: `${at}.${name}`,
      call: (parameters) => {
        const object = get() as Members
        return (object[name] as Callable).apply(object, [...parameters])
      },
      arguments: (valid[name] ?? anyArguments).map(withRun),
    }))
}
