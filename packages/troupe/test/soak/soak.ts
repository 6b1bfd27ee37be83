/** A soak: processes that are killed one after another over one file, the last of which ends, and what came of it. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Plan, tallyOf } from './soak-plan.ts'

const program = join(import.meta.dirname, 'soak-child.ts')

export interface Progress {
  readonly incarnation: number
  /** Messages whose effect stands. */
  readonly count: number
  readonly handled: number
  readonly failed: number
  readonly effects: number
  /** Bytes after a collection. */
  readonly heap: number
  readonly rss: number
  readonly ms: number
}
interface End {
  readonly over: true
  readonly dead: number
  readonly tallies: Readonly<Record<string, unknown>>
}

export interface SoakOptions extends Plan {
  /** Processes that are killed, each after a share of the first half. */
  readonly kills: number
  readonly report?: (progress: Progress) => void
}

export interface SoakResult {
  /** What is wrong: lost, doubled, dead. */
  readonly problems: readonly string[]
  readonly progress: readonly Progress[]
  readonly databaseBytes: number
}

export async function soak({ kills, report, ...plan }: SoakOptions): Promise<SoakResult> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-soak-'))
  const database = join(folder, 'troupe.db')
  const progress: Progress[] = []
  try {
    let end: End | undefined
    for (let incarnation = 0; end === undefined && incarnation <= kills; incarnation++) {
      const until = incarnation < kills ? (plan.messages / 2 / kills) * (incarnation + 1) : Number.POSITIVE_INFINITY
      end = await live(database, plan, (found) => {
        progress.push({ incarnation, ...found })
        report?.({ incarnation, ...found })
        return found.count >= until
      })
    }
    return { problems: judge(plan, end), progress, databaseBytes: statSync(database).size }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param enough after which the process is killed */
function live(
  database: string,
  plan: Plan,
  enough: (progress: Omit<Progress, 'incarnation'>) => boolean,
): Promise<End | undefined> {
  const child = spawn(process.execPath, ['--expose-gc', '--no-warnings', program, database, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    let end: End | undefined
    let killed = false
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      const lines = (rest + part).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const found = JSON.parse(line) as End | Omit<Progress, 'incarnation'>
        if ('over' in found) end = found
        else if (!killed && enough(found)) killed = child.kill('SIGKILL')
      }
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (end || killed) resolve(end)
      else reject(new Error(`a life ended with ${code}, and said nothing`))
    })
  })
}

function judge(plan: Plan, end: End | undefined): readonly string[] {
  if (!end) return ['it did not end']
  const problems = end.dead > 0 ? [`${end.dead} dead letters`] : []
  for (let i = 0; i < plan.workers; i++) {
    const [expected, found] = [tallyOf(i, plan), end.tallies[`tally.W${i}`]]
    if (JSON.stringify(found) !== JSON.stringify(expected))
      problems.push(`W${i} has ${JSON.stringify(found)} where ${JSON.stringify(expected)} was sent`)
  }
  return problems
}
