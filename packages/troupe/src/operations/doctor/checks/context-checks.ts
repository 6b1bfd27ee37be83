/** Checks of the context and the mailboxes: retention, sizes and queues. */

import { milliseconds, TroupeError } from '../../../core/index.ts'
import { defineMessage } from '../../../messaging/index.ts'
import { Access } from '../../../security/index.ts'
import { healthUser } from '../../health-checks.ts'
import { counted, coverageOf, fail, listNames, pass, type SystemSubject, short, warn } from '../doctor-subject.ts'
import type { CheckFunctions } from './check-functions.ts'

/** The longest tolerated time in ms between two clean-ups. */
const longestMs = 3_600_000
const maxOverdue = 1_000
const nearly = 0.8
const maxTopics = 100
/** The number of single writes of tools below which no pattern is visible. */
const fewWrites = 500
/** The number of checked items of each kind, as a sample. */
const [usersRead, entriesRead, mailboxesRead] = [20, 100, 50]
const agent = 'Doctor'
const Probe = defineMessage<{ readonly n: number }>('doctor.probe')

export const contextChecks = {
  async 'cleanup.runs'(subject) {
    const { parts, config } = subject
    const every = config.context?.cleanup ?? '5m'
    const failures = parts.observability.metrics.summary('context.cleanup.failed').count
    const overdue = (await statsOf(subject)).reduce((sum, { expired }) => sum + expired, 0)
    const seen = `Every ${every}; ${counted(overdue, 'expired row')} not deleted yet, ${counted(failures, 'failed cleanup')} since the troupe was opened.`
    if (failures > 0) return warn(seen, 'The event context.cleanup.failed has the reason. The cleanup is retried.')
    if (overdue > maxOverdue) return warn(seen, 'Keep a process running, or call context.cleanup() of the user.')
    if (milliseconds(every, 'context.cleanup') > longestMs)
      return warn(seen, "Set context.cleanup to '5m', the default.")
    return pass(seen)
  },

  async 'entries.ttl'(subject) {
    const entries = await entriesOf(subject)
    const ending = entries.filter(({ expiresAt }) => expiresAt !== undefined).length
    const patterns = Object.values(subject.config.context?.lifecycles ?? {}).filter(
      ({ pattern }) => pattern !== undefined,
    )
    const seen = `${ending} of ${entries.length} examined entries expire; ${counted(patterns.length, 'lifecycle')} by pattern.`
    if (ending > 0 || patterns.length > 0 || entries.length < entriesRead) return pass(seen)
    return warn(seen, "Push with lifecycle: 'session', or set context.lifecycles with patterns of keys.")
  },

  async 'sensitive.ttl'(subject) {
    const entries = (await entriesOf(subject)).filter(({ taint }) =>
      taint.some((label) => label.startsWith('sensitive:')),
    )
    const endless = entries.filter(({ expiresAt }) => expiresAt === undefined)
    const seen = `${endless.length} of ${counted(entries.length, 'sensitive entry')} that were examined have no TTL.`
    return endless.length === 0 ? pass(seen) : warn(seen, 'Push sensitive entries with a ttl.')
  },

  async 'context.bounded'(subject) {
    const { entries, bytes } = subject.config.context?.limits ?? {}
    const stats = await statsOf(subject)
    const largest = {
      entries: Math.max(0, ...stats.map((one) => one.entries)),
      bytes: Math.max(0, ...stats.map((one) => one.bytes)),
    }
    const seen = `At most ${largest.entries.toLocaleString('en')} entries and ${largest.bytes.toLocaleString('en')} bytes of one user, of ${counted(stats.length, 'user')} examined`
    if (entries === undefined && bytes === undefined)
      return short(
        subject,
        `${seen}; no limit is set.`,
        'Set context.limits: { entries: 100_000, bytes: 256_000_000 }.',
      )
    const full =
      largest.entries > nearly * (entries ?? Number.POSITIVE_INFINITY) ||
      largest.bytes > nearly * (bytes ?? Number.POSITIVE_INFINITY)
    const bounded = `${seen}; the limits are ${entries?.toLocaleString('en') ?? 'no'} entries, ${bytes?.toLocaleString('en') ?? 'no'} bytes.`
    return full ? warn(bounded, 'Delete unused entries, push with a ttl, or raise context.limits.') : pass(bounded)
  },

  async 'topics.used'(subject) {
    const stats = await statsOf(subject)
    const largest = Math.max(0, ...stats.map(({ topics }) => topics))
    const seen = `At most ${counted(largest, 'topic')} of one user.`
    if (largest > maxTopics)
      return warn(seen, 'Name topics by the job of agents, not by single entries; use subscribers for these.')
    return pass(seen)
  },

  'batches.used'({ parts }) {
    const { metrics } = parts.observability
    const single = metrics.summary('tool.called', { labels: { tool: 'push_context' } }).count
    const batches = metrics.summary('tool.called', { labels: { tool: 'batch_context_operation' } }).count
    const seen = `${single} single writes of tools and ${batches} batches since the troupe was opened. The storage groups waiting changes into one commit.`
    if (single < fewWrites || batches > 0) return pass(seen)
    return warn(seen, 'Write related entries with batch_context_operation, or context.batch(…).')
  },

  async 'mailboxes.bounded'(subject) {
    const { settings } = subject.parts.communication.mailboxes.messaging
    const boxes = await mailboxesOf(subject)
    const full = boxes.filter(({ waiting }) => waiting > nearly * settings.maxCount)
    const seen = `${counted(settings.maxCount, 'message')} at most in a mailbox, ${settings.backpressure} beyond; ${counted(boxes.length, 'mailbox')} examined, none nearly full.`
    if (full.length > 0)
      return warn(
        `Nearly full: ${listNames(full.map(({ name }) => name))}.`,
        'Start more workers, raise their concurrency, or send less.',
      )
    if (settings.backpressure === 'drop-oldest')
      return warn(seen, "Set messaging.backpressure to 'wait' or 'reject' if no message may be lost.")
    return pass(seen)
  },

  async 'letters.dead'(subject) {
    const boxes = (await mailboxesOf(subject)).filter(({ dead }) => dead > 0)
    if (boxes.length === 0) return pass(`None in the mailboxes of ${coverageOf(await subject.users())}.`)
    return warn(
      `${listNames(boxes.map(({ name, user, dead }) => `${counted(dead, 'dead letter')} in ${name} of ${user}`))}.`,
      '`troupe messages dead-letters AGENT --user USER` shows the reasons; `troupe messages redrive` delivers them again.',
    )
  },

  async 'writes.undisputed'({ parts }) {
    const { mesh } = parts.communication
    const clients = [1, 2].map(() => mesh.agent(healthUser, agent, new Access()))
    const key = `doctor.${parts.platform.ids.next()}`
    const writes = await Promise.allSettled(
      clients.map((context) => context.push(key, 'won', { ifVersion: 0, ttl: '1m', audience: 'owner' })),
    )
    const rejected = writes.flatMap((write) => (write.status === 'rejected' ? [write.reason as unknown] : []))
    await mesh.host(healthUser).delete(key)
    const odd = rejected.find((error) => !(error instanceof TroupeError && error.name === 'ConflictError'))
    if (odd) throw odd
    return rejected.length === 1
      ? pass('Two concurrent writers of a new entry: one succeeded, the other was rejected.')
      : fail(
          `Of two concurrent writers ${writes.length - rejected.length} succeeded.`,
          'Stop all writers, and report it with the output of `troupe info`.',
        )
  },

  'messages.contracts'({ parts }) {
    const { workers } = parts.work
    const types = new Map([...workers.keys()].flatMap(({ types }) => types.map((type) => [type.name, type] as const)))
    const open = [...types.values()].filter(({ schema }) => schema === undefined).map(({ name }) => name)
    const seen = `${counted(workers.size, 'worker')} in this process, ${counted(types.size, 'message type')}.`
    if (open.length === 0) return pass(seen)
    return warn(
      `${seen} Without a schema: ${listNames(open)}.`,
      'Give defineMessage a schema, which is checked at the send and at the receipt.',
    )
  },

  async 'messages.frozen'({ parts, signal }) {
    const { mailboxes } = parts.communication
    const messages = mailboxes.messages({ user: healthUser, agent, access: new Access() })
    const mailbox = mailboxes.mailbox(healthUser, agent)
    const sent = await messages.send(Probe, { n: 1 }, { to: agent, ttl: '1m', signal })
    const [delivery] = await mailbox.receive({ types: [Probe], max: 1, wait: '8s', signal })
    if (!delivery)
      return fail('A test message did not arrive.', 'Run `troupe health`: its check `messages` has details.')
    await delivery.ack()
    const changed = Reflect.set(delivery.message.payload as object, 'n', 2) || Reflect.set(sent, 'to', 'another')
    if (changed)
      return fail('A payload could be changed after its delivery.', 'Report it with the output of `troupe info`.')
    return pass('A test message was sent and received, and could not be changed.')
  },
} satisfies Partial<CheckFunctions>

const statsOf = async ({ parts, users }: SystemSubject) =>
  Promise.all((await users()).users.map((user) => parts.communication.mesh.host(user).stats()))

async function entriesOf({ parts, users }: SystemSubject) {
  const first = (await users()).users.slice(0, usersRead)
  const pages = await Promise.all(first.map((user) => parts.communication.mesh.host(user).list({ limit: entriesRead })))
  return pages.flatMap(({ items }) => items)
}

async function mailboxesOf({ parts, users }: SystemSubject) {
  const { mailboxes } = parts.communication
  const found = (await users()).users.map(async (user) => {
    const names = await mailboxes.names(user, '', mailboxesRead)
    return Promise.all(names.map(async (name) => ({ user, name, ...(await mailboxes.mailbox(user, name).counts()) })))
  })
  return (await Promise.all(found)).flat()
}
