/** The option `memory` of an LlmAgent. */
import { checkOptionNames, checkOptions, invalidInput, isListOf, isText, show } from '../../core/index.ts'
import { defaultContextWindow, type ModelSpec, type Models } from '../../models/index.ts'
import { checkInteger } from '../../resilience/index.ts'

/** The request to a function that summarises. */
export interface SummaryRequest {
  /** The name of the agent whose thread it is. */
  readonly agent: string
  /** The messages in their order; the first is the summary before, if there is one. */
  readonly messages: readonly {
    /** The name of an agent, or `user` for the input of an agent. */
    readonly from: string
    /** The text of the message. */
    readonly text: string
  }[]
  /** The highest number of tokens of the summary; a longer one is cut. */
  readonly maxTokens: number
}
/** Returns the summary that replaces the messages in prompts. If it throws, the step fails. */
export type Summarise = (request: SummaryRequest) => string | Promise<string>

/** Says when and how older messages of a thread are summarised. */
export interface CompactionOptions {
  /**
   * The size of the thread above which older messages are summarised: up to 1 a share of the context window of the agent's
   * model, else a number of tokens, at least 256. 0.8 by default. `contextWindows` of `createTroupe` names windows.
   */
  readonly at?: number
  /**
   * The newest turns that are not summarised, as far as they have no more than half the tokens of `at`. A turn is one answer of
   * the model, with the messages before it and its tool results. As many as fit by default.
   */
  readonly retainTurns?: number
  /**
   * `model`, the default, uses the agent's model. `rules` takes the first question and the newest lines, without a model. A
   * function returns the summary; its result is recorded.
   */
  readonly by?: 'model' | 'rules' | Summarise
}

/** The memory of an LlmAgent, and how much of its thread the model reads. */
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
  readonly retrieval?:
    | true
    | {
        /** The number of omitted exchanges that are shown; 3 by default. */
        readonly limit?: number
      }
  /** Working memory of a thread, which the agent changes with its tool `remember`: seven items by default. */
  readonly working?:
    | true
    | {
        /** The number of items; 7 by default. The least important item is removed first. */
        readonly capacity?: number
      }
  /** Episodes of earlier work for this user, in all threads: 100 by default; the 3 most similar are shown. */
  readonly episodic?:
    | true
    | {
        /** The number of stored episodes; 100 by default. The oldest is removed first. */
        readonly maxEpisodes?: number
        /** The number of episodes that are shown; 3 by default. */
        readonly limit?: number
      }
  /**
   * Stores the facts that the user states, for all threads: the agent's model extracts them in one additional call beside the
   * first call of a step, and a fact that contradicts a stored one replaces it. 200 by default; the 10 most similar to the input
   * are shown. An offline model finds none.
   */
  readonly consolidate?:
    | boolean
    | {
        /** The number of stored facts; 200 by default. The oldest is removed first. */
        readonly maxFacts?: number
        /** The number of facts that are shown; 10 by default. */
        readonly limit?: number
      }
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
  'consolidate',
  'shared',
] as const

/** The tokens for a summary and for the messages until the next one. */
const minFreeTokens = 128

/** A smaller limit would leave little space besides the note that names the tool. */
const minResultTokens = 128

const defaultShare = 0.8

/** The parts of an agent's definition from which the sizes of its thread follow. */
interface ThreadOwner {
  readonly memory: MemoryOptions
  readonly chain: readonly ModelSpec[]
}
type Windows = Pick<Models, 'nameOf' | 'defaultChain' | 'contextWindowOf'>

/** Returns the size in tokens above which the thread is compacted; undefined without compaction. */
export function compactionTokens({ memory, chain }: ThreadOwner, models: Windows): number | undefined {
  if (!memory.compaction) return undefined
  const { at = defaultShare } = memory.compaction
  if (at > 1) return at
  const model = chain[0] ?? models.defaultChain()[0]
  const window = (model ? models.contextWindowOf?.(models.nameOf(model)) : undefined) ?? defaultContextWindow
  return Math.max(minFreeTokens * 2, Math.floor(at * window))
}

/** Returns undefined if results are not shortened. */
export function maxResultTokensOf(owner: ThreadOwner, models: Windows): number | undefined {
  const { maxResultTokens } = owner.memory
  if (maxResultTokens !== undefined) return maxResultTokens
  const at = compactionTokens(owner, models)
  return at === undefined ? undefined : Math.max(minResultTokens, Math.floor(at / 4))
}

export function checkMemory(memory: MemoryOptions): void {
  checkOptions('memory', memory, memoryOptionNames)
  const wrong = (option: string, problem: string) => invalidInput(`memory.${option}`, problem)
  const { maxTokens, compaction, maxResultTokens, pinned, retrieval, working, episodic, consolidate, shared } = memory
  if (maxTokens !== undefined) checkInteger('memory', 'maxTokens', maxTokens)
  if (maxResultTokens !== undefined && checkInteger('memory', 'maxResultTokens', maxResultTokens) < minResultTokens)
    throw wrong('maxResultTokens', `it is ${maxResultTokens} tokens, less than ${minResultTokens}`)
  if (compaction !== undefined && maxTokens !== undefined)
    throw wrong('compaction', 'it summarises what maxTokens would leave out: name one of the two')
  if (compaction !== undefined) checkCompaction(compaction)
  if (pinned !== undefined && !isListOf(pinned, isText)) throw wrong('pinned', 'it must be a list of texts')
  if (shared !== undefined && (typeof shared !== 'string' || shared === ''))
    throw wrong('shared', 'it is not the beginning of a key')
  const counted = {
    retrieval: ['limit'],
    working: ['capacity'],
    episodic: ['maxEpisodes', 'limit'],
    consolidate: ['maxFacts', 'limit'],
  }
  for (const [option, value] of Object.entries({ retrieval, working, episodic, consolidate })) {
    if (value === undefined || value === true || (option === 'consolidate' && value === false)) continue
    if (typeof value !== 'object' || value === null) throw wrong(option, 'it must be true or an object')
    checkOptionNames(`memory.${option}`, value, counted[option as keyof typeof counted])
    for (const [limitName, number] of Object.entries(value)) checkInteger(`memory.${option}`, limitName, number)
  }
  if (retrieval !== undefined && maxTokens === undefined)
    throw wrong('retrieval', 'it shows what maxTokens leaves out, and that is missing')
}

const isShare = (at: unknown): boolean => typeof at === 'number' && at > 0 && at <= 1

function checkCompaction(compaction: CompactionOptions): void {
  const what = 'memory.compaction'
  checkOptions(what, compaction, ['at', 'retainTurns', 'by'])
  const { at, retainTurns, by } = compaction
  const wrong = (option: string, problem: string) => invalidInput(`${what}.${option}`, problem)
  if (at !== undefined && !isShare(at)) {
    checkInteger(what, 'at', at)
    if (at < minFreeTokens * 2) throw wrong('at', `it is ${at} tokens, less than ${minFreeTokens * 2}: no summary fits`)
  }
  if (retainTurns !== undefined) checkInteger(what, 'retainTurns', retainTurns)
  if (by !== undefined && by !== 'model' && by !== 'rules' && typeof by !== 'function')
    throw wrong('by', `it is ${show(by)}, not model, rules or a function`)
}
