/** Bad arguments for every public function: each is rejected with a coded error, at once, and nothing else happens. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { Program } from './program.ts'

const child = join(import.meta.dirname, 'fuzz/fuzz-child.ts')
/** A process that sends nothing for so long is blocked by a call. */
const silentMs = 30_000
const maxProcesses = 20

interface FuzzOptions {
  /** The number of calls with random changes. */
  readonly calls: number
  /** The share of the calls with one changed value, as its denominator; 1 makes all, about 150,000. */
  readonly share: number
  readonly seed: string
  /** A regular expression: of the functions, those whose names match. */
  readonly only?: string
}
interface FuzzResult {
  readonly calls: number
  readonly targets: number
  readonly problems: readonly string[]
}
interface Message {
  readonly at?: number
  readonly target?: string
  readonly change?: string
  readonly found?: { readonly kind: string; readonly target: string; readonly change: string; readonly error: string }
  readonly over?: true
  readonly made?: number
  readonly targets?: number
}

/** A process at a time, and the next call in another one where it was blocked or ended. */
export async function fuzz({ calls, share, seed, only = '.' }: FuzzOptions): Promise<FuzzResult> {
  const found = new Map<string, { count: number; readonly example: string }>()
  const note = (problem: string, example: string) => {
    const before = found.get(problem)
    if (before) before.count++
    else found.set(problem, { count: 1, example })
  }
  let [from, targets, made] = [0, 0, 0]
  let isOver = false
  for (let n = 0; n < maxProcesses && !isOver; n++) {
    const end = await runChild([`${calls}`, `${share}`, seed, only, `${from}`], note)
    isOver = end.over
    made += end.made
    from = end.at + 1
    targets = Math.max(targets, end.targets)
  }
  const problems = [...found].map(([problem, { count, example }]) => `${problem}, ${count} times, e.g. ${example}`)
  if (!isOver) problems.push(`${maxProcesses} processes ended before all calls were made`)
  return { calls: made, targets, problems }
}

function runChild(parameters: readonly string[], note: (problem: string, example: string) => void) {
  return new Promise<{ at: number; made: number; targets: number; over: boolean }>((resolve) => {
    const forked = fork(child, parameters, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--max-old-space-size=1500'],
    })
    let last: Message = { at: Number(parameters.at(-1)) }
    let made = 0
    let over: Message | undefined
    let blocked = false
    let errors = ''
    const kill = () => {
      blocked = true
      forked.kill('SIGKILL')
    }
    let timer = setTimeout(kill, silentMs)
    forked.stderr?.on('data', (text: Buffer) => {
      errors = `${errors}${text}`.slice(-600)
    })
    forked.on('message', (message: Message) => {
      clearTimeout(timer)
      timer = setTimeout(kill, silentMs)
      if (message.at !== undefined) {
        last = message
        made++
      }
      if (message.over) over = message
      const { found } = message
      if (found) note(`${found.kind}: ${found.target}: ${found.error.replaceAll(/\d+/g, 'N')}`, found.change)
    })
    forked.on('close', (code) => {
      clearTimeout(timer)
      const call = `${last.target}(${last.change})`
      if (blocked) note(`blocked the process: ${last.target}`, call)
      else if (!over) note(`ended the process with ${code}: ${last.target}: ${errors}`, call)
      resolve({ at: last.at ?? 0, made, targets: over?.targets ?? 0, over: over !== undefined })
    })
  })
}

export const program: Program = {
  name: 'fuzz',
  promise: 'Every public function rejects a wrong argument with a coded error, and blocks or ends nothing.',
  async run({ scale, seed, report }) {
    const { calls, targets, problems } = await fuzz({
      calls: 500 * scale,
      share: Math.max(1, Math.round(60 / scale)),
      seed,
    })
    report(`${calls} calls of ${targets} functions`)
    return problems
  },
}
