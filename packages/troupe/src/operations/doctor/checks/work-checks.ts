/** Checks of open runs, schedules and dead letters. */
import { counted, coverageOf, fail, listNames, pass, short, warn } from '../doctor-subject.ts'
import type { CheckFunctions } from './check-functions.ts'

const oldMs = 24 * 3_600_000
/** The tolerated difference of clocks in ms; NTP keeps it smaller. */
const [warnSkewMs, failSkewMs] = [1_000, 10_000]

export const workChecks = {
  async 'effects.resolved'({ parts, users }) {
    const found = await Promise.all(
      (await users()).users.map(async (user) =>
        (await parts.journal.steps.uncertain(user)).map(({ effect }) => `${effect} of ${user}`),
      ),
    )
    const uncertain = found.flat()
    if (uncertain.length === 0) return pass(`None of ${coverageOf(await users())}.`)
    return warn(
      `${counted(uncertain.length, 'effect')}: ${listNames(uncertain)}.`,
      'Find out whether each happened, and say so with run.resolve(…): its run waits until then.',
    )
  },

  async 'runs.moving'(subject) {
    const { parts, users, now } = subject
    const { backupAt } = parts.maintenance.restored.mark ?? {}
    if (parts.work.gate.state === 'restored')
      return short(
        subject,
        `It was restored from a backup of ${backupAt}, and waits: no run continues, no schedule starts one, no message is delivered.`,
        'docs/backup.md says what to do before; then `troupe resume-restored`, or troupe.resumeRestored() where it is open.',
      )
    const stalled = parts.observability.observation.watchdog?.stalled() ?? []
    if (stalled.length > 0)
      return warn(
        `Nothing is heard of ${listNames(stalled.map(({ kind, id }) => `${kind} ${id}`))}.`,
        '`troupe runs why ID` says what it waits for; set timeouts of steps and tools.',
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
    if (runs.length === 0) return pass(`No run of ${coverageOf(await users())} has been under way for more than a day.`)
    return warn(
      `For more than a day: ${listNames(runs)}.`,
      '`troupe runs why ID` says what it waits for; a process with its agents must be open to continue it.',
    )
  },

  'schedules.running'({ parts }) {
    const { metrics } = parts.observability
    const names = ['schedule.failed', 'schedule.missed', 'schedule.unhandled', 'schedule.unauthorized']
    const [failed, missed, unhandled, unauthorized] = names.map((name) => metrics.summary(name).count)
    const seen = `${failed} failed, ${missed} missed, ${unhandled} left for want of their code, ${unauthorized} paused since their API key ended, since it was opened.`
    if (!failed && !missed && !unhandled && !unauthorized) return pass(seen)
    return warn(
      seen,
      '`troupe schedules list` shows which; open a process that has their agents, and resume those of ended keys.',
    )
  },

  async 'clock.agrees'({ parts, now }) {
    const { storage } = parts.stores
    const { audit } = parts.security
    if (storage.dialect.name === 'postgres') {
      const sql = 'select (extract(epoch from clock_timestamp()) * 1000)::bigint as at'
      const [[row] = []] = await storage.read({ work: true }, [{ sql, binds: [], returns: true }])
      const skewMs = Math.round(parts.platform.clock.now() - Number(row?.at))
      const seen = `The clock here is ${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'before'} that of the server.`
      const remedy = 'Keep both by NTP (timedatectl set-ntp true): signatures and tokens are checked by the clock here.'
      if (Math.abs(skewMs) > failSkewMs) return fail(seen, remedy)
      return Math.abs(skewMs) > warnSkewMs ? warn(seen, remedy) : pass(seen)
    }
    const [newest] = (await audit.list({ limit: 1 })).items
    const ahead = newest === undefined ? 0 : newest.at - now
    if (ahead <= warnSkewMs) return pass('The newest record is not from the future.')
    return fail(
      `The newest record is ${Math.round(ahead / 1_000).toLocaleString('en')} s from the future: the clock went back.`,
      'Set the clock right: what is to expire or fall due does so late by as much.',
    )
  },
} satisfies Partial<CheckFunctions>
