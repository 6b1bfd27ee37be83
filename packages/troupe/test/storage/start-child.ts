/** Starts the writing process and listens to it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

export const sources = join(import.meta.dirname, '../../src')
const program = join(import.meta.dirname, 'writer-child.ts')

export interface Child {
  readonly process: ChildProcess
  readonly lines: string[]
  /** Resolves with the line. */
  line(matching: RegExp): Promise<string>
  readonly ended: Promise<number | null>
  acknowledged(): number[]
}

export interface ChildOptions {
  readonly database: string
  readonly writers?: number
  readonly changes?: number
  /** Another copy of the sources. */
  readonly from?: string
  /** A command that runs it, e.g. strace with its options. */
  readonly under?: readonly string[]
}

export function startChild(options: ChildOptions): Child {
  const { database, writers = 1, changes = Number.POSITIVE_INFINITY, from = sources, under = [] } = options
  const command = [...under, process.execPath, '--no-warnings', program, from, database, `${writers}`, `${changes}`]
  const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  const waiting = new Set<() => void>()
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() as string
    lines.push(...parts)
    for (const check of waiting) check()
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  return {
    process: child,
    lines,
    ended,
    line(matching) {
      return new Promise((resolve, reject) => {
        const check = () => {
          const found = lines.find((line) => matching.test(line))
          if (found === undefined) return
          waiting.delete(check)
          resolve(found)
        }
        waiting.add(check)
        check()
        void ended.then(() => reject(new Error(`the process ended before ${matching}: ${lines.slice(-5).join(' | ')}`)))
      })
    },
    acknowledged: () => lines.flatMap((line) => (line.startsWith('ack ') ? Number(line.slice(4)) : [])),
  }
}
