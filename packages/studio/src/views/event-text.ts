/** An event in a few words, beside its type, agent and step. Its JSON is shown when it is opened. */
import type { RunEvent } from '../api/shapes.ts'
import { count, inShort, lasting, when } from '../format.ts'
import { visible } from '../visible.ts'
import { plainOf } from './step-calls.ts'

type Fields = { readonly [name: string]: unknown }

const maxLength = 160
const short = (value: unknown): string => (value === undefined || value === null ? '' : inShort(value, maxLength))
const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
const errorText = (error: unknown): string => short(fieldsOf(error).message)
const words = (...texts: readonly string[]): string => texts.filter(Boolean).join(' ')
const numbered = (name: string, value: unknown): string => (typeof value === 'number' ? `${name} ${count(value)}` : '')
const withValue = (value: unknown): string => (value === undefined ? '' : `with ${quoted(value)}`)
const quoted = (value: unknown): string => (value === undefined ? '' : `“${short(value)}”`)
const agentsOf = (slots: unknown): string =>
  Array.isArray(slots) ? slots.map((slot) => short(fieldsOf(slot).agent)).join(', ') : ''
const repeated = (attempt: unknown): string => (Number(attempt) > 1 ? numbered('attempt', attempt) : '')

/** Why a step or a run waits. */
const waits: Readonly<Record<string, string>> = {
  parked: 'until an answer, a reply or a child run comes',
  question: 'for an answer',
  uncertain: 'because the outcome of an effect is unknown',
  'code.changed': 'because its code no longer fits its journal',
  breakpoint: 'at a breakpoint',
  paused: 'until it is resumed',
}
const waitText = ({ reason }: Fields): string => waits[String(reason)] ?? short(reason)
const byText = ({ by }: Fields): string => words(by === undefined ? '' : 'by', short(by))
const failureText = ({ error }: Fields): string => errorText(error)
const outcomeText = ({ as, value }: Fields): string =>
  words({ arrived: 'at a join', split: 'in further branches' }[String(as)] ?? '', withValue(value))

const texts: Readonly<Record<string, (event: Fields) => string>> = {
  'run.started': ({ task }) => quoted(task),
  'run.completed': ({ value }) => quoted(value),
  'run.failed': failureText,
  'run.cancelled': byText,
  'run.cancel-requested': ({ cancellation }) => errorText(fieldsOf(cancellation).error),
  'run.retried': ({ attempt, error }) => words(numbered('attempt', attempt), 'after:', errorText(error)),
  'run.paused': (event) => (event.breakpoint === undefined ? byText(event) : 'at a breakpoint'),
  'run.resumed': byText,
  'run.waiting': waitText,
  'run.claimed': ({ gap }) => `after ${lasting(Number(gap))} without a process`,
  'branch.started': ({ from, input }) => words(from === undefined ? '' : `from ${short(from)}`, withValue(input)),
  'branch.moved': ({ attempt, node, input }) => words(`to ${short(node)}`, repeated(attempt), withValue(input)),
  'branch.completed': outcomeText,
  'branch.failed': failureText,
  'branch.cancelled': failureText,
  'branch.cancel-requested': ({ cancellation }) => errorText(fieldsOf(cancellation).error),
  'group.failed': failureText,
  'step.started': ({ branch, attempt }) => [`in branch ${short(branch)}`, repeated(attempt)].filter(Boolean).join(', '),
  'step.completed': ({ outcome }) => withValue(plainOf(outcome)),
  'step.failed': failureText,
  'step.waiting': waitText,
  'step.cancel-requested': ({ cancellation }) => errorText(fieldsOf(cancellation).error),
  'join.opened': ({ slots }) => words('for', agentsOf(slots)),
  'join.arrived': ({ result }) => words(short(fieldsOf(result).agent), quoted(fieldsOf(result).value)),
  'join.completed': ({ arrived, missing }) => `${count(Number(arrived))} arrived, ${count(Number(missing))} did not`,
  'question.asked': ({ ask }) => quoted(fieldsOf(ask).text),
  'question.answered': (event) => words(quoted(event.value), byText(event)),
  'timer.set': ({ name, due }) => words(short(name), `until ${when(Number(due))}`),
  'request.made': ({ fromAgent, message }) => words(short(message), 'from', short(fromAgent)),
  'guard.tripped': ({ guard }) => {
    const { name, used, limit } = fieldsOf(guard)
    return words(short(name), typeof used === 'number' ? `at ${count(used)} of ${count(Number(limit))}` : '')
  },
}

/** The fields that each event has, or that its row shows already. */
const shownByRow: ReadonlySet<string> = new Set([
  ...['seq', 'type', 'at', 'run', 'user', 'trace', 'path', 'agent', 'step', 'branch', 'node', 'usage', 'taint'],
])

/** The names and values of an event that has no text of its own. */
const detailsText = (event: Fields): string =>
  Object.entries(event)
    .filter(([name]) => !shownByRow.has(name))
    .map(([name, value]) => `${name} ${short(value)}`)
    .join(', ')

export const eventText = (event: RunEvent): string => {
  const fields = event as unknown as Fields
  return visible((texts[event.type] ?? detailsText)(fields))
}
