/** The option `memory` of an LlmAgent. */
import { checkOptions, failure, show } from '../../core/index.ts'
import { checkInteger } from '../../resilience/index.ts'

export interface CompactionOptions {
  /** The size of the thread in tokens above which older messages are summarised. At least 256. */
  readonly at: number
  /** The tokens of the newest messages that are not summarised: half of `at` by default, at least 128 less than `at`. */
  readonly retain?: number
  /** `model`, the default, uses the agent's model. `rules` keeps the first question and the newest lines, without a model. */
  readonly by?: 'model' | 'rules'
}

export interface MemoryOptions {
  /** The tokens of the newest messages that are sent; the other messages stay stored and are mentioned. */
  readonly maxTokens?: number
  /** Summarises older turns; the summarised messages stay stored. Cannot be combined with `maxTokens`. */
  readonly compaction?: CompactionOptions
  /**
   * The highest number of tokens of one tool result in the thread, at least 128; the model reads the rest with the tool
   * `read_result`. A quarter of `compaction.at` by default, and no limit without compaction.
   */
  readonly maxResultTokens?: number
  /** Facts that every prompt contains. */
  readonly pinned?: readonly string[]
  /** The number of omitted exchanges that are shown again because they are most similar to the input: 3 by default. */
  readonly retrieval?: true | { readonly limit?: number }
  /** Working memory of a thread, which the agent changes with its tool `remember`: seven items by default. */
  readonly working?: true | { readonly capacity?: number }
  /** Episodes of earlier work for this user, in all threads: 100 by default; the 3 most similar are shown. */
  readonly episodic?: true | { readonly maxEpisodes?: number; readonly limit?: number }
  /**
   * Facts that the user states, in all threads: extracted by the agent's model in one additional call beside the first call of a
   * step. 200 by default; the 10 most similar to the input are shown. An offline model finds none.
   */
  readonly facts?: true | { readonly maxFacts?: number; readonly limit?: number }
  /** The prefix of context entries that are shown, at most twenty; `remember` can add entries. */
  readonly shared?: string
}

const memoryOptionNames = [
  'maxTokens',
  'compaction',
  'maxResultTokens',
  'pinned',
  'retrieval',
  'working',
  'episodic',
  'facts',
  'shared',
]

/** A smaller limit would leave little space besides the note that names the tool. */
const minResultTokens = 128

/** Undefined if results are not shortened. */
export const maxResultTokensOf = ({ maxResultTokens, compaction }: MemoryOptions): number | undefined =>
  maxResultTokens ?? (compaction && Math.max(minResultTokens, Math.floor(compaction.at / 4)))

export function checkMemory(memory: MemoryOptions): void {
  checkOptions('memory', memory, memoryOptionNames)
  const wrong = (option: string, problem: string) => failure('validation.failed', { what: `memory.${option}`, problem })
  const { maxTokens, compaction, maxResultTokens, pinned, retrieval, working, episodic, facts, shared } = memory
  if (maxTokens !== undefined) checkInteger('memory', 'maxTokens', maxTokens)
  if (maxResultTokens !== undefined && checkInteger('memory', 'maxResultTokens', maxResultTokens) < minResultTokens)
    throw wrong('maxResultTokens', `it is ${maxResultTokens} tokens, less than ${minResultTokens}`)
  if (compaction !== undefined && maxTokens !== undefined)
    throw wrong('compaction', 'it summarises what maxTokens would leave out: name one of the two')
  if (compaction !== undefined) checkCompaction(compaction)
  if (pinned !== undefined && !(Array.isArray(pinned) && pinned.every((fact) => typeof fact === 'string')))
    throw wrong('pinned', 'it is not a list of texts')
  if (shared !== undefined && (typeof shared !== 'string' || shared === ''))
    throw wrong('shared', 'it is not the beginning of a key')
  const counted = {
    retrieval: ['limit'],
    working: ['capacity'],
    episodic: ['maxEpisodes', 'limit'],
    facts: ['maxFacts', 'limit'],
  }
  for (const [option, value] of Object.entries({ retrieval, working, episodic, facts })) {
    if (value === undefined || value === true) continue
    if (typeof value !== 'object' || value === null) throw wrong(option, 'it is neither true nor an object')
    checkOptions(`memory.${option}`, value, counted[option as keyof typeof counted])
    for (const [limitName, number] of Object.entries(value)) checkInteger(`memory.${option}`, limitName, number)
  }
  if (retrieval !== undefined && maxTokens === undefined)
    throw wrong('retrieval', 'it shows what maxTokens leaves out, and that is missing')
}

/** The tokens for a summary and for the messages until the next one. */
const minFreeTokens = 128

function checkCompaction(compaction: CompactionOptions): void {
  const what = 'memory.compaction'
  checkOptions(what, compaction, ['at', 'retain', 'by'])
  const { at, retain, by } = compaction
  const wrong = (option: string, problem: string) =>
    failure('validation.failed', { what: `${what}.${option}`, problem })
  checkInteger(what, 'at', at)
  if (at < minFreeTokens * 2) throw wrong('at', `it is ${at} tokens, less than ${minFreeTokens * 2}: no summary fits`)
  if (retain !== undefined) checkInteger(what, 'retain', retain)
  if (retain !== undefined && at - retain < minFreeTokens)
    throw wrong(
      'retain',
      `it must be at least ${minFreeTokens} tokens less than at: a summary and new messages need them`,
    )
  if (by !== undefined && by !== 'model' && by !== 'rules')
    throw failure('validation.failed', { what: `${what}.by`, problem: `it is ${show(by)}, not model or rules` })
}
