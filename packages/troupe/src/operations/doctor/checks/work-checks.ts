/** Checks of open runs, schedules and dead letters. */
import { systemClock } from '../../../core/index.ts'
import { journalOwnerOf } from '../../../journal/index.ts'
import { counted, coverageOf, fail, listNames, pass, warn } from '../doctor-subject.ts'
import type { CheckFunctions } from './check-functions.ts'

const oldMs = 24 * 3_600_000
/** The tolerated difference of clocks in ms; NTP keeps it smaller. */
const [warnSkewMs, failSkewMs] = [1_000, 10_000]

/** The least difference between the clocks that an answer, read at `at` there between two times here, proves. */
const skewOf = (at: number, asked: number, answered: number): number =>
  at < asked ? asked - at : at > answered ? answered - at : 0

/** Names the run, thread or handler of a step. */
function stepOwnerText(step: string): string {
  const run = journalOwnerOf(step)?.run
  if (run !== undefined) return `the run ${run}`
  return step.startsWith('message:') ? `a handler (${step})` : `the thread ${step.replace(/^session:|#\d+$/g, '')}`
}

export const workChecks = {
  async 'effects.resolved'({ parts, users }) {
    const found = await Promise.all(
      (await users()).users.map(async (user) =>
        (await parts.journal.steps.uncertain.list(user)).map(
          ({ effect, step }) => `${effect} of ${stepOwnerText(step)} of ${user}`,
        ),
      ),
    )
    const uncertain = found.flat()
    if (uncertain.length === 0) return pass(`None of ${coverageOf(await users())}.`)
    return warn(
      `${counted(uncertain.length, 'effect')}: ${listNames(uncertain)}.`,
      'Find out whether each effect happened. A run or thread waits until then, and the message of a handler is a dead letter. `troupe approvals list` and `troupe approvals resolve`, or user.approvals, record the outcome; `troupe messages redrive` without it executes the effect once more.',
    )
  },

  async 'runs.moving'(subject) {
    const { parts, users, now } = subject
    const { backupAt } = parts.maintenance.restored.mark ?? {}
    if (parts.work.gate.state === 'restored')
      return fail(
        `The troupe was restored from a backup of ${backupAt} and is on hold: no run resumes, no schedule fires, no message is delivered.`,
        'Follow docs/backup.md; then run `troupe resume-restored`, or call troupe.resumeRestored() in the open process.',
      )
    const stalled = parts.observability.observation.watchdog?.stalled() ?? []
    if (stalled.length > 0)
      return warn(
        `No progress: ${listNames(stalled.map(({ kind, id }) => `${kind} ${id}`))}.`,
        '`troupe runs why ID` explains the wait. Set timeouts of steps and tools.',
      )
    const old = await Promise.all(
      (await users()).users.map(async (user) => {
        const rows = await parts.runs.orchestra.parts.stores.store.list(
          user,
          { status: 'running', order: 'oldest' },
          20,
        )
        return rows.filter(({ createdAt }) => now - createdAt > oldMs).map(({ run }) => `${run} of ${user}`)
      }),
    )
    const runs = old.flat()
    if (runs.length === 0)
      return pass(`No run of ${coverageOf(await users())} has been in progress for more than a day.`)
    return warn(
      `In progress for more than a day: ${listNames(runs)}.`,
      '`troupe runs why ID` explains the wait. Only a process with its agents can resume it.',
    )
  },

  'schedules.running'({ parts }) {
    const { metrics } = parts.observability
    const names = ['schedule.failed', 'schedule.missed', 'schedule.unhandled', 'schedule.unauthorized']
    const [failed, missed, unhandled, unauthorized] = names.map((name) => metrics.summary(name).count)
    const seen = `${failed} failed, ${missed} missed, ${unhandled} not started because their code is missing, ${unauthorized} paused because their API key ended, since the troupe was opened.`
    if (!failed && !missed && !unhandled && !unauthorized) return pass(seen)
    return warn(
      seen,
      '`troupe schedules list` shows them. Start a process that has their agents, and resume those of ended keys.',
    )
  },

  async 'clock.agrees'({ parts, config, now }) {
    const { storage } = parts.stores
    const { audit } = parts.security
    if (storage.dialect.name === 'postgres') {
      const sql = 'select (extract(epoch from clock_timestamp()) * 1000)::bigint as at'
      const { clock = systemClock } = config
      const asked = clock.now()
      const [[row] = []] = await storage.read({ work: true }, [{ sql, binds: [], returns: true }])
      const skewMs = Math.round(skewOf(Number(row?.at), asked, clock.now()))
      const seen = `The clock here is ${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'ahead of'} that of the server.`
      if (Math.abs(skewMs) <= warnSkewMs) return pass(seen)
      const remedy = 'Synchronise both by NTP (timedatectl set-ntp true)'
      if (config.clock === undefined)
        return warn(seen, `${remedy}: Troupe uses the time of the server, but other programs here do not.`)
      const answer = Math.abs(skewMs) > failSkewMs ? fail : warn
      return answer(seen, `${remedy}: signatures and tokens are checked with the clock of the configuration.`)
    }
    const [newest] = (await audit.list({ limit: 1 })).items
    const ahead = newest === undefined ? 0 : newest.at - now
    if (ahead <= warnSkewMs) return pass('The newest record is not from the future.')
    return fail(
      `The newest record is ${Math.round(ahead / 1_000).toLocaleString('en')} s from the future: the clock went back.`,
      'Correct the clock: expiries and timers are late by this time.',
    )
  },
} satisfies Partial<CheckFunctions>
