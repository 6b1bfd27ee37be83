/** Lives of a process under load, each told to end at a random moment; in the end everything promised happened, once. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Config } from '../../src/index.ts'

const program = join(import.meta.dirname, 'drain-child.ts')

export interface DrainTrial {
  readonly storage: string | Config.PostgresOptions
  readonly ledger: string
  readonly drains: number
  /** In [0, 1). */
  readonly random: () => number
}

export interface DrainVerdict {
  readonly problems: readonly string[]
  readonly acknowledged: number
  readonly effects: number
  readonly slowestMs: number
}

export async function runDrains({ storage, ledger, drains, random }: DrainTrial): Promise<DrainVerdict> {
  const acknowledged = new Set<string>()
  const problems: string[] = []
  let slowestMs = 0
  const live = async (incarnation: string, endAfterMs?: number) => {
    const child = spawn(process.execPath, ['--no-warnings', program, JSON.stringify(storage), ledger, incarnation], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let signaledAt = 0
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const before = out
      out += text
      if (endAfterMs === undefined || before.includes('ready') || !out.includes('ready')) return
      void pause(endAfterMs).then(() => {
        signaledAt = performance.now()
        child.kill(random() < 0.5 ? 'SIGTERM' : 'SIGINT')
      })
    })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    const stuck = setTimeout(() => child.kill('SIGKILL'), 90_000)
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.once('close', (status, by) => resolve([status, by])),
    )
    clearTimeout(stuck)
    if (code !== 0) problems.push(`life ${incarnation} ended with ${code ?? signal}: ${errors.slice(-500)}`)
    if (signaledAt > 0) slowestMs = Math.max(slowestMs, performance.now() - signaledAt)
    for (const line of out.split('\n')) {
      if (line.startsWith('ack ')) acknowledged.add(line.slice(4))
      if (line.startsWith('problem: ')) problems.push(line)
    }
    return out
  }
  for (let n = 0; n < drains; n++) await live(String(n), random() * 400)
  const last = await live('last')
  if (!last.includes('over')) problems.push('the last life did not come to its end')
  const lines = existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').filter(Boolean) : []
  return {
    problems: [...problems, ...judge(acknowledged, lines)],
    acknowledged: acknowledged.size,
    effects: lines.length,
    slowestMs,
  }
}

function judge(acknowledged: ReadonlySet<string>, lines: readonly string[]): readonly string[] {
  const times = new Map<string, number>()
  for (const line of lines) times.set(line, (times.get(line) ?? 0) + 1)
  const doubled = [...times].flatMap(([line, count]) => (count > 1 ? [`${line} happened ${count} times`] : []))
  const lost = [...acknowledged].flatMap((key) =>
    (key.startsWith('m') ? ['first', 'second'] : ['a', 'b', 'c']).flatMap((stage) =>
      times.has(`${key}/${stage}`) ? [] : [`${key}/${stage} was promised and did not happen`],
    ),
  )
  return [...doubled, ...lost]
}
