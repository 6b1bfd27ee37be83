/** A run as it goes: its branches and the agents at work in them, folded from its events. */
import { oneLine } from './safe.ts'
import { truncated } from './width.ts'

export interface TreeEvent {
  readonly seq: number
  readonly type: string
  readonly at: number
  readonly path?: readonly string[]
  readonly branch?: string
  readonly agent?: string
  readonly step?: string
  /** The child run that waits, and the one that has ended. */
  readonly child?: string
  readonly run?: string
  readonly usage?: { readonly inputTokens?: number; readonly outputTokens?: number; readonly cost?: number }
  readonly question?: unknown
  readonly error?: { readonly message?: string }
  readonly guardrail?: string
  readonly direction?: string
  readonly action?: keyof typeof actions
}

interface Line {
  readonly agent: string
  readonly depth: number
  readonly began: number
  state: 'working' | 'waiting' | 'done' | 'failed'
  ended?: number
  problem?: string
}

const signs = { working: '◐', waiting: '…', done: '✔', failed: '✖' } as const

export class RunTree {
  readonly #lines = new Map<string, Line>()
  /** The usage so far of each step or child run. */
  readonly #used = new Map<string, { readonly tokens: number; readonly cost: number }>()
  #last = 0

  /** @returns the line for this event if the terminal cannot redraw; undefined if it needs none */
  add(event: TreeEvent): string | undefined {
    this.#last = event.at
    const { type, step = '', agent = '', usage } = event
    if (usage) {
      const tokens = (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0)
      this.#used.set(event.child ?? event.run ?? step, { tokens, cost: usage.cost ?? 0 })
    }
    if (type === 'step.started') {
      this.#lines.set(step, {
        agent,
        depth: Math.max(0, (event.path?.length ?? 1) - 1),
        began: event.at,
        state: 'working',
      })
      return `${agent} begins`
    }
    const line = this.#lines.get(step)
    if (line && type === 'step.completed') return this.#end(line, 'done', event)
    if (line && type === 'step.failed') return this.#end(line, 'failed', event)
    if (line && type === 'step.waiting') {
      line.state = 'waiting'
      return `${agent} waits`
    }
    if (line && type === 'guardrail.tripped') return trippedText(event)
    // A step that was in memory while it waited is not resumed: its answer is delivered.
    if (line && (type === 'step.resumed' || type === 'answer.delivered')) line.state = 'working'
    return undefined
  }

  #end(line: Line, state: 'done' | 'failed', { at, error }: TreeEvent): string {
    line.state = state
    line.ended = at
    if (error?.message !== undefined) line.problem = error.message
    return `${line.agent} ${state === 'done' ? 'is done' : `failed: ${oneLine(error?.message ?? '')}`}, after ${seconds(at - line.began)}`
  }

  /**
   * @param maxLines the highest number of lines; older ones are omitted
   * @param sinceMs the time since the last event, which is added to the durations of working steps
   */
  draw(width: number, maxLines: number, sinceMs = 0): readonly string[] {
    const lines = [...this.#lines.values()]
    const done = lines.filter(({ state }) => state === 'done').length
    const shown = lines.slice(-maxLines)
    const used = [...this.#used.values()]
    const tokens = used.reduce((sum, each) => sum + each.tokens, 0)
    const cost = used.reduce((sum, each) => sum + each.cost, 0)
    return [
      ...(shown.length < lines.length ? [`  ${lines.length - shown.length} earlier steps`] : []),
      ...shown.map(({ agent, depth, state, began, ended, problem }) =>
        truncated(
          `${'  '.repeat(Math.min(depth, 10))}${signs[state]} ${oneLine(agent)}  ${seconds((ended ?? this.#last + (state === 'working' ? sinceMs : 0)) - began)}${problem ? `  ${oneLine(problem)}` : ''}`,
          width - 1,
        ),
      ),
      truncated(
        `${done} of ${lines.length} steps done, ${tokens.toLocaleString('en')} tokens, $${cost.toFixed(4)}`,
        width - 1,
      ),
    ]
  }
}

const seconds = (ms: number) => `${(Math.max(0, ms) / 1_000).toFixed(1)} s`

const actions = { redact: 'redacted', ask: 'asks a person about', stop: 'stopped' } as const

const trippedText = ({ agent = '', guardrail = '', direction = '', action = 'stop' }: TreeEvent): string =>
  oneLine(`the guardrail ${guardrail} ${actions[action]} the ${direction} of ${agent}`)
