/**
 * Redacts the journal of a run. The redacted inputs are decided again, so that the redacted journal replays without a
 * difference, as the original does.
 */
import { canonicalJson, failure, type Json } from '../../core/index.ts'
import type { RunRecord } from '../engine/store/run-record.ts'
import type { Event, Input, Pinned } from '../machine/machine-events.ts'
import { createState, type State } from '../machine/state.ts'
import { transition } from '../machine/transition.ts'

/** `secrets`: text that looks like a credential; `content`: all text of agents, people and tools. */
export type Redaction = 'secrets' | 'content' | 'nothing'

const patterns = [
  /\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}/g,
  /\b(?:ghp|gho|ghs|ghu|github_pat|glpat|xox[abprs])[-_][A-Za-z0-9_-]{10,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\bAIza[0-9A-Za-z_-]{30,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----BEGIN )[\s\S])*?-----END [A-Z ]*PRIVATE KEY-----/g,
  /(?<=\b[Bb]earer )[A-Za-z0-9._~+/-]{12,}=*/g,
  /(?<=\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/]{1,200}:)[^\s@/]{1,200}(?=@)/g,
]
/** The names of fields whose values are secrets, whatever their form. */
const secretFields =
  /^(?:password|passwd|secret|token|api[-_]?key|authorization|cookie|private[-_]?key|client[-_]?secret)$/i
const gone = '[redacted]'

export type RedactText = (text: string) => string

/** @param known removes the known secrets from a text */
const withoutSecrets =
  (known: RedactText): RedactText =>
  (text) =>
    patterns.reduce((left, pattern) => left.replaceAll(pattern, gone), known(text))

const withoutContent: RedactText = (text) => (text === '' ? text : `[text of ${text.length}]`)

/** The fields of an input that hold content, not ids or names. */
const contents = ['task', 'outcome', 'error', 'payload', 'value', 'question', 'detail', 'input']
/** The fields that the machine interprets, which are not redacted. */
const unredacted = new Set(['kind', 'agent', 'code', 'name', 'tool', 'retryable', 'hash'])
const words = new Set(['retry', 'skip', 'abort'])

/** @throws ValidationError `export.unredactable` if a decision of the run depends on a redacted value */
export function redact(
  run: string,
  records: readonly RunRecord[],
  how: Exclude<Redaction, 'nothing'>,
  known: RedactText,
): { readonly records: readonly RunRecord[]; readonly state: State } {
  const state = createState()
  const start = records[0]?.input
  // The messages of a thread are content, and no decision depends on them.
  const { history: _, ...pinned } = start?.type === 'start' ? start.pinned : ({} as Partial<Pinned>)
  const fixed = textsOf(pinned as Json)
  const plain = how === 'content' ? withoutContent : withoutSecrets(known)
  const change: RedactText = (text) => (fixed.has(text) || words.has(text) ? text : plain(text))
  const redacted = records.map(({ input, events, first }): RunRecord => {
    const redacted = changed(input, change)
    const recomputed = transition(state, redacted).events.map((event) => JSON.parse(JSON.stringify(event)) as Event)
    if (shape(recomputed) !== shape(events)) throw failure('export.unredactable', { run, seq: first })
    return { input: redacted, events: recomputed, first }
  })
  return { records: redacted, state }
}

/** Returns the texts that conditions compare with, and the names of agents. */
function textsOf(value: Json, into = new Set<string>()): Set<string> {
  if (typeof value === 'string') into.add(value)
  else if (value !== null && typeof value === 'object')
    for (const one of Object.values(value)) textsOf(one as Json, into)
  return into
}

function changed(input: Input, change: RedactText): Input {
  const redacted = Object.fromEntries(
    Object.entries(input).map(([key, value]) => [key, contents.includes(key) ? mapped(value as Json, change) : value]),
  ) as Input
  if (redacted.type !== 'start' || !redacted.pinned.history) return redacted
  const { lines, ...history } = redacted.pinned.history
  const shown = lines.map(({ from, text }) => ({ from, text: change(text) }))
  return { ...redacted, pinned: { ...redacted.pinned, history: { ...history, lines: shown } } }
}

export function mapped(value: Json, change: RedactText): Json {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((one) => mapped(one as Json, change))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      if (secretFields.test(key) && typeof one === 'string') return [key, gone]
      return [key, unredacted.has(key) && typeof one === 'string' ? one : mapped(one as Json, change)]
    }),
  )
}

/** Returns the type and the subject of an event, without its content. */
const shape = (events: readonly Event[]): string =>
  canonicalJson(
    events.map((event) => {
      const { type, branch, step, joinId, question, node, agent, name } = event as {
        readonly [key: string]: Json
      } & Event
      return [type, branch ?? 0, step ?? 0, joinId ?? 0, question ?? 0, node ?? 0, agent ?? 0, name ?? 0] as Json
    }) as Json,
  )
