/**
 * Sales and Analytics as two processes on one database: what either shares the other sees at once. Says how long it took.
 *
 * node examples/guides/syntha/microservices/main.ts [deals]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { env } from 'node:process'
import { createInterface } from 'node:readline'
import type { Report } from './database.ts'

interface ServiceReport {
  readonly ready?: string
  readonly deal?: string
  readonly afterMs?: number
  readonly report?: Report
}

class Service {
  readonly #process: ChildProcess
  readonly reports: ServiceReport[] = []
  #changed = Promise.withResolvers<void>()

  constructor(file: string, schema: string | undefined) {
    this.#process = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, file)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...env, ...(schema ? { DATABASE_SCHEMA: schema } : {}) },
    })
    const changed = () => {
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
    }
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.reports.push(JSON.parse(line) as ServiceReport)
      changed()
    })
    this.#process.on('exit', changed)
  }

  send(what: object): void {
    this.#process.stdin?.write(`${JSON.stringify(what)}\n`)
  }

  async until(there: (reports: readonly ServiceReport[]) => boolean): Promise<void> {
    while (!there(this.reports)) {
      if (this.#process.exitCode !== null) throw new Error('a service ended before it had said all')
      await this.#changed.promise
    }
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.stdin?.end()
    await ended
  }
}

/** @returns the deals as Analytics heard of them, after how many ms each, and the last report as Sales saw it */
export async function main({ deals = 20, schema }: { readonly deals?: number; readonly schema?: string } = {}) {
  const [sales, analytics] = [new Service('sales-service.ts', schema), new Service('analytics-service.ts', schema)]
  await Promise.all([sales, analytics].map((service) => service.until((reports) => reports.some(({ ready }) => ready))))
  const hasReceived = (count: number) => (reports: readonly ServiceReport[]) =>
    reports.filter(({ deal }) => deal).length >= count
  for (let n = 1; n <= deals; n++) {
    sales.send({ id: `${n}`, amount: n })
    await analytics.until(hasReceived(n))
  }
  await sales.until((reports) => reports.some(({ report }) => report?.deals === deals))
  await Promise.all([sales.end(), analytics.end()])
  const received = analytics.reports.filter(({ deal }) => deal !== undefined)
  const after = received.map(({ afterMs }) => afterMs ?? 0).sort((a, b) => a - b)
  const at = (share: number) => after[Math.min(after.length - 1, Math.floor(share * after.length))] as number
  return {
    received: received.map(({ deal }) => deal),
    report: sales.reports.findLast(({ report }) => report)?.report,
    p50: at(0.5),
    p99: at(0.99),
  }
}

if (import.meta.main) {
  const { received, report, p50, p99 } = await main({ deals: Number(process.argv[2] ?? 20) })
  console.log(`${received.length} deals heard of, p50 ${p50} ms, p99 ${p99} ms; the last report:`, report)
}
