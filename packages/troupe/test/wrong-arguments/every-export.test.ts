/** Every export of every entry point rejects wrong arguments with an error of the catalogue. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const child = join(import.meta.dirname, 'wrong-arguments-child.ts')
/** A process that sends nothing for so long is blocked by a call. */
const silentMs = 30_000

export interface Report {
  readonly targets: number
  /** Exported classes of which the suite has no object. */
  readonly missing: readonly string[]
  readonly counts: Readonly<Record<'accepted' | 'rejected' | 'failed' | 'open', number>>
  /** ms of processor time of a rejection. */
  readonly median: number
  readonly withinMs: number
  readonly slowest: readonly { readonly call: string; readonly ms: number }[]
}
interface Message {
  readonly at?: string
  readonly finding?: { readonly problem: string; readonly call: string; readonly error: string }
  readonly over?: Report
}

it('Every function, constructor and method of every entry point rejects wrong arguments with an error of the catalogue.', async () => {
  const { findings, report } = await callEverything()
  expect(findings).toEqual([])
  expect(report?.missing, 'classes of which test/wrong-arguments/class-objects.ts makes no object').toEqual([])
  expect(report?.targets).toBeGreaterThan(500)
  expect(report?.counts.rejected).toBeGreaterThan(20_000)
  if (report) console.info(textOf(report))
})

function callEverything() {
  return new Promise<{ readonly findings: readonly string[]; readonly report: Report | undefined }>((resolve) => {
    const forked = fork(child, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    const findings = new Set<string>()
    let [at, errors] = ['', '']
    let report: Report | undefined
    const kill = () => {
      findings.add(`blocked the process: ${at}`)
      forked.kill('SIGKILL')
    }
    let timer = setTimeout(kill, silentMs)
    forked.stderr?.on('data', (text: Buffer) => {
      errors = `${errors}${text}`.slice(-600)
    })
    forked.on('message', (message: Message) => {
      clearTimeout(timer)
      timer = setTimeout(kill, silentMs)
      at = message.at ?? at
      report = message.over ?? report
      const { finding } = message
      if (finding) findings.add(`${finding.problem}: ${finding.call}: ${finding.error}`)
    })
    forked.on('close', (code) => {
      clearTimeout(timer)
      if (!report) findings.add(`ended with ${code} at ${at}: ${errors}`)
      resolve({ findings: [...findings], report })
    })
  })
}

const textOf = ({ targets, counts, median, withinMs, slowest }: Report): string =>
  [
    `${targets} functions: ${Object.entries(counts)
      .map(([outcome, count]) => `${count} calls ${outcome}`)
      .join(', ')}`,
    `processor time of a rejection: median ${median.toFixed(3)} ms, ${withinMs} of ${counts.rejected} within 1 ms`,
    ...slowest.map(({ call, ms }) => `  ${ms.toFixed(2)} ms  ${call}`),
  ].join('\n')
