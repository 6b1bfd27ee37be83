/** Checks of the configuration and of the process. */

import { configProblems, unsafeInProduction } from '../../../configuration/index.ts'
import { milliseconds } from '../../../core/index.ts'
import { bubblewrapSandbox, processSandbox, quickJsSandbox } from '../../../sandbox/index.ts'
import { counted, fail, isAtWork, listNames, pass, settingSourceOf, short, warn } from '../doctor-subject.ts'
import type { CheckFunctions } from './check-functions.ts'

/** The default time in ms after which Kubernetes kills a process. */
const killedAfterMs = 30_000
const oldestNode = 24

export const configurationChecks = {
  'troupe.opens'({ parts, problem }) {
    if (!parts)
      return fail(
        problem ? `${problem.message}` : 'It is not open.',
        problem?.hint ??
          'Solve the problems that the other checks of the configuration report, and run the doctor again.',
      )
    const { dialect, location } = parts.stores.storage
    return pass(
      `${dialect.name === 'postgres' ? 'PostgreSQL' : 'SQLite'} at ${location}, with the tables of this release.`,
    )
  },

  'configuration.valid'({ config, problems }) {
    const found = (problems ?? configProblems(config)).filter(({ code }) => !isUnsafe(code))
    if (found.length === 0) return pass(`${counted(Object.keys(config).length, 'option')} checked, all valid.`)
    return fail(
      listNames(
        found.map(({ message }) => message),
        10,
      ),
      [...new Set(found.flatMap(({ hint }) => hint ?? []))].join(' ') || 'Correct these settings.',
    )
  },

  'configuration.safe'(subject) {
    const unsafe = unsafeInProduction(subject.config)
    if (unsafe.length === 0) return pass('No setting that production rejects.')
    return short(
      subject,
      `${unsafe.map(({ message }) => message.replace(/\.$/, '')).join('; ')}.`,
      [...new Set(unsafe.flatMap(({ hint }) => hint ?? []))].join(' '),
    )
  },

  'configuration.external'(subject) {
    const { origins } = subject
    if (!origins)
      return warn(
        'The application passes its configuration, so the sources of its values are unknown.',
        'Read it with loadConfig(), which reads a file, .env, the environment and flags, and reports the source of each value.',
      )
    const from = Map.groupBy(origins.effectiveValues.values(), ({ origin }) => origin.source)
    const sources = [...from].map(
      ([source, found]) => `${found.length} from ${source === 'default' ? 'defaults' : `the ${source}`}`,
    )
    return pass(
      `${counted(origins.effectiveValues.size, 'setting')}: ${sources.join(', ')}. Each can also be set by an environment variable.`,
    )
  },

  'profile.production'({ config, production, ...rest }) {
    const { profile = 'development' } = config
    if (!production || profile === 'production')
      return pass(`The profile is ${profile}, from ${settingSourceOf({ config, production, ...rest }, 'profile')}.`)
    return fail(
      `The checks are made for production, but the profile is ${profile}, which allows settings that production rejects.`,
      "Set profile: 'production', or TROUPE_PROFILE=production.",
    )
  },

  'node.version'({ host }) {
    const major = Number(host.node.split('.')[0])
    if (major < oldestNode)
      return fail(
        `Node ${host.node} is older than the releases on which Troupe is tested.`,
        `Install Node ${oldestNode}.`,
      )
    if (major % 2 === 1)
      return warn(
        `Node ${host.node} gets no corrections after half a year.`,
        `Install Node ${major - 1} or ${major + 1}.`,
      )
    return pass(`Node ${host.node}.`)
  },

  'memory.limited'(subject) {
    const { memoryLimit } = subject.host
    if (memoryLimit !== undefined)
      return pass(`The process can use ${Math.round(memoryLimit / 1_048_576).toLocaleString('en')} MB.`)
    return warn(
      'The memory of the process has no limit, so a leak can stop other processes of the machine.',
      'Set resources.limits.memory in Kubernetes, mem_limit in compose, or MemoryMax in systemd; deploy/ has each.',
    )
  },

  'shutdown.graceful'(subject) {
    const { config, host } = subject
    const limit = milliseconds(config.shutdown?.timeout ?? '25s', 'shutdown.timeout')
    if (limit >= killedAfterMs)
      return warn(
        `A drain may take ${limit / 1_000} s, and Kubernetes kills after ${killedAfterMs / 1_000} s.`,
        'Set shutdown.timeout below terminationGracePeriodSeconds.',
      )
    const how = config.signals
      ? 'signals is on'
      : isAtWork(subject) && host.handlesSigterm
        ? 'the application handles the signal'
        : undefined
    if (how) return pass(`At SIGTERM the process drains within ${limit / 1_000} s: ${how}.`)
    const remedy = 'Set signals: true, call handleSignals(troupe), or start it with `troupe serve`.'
    if (!isAtWork(subject))
      return warn('The troupe is not running now; check that your application handles SIGTERM.', remedy)
    return short(subject, 'SIGTERM is not handled, so it ends the process at once.', remedy)
  },

  async 'sandbox.engines'({ config }) {
    const configured = config.sandbox?.engines ?? []
    const known = [quickJsSandbox(), processSandbox(), bubblewrapSandbox()]
    const others = known.filter(({ name }) => !configured.some((engine) => engine.name === name))
    const obstacles = new Map<string, string | undefined>()
    for (const engine of [...configured, ...others]) obstacles.set(engine.name, await engine.obstacle?.())
    const available = [...obstacles].filter(([, obstacle]) => obstacle === undefined).map(([name]) => name)
    const wrong = configured.flatMap(({ name }) => {
      const obstacle = obstacles.get(name)
      return obstacle === undefined ? [] : [`${name} (${obstacle})`]
    })
    const seen = `Available on this host: ${listNames(available)}.`
    if (wrong.length === 0) return pass(seen)
    return fail(
      `${seen} Configured and not available: ${listNames(wrong)}.`,
      'Install what the engine needs, or remove it from sandbox.engines.',
    )
  },
} satisfies Partial<CheckFunctions>

/** Other checks report these problems. */
const isUnsafe = (code: string) => code === 'config.unsafe' || code === 'encryption.required'
