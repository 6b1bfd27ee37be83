/** The option `memory` of an LlmAgent. */
import { checkOptions, failure, show } from '../../core/index.ts'
import { checkInteger } from '../../resilience/index.ts'

export interface CompactionOptions {
  /** Once the conversation has more tokens than this, the older messages are summarised. At least 256. */
  readonly at: number
  /** So many tokens of the newest messages stay as they are; half of `at` by default, and at least 128 less than `at`. */
  readonly retain?: number
  /** `model`, the agent's own, by default; `rules` takes what was asked first and the newest lines, and calls no model. */
  readonly by?: 'model' | 'rules'
}

export interface MemoryOptions {
  /** Of the conversation, the newest so many tokens are sent; the rest stays stored and is pointed to. */
  readonly maxTokens?: number
  /** Older turns become a summary; what was said stays stored. In place of `maxTokens`. */
  readonly compaction?: CompactionOptions
  /**
   * So many tokens of one result of a tool stand in the conversation, at least 128; the model reads the rest with the tool
   * `read_result`. A quarter of `compaction.at` by default, and no limit without compaction.
   */
  readonly maxResultTokens?: number
  /** Facts that stand in every prompt. */
  readonly pinned?: readonly string[]
  /** Of what `maxTokens` leaves out, the exchanges most like the input are shown again: 3 by default. */
  readonly retrieval?: true | { readonly limit?: number }
  /** What it has in mind in a conversation, kept by its own tool `remember`: seven things by default. */
  readonly working?: true | { readonly capacity?: number }
  /** What it did for this user, in every conversation: 100 by default, of which the 3 most alike are shown. */
  readonly episodic?: true | { readonly maxEpisodes?: number; readonly limit?: number }
  /**
   * What the user states, in every conversation: extracted by the agent's model beside its first call of a step, which is
   * one more call. 200 by default, of which the 10 most like the input are shown. An offline model finds none.
   */
  readonly facts?: true | { readonly maxFacts?: number; readonly limit?: number }
  /** Entries of the shared context whose keys begin so are shown, twenty at most; `remember` can add to them. */
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

/** Less would hold little besides the note that names the tool. */
const minResultTokens = 128

/** Undefined where results stay as they are. */
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

/** Tokens for a summary and for the messages until the next one. */
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
